"""Rules that leave trials or people out, by name, each with a limit: declared before looking, or tried all.

Knows when a rule fits a row. In which order reasons are counted is in `responses`, what happens to the
numbers under other rules in `multiverse`. No rule looks at whether an answer was right: leaving out those
who tell pictures apart badly would raise sensitivity by selection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd


class RuleError(ValueError):
    """A rule was not declared as one can be: which are known, what came."""


class Rule(NamedTuple):
    """When rows are left out.

    words: the reason, with the limit in it. limit: the usual one; None where there is nothing to choose.
    fits: flags for all rows of a file (see `responses.read`), given the limit.
    """

    words: str
    limit: float | None
    fits: Callable[[pd.DataFrame, float], np.ndarray]

    def reason(self, limit: float | None) -> str:
        return self.words.format(limit=limit)


def is_asked(rows: pd.DataFrame) -> np.ndarray:
    """Whether a row is part of the test itself: neither practice nor a catch trial."""
    return rows["kind"].isin(["main", "repeat"]).to_numpy(bool)


def flagged(column: pd.Series, value: bool) -> np.ndarray:
    """Whether a nullable flag is known to have a value."""
    return column.eq(value).fillna(False).to_numpy(bool)


def of_people(rows: pd.DataFrame, share: Callable[[pd.DataFrame], pd.Series], limit: float) -> np.ndarray:
    """Rows of those people whose share is above the limit; people without a share stay."""
    above = share(rows)
    names = above.index[above.gt(limit).fillna(False).to_numpy(bool)]
    return rows["participant"].isin(names).to_numpy(bool)


def missed_catch(rows: pd.DataFrame) -> pd.Series:
    """Share of catch trials called real, by person, of those who missed more than one: one may be a slip."""
    catch = rows[(rows["kind"] == "catch") & (rows["status"] == "answered")]
    missed = catch.groupby("participant", observed=True)["judged_real"].agg(n="sum", share="mean")
    return missed.loc[missed["n"] > 1, "share"]


def same_answer(rows: pd.DataFrame) -> pd.Series:
    """Share of the more frequent answer, by person."""
    answered = rows[is_asked(rows) & (rows["status"] == "answered").to_numpy(bool)]
    real = answered.groupby("participant", observed=True)["judged_real"].mean().astype(float)
    return np.maximum(real, 1 - real)


def not_answered(rows: pd.DataFrame) -> pd.Series:
    """Share of trials that were shown and not answered, by person."""
    asked = rows[is_asked(rows)]
    return (asked["status"] != "answered").groupby(asked["participant"], observed=True).mean()


def fewness(rows: pd.DataFrame) -> pd.Series:
    """Minus the number of answers, by person: above minus the limit for those with fewer."""
    answered = rows[is_asked(rows) & (rows["status"] == "answered").to_numpy(bool)]
    return -answered.groupby("participant", observed=True).size().astype(float)


RULES: dict[str, Rule] = {
    "fast": Rule(
        "answered in less than {limit:g} ms",
        200,
        lambda rows, limit: (rows["reaction_ms"] < limit).to_numpy(bool),
    ),
    "slow": Rule(
        "answered after more than {limit:g} ms",
        10_000,
        lambda rows, limit: (rows["reaction_ms"] > limit).to_numpy(bool),
    ),
    "mistimed": Rule("shown for a wrong time", None, lambda rows, _: flagged(rows["timing_ok"], False)),
    "unproven": Rule("not known to be on time", None, lambda rows, _: ~flagged(rows["timing_ok"], True)),
    "focus": Rule("page hidden or out of focus", None, lambda rows, _: flagged(rows["lost_focus"], True)),
    "catch": Rule(
        "person called more than {limit:.0%} of the catch trials real",
        0.25,
        lambda rows, limit: of_people(rows, missed_catch, limit),
    ),
    "one-answer": Rule(
        "person gave the same answer in more than {limit:.0%} of the trials",
        0.95,
        lambda rows, limit: of_people(rows, same_answer, limit),
    ),
    "lost": Rule(
        "person left more than {limit:.0%} of the trials unanswered",
        0.20,
        lambda rows, limit: of_people(rows, not_answered, limit),
    ),
    "few": Rule(
        "person gave fewer than {limit:g} answers",
        44,
        lambda rows, limit: of_people(rows, fewness, -limit),
    ),
}


class Declared(NamedTuple):
    """A rule of this analysis, by name, with its limit (None where the rule has none)."""

    name: str
    limit: float | None = None

    @property
    def reason(self) -> str:
        return RULES[self.name].reason(self.limit)

    def fits(self, rows: pd.DataFrame) -> np.ndarray:
        return RULES[self.name].fits(rows, 0.0 if self.limit is None else self.limit)


def declared(text: str) -> Declared:
    """A rule as it is given on the command line: `fast`, or with another limit `fast=150`.

    Raises RuleError for an unknown name, or a limit that is no number or where there is none to choose.
    """
    name, _, limit = text.partition("=")
    if name not in RULES:
        raise RuleError(f"--exclude: expected one of {', '.join(RULES)}, got {name!r}")
    usual = RULES[name].limit
    if not limit:
        return Declared(name, usual)
    if usual is None:
        raise RuleError(
            f"--exclude: the rule {name} has no limit to choose, got {text!r}; give its name alone"
        )
    try:
        chosen = float(limit)
    except ValueError:
        chosen = float("nan")
    top = 1.0 if usual < 1 else float("inf")
    if not 0 <= chosen <= top:
        kind = "a share in 0..1" if usual < 1 else "a number of at least 0"
        raise RuleError(f"--exclude: expected {kind} after {name}=, got {limit!r}")
    return Declared(name, chosen)
