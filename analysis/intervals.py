"""Proportions and means with intervals that hold for new people and new images.

Knows the two-way cluster variance of cell proportions and its interval on the logit scale, the rules for
cells in which that variance cannot be estimated. Intervals for independent trials are in `binomial`, counting in
`counts`; what is said of the numbers is in `sections`.

The usual binomial bar treats every trial as an independent draw. It is not: a person answers many trials
and an image is seen by many people. In simulated studies of the paper's size a nominal 95 % binomial bar
covered the truth 73-86 % of the time for a point and 31-48 % for a source's mean. The variance here is

    V = V_people + max(V_images - V_trial, 0)

where V_people and V_images are sums of squared cluster totals of the residuals and V_trial is the same
over person-image pairs: both cluster sums contain the trial noise, so it is taken out once (Cameron,
Gelbach and Miller 2011, J. Bus. Econ. Stat. 29:238-249). Degrees of freedom after Satterthwaite (1946).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

from analysis.binomial import CONFIDENCE, wilson
from analysis.counts import CountTables

METHOD = (
    "two-way cluster variance over people and images, V_people + max(V_images - V_trial, 0), on the logit "
    "scale, t quantile with Satterthwaite degrees of freedom"
)


class Rule(NamedTuple):
    """How an interval was got, and for whom and what it holds (the end of `share judged real, for ...`)."""

    method: str
    holds_for: str


NEW = "new people and new images"
RULES = {
    "two-way": Rule(METHOD, NEW),
    "all alike": Rule(
        "all answers alike: Wilson's interval on the number of trials divided by the design effect", NEW
    ),
    "one person": Rule("one person: Wilson's interval on the trials", "this person alone"),
    "one image": Rule("one image: the variance between people alone", "new people and this image alone"),
    "no spread": Rule("people agree exactly: the binomial variance in place of an estimate of zero", NEW),
}


@dataclass(frozen=True)
class Covariance:
    """Covariance of all cell proportions, in its three parts, before small-sample factors (CR0).

    people, images, trial: (cells, cells). A cell without trials has p NaN and rows of zeros; weights must
    not touch it. shown_to: (people, cells) and shown: (images, cells) say who and what is in a cell.
    """

    p: np.ndarray
    n: np.ndarray
    people: np.ndarray
    images: np.ndarray
    trial: np.ndarray
    shown_to: np.ndarray
    shown: np.ndarray

    def parts(self, weights: np.ndarray) -> Parts:
        """Estimate and variance parts of weighted sums of cells; weights (quantities, cells)."""
        touched = weights != 0
        return Parts(
            estimate=weights @ np.nan_to_num(self.p),
            n_trials=touched @ self.n,
            n_people=((touched.astype(float) @ self.shown_to.T) > 0).sum(axis=1),
            n_images=((touched.astype(float) @ self.shown.T) > 0).sum(axis=1),
            people=quadratic(weights, self.people),
            images=quadratic(weights, self.images),
            trial=quadratic(weights, self.trial),
        )

    def matrix(self, weights: np.ndarray) -> np.ndarray:
        """Two-way covariance of weighted sums of cells, (quantities, quantities), never with negative variance.

        V_images - V_trial can have negative directions by chance, as a variance can; they are set to 0.
        """
        n_people = ((weights != 0).astype(float) @ self.shown_to.T > 0).sum(axis=1)
        n_images = ((weights != 0).astype(float) @ self.shown.T > 0).sum(axis=1)
        people, images = (
            np.sqrt(np.outer(factor, factor))
            for factor in (small_sample_factor(n_people), small_sample_factor(n_images))
        )
        beyond_trials = without_negative(weights @ (self.images - self.trial) @ weights.T)
        return weights @ self.people @ weights.T * people + beyond_trials * images


@dataclass(frozen=True)
class Parts:
    """Weighted sums of cell proportions with what their variance is made of; each field (quantities,)."""

    estimate: np.ndarray
    n_trials: np.ndarray
    n_people: np.ndarray
    n_images: np.ndarray
    people: np.ndarray
    images: np.ndarray
    trial: np.ndarray

    @property
    def from_people(self) -> np.ndarray:
        """Variance from people, with the factor P / (P - 1); 0 for one person, who shows none."""
        # A sum of squares, which rounding may leave a hair below 0 where everybody shows the same difference.
        return np.maximum(self.people, 0) * small_sample_factor(self.n_people)

    @property
    def from_images(self) -> np.ndarray:
        """Variance from images beyond the trial noise that people's part holds already; at least 0.

        Exactly 0 where every image was seen once: then an image cannot be told from a trial, and people's
        part holds both.
        """
        return np.maximum(self.images - self.trial, 0) * small_sample_factor(self.n_images)

    @property
    def variance(self) -> np.ndarray:
        return self.from_people + self.from_images

    @property
    def degrees_of_freedom(self) -> np.ndarray:
        """Satterthwaite's: between people - 1 and people + images - 2. At least 1."""
        shares = self.from_people**2 / np.maximum(self.n_people - 1, 1) + self.from_images**2 / np.maximum(
            self.n_images - 1, 1
        )
        variance = self.variance
        return np.divide(variance**2, shares, out=np.ones_like(variance), where=shares > 0)


