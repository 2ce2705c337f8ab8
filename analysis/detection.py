"""How well real and generated pictures are told apart: sensitivity d' and criterion c.

Knows the yes/no observer of signal detection: a hit is a real picture called real, a false alarm a generated
one called real. Counts get the log-linear correction (+0.5, +1) (Hautus 1995, Behav. Res. Methods 27:46-51),
so perfect observers stay finite. Intervals by the delta method from the two-way covariance of all cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit

from analysis.counts import CountTables
from analysis.intervals import CONFIDENCE, Covariance
from analysis.responses import REAL

POOLED_METHOD = (
    "log-linear correction; delta method on the two-way covariance over people and images, t quantile with "
    "Satterthwaite degrees of freedom"
)
INDIVIDUAL_METHOD = "log-linear correction for each person; mean over people with a t interval"


class Detection(NamedTuple):
    """d_prime: distance of the two kinds, in SD of the internal noise. criterion: 0 is even-handed, below 0 says
    `real` too readily. log_beta: the likelihood ratio at the criterion. a_prime: area under a one-point ROC."""

    d_prime: np.ndarray
    criterion: np.ndarray
    log_beta: np.ndarray
    a_prime: np.ndarray


def yes_no(
    hits: np.ndarray,
    real_trials: np.ndarray,
    false_alarms: np.ndarray,
    fake_trials: np.ndarray,
    *,
    correct: bool = True,
) -> Detection:
    """Measures of yes/no observers from counts (arrays of one shape, trials > 0).

    correct: log-linear, or else plain rates, which make infinities of 0 and 1. A' after Pollack and Norman
    as in Stanislaw and Todorov (1999, Behav. Res. Methods 31:137-149). Raises ValueError if a count lies
    outside 0..its trials.
    """
    hits, real_trials, false_alarms, fake_trials = (
        np.asarray(each, dtype=float) for each in (hits, real_trials, false_alarms, fake_trials)
    )
    for counts, trials in ((hits, real_trials), (false_alarms, fake_trials)):
        wrong = ~((counts >= 0) & (counts <= trials) & (trials > 0))
        if wrong.any():
            raise ValueError(
                f"expected counts in 0..trials and at least one trial, got {counts[wrong].flat[0]:g} of "
                f"{trials[wrong].flat[0]:g}"
            )
    half, one = (0.5, 1.0) if correct else (0.0, 0.0)
    hit, alarm = (hits + half) / (real_trials + one), (false_alarms + half) / (fake_trials + one)
    z_hit, z_alarm = ndtri(hit), ndtri(alarm)
    high, low = np.maximum(hit, alarm), np.minimum(hit, alarm)
    apart = high - low
    # The area beyond one half; the other way round where false alarms outnumber hits.
    area = apart * (1 + apart) / np.where(apart > 0, 4 * high * (1 - low), 1.0)
    return Detection(
        d_prime=z_hit - z_alarm,
        criterion=-(z_hit + z_alarm) / 2,
        log_beta=(z_alarm**2 - z_hit**2) / 2,
        a_prime=0.5 + np.sign(hit - alarm) * area,
    )


@dataclass(frozen=True)
class Slopes:
    """d' and c of a pair of cells with their derivatives by all cell proportions (delta method)."""

    d_prime: float
    criterion: float
    by_d_prime: np.ndarray
    by_criterion: np.ndarray


def slopes(tables: CountTables, real: int, fake: int) -> Slopes:
    """d' and c of two cells (places in tables.cells, both with trials), pooled over people."""
    n, k = tables.n_trials, tables.n_real
    z, slope = np.zeros(2), np.zeros((2, len(n)))
    for place, cell in enumerate((real, fake)):
        z[place] = ndtri((k[cell] + 0.5) / (n[cell] + 1))
        density = np.exp(-(z[place] ** 2) / 2) / np.sqrt(2 * np.pi)
        slope[place, cell] = n[cell] / (n[cell] + 1) / density
    return Slopes(z[0] - z[1], -(z[0] + z[1]) / 2, slope[0] - slope[1], -(slope[0] + slope[1]) / 2)


