"""Intervals for k of n independent trials: Wilson, Jeffreys, Clopper-Pearson.

Knows the textbook intervals and their ends alone. Trials of a study are not independent of each other, so
these stand beside the headline for comparison; the interval that holds for new people is in `intervals`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betaincinv, ndtri

CONFIDENCE = 0.95

Ends = tuple[np.ndarray, np.ndarray]


def wilson(k: np.ndarray, n: np.ndarray, confidence: float = CONFIDENCE) -> Ends:
    """Wilson's score interval for k of n independent trials, low and high (Wilson 1927, JASA 22:209-212).

    Without continuity correction; k and n may be fractional (effective numbers), n > 0.
    """
    z = float(ndtri((1 + confidence) / 2))
    p = k / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    # Exact ends: rounding must not put a bound a hair above 0 or below 1, or a bar off its own point.
    low = np.where(k == 0, 0.0, np.minimum(middle - half, p))
    return low, np.where(k == n, 1.0, np.maximum(middle + half, p))


def jeffreys(k: np.ndarray, n: np.ndarray, confidence: float = CONFIDENCE) -> Ends:
    """Jeffreys' interval, low and high: quantiles of Beta(k + 1/2, n - k + 1/2).

    The low end is 0 for k = 0 and the high end 1 for k = n, or coverage would fall to 0 there (Brown, Cai
    and DasGupta 2001, Statist. Sci. 16:101-133).
    """
    tail = (1 - confidence) / 2
    low, high = (betaincinv(k + 0.5, n - k + 0.5, share) for share in (tail, 1 - tail))
    return np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high)


def clopper_pearson(k: np.ndarray, n: np.ndarray, confidence: float = CONFIDENCE) -> Ends:
    """The interval of Clopper and Pearson (1934, Biometrika 26:404-413), low and high: never covers too little."""
    tail = (1 - confidence) / 2
    low = betaincinv(np.maximum(k, 0.5), n - k + 1, tail)  # 0.5: any number that beta takes, replaced below
    high = betaincinv(k + 1, np.maximum(n - k, 0.5), 1 - tail)
    return np.where(k == 0, 0.0, low), np.where(k == n, 1.0, high)
