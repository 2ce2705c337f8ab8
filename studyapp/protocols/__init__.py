"""Protocols: rules for which trials come next. Plain Python; a new one is a module and a line here.

A protocol is a module with `next_trials(settings, history, rng) -> list[Trial]`, and `IS_TIMED`: whether pictures
leave after an exposure, or stay until the answer.
"""

from types import ModuleType

from studyapp.protocols import timed_yes_no, untimed_yes_no
from studyapp.protocols.trial import DesignError, Outcome, Settings, Trial

PROTOCOLS: dict[str, ModuleType] = {
    "timed-yes-no": timed_yes_no,
    "untimed-yes-no": untimed_yes_no,
}

__all__ = ["PROTOCOLS", "DesignError", "Outcome", "Settings", "Trial"]
