"""Untimed judgements: how often pictures fool people who may look as long as they like.

Knows HYPE-infinity (Zhou et al. 2019, arXiv:1904.01121): the mean of the share of generated pictures judged
real and the share of real ones judged generated; 50 % is chance. Beside the authors' interval, a bootstrap over
raters, stands the two-way one, for new people and new images.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from analysis import intervals
from analysis.columns import Flag, Kind, Text
from analysis.counts import count_tables
from analysis.designs.dots import dots, dots_inches
from analysis.designs.told import Told, limits
from analysis.responses import REAL, ResponsesError
from analysis.section import Figure, Section, Table
from analysis.wording import NBSP, count, counted, label, percent

NEEDED: dict[str, Kind] = {name: Text() for name in ("participant", "image", "source")} | {
    "judged_real": Flag()
}
OPTIONAL: dict[str, Kind] = {}
RESAMPLES = 10_000  # as HYPE
ESTIMAND = "mean of the share of generated pictures judged real and of real ones judged generated"
METHOD = (
    "two-way cluster variance over people and images, t quantile; rater_low and rater_high: percentiles of "
    f"{RESAMPLES:,} bootstrap samples of raters, which hold for new people and these images alone"
)


def error_rates(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row a generated source: its error rates with intervals.

    rows: columns participant, image, source, judged_real. Columns: source, n_people, n_images, n_trials,
    fake_error, real_error, error, low, high (two-way), rater_mean, rater_low, rater_high.
    """
    tables = count_tables(rows.assign(exposure_ms=1.0))
    cov = intervals.covariance(tables)
    names = tables.cells["source"].tolist()
    real = names.index(REAL)
    found = []
    for place, name in enumerate(names):
        if place == real:
            continue
        weights = np.zeros(len(names))
        weights[place], weights[real] = 0.5, -0.5
        value, low, high = intervals.contrast(cov, weights)
        both = (tables.person_n[:, place] > 0) & (tables.person_n[:, real] > 0)
        fake = tables.person_k[both, place] / tables.person_n[both, place]
        missed = 1 - tables.person_k[both, real] / tables.person_n[both, real]
        rater_mean, rater_low, rater_high = bootstrapped_mean((fake + missed) / 2, rng)
        found.append(
            {
                "source": name,
                "n_people": int((tables.person_n[:, place] > 0).sum()),
                "n_images": int((tables.image_n[:, place] > 0).sum()),
                "n_trials": int(tables.n_trials[place]),
                "fake_error": cov.p[place],
                "real_error": 1 - cov.p[real],
                "error": 0.5 + value,
                "low": max(0.5 + low, 0.0),
                "high": min(0.5 + high, 1.0),
                "rater_mean": rater_mean,
                "rater_low": rater_low,
                "rater_high": rater_high,
            }
        )
    return pd.DataFrame(found)


def bootstrapped_mean(
    scores: np.ndarray, rng: np.random.Generator, confidence: float = intervals.CONFIDENCE
) -> tuple[float, float, float]:
    """Mean of the raters' scores with the percentile interval of resampled raters; NaN without raters."""
    if not len(scores):
        return np.nan, np.nan, np.nan
    chosen = rng.integers(0, len(scores), (RESAMPLES, len(scores)))
    low, high = np.quantile(scores[chosen].mean(axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(scores.mean()), float(low), float(high)


def told(rows: pd.DataFrame, rng: np.random.Generator, where: str) -> Told:
    sources = set(rows["source"].astype(str))
    if REAL not in sources or len(sources) == 1:
        raise ResponsesError(
            f"{where}, column source: expected {REAL} and at least one generated source, found {sorted(sources)}"
        )
    table = error_rates(rows, rng)
    sentences = [
        f"{percent(row.error)} of the verdicts on {label(row.source)} beside real pictures were wrong "
        f"(95{NBSP}% interval {limits(row)} for new people and new images; {100 * row.rater_low:.0f} to "
        f"{100 * row.rater_high:.0f} by resampling raters alone): {percent(row.fake_error)} of its pictures were "
        f"judged real, {percent(row.real_error)} of the real ones generated."
        for row in table.itertuples()
    ]
    caption = (
        f"Error rate (HYPE-infinity): {ESTIMAND}. Thick bars: 95{NBSP}% intervals for new people and new images; thin "
        "bars below: the bootstrap over raters of the method's authors, for new people and these images alone. "
        "At 50 % the pictures cannot be told from real ones."
    )
    shown = table.rename(columns={"error": "value", "rater_low": "thin_low", "rater_high": "thin_high"})
    figure = Figure(
        "figure1", partial(dots, table=shown, reference=0.5, axis="wrong verdicts (%)"), dots_inches(len(shown)),
        " ".join(sentences), caption,
    )  # fmt: skip
    head = [
        "source",
        "people",
        "images",
        "trials",
        "judged real %",
        "real missed %",
        "error %",
        "interval",
        "raters",
    ]
    body = [
        [
            label(row.source), count(row.n_people), count(row.n_images), count(row.n_trials),
            f"{100 * row.fake_error:.1f}", f"{100 * row.real_error:.1f}", f"{100 * row.error:.1f}",
            limits(row, 1), f"{100 * row.rater_low:.1f} to {100 * row.rater_high:.1f}",
        ]
        for row in table.itertuples()
    ]  # fmt: skip
    people = counted(rows["participant"].nunique(), "person", "people")
    section = Section(
        "Errors without a time limit",
        [f"{people} took part.", *sentences],
        Table(caption, head, body),
        figure,
    )
    return Told([section], {"error_rates": table}, {"error_rates": (ESTIMAND, METHOD)})
