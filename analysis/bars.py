"""Every kind of bar that such figures are drawn with, side by side, each named for what it holds for.

Knows the usual bars: binomial ones, spread between people, resampled people, resampled people and images.
The headline interval is `intervals`; these stand beside it by choice, and in `intervals.csv`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

from analysis import intervals
from analysis.binomial import CONFIDENCE, Ends, clopper_pearson, jeffreys, wilson
from analysis.counts import Codes, CountTables
from analysis.intervals import Covariance, small_sample_factor

N_RESAMPLES = 2000
DRAWS_AT_MOST = (
    60_000_000  # trials x resamples of the two-way bootstrap: seconds; above it resamples are fewer
)
RESAMPLES_AT_LEAST = 200

INDEPENDENT = "new trials, if each were independent of the others, which they are not"
SAME_IMAGES = "new people and these images"


class Study(NamedTuple):
    """What bars are made from: trials as codes, their counts, the covariance of the cells, a seed."""

    codes: Codes
    tables: CountTables
    cov: Covariance
    seed: int


class Kind(NamedTuple):
    """A kind of bar: its name in words, for whom it holds, how it is made, and its ends by cell.

    `ends` returns low and high for all cells, NaN where the kind has none.
    """

    label: str
    holds_for: str
    method: str
    ends: Callable[[Study, float], Ends]


def two_way(study: Study, confidence: float) -> Ends:
    table = intervals.cells(study.tables, study.cov, confidence)
    low, high = np.full((2, len(study.cov.n)), np.nan)
    shown = np.flatnonzero(study.cov.n > 0)
    low[shown], high[shown] = table["low"], table["high"]
    return low, high


def binomial(interval: Callable[..., Ends]) -> Callable[[Study, float], Ends]:
    """A textbook interval as a kind of bar."""

    def ends(study: Study, confidence: float) -> Ends:
        n, k = study.tables.n_trials, study.tables.n_real
        low, high = interval(k, np.maximum(n, 1), confidence)
        return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)

    return ends


def person_shares(tables: CountTables) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and standard deviation of people's own shares judged real by cell, and how many people it has."""
    n = tables.person_n
    share = np.divide(tables.person_k, n, out=np.zeros_like(n), where=n > 0)
    n_people = (n > 0).sum(axis=0)
    mean = share.sum(axis=0) / np.maximum(n_people, 1)
    squares = (np.where(n > 0, share - mean, 0) ** 2).sum(axis=0)
    sd = np.where(n_people > 1, np.sqrt(squares / np.maximum(n_people - 1, 1)), np.nan)
    return np.where(n_people > 0, mean, np.nan), sd, n_people


def spread_of_people(study: Study, confidence: float) -> Ends:
    mean, sd, _ = person_shares(study.tables)
    return mean - sd, mean + sd


def error_of_people(study: Study, confidence: float) -> Ends:
    mean, sd, n_people = person_shares(study.tables)
    error = sd / np.sqrt(np.maximum(n_people, 1))
    return mean - error, mean + error


def people_alone(study: Study, confidence: float) -> Ends:
    """The cluster variance of people alone on the logit scale; NaN for one person or answers all alike."""
    p, n_people = study.cov.p, study.cov.shown_to.sum(axis=0)
    variance = np.diag(study.cov.people) * small_sample_factor(np.maximum(n_people, 1))
    inside = p * (1 - p)
    is_known = (n_people > 1) & (variance > 0) & (inside > 0)
    half = stdtrit(np.maximum(n_people - 1, 1), (1 + confidence) / 2) * np.sqrt(variance)
    half = np.where(is_known, half / np.where(is_known, inside, 1), np.nan)
    middle = logit(np.where(is_known, p, 0.5))
    return expit(middle - half), expit(middle + half)


def resampled_people(study: Study, confidence: float) -> Ends:
    """Percentiles of shares over resampled people, from the count tables: no trial is touched again."""
    n_people = len(study.tables.person_n)
    rng = np.random.default_rng(study.seed)
    weights = rng.multinomial(n_people, np.full(n_people, 1 / n_people), size=N_RESAMPLES).astype(float)
    return percentiles(weights @ study.tables.person_k, weights @ study.tables.person_n, confidence)


