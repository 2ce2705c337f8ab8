"""The rules by which studies said before their data whom they would leave out: read from study.json, and applied.

The site judges sittings by the same rules (`studyapp/exclusions.py` for the limits, `studyapp/quality.py` for the
shares). Neither imports the other: a rule is changed in both places, and `tests/analysis/test_study_rules.py` holds
their decisions together. Rules chosen for a report are in `rules`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.columns import listed
from analysis.rules import flagged

FILE_NAME = "study.json"
FASTEST_MS = 150

Version = tuple[str, str]  # a study's name and its version


class StudyRulesError(ValueError):
    """A study.json does not say what it should: which file, what was expected, what came."""


class Kind(NamedTuple):
    """When sittings are left out.

    words: with the percent in them. share: by sitting, 0 to 1, missing where there is nothing to count, from the rows
    of sittings but for practice and the number of planned test trials. is_least: below the percent instead of above it.
    """

    words: str
    share: Callable[[pd.DataFrame, int], pd.Series]
    is_least: bool = False


def share_of(claims: np.ndarray | pd.Series, rows: pd.DataFrame) -> pd.Series:
    """By sitting, the share of rows for which a claim is true."""
    by_sitting = pd.Series(np.asarray(claims, dtype=bool), index=rows.index).groupby(
        rows["sitting"], observed=True
    )
    return by_sitting.sum() / by_sitting.size()


def answers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["status"] == "answered").to_numpy(bool)]


def answered(rows: pd.DataFrame, n_planned: int) -> pd.Series:
    """A repeat stands in for a trial that was lost; more repeats than lost trials count nothing."""
    is_answered = (rows["status"] == "answered").to_numpy(bool)
    is_repeat = (rows["kind"] == "repeat").to_numpy(bool)
    claims = {
        "first": is_answered & ~is_repeat,
        "again": is_answered & is_repeat,
        "lost": ~is_answered & ~is_repeat,
    }
    n = pd.DataFrame(claims, index=rows.index).groupby(rows["sitting"], observed=True).sum()
    share = (n["first"] + np.minimum(n["again"], n["lost"])) / n_planned
    return share.clip(upper=1.0)


def catch_missed(rows: pd.DataFrame, _: int) -> pd.Series:
    catch = answers(rows[(rows["kind"] == "catch").to_numpy(bool)])
    return share_of(flagged(catch["judged_real"], True), catch)


def too_fast(rows: pd.DataFrame, _: int) -> pd.Series:
    some = answers(rows)
    shown_ms = some["exposure_ms"].fillna(0)  # without a time limit the answer is counted from the picture
    return share_of(shown_ms + some["reaction_ms"] < FASTEST_MS, some)


def same_answer(rows: pd.DataFrame, _: int) -> pd.Series:
    some = answers(rows)
    is_real = flagged(some["judged_real"], True)
    return np.maximum(share_of(is_real, some), share_of(~is_real, some))


def mistimed(rows: pd.DataFrame, _: int) -> pd.Series:
    measured = rows[rows["timing_ok"].notna().to_numpy(bool)]
    return share_of(flagged(measured["timing_ok"], False), measured)


def lost_focus(rows: pd.DataFrame, _: int) -> pd.Series:
    some = answers(rows)
    return share_of(flagged(some["lost_focus"], True), some)


# Names and sentences are those of `studyapp/exclusions.py`.
KINDS: dict[str, Kind] = {
    "answered": Kind(
        "fewer than {percent} % of the planned test trials were answered", answered, is_least=True
    ),
    "catch_missed": Kind("more than {percent} % of the catch trials were called real", catch_missed),
    "too_fast": Kind(
        "more than {percent} % of the answers came less than 150 ms after the picture", too_fast
    ),
    "same_answer": Kind("more than {percent} % of the answers were the same", same_answer),
    "mistimed": Kind(
        "more than {percent} % of the measured test trials were shown for a wrong time", mistimed
    ),
    "lost_focus": Kind("more than {percent} % of the test trials were answered out of focus", lost_focus),
}


@dataclass(frozen=True)
class StudyRule:
    """A rule with its percent, and the studies that declared it.

    n_planned: test trials of a sitting, by study. of: their names, where other studies are read that did not.
    """

    name: str
    percent: float
    n_planned: tuple[tuple[Version, int], ...]
    of: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What is so in a sitting that is left out."""
        whose = f" ({listed(self.of)})" if self.of else ""
        return KINDS[self.name].words.format(percent=f"{self.percent:g}") + whose

    @property
    def reason(self) -> str:
        return f"sitting in which {self.words}"

    def fits(self, rows: pd.DataFrame) -> np.ndarray:
        """Flags for all rows of the sittings that are left out."""
        kind, fits = KINDS[self.name], np.zeros(len(rows), dtype=bool)
        is_test = (rows["kind"] != "practice").to_numpy(bool)
        for (study, version), n_planned in self.n_planned:
            own = ((rows["study"] == study) & (rows["study_version"] == version)).to_numpy(bool)
            share = kind.share(rows[own & is_test], n_planned).reindex(list(rows["sitting"][own].unique()))
            # Who was shown nothing of the test has answered nothing of it.
            broken = (100 * share.fillna(0) < self.percent) if kind.is_least else (100 * share > self.percent)
            fits |= own & rows["sitting"].isin(share.index[broken.to_numpy(bool)]).to_numpy(bool)
        return fits


