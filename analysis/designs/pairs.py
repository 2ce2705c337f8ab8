"""Pairs: a real and a generated picture side by side, and the question which is the real one.

Knows the share of pairs in which the generated picture was taken for the real one, by source and, where there
are several, by presentation time; 50 % means that they cannot be told apart. There is no preference for one
answer to correct for, as with yes and no.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from analysis import intervals
from analysis.columns import EXPOSURE, Flag, Kind, Text
from analysis.counts import count_tables
from analysis.designs.dots import dots, dots_inches
from analysis.designs.told import Told, limits
from analysis.responses import REAL, ResponsesError
from analysis.section import Figure, Section, Table
from analysis.wording import NBSP, count, label, percent

NEEDED: dict[str, Kind] = {name: Text() for name in ("participant", "image", "source")} | {
    "chose_generated": Flag()
}
OPTIONAL: dict[str, Kind] = {"exposure_ms": EXPOSURE}
ESTIMAND = (
    "share of pairs in which the generated picture is taken for the real one, for new people and new images"
)


def fooled(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shares of pairs that fool, by source and time, and by source.

    rows: columns participant, image (the generated one), source, exposure_ms, chose_generated.
    """
    tables = count_tables(rows.rename(columns={"chose_generated": "judged_real"}))
    cov = intervals.covariance(tables)
    return intervals.cells(tables, cov), intervals.source_means(tables, cov)


def told(rows: pd.DataFrame, rng: np.random.Generator, where: str) -> Told:
    if (rows["source"] == REAL).any():
        raise ResponsesError(
            f"{where}, column source: expected the source of the generated picture of each pair, found {REAL}"
        )
    has_times = "exposure_ms" in rows
    cells, means = fooled(rows if has_times else rows.assign(exposure_ms=1.0))
    sentences = [
        f"{label(row.source)} pictures were taken for the real one of the pair in {percent(row.p)} "
        f"(95{NBSP}% interval {limits(row)})" + (", averaged over times." if has_times else ".")
        for row in means.itertuples()
    ]
    caption = (
        f"Percent of pairs in which the generated picture was taken for the real one, with 95{NBSP}% intervals for new "
        "people and new generated images (two-way cluster variance, logit scale). At 50 % they cannot be told apart."
    )
    shown = means.assign(value=means["p"])
    figure = Figure(
        "figure1", partial(dots, table=shown, reference=0.5, axis="generated taken for real (%)"),
        dots_inches(len(shown)), " ".join(sentences), caption,
    )  # fmt: skip
    listed = cells if has_times else means
    head = ["source", *(["ms"] if has_times else []), "pairs", "people", "images", "%", "95 % interval"]
    body = [
        [
            label(row.source), *([f"{row.exposure_ms:g}"] if has_times else []), count(row.n_trials),
            count(row.n_people), count(row.n_images), f"{100 * row.p:.1f}", limits(row, 1),
        ]
        for row in listed.itertuples()
    ]  # fmt: skip
    section = Section("Which of two is real", sentences, Table(caption, head, body), figure)
    meaning = (ESTIMAND, intervals.METHOD)
    return Told([section], {"pairs": cells, "means": means}, {"pairs": meaning, "means": meaning})
