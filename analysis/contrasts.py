"""Which sources differ: planned contrasts over times, exploratory ones at each time, distance to real.

Knows the pairs that are compared, Holm's correction for the planned ones, and the band that holds at all
times at once for the others. Variances come from `intervals`.
"""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from scipy.special import stdtr

from analysis.counts import CountTables, source_order
from analysis.intervals import CONFIDENCE, Covariance, differences
from analysis.responses import REAL

Pair = tuple[str, str]  # higher and lower, as expected beforehand

# The paper's claims, in its own order: real above CC-LAPGAN above LAPGAN above GAN.
PAPER_ORDER = (REAL, "cc-lapgan", "lapgan", "gan")

N_DRAWS = 50_000  # of the maximum that a simultaneous band is made from: its quantile is good to 0.02


class ContrastError(ValueError):
    """Sources to compare are not in the study: which are, what came."""


def planned_pairs(sources: list[str]) -> list[Pair]:
    """The pairs that are compared over times where nobody named others.

    Neighbours in the order that the paper claims if only its sources were tested; else every pair.
    """
    if set(sources) <= set(PAPER_ORDER):
        return list(pairwise(name for name in PAPER_ORDER if name in sources))
    return list(combinations(source_order(sources), 2))


def over_times(
    tables: CountTables, cov: Covariance, pairs: list[Pair], confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """Differences of means over the times at which both sources were shown, each time weighing the same.

    Columns: higher, lower, n_exposures, then those of `intervals.differences`, p (two-sided t test of no
    difference; NaN where there is no variance), p_holm (adjusted within this family). Pairs that share no
    time are left out.
    """
    found, weights = [], []
    for higher, lower in pairs:
        shared = shared_cells(tables, cov, higher, lower)
        if len(shared):
            weights.append(shared.mean(axis=0))
            found.append((higher, lower, len(shared)))
    names = pd.DataFrame(found, columns=["higher", "lower", "n_exposures"])
    if not weights:
        return names.join(differences(cov, np.zeros((0, len(cov.n))))).assign(p=[], p_holm=[])
    table = names.join(differences(cov, np.stack(weights), confidence))
    p = two_sided_p(table)
    return table.assign(p=p, p_holm=holm(p))


def at_each_time(
    tables: CountTables,
    cov: Covariance,
    higher: str,
    lower: str,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
) -> pd.DataFrame:
    """The difference at each time at which both were shown, pointwise and in a band that holds at all times.

    Columns: higher, lower, exposure_ms, those of `intervals.differences`, p (pointwise), band_low, band_high
    (sup-t: with the given confidence the whole true line lies inside), band_quantile.
    """
    weights = shared_cells(tables, cov, higher, lower)
    exposures_ms = [
        float(tables.cells["exposure_ms"].iloc[int(np.flatnonzero(row > 0)[0])]) for row in weights
    ]
    table = pd.DataFrame({"higher": higher, "lower": lower, "exposure_ms": exposures_ms})
    table = table.join(differences(cov, weights, confidence))
    table["p"] = two_sided_p(table)
    quantile = band_quantile(cov, weights, table["df"].to_numpy(float), seed, confidence)
    half = (quantile * table["se"]).fillna(2.0)
    return table.assign(
        band_low=(table["difference"] - half).clip(lower=-1),
        band_high=(table["difference"] + half).clip(upper=1),
        band_quantile=quantile,
    )


def distance_to_real(
    tables: CountTables, cov: Covariance, *, seed: int, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """How far below the real pictures each source lies at each time, with a band a source: see `at_each_time`.

    The level that cannot be told from real is that of real pictures at the same time, not 50 %.
    """
    names = dict.fromkeys(tables.cells["source"])
    found = [
        at_each_time(tables, cov, REAL, name, seed=seed, confidence=confidence)
        for name in names
        if name != REAL
    ]
    return pd.concat(found, ignore_index=True)


def shared_cells(tables: CountTables, cov: Covariance, higher: str, lower: str) -> np.ndarray:
    """Weights (times, cells): +1 for the higher and -1 for the lower source at each time that both have."""
    source = tables.cells["source"].to_numpy(object)
    exposure_ms = tables.cells["exposure_ms"].to_numpy(float)
    rows = []
    for ms in np.unique(exposure_ms):
        both = [
            np.flatnonzero((source == name) & (exposure_ms == ms) & (cov.n > 0)) for name in (higher, lower)
        ]
        if all(len(place) for place in both):
            row = np.zeros(len(source))
            row[both[0]], row[both[1]] = 1, -1
            rows.append(row)
    return np.stack(rows) if rows else np.zeros((0, len(source)))


def two_sided_p(table: pd.DataFrame) -> np.ndarray:
    """p values of no difference by t tests, from columns difference, se, df; NaN where se is."""
    t = np.abs(table["difference"].to_numpy(float)) / table["se"].to_numpy(float)
    return np.asarray(2 * stdtr(table["df"].to_numpy(float), -t))


def holm(p: np.ndarray) -> np.ndarray:
    """p values adjusted for their number (Holm 1979, Scand. J. Statist. 6:65-70); NaN counts as 1 and stays NaN.

    The smallest is multiplied by their number, the next by one less, and so on, never falling, at most 1.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(np.where(np.isnan(p), 1.0, p), kind="stable")
    steps = np.where(np.isnan(p), 1.0, p)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(p) else steps
    return np.where(np.isnan(p), np.nan, adjusted)


def band_quantile(
    cov: Covariance, weights: np.ndarray, df: np.ndarray, seed: int, confidence: float = CONFIDENCE
) -> float:
    """The sup-t quantile: the largest |t| of all quantities stays below it with the given confidence.

    Simulated from the two-way correlations with the smallest degrees of freedom, which errs to the wide side
    (Montiel Olea and Plagborg-Moller 2019, J. Appl. Econometrics 34:1-17). NaN without a known variance.
    """
    matrix = cov.matrix(weights)
    known = np.flatnonzero(np.diag(matrix) > 0)
    if not len(known):
        return float("nan")
    matrix = matrix[np.ix_(known, known)]
    spread = np.sqrt(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(spread, spread))
    root = vectors * np.sqrt(np.maximum(values, 0))
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((N_DRAWS, len(root))) @ root.T
    freedom = max(float(df[known].min()), 1.0)
    scale = np.sqrt(rng.chisquare(freedom, N_DRAWS) / freedom)
    return float(np.quantile(np.abs(normal).max(axis=1) / scale, confidence))
