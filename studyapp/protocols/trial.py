"""The words all protocols share: the settings of a sitting, a trial as data, and what became of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

REAL = "real"


class DesignError(ValueError):
    """The settings of a study do not fit together; the message says what was expected and what came.

    field: of the study, where one alone has to change.
    """

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class Settings:
    """What a protocol needs to know of a study, checked when built.

    source_weights: source name -> positive share of the trials; exposures_ms: distinct durations, 10..10,000 ms, none
    where pictures stay until the answer (not is_timed); repeat_share: most repeats of spoilt trials, as a share of
    n_trials; catch_sources: sources whose truth is obvious, for the catch_trials alone.
    """

    source_weights: dict[str, float]
    exposures_ms: tuple[int, ...]
    n_trials: int
    practice_trials: int = 0
    repeat_share: float = 0.1
    catch_trials: int = 0
    catch_sources: tuple[str, ...] = ()
    is_timed: bool = True

    def __post_init__(self) -> None:
        if REAL not in self.source_weights:
            raise DesignError(
                f"expected a source named {REAL!r} among the sources, got {sorted(self.source_weights)}"
            )
        for name, weight in self.source_weights.items():
            if not 0 < weight < float("inf"):
                raise DesignError(f"source {name}: expected a positive weight, got {weight}")
        if self.is_timed and not self.exposures_ms:
            raise DesignError(
                "expected a list of at least one exposure in milliseconds, got none", "exposures_ms"
            )
        if self.exposures_ms and not self.is_timed:
            raise DesignError(
                "expected no exposures with an untimed protocol, whose pictures stay until the answer, got "
                f"{', '.join(map(str, self.exposures_ms))}: leave them empty, or choose a timed protocol",
                "exposures_ms",
            )
        for exposure_ms in self.exposures_ms:
            if (
                not isinstance(exposure_ms, int)
                or isinstance(exposure_ms, bool)
                or not 10 <= exposure_ms <= 10_000
            ):
                raise DesignError(
                    f"expected exposures of 10 to 10000 whole milliseconds, got {exposure_ms!r}"
                )
        if len(set(self.exposures_ms)) != len(self.exposures_ms):
            raise DesignError(f"expected each exposure once, got {list(self.exposures_ms)}")
        if not 1 <= self.n_trials <= 5_000:
            raise DesignError(f"expected 1 to 5000 trials a sitting, got {self.n_trials}")
        if not 0 <= self.practice_trials <= 100:
            raise DesignError(f"expected 0 to 100 practice trials, got {self.practice_trials}")
        if not 0 <= self.repeat_share <= 1:
            raise DesignError(f"expected repeats of 0 to 1 of the trials, got {self.repeat_share}")
        if not 0 <= self.catch_trials <= self.n_trials:
            raise DesignError(
                f"expected 0 to {self.n_trials} catch trials (no more than trials), got {self.catch_trials}"
            )
        if self.catch_trials and not self.catch_sources:
            raise DesignError(
                f"expected a source for the {self.catch_trials} catch trials, such as plain noise, got none: mark "
                "one as used in catch trials only"
            )
        if self.catch_sources and not self.catch_trials:
            raise DesignError(
                f"expected catch trials, since {', '.join(self.catch_sources)} serves in them only, got 0"
            )

    @property
    def exposures(self) -> tuple[int | None, ...]:
        """What trials are balanced over, in ms; None: until the answer."""
        return self.exposures_ms or (None,)


class Trial(NamedTuple):
    """What is asked: one source for each picture, how long it shows, and the part (practice, main, catch, repeat).

    exposure_ms: None where pictures stay until the answer.
    """

    sources: tuple[str, ...]
    exposure_ms: int | None
    kind: str = "main"


class Outcome(NamedTuple):
    """A planned trial and what became of it.

    status: answered, timed_out, interrupted, or None while it is open; answer: real, generated or None;
    is_mistimed: its browser says that its times were not as planned.
    """

    trial: Trial
    status: str | None = None
    answer: str | None = None
    is_mistimed: bool = False

    @property
    def is_lost(self) -> bool:
        return self.status == "interrupted"

    @property
    def is_spoilt(self) -> bool:
        """Whether another trial may stand in for it; what was answered has no say in this."""
        return self.is_lost or self.is_mistimed


def counted(history: Sequence[Outcome]) -> list[Outcome]:
    """The answered trials of the test that count: none of practice, none of catch, and no spoilt one with a stand-in.

    Within a cell (sources and exposure) the n-th answered repeat stands in for the n-th spoilt trial, as the report
    has it (`analysis/responses.py`).
    """
    tested = [outcome for outcome in history if outcome.trial.kind in ("main", "repeat")]
    answered = [outcome for outcome in tested if outcome.status == "answered"]
    stand_ins = Counter(outcome.trial for outcome in answered if outcome.trial.kind == "repeat")
    kept = []
    for outcome in tested:
        stand_in = outcome.trial._replace(kind="repeat")
        if outcome.is_spoilt and stand_ins[stand_in]:
            stand_ins[stand_in] -= 1
        elif outcome.status == "answered":
            kept.append(outcome)
    return kept