def resampled_both(study: Study, confidence: float) -> Ends:
    """Percentiles over people and images resampled together (Owen 2007, Ann. Appl. Statist. 1:386-411).

    A trial weighs as often as its person times as often as its image was drawn. Too wide for points: it
    counts the noise of trials three times.
    """
    codes, n_cells = study.codes, len(study.cov.n)
    n_trials, n_people, n_images = len(codes.cell), len(codes.people), len(codes.images)
    n_resamples = n_two_way_resamples(n_trials)
    rng = np.random.default_rng(study.seed + 1)
    cell_and_answer = 2 * codes.cell + codes.judged_real
    both = np.empty((n_resamples, 2 * n_cells))
    of_person, of_image = np.empty((2, n_trials))  # written anew by each resample: new ones would cost more
    for row in range(n_resamples):
        people = np.bincount(rng.integers(n_people, size=n_people), minlength=n_people).astype(float)
        images = np.bincount(rng.integers(n_images, size=n_images), minlength=n_images).astype(float)
        np.take(people, codes.person, out=of_person, mode="clip")  # without a mode it copies before it writes
        np.take(images, codes.image, out=of_image, mode="clip")
        of_person *= of_image
        both[row] = np.bincount(cell_and_answer, of_person, 2 * n_cells)
    k = both[:, 1::2]
    return percentiles(k, both[:, ::2] + k, confidence)


def n_two_way_resamples(n_trials: int) -> int:
    """Resamples of the two-way bootstrap: fewer in large studies, where each costs a pass over all trials."""
    return int(np.clip(DRAWS_AT_MOST // max(n_trials, 1), RESAMPLES_AT_LEAST, N_RESAMPLES))


def percentiles(k: np.ndarray, n: np.ndarray, confidence: float) -> Ends:
    """Percentile interval by column of k / n; resamples without a trial in a cell do not count there."""
    share = np.divide(k, n, out=np.full_like(k, np.nan), where=n > 0)
    tail = 50 * (1 - confidence)
    low, high = np.full((2, share.shape[1]), np.nan)
    some = np.flatnonzero((n > 0).any(axis=0))
    low[some], high[some] = np.nanpercentile(share[:, some], [tail, 100 - tail], axis=0)
    return low, high


KINDS: dict[str, Kind] = {
    "two-way": Kind("two-way (headline)", intervals.NEW, intervals.METHOD, two_way),
    "people": Kind(
        "people only",
        SAME_IMAGES,
        "cluster variance over people alone, on the logit scale, t quantile with people - 1 degrees of freedom",
        people_alone,
    ),
    "people-bootstrap": Kind(
        "people resampled",
        SAME_IMAGES,
        f"percentiles of {N_RESAMPLES:,} resamples of people",
        resampled_people,
    ),
    "two-way-bootstrap": Kind(
        "people and images resampled",
        intervals.NEW,
        f"percentiles of at most {N_RESAMPLES:,} resamples of people and images together; known to be too wide",
        resampled_both,
    ),
    "wilson": Kind("Wilson", INDEPENDENT, "score interval", binomial(wilson)),
    "jeffreys": Kind(
        "Jeffreys",
        INDEPENDENT,
        "quantiles of Beta(k + 1/2, n - k + 1/2), ends fixed at k = 0 and k = n",
        binomial(jeffreys),
    ),
    "clopper-pearson": Kind("Clopper-Pearson", INDEPENDENT, "inverted exact test", binomial(clopper_pearson)),
    "sd": Kind(
        "±1 SD of people",
        "two thirds of people's own shares: their spread, no interval for a mean",
        "mean and standard deviation of people's own shares",
        spread_of_people,
    ),
    "sem": Kind(
        "±1 SEM of people",
        "the mean of new people's shares with these images, about 68 % at best",
        "mean and standard error of people's own shares",
        error_of_people,
    ),
}


def all_bars(study: Study, kinds: list[str] | None = None, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """Bars of every kind for every cell with trials, one row for each: the tidy table of `intervals.csv`.

    Columns: source, exposure_ms, kind (a key of KINDS), p, low, high, holds_for, method. Ends are proportions,
    NaN where a kind has none (one person; answers all alike); those of SD and SEM may leave 0..1.
    """
    shown = np.flatnonzero(study.cov.n > 0)
    found = []
    for name in KINDS if kinds is None else kinds:
        low, high = KINDS[name].ends(study, confidence)
        found.append(
            pd.DataFrame(
                {
                    "source": study.tables.cells["source"].to_numpy(object)[shown],
                    "exposure_ms": study.tables.cells["exposure_ms"].to_numpy(float)[shown],
                    "kind": name,
                    "p": study.cov.p[shown],
                    "low": low[shown],
                    "high": high[shown],
                    "holds_for": KINDS[name].holds_for,
                    "method": KINDS[name].method,
                }
            )
        )
    return pd.concat(found, ignore_index=True)
