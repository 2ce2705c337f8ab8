"""The sections of the report, in the order in which a reader asks: `(results) -> Section`, or None.

Knows the order alone. What is said is in `chapters`, warnings are in `alerts`. To add a section, write a function
in a module of its own and put it into the list: a section that has nothing to say of these data returns None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from analysis.chapters import (
    answers,
    convincing,
    differences,
    method,
    mixed_model,
    persons,
    robustness,
    telling_apart,
    turning,
)
from analysis.results import Results
from analysis.section import Figure, Number, Section, Table

__all__ = ["LIVE", "SECTIONS", "Figure", "Number", "Section", "Table", "sections"]

Writer = Callable[[Results], Section | None]

SECTIONS: tuple[Writer, ...] = (
    answers.judged_real,
    differences.over_times,
    differences.published_levels,
    method.who_took_part,
    method.methods,
    answers.source_means,
    answers.all_cells,
    turning.thresholds_of_sources,
    differences.at_each_time,
    differences.distance_to_real,
    telling_apart.sensitivity,
    telling_apart.reaction_times,
    convincing.most_and_least,
    persons.each_person,
    persons.influence,
    persons.time_on_task,
    robustness.other_choices,
    robustness.kinds_of_bars,
    mixed_model.mixed_model,
    robustness.study_by_study,
    method.timing_quality,
    method.software,
)

# What the researcher's page shows while answers come in: cheap enough to be made again with each of them.
LIVE: tuple[Writer, ...] = (answers.judged_real, differences.over_times, method.who_took_part)


def sections(
    results: Results, writers: Iterable[Writer] = SECTIONS, said: Callable[[str], None] = lambda _: None
) -> list[Section]:
    """All sections that have something to say; `said` is told the name of each before it is written."""
    found = []
    for writer in writers:
        said(writer.__name__.replace("_", " "))
        section = writer(results)
        if section is not None:
            found.append(section)
    return found
