"""From checked rows to the tables that the whole report is made from.

Knows which tables the report is made from. The statistics are in `intervals` and in a module a question, the words in
`chapters`, what results.json holds in `quoted`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import contrasts, intervals, timing
from analysis.counts import Codes, CountTables, coded
from analysis.intervals import Covariance
from analysis.plan import Plan
from analysis.provenance import Provenance
from analysis.responses import Selection
from analysis.studies import studies_of


@dataclass(frozen=True)
class Results:
    """Everything the report says, as tables.

    codes: the analysed trials as numbers; cov: the covariance of all cells. cells and means: see `intervals`.
    steps: neighbours in the order of the means, highest first: see `steps_between`.
    people: one row a participant, columns participant, n_trials, share. timing: see
    `timing.timing_by_exposure`. folders: where exports lie, with stimuli.csv if there is one; pictures: where
    image sets lie.
    """

    selection: Selection
    codes: Codes
    tables: CountTables
    cov: Covariance
    cells: pd.DataFrame
    means: pd.DataFrame
    steps: pd.DataFrame
    people: pd.DataFrame
    timing: pd.DataFrame
    provenance: Provenance
    plan: Plan
    folders: tuple[Path, ...] = ()
    pictures: Path | None = None

    @property
    def rows(self) -> pd.DataFrame:
        return self.selection.rows

    @property
    def is_simulated(self) -> bool:
        """Whether any of the analysed answers came from simulated people."""
        return self.selection.n_simulated > 0

    @property
    def who(self) -> tuple[str, str]:
        """Who answered, one and many: people, simulated people, or some of each."""
        if not self.is_simulated:
            return "person", "people"
        if self.selection.n_simulated == len(self.rows):
            return "simulated person", "simulated people"
        return "person", "people, some of them simulated,"

    @cached_property
    def studies(self) -> list[tuple[str, str]]:
        """Name and version of each study with analysed rows, in the order read."""
        return studies_of(self.rows)

    @property
    def study(self) -> str:
        return " + ".join(name for name, _ in self.studies)

    @property
    def study_version(self) -> str:
        return " + ".join(version for _, version in self.studies)

    @property
    def short_version(self) -> str:
        """The first letters of each version."""
        return " + ".join(version[:12] for _, version in self.studies)

    @property
    def longest(self) -> pd.DataFrame:
        """The cells at the longest exposure."""
        return self.cells[self.cells["exposure_ms"] == self.cells["exposure_ms"].max()]

    @property
    def sources(self) -> list[str]:
        """Sources in listing order."""
        return [str(name) for name in self.means["source"]]

    @cached_property
    def planned(self) -> pd.DataFrame:
        """The planned contrasts over times: see `contrasts.over_times`."""
        pairs = list(self.plan.pairs) or contrasts.planned_pairs(self.sources)
        return contrasts.over_times(self.tables, self.cov, pairs)

    @cached_property
    def mean_weights(self) -> dict[str, np.ndarray]:
        """Weights of cells of each source's mean, by source."""
        return {name: intervals.mean_weights(self.tables, self.cov, name) for name in self.sources}

    @cached_property
    def contrast_weights(self) -> dict[str, np.ndarray]:
        """Weights of cells of each planned contrast, by `higher minus lower`."""
        return {
            f"{row.higher} minus {row.lower}": contrasts.shared_cells(
                self.tables, self.cov, row.higher, row.lower
            ).mean(axis=0)
            for row in self.planned.itertuples()
        }


def analyse(
    selection: Selection,
    provenance: Provenance,
    plan: Plan | None = None,
    *,
    folders: tuple[Path, ...] = (),
    pictures: Path | None = None,
) -> Results:
    """All numbers of the report from the analysed rows. Raises ContrastError for a planned pair of unknown sources."""
    codes = coded(selection.rows)
    tables = codes.tables()
    cov = intervals.covariance(tables)
    means = intervals.source_means(tables, cov)
    people = pd.DataFrame({"participant": codes.people.astype(object), "n_trials": np.bincount(codes.person)})
    people = people.sort_values(["n_trials", "participant"], ascending=[False, True], ignore_index=True)
    plan = plan or Plan()
    unknown = [name for pair in plan.pairs for name in pair if name not in set(means["source"])]
    if unknown:
        raise contrasts.ContrastError(
            f"--contrast: expected sources of this study ({', '.join(means['source'])}), got {unknown[0]!r}"
        )
    return Results(
        selection=selection,
        codes=codes,
        tables=tables,
        cov=cov,
        cells=intervals.cells(tables, cov),
        means=means,
        steps=steps_between(means, tables, cov),
        people=people.assign(share=people["n_trials"] / people["n_trials"].sum()),
        timing=timing.timing_by_exposure(selection.rows),
        provenance=provenance,
        plan=plan,
        folders=folders,
        pictures=pictures,
    )


def steps_between(means: pd.DataFrame, tables: CountTables, cov: Covariance) -> pd.DataFrame:
    """Differences between neighbours when sources are ordered by their mean, highest first.

    Columns: higher, lower, those of `intervals.differences` (each interval by itself), p_holm (of no difference, for
    all of them together; NaN where there is no variance).
    """
    order = means.sort_values("p", ascending=False, kind="stable")["source"].tolist()
    pairs = list(pairwise(order))
    weights = [
        intervals.mean_weights(tables, cov, higher) - intervals.mean_weights(tables, cov, lower)
        for higher, lower in pairs
    ]
    table = intervals.differences(cov, np.reshape(weights, (len(pairs), len(cov.n))))
    names = pd.DataFrame(pairs, columns=["higher", "lower"])
    return names.join(table).assign(p_holm=contrasts.holm(contrasts.two_sided_p(table)))
