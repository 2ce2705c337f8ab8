"""At which presentation time the verdict on a source turns: fitted curves with intervals for new people and images.

Knows which counts a source's curve is fitted to, which way it goes, and how the two-way covariance of the
points becomes an interval of the threshold, the width and the curve. The curve itself is in `psychometric`.

A curve is fitted to the share of right answers over log10 of the presentation time. It rises for real
pictures (more are judged real) and for generated ones (fewer are judged real: it falls in figure 1). Its
guess rate is the share right before anything is seen, a matter of preference; its lapse rate the share wrong
however long one looks, which for a good generator is large.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

from analysis import psychometric
from analysis.counts import CountTables
from analysis.intervals import CONFIDENCE, Covariance, covariance
from analysis.psychometric import Curve
from analysis.responses import REAL

METHOD = (
    "most probable psychometric function (cumulative Gaussian over log time; guess, lapse and overdispersion free; "
    "priors of Schütt et al. 2016), interval from the two-way covariance of its points by the implicit function "
    "theorem"
)
TASKS = {True: psychometric.TIMED_REAL, False: psychometric.TIMED_GENERATED}
BAND_POINTS = 80

# Why a curve has no threshold to speak of, by the key in the column `finding`.
FINDINGS = {
    "turns": "the threshold is known",
    "flat": "the share judged real does not change with time beyond chance",
    "outside": "the curve turns before the first or after the last tested time, or too slowly to say where",
    "few times": "a curve needs at least 3 presentation times",
}


@dataclass(frozen=True)
class SourceCurve:
    """A fitted curve of one source. `is_rising`: in share judged real; `cells` are its places in the tables."""

    source: str
    is_rising: bool
    cells: np.ndarray
    curve: Curve

    def judged_real(self, exposure_ms: np.ndarray) -> np.ndarray:
        """Share judged real by the fitted curve."""
        right = self.curve.share(np.log10(exposure_ms))
        return right if self.is_rising else 1 - right


def source_curve(tables: CountTables, source: str, *, is_rising: bool) -> SourceCurve:
    """The curve of one source. Raises ValueError where fewer than 3 of its exposures have trials."""
    chosen = (tables.cells["source"].to_numpy(object) == source) & (tables.n_trials > 0)
    cells = np.flatnonzero(chosen)
    n, judged_real = tables.n_trials[cells], tables.n_real[cells]
    levels = np.log10(tables.cells["exposure_ms"].to_numpy(float)[cells])
    right = judged_real if is_rising else n - judged_real
    return SourceCurve(source, is_rising, cells, psychometric.fit(levels, right, n, TASKS[source == REAL]))


def trend(
    tables: CountTables, cov: Covariance, source: str, confidence: float = CONFIDENCE
) -> tuple[float, bool]:
    """The slope of the share judged real over log10 time, and whether its two-way interval leaves out 0."""
    chosen = (tables.cells["source"].to_numpy(object) == source) & (cov.n > 0)
    levels = np.log10(tables.cells["exposure_ms"].to_numpy(float))
    centred = np.where(chosen, levels - levels[chosen].mean(), 0.0)
    parts = cov.parts((centred / (centred**2).sum())[None, :])
    slope, se = float(parts.estimate[0]), float(np.sqrt(parts.variance[0]))
    is_known = parts.n_people[0] > 1 and se > 0
    quantile = float(stdtrit(parts.degrees_of_freedom[0], (1 + confidence) / 2))
    return slope, bool(is_known and abs(slope) > quantile * se)


def thresholds(
    tables: CountTables, cov: Covariance | None = None, confidence: float = CONFIDENCE
) -> tuple[pd.DataFrame, list[SourceCurve]]:
    """One row a source with what its curve says, and the curves that were fitted.

    Columns: source, finding (a key of FINDINGS), is_rising, threshold_ms, threshold_low_ms, threshold_high_ms,
    width, width_low, width_high (factors of time from 5 to 95 % of the way), guess, lapse, overdispersion.
    Numbers are NaN where no curve was fitted. The interval of a threshold is for new people and new images;
    where the finding is `outside` it is too wide to be of use.
    """
    cov = covariance(tables) if cov is None else cov
    rows, curves = [], []
    for source in dict.fromkeys(tables.cells["source"]):
        chosen = (tables.cells["source"].to_numpy(object) == source) & (cov.n > 0)
        if chosen.sum() < psychometric.MIN_LEVELS:
            rows.append({"source": source, "finding": "few times", "is_rising": source == REAL})
            continue
        slope, is_clear = trend(tables, cov, source, confidence)
        fitted = source_curve(tables, source, is_rising=slope > 0 if is_clear else source == REAL)
        curves.append(fitted)
        rows.append({**summary(fitted, cov, confidence), **({} if is_clear else {"finding": "flat"})})
    columns = [
        "source", "finding", "is_rising", "threshold_ms", "threshold_low_ms", "threshold_high_ms", "width",
        "width_low", "width_high", "guess", "lapse", "overdispersion",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns), curves


def summary(fitted: SourceCurve, cov: Covariance, confidence: float) -> dict[str, object]:
    """Threshold and width of a fitted curve with their intervals, as a row of `thresholds`."""
    curve = fitted.curve
    moved = psychometric.sensitivity(curve)
    threshold_half, log_width_half = half_widths(moved[:2], fitted, cov, confidence)
    low, high = curve.threshold - threshold_half, curve.threshold + threshold_half
    first, last = curve.counts.x[0], curve.counts.x[-1]
    is_inside = bool(first <= low and high <= last and curve.width <= last - first and curve.free[0])
    # Widths are distances in log10 time: as factors they are 10**width.
    factor = np.exp(np.minimum(log_width_half, 50.0))
    width_low, width_high = curve.width / factor, curve.width * factor
    return {
        "source": fitted.source,
        "finding": "turns" if is_inside else "outside",
        "is_rising": fitted.is_rising,
        "threshold_ms": 10**curve.threshold,
        "threshold_low_ms": bounded_power(low),
        "threshold_high_ms": bounded_power(high),
        "width": bounded_power(curve.width),
        "width_low": bounded_power(width_low),
        "width_high": bounded_power(width_high),
        "guess": curve.guess,
        "lapse": curve.lapse,
        "overdispersion": curve.overdispersion,
    }


def half_widths(weights: np.ndarray, fitted: SourceCurve, cov: Covariance, confidence: float) -> np.ndarray:
    """Half the interval of quantities that move with the source's shares by `weights` (quantities, levels)."""
    # A person who judges a generated picture real is wrong: signs turn, squares of them do not.
    over_cells = np.zeros((len(weights), len(cov.n)))
    over_cells[:, fitted.cells] = weights
    parts = cov.parts(over_cells)
    if (parts.n_people < 2).any():
        return np.full(len(weights), np.inf)
    return stdtrit(parts.degrees_of_freedom, (1 + confidence) / 2) * np.sqrt(parts.variance)


def bounded_power(exponent: float) -> float:
    """10 to a power, held in 1e-9..1e9 so that a useless interval stays a number."""
    return float(10.0 ** np.clip(exponent, -9, 9))


def band(fitted: SourceCurve, cov: Covariance, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """The fitted curve with its pointwise interval: columns source, exposure_ms, p, low, high (judged real)."""
    counts = fitted.curve.counts
    x = np.linspace(counts.x[0], counts.x[-1], BAND_POINTS)
    exposure_ms = 10**x
    p = np.clip(fitted.judged_real(exposure_ms), psychometric.TINY, 1 - psychometric.TINY)
    weights = psychometric.share_sensitivity(fitted.curve, x)
    half = half_widths(weights, fitted, cov, confidence) / (p * (1 - p))  # on the logit scale
    table = {
        "exposure_ms": exposure_ms,
        "p": p,
        "low": expit(logit(p) - half),
        "high": expit(logit(p) + half),
    }
    return pd.DataFrame(table).assign(source=fitted.source)
