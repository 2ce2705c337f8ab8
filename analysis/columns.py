"""The columns of `responses.csv`: what each may hold, in words for people and as a check.

Knows the export's contract, column by column. Leaves files, rows and whatever two columns say about each
other to `responses`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import pandas as pd

A_DAY_MS = 86_400_000


def listed(words: Iterable[object], joint: str = "and") -> str:
    """Words as a sentence lists them: `a, b and c`; nothing for none."""
    *most, last = [str(word) for word in words] or [""]
    return f"{', '.join(most)} {joint} {last}" if most else last


class Kind(Protocol):
    """What a column may hold. Judges distinct values, so that a million rows cost a few checks.

    `is_bad` and `converted` take a series of text and return one result for each value.
    """

    @property
    def expected(self) -> str: ...

    def is_bad(self, values: pd.Series) -> np.ndarray: ...

    def converted(self, values: pd.Series) -> pd.Series: ...


@dataclass(frozen=True)
class Text:
    """A name or an id: stays text, so that 007 stays 007."""

    may_be_empty: bool = False
    expected: str = "a name or id without spaces around it"

    def is_bad(self, values: pd.Series) -> np.ndarray:
        bad = (values != values.str.strip()).to_numpy(bool)
        return bad if self.may_be_empty else bad | (values == "").to_numpy(bool)

    def converted(self, values: pd.Series) -> pd.Series:
        return values


@dataclass(frozen=True)
class Choice:
    """One of a few words; the empty word stands for an empty field."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return listed([word or "an empty field" for word in self.words], "or")

    def is_bad(self, values: pd.Series) -> np.ndarray:
        return ~values.isin(self.words).to_numpy(bool)

    def converted(self, values: pd.Series) -> pd.Series:
        return values


@dataclass(frozen=True)
class Flag:
    """1 or 0; empty where nobody could know, if that is allowed."""

    may_be_empty: bool = False

    @property
    def expected(self) -> str:
        return "1, 0 or an empty field" if self.may_be_empty else "1 or 0"

    def is_bad(self, values: pd.Series) -> np.ndarray:
        return ~values.isin(["1", "0", ""] if self.may_be_empty else ["1", "0"]).to_numpy(bool)

    def converted(self, values: pd.Series) -> pd.Series:
        return values.map({"1": True, "0": False}).astype("boolean")


@dataclass(frozen=True)
class Number:
    """A finite number with a unit, in a range; empty where nothing was measured, if that is allowed."""

    low: float
    high: float
    unit: str
    may_be_empty: bool = False
    is_whole: bool = False

    @property
    def expected(self) -> str:
        number = "a whole number" if self.is_whole else "a number"
        end = " or an empty field" if self.may_be_empty else ""
        return f"{number} of {self.unit} in {self.low:g}..{self.high:.0f}{end}"

    def is_bad(self, values: pd.Series) -> np.ndarray:
        number = self.converted(values)
        bad = ~number.between(self.low, self.high).to_numpy(bool)
        if self.is_whole:
            bad |= (number % 1 != 0).to_numpy(bool)
        return bad & (values != "").to_numpy(bool) if self.may_be_empty else bad

    def converted(self, values: pd.Series) -> pd.Series:
        return pd.to_numeric(values, errors="coerce").astype(float)


@dataclass(frozen=True)
class Moment:
    """A time in UTC, ISO 8601; empty for a trial that was never shown."""

    expected: str = "a time in UTC such as 2026-11-20T10:30:00.125Z"

    def is_bad(self, values: pd.Series) -> np.ndarray:
        looks_right = values.str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|\+00:00)")
        is_moment = looks_right.to_numpy(bool) & self.converted(values).notna().to_numpy(bool)
        return ~is_moment & (values != "").to_numpy(bool)

    def converted(self, values: pd.Series) -> pd.Series:
        return pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True)


EXPOSURE = Number(1, 600_000, "milliseconds")
COLUMNS: dict[str, Kind] = {
    "study": Text(),
    "study_version": Text(),
    "participant": Text(),
    "sitting": Text(),
    "trial": Text(),
    "ordinal": Number(0, 10_000_000, "trials", is_whole=True),
    "kind": Choice(("practice", "main", "catch", "repeat")),
    "protocol": Text(),
    "source": Text(),
    "image": Text(),
    "exposure_ms": replace(EXPOSURE, may_be_empty=True),  # of a picture that stays until the answer
    "planned_frames": Number(1, 1_000_000, "screen refreshes", may_be_empty=True, is_whole=True),
    "measured_ms": Number(0, A_DAY_MS, "milliseconds", may_be_empty=True),
    "measured_frames": Number(0, 100_000_000, "screen refreshes", may_be_empty=True),
    "frame_ms": Number(0.5, 1_000, "milliseconds", may_be_empty=True),
    "timing_ok": Flag(may_be_empty=True),
    "timing_witness": Text(may_be_empty=True),
    "response": Choice(("real", "generated", "")),
    "judged_real": Flag(may_be_empty=True),
    "reaction_ms": Number(0, A_DAY_MS, "milliseconds", may_be_empty=True),
    "lost_focus": Flag(may_be_empty=True),
    "status": Choice(("answered", "timed_out", "interrupted")),
    "is_simulated": Flag(),
    "shown_utc": Moment(),
}