def covariance(tables: CountTables) -> Covariance:
    """Two-way covariance of all cell proportions, ready for cells, means and contrasts.

    Residuals of a cluster in a cell are k - n p; a part is the sum over clusters of their outer products,
    divided by the cells' trials.
    """
    n = tables.n_trials
    is_shown = n > 0
    p = np.divide(tables.n_real, n, out=np.full(len(n), np.nan), where=is_shown)
    share = np.nan_to_num(p)
    per_trial = np.divide(1, n, out=np.zeros(len(n)), where=is_shown)
    scale = np.outer(per_trial, per_trial)
    person_residual = tables.person_k - tables.person_n * share
    image_residual = tables.image_k - tables.image_n * share
    if tables.pair_n is None:
        trial = np.diag(share * (1 - share) * n)
    else:
        pair_residual = tables.pair_k - tables.pair_n * share
        trial = (pair_residual.T @ pair_residual).toarray()
    return Covariance(
        p=p,
        n=n,
        people=person_residual.T @ person_residual * scale,
        images=image_residual.T @ image_residual * scale,
        trial=trial * scale,
        shown_to=(tables.person_n > 0).astype(float),
        shown=(tables.image_n > 0).astype(float),
    )


def cells(tables: CountTables, cov: Covariance | None = None, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row a cell that has trials: its counts, share judged real, and interval.

    Columns: source, exposure_ms, n_trials, n_people, n_images, k, p, low, high (two-way), wilson_low,
    wilson_high (trials taken as independent), se, df, design_effect, rule (a key of RULES).
    """
    cov = covariance(tables) if cov is None else cov
    n_cells = len(cov.n)
    shown = np.flatnonzero(cov.n > 0)
    parts = cov.parts(np.eye(n_cells)[shown])
    source = tables.cells["source"].to_numpy(object)[shown]
    bars = proportion_intervals(parts, source, confidence)
    counts = {
        "source": source,
        "exposure_ms": tables.cells["exposure_ms"].to_numpy(float)[shown],
        "n_trials": cov.n[shown].astype(int),
        "n_people": parts.n_people,
        "n_images": parts.n_images,
        "k": tables.n_real[shown].astype(int),
    }
    low, high = wilson(tables.n_real[shown], cov.n[shown], confidence)
    return pd.DataFrame(counts).join(bars).assign(wilson_low=low, wilson_high=high)


def source_means(
    tables: CountTables, cov: Covariance | None = None, confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """One row a source: its share judged real averaged over the exposures, each weighing the same.

    Columns: source, n_exposures, n_trials, n_people, n_images, p, low, high, se, df, design_effect, rule.
    """
    cov = covariance(tables) if cov is None else cov
    source = tables.cells["source"].to_numpy(object)
    names = list(dict.fromkeys(source))
    weights = np.stack([mean_weights(tables, cov, name) for name in names])
    parts = cov.parts(weights)
    counts = {
        "source": np.asarray(names, dtype=object),
        "n_exposures": (weights > 0).sum(axis=1),
        "n_trials": parts.n_trials.astype(int),
        "n_people": parts.n_people,
        "n_images": parts.n_images,
    }
    return pd.DataFrame(counts).join(proportion_intervals(parts, counts["source"], confidence))


def mean_weights(tables: CountTables, cov: Covariance, source: str) -> np.ndarray:
    """Weights, shape (cells,), of a source's mean over those exposures at which it was shown."""
    chosen = (tables.cells["source"].to_numpy(object) == source) & (cov.n > 0)
    return chosen / chosen.sum()


def differences(cov: Covariance, weights: np.ndarray, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Weighted sums of cells (say, one mean minus another) with two-way intervals, one row each.

    weights: (quantities, cells). Columns: difference, low, high, se, df, n_people, n_images. On the scale of
    proportions, symmetric, t quantile. Where several people agree so exactly that there is no variance, se is NaN
    and the interval is put together from those of the two sides (see `from_both_sides`). For one person low and
    high are -1 and 1: nothing is known of others.
    """
    parts = cov.parts(weights)
    is_known = (parts.n_people > 1) & (parts.variance > 0)
    se = np.where(is_known, np.sqrt(parts.variance), np.nan)
    half = np.where(is_known, stdtrit(parts.degrees_of_freedom, (1 + confidence) / 2) * se, 2.0)
    low, high = np.maximum(parts.estimate - half, -1), np.minimum(parts.estimate + half, 1)
    agreed = np.flatnonzero(~is_known & (parts.n_people > 1))
    if len(agreed):
        low[agreed], high[agreed] = from_both_sides(cov, weights[agreed], confidence)
    return pd.DataFrame(
        {
            "difference": parts.estimate,
            "low": low,
            "high": high,
            "se": se,
            "df": parts.degrees_of_freedom,
            "n_people": parts.n_people,
            "n_images": parts.n_images,
        }
    )


def from_both_sides(
    cov: Covariance, weights: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """Ends of differences from the intervals of what is added and what is taken away, as if these were independent.

    Squares of the distances to their ends add up (Newcombe 1998, Statist. Med. 17:873-890, method 10).
    """
    sides = []
    for each in (np.maximum(weights, 0), np.maximum(-weights, 0)):
        total = each.sum(axis=1, keepdims=True)
        share = np.divide(each, total, out=np.zeros_like(each), where=total > 0)
        shown = np.where(
            total > 0, share, np.eye(each.shape[1])[np.argmax(cov.n)]
        )  # weight 0: any cell will do
        bars = proportion_intervals(cov.parts(shown), np.full(len(each), "side"), confidence)
        sides.append(total[:, 0] * bars[["p", "low", "high"]].to_numpy(float).T)
    (p, low, high), (q, q_low, q_high) = sides
    return (
        np.maximum(p - q - np.hypot(p - low, q_high - q), -1),
        np.minimum(p - q + np.hypot(high - p, q - q_low), 1),
    )


def contrast(
    cov: Covariance, weights: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[float, float, float]:
    """One weighted sum of cells with its two-way interval: value, low, high; see `differences`."""
    row = differences(cov, weights[None, :], confidence).iloc[0]
    return float(row["difference"]), float(row["low"]), float(row["high"])


def proportion_intervals(parts: Parts, group: np.ndarray, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Intervals for proportions or their means: columns p, low, high, se, df, design_effect, rule.

    `group` names quantities that may borrow a design effect from each other (the source). Never NaN and
    never of zero width; where the two-way variance cannot be estimated, `rule` says what stands in for it:
    one person -> Wilson on the trials; all answers alike -> Wilson on n / design effect, the median of the
    group, or on the number of people if the whole group is alike; one image -> people's variance alone;
    a variance of zero although answers differ -> the binomial variance.
    """
    p, variance, df = parts.estimate, parts.variance.copy(), parts.degrees_of_freedom
    inside = p * (1 - p)
    binomial = np.where(parts.trial > 0, parts.trial, inside / parts.n_trials)
    is_alike = inside <= 1e-12
    no_spread = variance <= 1e-9 * binomial
    rule = np.select(
        [parts.n_people < 2, is_alike, no_spread, parts.n_images < 2],
        ["one person", "all alike", "no spread", "one image"],
        "two-way",
    ).astype(object)
    variance = np.where(no_spread, binomial, variance)
    effect = np.divide(variance, binomial, out=np.full(len(p), np.nan), where=binomial > 0)
    se = np.sqrt(variance)
    half = stdtrit(df, (1 + confidence) / 2) * np.divide(se, inside, out=np.zeros(len(p)), where=~is_alike)
    middle = logit(np.clip(p, 1e-12, 1 - 1e-12))
    low, high = expit(middle - half), expit(middle + half)

    by_count = np.isin(rule, ["one person", "all alike"])
    if by_count.any():
        n = np.where(rule == "all alike", effective_trials(parts, group, effect, rule), parts.n_trials)
        count_low, count_high = wilson(p * n, n, confidence)
        low, high = np.where(by_count, count_low, low), np.where(by_count, count_high, high)
    return pd.DataFrame(
        {"p": p, "low": low, "high": high, "se": se, "df": df, "design_effect": effect, "rule": rule}
    )


def effective_trials(parts: Parts, group: np.ndarray, effect: np.ndarray, rule: np.ndarray) -> np.ndarray:
    """Trials divided by the group's usual design effect (at least 1), or people where the group has none."""
    n = parts.n_people.astype(float)
    for name in dict.fromkeys(group):
        members = group == name
        known = effect[members & np.isin(rule, ["two-way", "one image"])]
        if len(known):
            n[members] = parts.n_trials[members] / max(float(np.median(known)), 1.0)
    return n


def quadratic(weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """w' M w for each row w of weights."""
    return np.einsum("qi,ij,qj->q", weights, matrix, weights, optimize=True)


def small_sample_factor(n_clusters: np.ndarray) -> np.ndarray:
    """n / (n - 1), the correction for residuals taken around an estimated mean; 1 for a single cluster."""
    return n_clusters / np.maximum(n_clusters - 1, 1)


def without_negative(matrix: np.ndarray) -> np.ndarray:
    """The nearest symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.maximum(values, 0)) @ vectors.T
