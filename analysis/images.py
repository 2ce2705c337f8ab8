"""Which pictures convince: a score for each image, drawn towards its source's mean by how little is known.

Knows an empirical-Bayes model: logit P(judged real) = level of the cell + effect of the image, effects of a
source's images normal with one standard deviation. That spread is found by the method of moments (how far two
answers about the same image agree, people being different), the effects as posterior modes. Raw shares of images
seen a few times are mostly noise; their extremes would be luck.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import expit, logit, ndtri

from analysis.counts import Codes, CountTables
from analysis.intervals import CONFIDENCE

MOST_SPREAD = 4.0  # logit SD beyond which every answer would hang on the image alone
N_STEPS = 50
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
NODE_WEIGHTS = NODE_WEIGHTS / NODE_WEIGHTS.sum()

METHOD = (
    "empirical Bayes: posterior mode of the image's effect on the logit scale, spread of images by the method of "
    "moments, normal approximation"
)


def image_scores(codes: Codes, tables: CountTables, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row an image, sources in listing order, the most convincing first.

    Columns: source, image, n_trials, k, score (share judged real, averaged over the times, as expected for new
    people), low, high, effect, effect_sd (logit), source_sd (spread of the source's images).
    """
    exposures = tables.cells["exposure_ms"].nunique()
    found = []
    for place, source in enumerate(dict.fromkeys(tables.cells["source"])):
        cells = slice(place * exposures, (place + 1) * exposures)
        n, k = tables.image_n[:, cells], tables.image_k[:, cells]
        own, shown = n.sum(axis=1) > 0, n.sum(axis=0) > 0
        if not own.any():
            continue
        n, k = n[np.ix_(own, shown)], k[np.ix_(own, shown)]
        table = scores(n, k, confidence).assign(source=source, image=codes.images[own].astype(object))
        table = table.assign(n_trials=n.sum(axis=1).astype(int), k=k.sum(axis=1).astype(int))
        found.append(table.sort_values(["score", "image"], ascending=[False, True]))
    names = ["source", "image", "n_trials", "k", "score", "low", "high", "effect", "effect_sd", "source_sd"]
    return pd.concat(found, ignore_index=True)[names]


def scores(n: np.ndarray, k: np.ndarray, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Scores of one source's images from counts (images, times): see `image_scores`."""
    share = np.clip(k.sum(axis=0) / n.sum(axis=0), 0.5 / (n.sum(axis=0) + 1), 1 - 0.5 / (n.sum(axis=0) + 1))
    spread = spread_of_images(n, k)
    level = levels(share, spread)
    effect, sd = posterior(n, k, level, spread)
    half = float(ndtri((1 + confidence) / 2)) * sd

    def at(values: np.ndarray) -> np.ndarray:
        return expit(level + values[:, None]).mean(axis=1)

    return pd.DataFrame(
        {
            "score": at(effect),
            "low": at(effect - half),
            "high": at(effect + half),
            "effect": effect,
            "effect_sd": sd,
            "source_sd": spread,
        }
    )


def posterior(
    n: np.ndarray, k: np.ndarray, level: np.ndarray, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mode and standard deviation (Laplace) of every image's effect, by Newton's steps."""
    effect = np.zeros(len(n))
    if spread == 0:
        return effect, effect.copy()
    for _ in range(N_STEPS):
        p = expit(level + effect[:, None])
        slope = (k - n * p).sum(axis=1) - effect / spread**2
        curve = (n * p * (1 - p)).sum(axis=1) + 1 / spread**2
        step = np.clip(slope / curve, -2, 2)
        effect = effect + step
        if np.abs(step).max() < 1e-10:
            break
    p = expit(level + effect[:, None])
    return effect, 1 / np.sqrt((n * p * (1 - p)).sum(axis=1) + 1 / spread**2)


def spread_of_images(n: np.ndarray, k: np.ndarray) -> float:
    """Standard deviation of images on the logit scale, from pairs of answers about the same image; at least 0.

    The sum over pairs of products of residuals is matched to what the model expects of them.
    """
    share = k.sum(axis=0) / n.sum(axis=0)
    residual = k - n * share
    same_trial = np.diag((k * (1 - share) ** 2 + (n - k) * share**2).sum(axis=0))
    seen = (residual.T @ residual - same_trial).sum()
    n_pairs = n.T @ n - np.diag(n.sum(axis=0))
    if not n_pairs.any():
        return 0.0
    inside = np.clip(share, 1e-3, 1 - 1e-3)

    def excess(spread: float) -> float:
        p = expit(levels(inside, spread)[:, None] + spread * NODES)
        expected = (p * NODE_WEIGHTS) @ p.T - np.outer(inside, inside)
        return float((n_pairs * expected).sum() - seen)

    if seen <= 0:
        return 0.0
    if excess(MOST_SPREAD) <= 0:
        return MOST_SPREAD
    return float(brentq(excess, 0.0, MOST_SPREAD, xtol=1e-6))


def levels(share: np.ndarray, spread: float) -> np.ndarray:
    """Logits of the typical image whose averages over images are the given shares."""
    level = logit(share)
    for _ in range(N_STEPS if spread > 0 else 0):
        p = expit(level[:, None] + spread * NODES)
        step = (p @ NODE_WEIGHTS - share) / ((p * (1 - p)) @ NODE_WEIGHTS)
        level = level - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return level


def reliability(scores_of_source: pd.DataFrame) -> float:
    """Share of the spread between a source's images that the scores have seen: 0 nothing, 1 all; NaN without."""
    spread = float(scores_of_source["source_sd"].iloc[0])
    if spread == 0:
        return float("nan")
    return float(np.clip(1 - (scores_of_source["effect_sd"] ** 2).mean() / spread**2, 0, 1))
