"""What a reader must know before believing the figure: thin cells, dominant people, late pictures, robots.

Knows thresholds and says a sentence for each that is crossed. Every check is a function from the results
to sentences, listed in CHECKS in the order of the report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analysis.columns import listed
from analysis.intervals import RULES
from analysis.responses import Selection
from analysis.results import Results
from analysis.timing import mistimed_share
from analysis.wording import count, counted, exposure, label, percent

FEW_PEOPLE = 5
FEW_TRIALS = 30
DOMINANT_PERSON = 0.15
DOMINANT_IMAGE = 0.05
IMAGE_CELL_TRIALS = 100  # in smaller cells a handful of trials is 5 % already, and says nothing
MISTIMED = 0.05
MISSED_CATCH = 0.25
LARGE_DESIGN_EFFECT = 10
NAMED = 4  # so many cells or people are named, the others counted
USUAL = ("practice trial", "catch trial")  # left out of every report: no news


def simulated_people(selection: Selection) -> list[str]:
    n, of = selection.n_simulated, len(selection.rows)
    if n == 0:
        return []
    share = "All" if n == of else f"{count(n)} of {count(of)}"
    return [
        f"{share} answers come from simulated people: this is a rehearsal, not evidence about any picture."
    ]


def rows_left_out(selection: Selection) -> list[str]:
    reasons = selection.exclusions
    unusual = reasons[(reasons["n_rows"] > 0) & ~reasons["reason"].isin(USUAL)]
    if unusual.empty:
        return []
    why = listed(f"{count(row.n_rows)} ({row.reason})" for row in unusual.itertuples())
    return [f"Rows left out besides practice and catch trials: {why}, of {count(selection.n_rows)}."]


def declared_rules_left_aside(selection: Selection) -> list[str]:
    if selection.as_declared or not selection.beforehand:
        return []
    n = counted(len(selection.beforehand), "rule")
    return [
        f"{n} that the study declared before its data {'is' if len(selection.beforehand) == 1 else 'are'} not applied "
        "here: this is another analysis than the one that was declared."
    ]


def small_cells(results: Results) -> list[str]:
    cells = results.cells
    small = cells[(cells["n_people"] < FEW_PEOPLE) | (cells["n_trials"] < FEW_TRIALS)]
    if small.empty:
        return []
    which = some(
        f"{cell_name(row)} ({counted(row.n_people, 'person', 'people')}, {counted(row.n_trials, 'trial')})"
        for row in small.itertuples()
    )
    return [
        f"{count(len(small))} of {count(len(cells))} points rest on fewer than {FEW_PEOPLE} people or "
        f"{FEW_TRIALS} trials: {which}. Their bars are rough."
    ]


def missing_cells(results: Results) -> list[str]:
    cells = results.tables.cells
    missing = cells[results.tables.n_trials == 0]
    if missing.empty:
        return []
    which = some(cell_name(row) for row in missing.itertuples())
    return [
        f"No answers at all for {which}. Means over times of these sources are over fewer times than others."
    ]


def stand_in_rules(results: Results) -> list[str]:
    """Points whose bar does not come from the two-way variance, by the rule that stands in for it."""
    found = []
    for name, cells in results.cells.groupby("rule"):
        if name != "two-way":
            which = some(cell_name(row) for row in cells.itertuples())
            found.append(
                f"Bars by another rule ({RULES[name].method}), for {RULES[name].holds_for}: {which}."
            )
    return found


def dominant_people(results: Results) -> list[str]:
    people = results.people[results.people["share"] > DOMINANT_PERSON]
    if people.empty:
        return []
    if len(people) == len(results.people):
        few = counted(len(people), "person", "people")
        return [f"Only {few} took part, each with more than {percent(DOMINANT_PERSON)} of the trials."]
    which = some(f"{row.participant} ({percent(row.share)})" for row in people.itertuples())
    return [f"Some people gave more than {percent(DOMINANT_PERSON)} of all trials: {which}."]


def dominant_images(results: Results) -> list[str]:
    n = results.tables.n_trials
    share = np.divide(
        results.tables.image_n.max(axis=0), n, out=np.zeros(len(n)), where=n >= IMAGE_CELL_TRIALS
    )
    cells = results.tables.cells[share > DOMINANT_IMAGE]
    if cells.empty:
        return []
    which = some(cell_name(row) for row in cells.itertuples())
    return [
        f"A single image makes up more than {percent(DOMINANT_IMAGE)} of the trials of {which}: use more images."
    ]


def missed_catch_trials(results: Results) -> list[str]:
    """People who took for photos what nobody does who looks; every catch source is plainly generated."""
    catch = results.selection.catch
    people = catch.groupby("participant", observed=True)["judged_real"].agg(n_missed="sum", n_asked="size")
    # One may be a slip of the finger.
    missed = people[(people["n_missed"] > MISSED_CATCH * people["n_asked"]) & (people["n_missed"] > 1)]
    if missed.empty:
        return []
    which = some(f"{row.Index} ({row.n_missed} of {row.n_asked})" for row in missed.itertuples())
    return [
        f"Some people called more than {percent(MISSED_CATCH)} of their catch trials real, as those do who do not "
        f"look: {which}. Their other answers are in the figure."
    ]


def mistimed_trials(results: Results) -> list[str]:
    found = []
    unknown = float(results.rows["timing_ok"].isna().mean())
    if unknown > MISTIMED:
        found.append(
            f"For {percent(unknown)} of the trials nobody knows whether the picture was shown on time."
        )
    late = mistimed_share(results.rows)
    if late > MISTIMED:
        found.append(
            f"{percent(late)} of the trials were shown for another time than planned (flagged, kept)."
        )
    return found


def large_design_effects(results: Results) -> list[str]:
    found = [
        (row.design_effect, name(row))
        for table, name in ((results.means, mean_name), (results.cells, cell_name))
        for row in table[table["design_effect"] > LARGE_DESIGN_EFFECT].itertuples()
    ]
    if not found:
        return []
    which = some(f"{name} ({effect:.0f})" for effect, name in found)
    return [
        f"Design effects above {LARGE_DESIGN_EFFECT}: {which}. So many times is the variance larger than that of "
        "independent answers: more people or images help there, more answers of the same ones hardly do."
    ]


def several_studies(results: Results) -> list[str]:
    if len(results.studies) < 2:
        return []
    return [
        f"{count(len(results.studies))} studies are read as one: {listed(name for name, _ in results.studies)}."
    ]


CHECKS: tuple[Callable[[Results], list[str]], ...] = (
    lambda results: simulated_people(results.selection),
    several_studies,
    lambda results: declared_rules_left_aside(results.selection),
    missing_cells,
    small_cells,
    stand_in_rules,
    large_design_effects,
    dominant_people,
    dominant_images,
    mistimed_trials,
    missed_catch_trials,
    lambda results: rows_left_out(results.selection),
)


def alerts(results: Results) -> list[str]:
    """A sentence for each thing that a reader must know first; none if all is well."""
    return [sentence for check in CHECKS for sentence in check(results)]


def cell_name(row: Any) -> str:
    return f"{label(row.source)} at {exposure(row.exposure_ms)}"


def mean_name(row: Any) -> str:
    return f"the mean of {label(row.source)}"


def some(names: Any) -> str:
    """The first few names, and how many more there are."""
    names = list(names)
    if len(names) <= NAMED + 1:
        return listed(names)
    return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
