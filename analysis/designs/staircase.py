"""Adaptive staircases: for how long a picture must be seen to be told from a real one.

Knows HYPE-time (Zhou et al. 2019): presentation times follow the answers, and a run's score is its modal
exposure. Beside it stands the threshold from a psychometric function of all trials of the run, which uses every
answer and needs no rule for where the run has settled. A run shows one generated source among real pictures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analysis import psychometric
from analysis.columns import EXPOSURE, Flag, Kind, Text
from analysis.designs.dots import dots, dots_inches
from analysis.designs.told import Told
from analysis.designs.untimed import RESAMPLES, bootstrapped_mean
from analysis.intervals import CONFIDENCE
from analysis.responses import REAL, ResponsesError
from analysis.section import Figure, Section, Table
from analysis.wording import NBSP, count, exposure, label

NEEDED: dict[str, Kind] = {
    "participant": Text(),
    "source": Text(),
    "exposure_ms": EXPOSURE,
    "judged_real": Flag(),
}
OPTIONAL: dict[str, Kind] = {"run": Text()}
# Half of the pictures are real, so a person who sees nothing is right half of the time. A run has few trials
# at each of many times: counts are binomial.
TASK = replace(psychometric.TWO_ALTERNATIVES, overdispersion_prior=None)
ESTIMAND = (
    "presentation time at which a person is right half-way between chance and the best that person does, geometric "
    "mean over new people"
)
METHOD = (
    "psychometric function of all trials of each run (guess 1/2, lapse free), t interval of the log thresholds; modal: "
    f"mean over people of the most frequent exposure, percentiles of {RESAMPLES:,} bootstrap samples of people"
)


@dataclass(frozen=True)
class Run:
    """One staircase. threshold_ms is NaN where its trials cannot be fitted (fewer than 3 exposures)."""

    source: str
    participant: str
    n_trials: int
    modal_ms: float
    threshold_ms: float


def runs(rows: pd.DataFrame) -> list[Run]:
    """Every run with its scores. Raises ResponsesError where a run has no generated source, or more than one."""
    keys = ["participant", "run"] if "run" in rows else ["participant"]
    found = []
    for key, trials in rows.groupby(keys, observed=True, sort=True):
        source = trials["source"].astype(str).to_numpy()
        generated = sorted(set(source) - {REAL})
        if len(generated) != 1:
            raise ResponsesError(
                f"run {' '.join(str(part) for part in key)}: expected one generated source among {REAL}, found "
                f"{', '.join(generated) or 'none'}; tell runs of one person apart in a column named run"
            )
        right = trials["judged_real"].to_numpy(bool) == (source == REAL)
        times, place = np.unique(trials["exposure_ms"].to_numpy(float), return_inverse=True)
        n = np.bincount(place).astype(float)
        threshold_ms = np.nan
        if len(times) >= psychometric.MIN_LEVELS:
            curve = psychometric.fit(np.log10(times), np.bincount(place, right), n, TASK)
            threshold_ms = 10**curve.threshold
        # The shortest of equally frequent times.
        found.append(Run(generated[0], str(key[0]), len(right), float(times[n.argmax()]), threshold_ms))
    return found


def thresholds(found: list[Run], rng: np.random.Generator, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row a source: columns source, n_people, n_runs, n_unfitted, n_trials, threshold_ms, low_ms, high_ms,
    modal_ms, modal_low_ms, modal_high_ms. Runs of one person are averaged first; NaN where one person or none is left.
    """
    table = pd.DataFrame([run.__dict__ for run in found])
    rows = []
    for source, mine in table.groupby("source", sort=True):
        fitted = mine.dropna(subset="threshold_ms")
        logs = np.log(fitted["threshold_ms"]).groupby(fitted["participant"]).mean().to_numpy()
        middle = logs.mean() if len(logs) else np.nan
        half = np.nan
        if len(logs) > 1:
            half = stdtrit(len(logs) - 1, (1 + confidence) / 2) * logs.std(ddof=1) / np.sqrt(len(logs))
        modal = mine.groupby("participant")["modal_ms"].mean().to_numpy()
        modal_ms, modal_low, modal_high = bootstrapped_mean(modal, rng, confidence)
        rows.append(
            {
                "source": source,
                "n_people": mine["participant"].nunique(),
                "n_runs": len(mine),
                "n_unfitted": len(mine) - len(fitted),
                "n_trials": int(mine["n_trials"].sum()),
                "threshold_ms": np.exp(middle),
                "low_ms": np.exp(middle - half),
                "high_ms": np.exp(middle + half),
                "modal_ms": modal_ms,
                "modal_low_ms": modal_low,
                "modal_high_ms": modal_high,
            }
        )
    return pd.DataFrame(rows)


def told(rows: pd.DataFrame, rng: np.random.Generator, where: str) -> Told:
    table = thresholds(runs(rows), rng)
    if not np.isfinite(table[["low_ms", "high_ms"]].to_numpy(float)).all():
        short = [str(row.source) for row in table.itertuples() if not np.isfinite(row.low_ms)]
        raise ResponsesError(
            f"{where}: expected two people at least with runs of {psychometric.MIN_LEVELS} exposures for each source, "
            f"not so for {', '.join(short)}; collect more runs"
        )
    sentences = [
        f"{label(row.source)} pictures are told from real ones after {exposure(round(row.threshold_ms))} "
        f"(95{NBSP}% interval {row.low_ms:.0f} to {row.high_ms:.0f} for new people); the mean of modal exposures is "
        f"{exposure(round(row.modal_ms))} ({row.modal_low_ms:.0f} to {row.modal_high_ms:.0f})."
        for row in table.itertuples()
    ]
    lost = int(table["n_unfitted"].sum())
    if lost:
        sentences.append(
            f"{count(lost)} runs saw fewer than {psychometric.MIN_LEVELS} exposures and have no threshold."
        )
    caption = (
        f"Thresholds: {ESTIMAND}. Thick bars: 95{NBSP}% t intervals over people; thin bars below: mean modal exposure, "
        "resampling people, as HYPE-time has it. Both hold for these images: for new ones the bars are too short."
    )
    shown = table.rename(
        columns={"threshold_ms": "value", "low_ms": "low", "high_ms": "high", "modal_low_ms": "thin_low",
                 "modal_high_ms": "thin_high"}
    )  # fmt: skip
    figure = Figure(
        "figure1", partial(dots, table=shown, axis="presentation time (ms, log scale)", factor=1, is_log=True),
        dots_inches(len(shown)), " ".join(sentences), caption,
    )  # fmt: skip
    head = ["source", "people", "runs", "trials", "threshold ms", "interval", "modal ms", "raters"]
    body = [
        [
            label(row.source), count(row.n_people), count(row.n_runs), count(row.n_trials), f"{row.threshold_ms:.0f}",
            f"{row.low_ms:.0f} to {row.high_ms:.0f}", f"{row.modal_ms:.0f}",
            f"{row.modal_low_ms:.0f} to {row.modal_high_ms:.0f}",
        ]
        for row in table.itertuples()
    ]  # fmt: skip
    section = Section("Time needed to tell", sentences, Table(caption, head, body), figure)
    return Told([section], {"thresholds": table}, {"thresholds": (ESTIMAND, METHOD)})