def sensitivity(tables: CountTables, cov: Covariance, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """d' and c of each generated source at each time, and averaged over times (exposure_ms NaN), of all answers.

    Columns: source, exposure_ms, d_prime, d_prime_low, d_prime_high, d_prime_se, criterion, criterion_low,
    criterion_high, criterion_se. For new people and new images. Only times at which real pictures were shown.
    Pooled d' is lower than the mean of people's own where their criteria differ. Ends are infinite for one
    person alone, for whom there is no variance between people.
    """
    found = []
    for source, pairs in cell_pairs(tables).items():
        each = [slopes(tables, real, fake) for _, real, fake in pairs]
        times = [ms for ms, *_ in pairs] + [float("nan")]
        row: dict[str, object] = {"source": source, "exposure_ms": times}
        for name in ("d_prime", "criterion"):
            values = np.asarray([getattr(slope, name) for slope in each])
            weights = np.stack([getattr(slope, f"by_{name}") for slope in each])
            values, weights = np.append(values, values.mean()), np.vstack([weights, weights.mean(axis=0)])
            parts = cov.parts(weights)
            is_known = (parts.n_people > 1) & (parts.variance > 0)
            se = np.where(is_known, np.sqrt(parts.variance), np.inf)
            half = stdtrit(parts.degrees_of_freedom, (1 + confidence) / 2) * se
            row |= {
                name: values,
                f"{name}_low": values - half,
                f"{name}_high": values + half,
                f"{name}_se": se,
            }
        found.append(pd.DataFrame(row))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def own_sensitivity(tables: CountTables, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Mean over people of their own d' and c, by source and time and averaged over times (exposure_ms NaN).

    With t intervals: new people, these images.
    Columns: source, exposure_ms, n_people, d_prime, d_prime_low, d_prime_high, criterion, criterion_low,
    criterion_high. People count who saw both cells. With few trials in a cell the correction pulls a person's d'
    to 0, so these are smaller than with many. Ends are infinite for one person.
    """
    n, k = tables.person_n, tables.person_k
    found = []
    for source, pairs in cell_pairs(tables).items():
        own = {name: np.full((len(n), len(pairs)), np.nan) for name in ("d_prime", "criterion")}
        for place, (_, real, fake) in enumerate(pairs):
            saw = (n[:, real] > 0) & (n[:, fake] > 0)
            each = yes_no(k[saw, real], n[saw, real], k[saw, fake], n[saw, fake])
            for name, values in own.items():
                values[saw, place] = getattr(each, name)
        times = [ms for ms, *_ in pairs]
        columns = [
            *((ms, [place]) for place, ms in enumerate(times)),
            (float("nan"), list(range(len(times)))),
        ]
        for ms, places in columns:
            row: dict[str, object] = {"source": source, "exposure_ms": ms}
            for name, values in own.items():
                mean = values[:, places].mean(axis=1)  # of who saw all of them
                row["n_people"] = int(np.isfinite(mean).sum())
                middle, low, high = t_interval(mean, confidence)
                row |= {name: middle, f"{name}_low": low, f"{name}_high": high}
            found.append(row)
    return pd.DataFrame(found)


def by_person(tables: CountTables) -> Detection:
    """Measures of each person over all times and generated sources together; NaN for who saw only one kind."""
    is_real = (tables.cells["source"] == REAL).to_numpy(bool)
    counts = [
        each[:, kind].sum(axis=1)
        for kind in (is_real, ~is_real)
        for each in (tables.person_k, tables.person_n)
    ]
    saw = (counts[1] > 0) & (counts[3] > 0)
    each = yes_no(*(np.where(saw, count, 1.0) for count in counts))
    return Detection(*(np.where(saw, values, np.nan) for values in each))


def cell_pairs(tables: CountTables) -> dict[str, list[tuple[float, int, int]]]:
    """For each generated source the times at which it and real pictures were shown: ms, real cell, its cell."""
    shown = tables.cells.assign(cell=np.arange(len(tables.cells)))[tables.n_trials > 0]
    real = {row.exposure_ms: row.cell for row in shown[shown["source"] == REAL].itertuples()}
    pairs: dict[str, list[tuple[float, int, int]]] = {}
    for row in shown[shown["source"] != REAL].itertuples():
        if row.exposure_ms in real:
            pairs.setdefault(row.source, []).append((row.exposure_ms, real[row.exposure_ms], row.cell))
    return pairs


def t_interval(values: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Mean of independent values, and the ends of its t interval; infinite for a single value."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return float("nan"), -np.inf, np.inf
    middle = float(values.mean())
    if len(values) == 1:
        return middle, -np.inf, np.inf
    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(len(values)))
    return middle, middle - half, middle + half