def study_rules(files: Sequence[Path], versions: Sequence[Version]) -> tuple[StudyRule, ...]:
    """What each study declared for its own sittings, in the order of KINDS; files: their responses.

    A study.json that is missing, or that knows of no rules, declares none. Raises StudyRulesError for one that cannot
    be read, that is of another study, or that has a rule that is not known here.
    """
    declared: dict[tuple[str, float], list[tuple[Version, int]]] = {}
    for file, version in zip(files, versions, strict=True):
        for name, percent, n_planned in declared_in(file, version):
            declared.setdefault((name, percent), []).append((version, n_planned))
    order = list(KINDS)
    return tuple(
        StudyRule(name, percent, tuple(by), () if len(by) == len(versions) else tuple(v[0] for v, _ in by))
        for (name, percent), by in sorted(declared.items(), key=lambda each: order.index(each[0][0]))
    )


def declared_in(responses: Path, version: Version) -> list[tuple[str, float, int]]:
    """Name, percent and planned test trials of each rule that the study.json beside a file of responses has."""
    file = study_json(responses)
    if file is None:
        return []
    told = told_in(file)
    definition = told.get("definition") or {}
    rules = definition.get("exclusions") or {}
    if not rules:
        return []
    found = (str(told.get("study")), str(told.get("version")))
    if found != version:
        raise StudyRulesError(
            f"{file}: expected study {version[0]}, version {version[1][:12]}, as in {responses.name}, found "
            f"{found[0]}, version {found[1][:12]}; keep each export in a folder of its own"
        )
    n_main, n_catch = definition.get("n_trials"), definition.get("catch_trials", 0)
    if not (isinstance(n_main, int) and isinstance(n_catch, int) and n_main > 0 and n_catch >= 0):
        raise StudyRulesError(
            f"{file}: expected the numbers n_trials and catch_trials of a design, found {n_main!r} and "
            f"{n_catch!r}; export the study again"
        )
    for name, percent in rules.items():
        if name not in KINDS:
            raise StudyRulesError(
                f"{file}: expected rules among {', '.join(KINDS)}, found {name!r}; make the report with the version "
                f"of Tachisto that made the export ({told.get('code_version', 'not known')})"
            )
        if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
            raise StudyRulesError(
                f"{file}: expected a percent of 0 to 100 for {name}, found {percent!r}; export the study again"
            )
    return [(name, float(percent), n_main + n_catch) for name, percent in rules.items()]


def study_json(responses: Path) -> Path | None:
    """The file that describes the study of these responses: beside them, or where a Psych-DS folder has it."""
    places = (responses.parent / FILE_NAME, responses.parent.parent / "documentation" / FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def told_in(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        definition = (told.get("definition") or {}) if isinstance(told, dict) else None
        if isinstance(definition, dict) and isinstance(definition.get("exclusions") or {}, dict):
            return told
        reason = "something else"
    except ValueError as error:
        reason = str(error)
    raise StudyRulesError(
        f"{file}: expected the description of a study that an export writes, found {reason}; "
        "export the study again"
    )
