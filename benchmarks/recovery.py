"""Whether planted truths are found: spread of people and images, thresholds and d', over simulated studies.

Run from anywhere: `python benchmarks/recovery.py` (50 studies of 60 people x 440 trials; a minute or two of
processor time). Curves, thresholds and d' that are planted hold for the average over people and images, which is what
the report estimates; standard deviations are those of the effects, on the logit scale.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the report does
# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from scipy.special import ndtri

from analysis.detection import own_sensitivity, sensitivity
from analysis.intervals import covariance
from analysis.mixed_levels import fitted_study
from analysis.observers import Observers, true_proportions
from analysis.thresholds import thresholds
from benchmarks.thresholds import PLANTED, planted_study, study_codes

EFFECTS = ("person_sd", "person_source_sd", "image_sd")


class Quantity(NamedTuple):
    """What is planted, and how far from it the mean estimate may be; a share of it where logarithms are averaged."""

    name: str
    truth: float
    limit: float
    is_share: bool = False


def quantities(observers: Observers) -> list[Quantity]:
    """In the order of `estimates`; the last ones, of people's own d', have no limit."""
    z = ndtri(true_proportions(observers))
    d_primes = dict(zip(list(observers.curves)[1:], (z[0] - z[1:]).mean(axis=1), strict=True))
    return [
        *(Quantity(name, getattr(observers, name), 0.05) for name in EFFECTS),
        *(Quantity(f"threshold {name}, ms", one.threshold_ms, 0.03, True) for name, one in PLANTED.items()),
        *(Quantity(f"d' {name}", value, 0.03) for name, value in d_primes.items()),
        *(Quantity(f"people's own d' {name}", value, np.inf) for name, value in d_primes.items()),
    ]


def estimates(observers: Observers, seed: int) -> list[float]:
    codes = study_codes(observers, seed)
    tables = codes.tables()
    cov = covariance(tables)
    pooled, own = sensitivity(tables, cov), own_sensitivity(tables)
    return [
        *fitted_study(codes).model.sds,
        *thresholds(tables, cov)[0]["threshold_ms"],
        *(value for table in (pooled, own) for value in table.loc[table["exposure_ms"].isna(), "d_prime"]),
    ]


def lines(planted: list[Quantity], found: np.ndarray) -> Iterator[str]:
    """One a quantity; found: (studies, quantities)."""
    yield f"{'':<28}{'planted':>9}{'mean':>9}{'error':>9}{'MC':>8}{'wanted':>9}"
    for one, values in zip(planted, found.T, strict=True):
        errors = np.log(values / one.truth) if one.is_share else values - one.truth
        error, doubt = errors.mean(), errors.std(ddof=1) / np.sqrt(len(values))
        if one.is_share:
            error, doubt = 100 * np.expm1(error), 100 * doubt
        mean = one.truth * (1 + error / 100) if one.is_share else one.truth + error
        unit, digits = (" %", 1) if one.is_share else ("", 3)
        wanted = "" if np.isinf(one.limit) else f"{one.limit * (100 if one.is_share else 1):g}{unit}"
        yield (
            f"{one.name:<28}{one.truth:>9.3g}{mean:>9.3f}{f'{error:.{digits}f}{unit}':>9}"
            f"{doubt:>8.{digits}f}{wanted:>9}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=50)
    options = parser.parse_args()
    observers, _ = planted_study()
    found = np.array([estimates(observers, seed) for seed in range(options.studies)])
    print(f"{options.studies} studies of {observers.n_people} people x {observers.n_trials} trials")
    print(*lines(quantities(observers), found), sep="\n")


if __name__ == "__main__":
    main()
