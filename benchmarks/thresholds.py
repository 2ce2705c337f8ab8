"""Whether planted thresholds are found, how long a fit takes, and how far it is from psignifit.

Run from anywhere: `python benchmarks/thresholds.py` (50 simulated studies of 60 people x 440 trials). With
`--psignifit`, in an environment that has it, fits the same counts with both programs.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from analysis import psychometric
from analysis.counts import Codes, cells_of
from analysis.observers import Observers, draw, with_true_proportions
from analysis.psychometric import SIGMOIDS
from analysis.thresholds import thresholds


class Planted(NamedTuple):
    """A true curve: share judged real by all people and images together goes from `first` to `last`."""

    threshold_ms: float
    width: float  # decades of time
    first: float
    last: float


PLANTED = {
    "real": Planted(200.0, 0.9, 0.45, 0.93),
    "gan": Planted(160.0, 0.8, 0.45, 0.08),
    "lapgan": Planted(260.0, 0.9, 0.45, 0.15),
    "cc-lapgan": Planted(320.0, 0.9, 0.45, 0.20),
}


def planted_study(n_people: int = 60, n_trials: int = 440) -> tuple[Observers, dict[str, np.ndarray]]:
    """A study in which PLANTED holds for the average over people and images, and the shares at its exposures."""
    observers = Observers(n_people=n_people, n_trials=n_trials)
    log_ms = np.log10(observers.exposures_ms)
    gauss = SIGMOIDS["gauss"]
    shares = {
        name: one.first
        + (one.last - one.first) * gauss.value(gauss.span * (log_ms - np.log10(one.threshold_ms)) / one.width)
        for name, one in PLANTED.items()
    }
    return with_true_proportions(observers, shares), shares


def study_codes(observers: Observers, seed: int) -> Codes:
    """A simulated study; people and images are called by their numbers."""
    n_images = len(observers.curves) * observers.images_per_source
    cells = cells_of(list(observers.curves), observers.exposures_ms)
    answers = draw(observers, np.random.default_rng(seed))
    return Codes(cells, *answers, np.arange(observers.n_people), np.arange(n_images))


def recovery(n_studies: int) -> None:
    """Mean error of thresholds and widths over studies, and how often the 95 % interval holds the truth."""
    observers, _ = planted_study()
    found = pd.concat(
        [thresholds(study_codes(observers, seed).tables())[0].assign(seed=seed) for seed in range(n_studies)]
    )
    print(f"{n_studies} studies of {observers.n_people} people x {observers.n_trials} trials")
    print(
        f"{'source':<12}{'threshold':>10}{'error %':>9}{'MC':>6}{'cover %':>9}{'width error %':>15}{'cover %':>9}"
    )
    for name, one in PLANTED.items():
        mine = found[found["source"] == name]
        errors = np.log(mine["threshold_ms"] / one.threshold_ms)
        width_errors = np.log(np.log10(mine["width"]) / one.width)
        holds = (mine["threshold_low_ms"] <= one.threshold_ms) & (
            mine["threshold_high_ms"] >= one.threshold_ms
        )
        width = 10**one.width
        width_holds = (mine["width_low"] <= width) & (mine["width_high"] >= width)
        print(
            f"{name:<12}{one.threshold_ms:>10.0f}{100 * np.expm1(errors.mean()):>9.1f}"
            f"{100 * errors.std() / np.sqrt(n_studies):>6.1f}{100 * holds.mean():>9.0f}"
            f"{100 * np.expm1(width_errors.mean()):>15.1f}{100 * width_holds.mean():>9.0f}"
        )


def speed(repetitions: int = 200) -> None:
    observers, _ = planted_study()
    tables = study_codes(observers, seed=1).tables()
    levels = np.log10(observers.exposures_ms)
    k, n = tables.n_real[:11], tables.n_trials[:11]
    psychometric.fit(levels, k, n)
    cpu = time.process_time()
    for _ in range(repetitions):
        psychometric.fit(levels, k, n)
    print(f"a fit of 11 levels: {1000 * (time.process_time() - cpu) / repetitions:.1f} ms of CPU")


def beside_psignifit(n_studies: int) -> None:
    """Thresholds (log10 ms) and CPU seconds of both programs on the same counts.

    `gained`: by how much the log posterior is higher at our fit than at its fit.
    """
    import psignifit

    observers, _ = planted_study()
    levels = np.log10(observers.exposures_ms)
    print(
        f"{'source':<12}{'ours':>9}{'psignifit':>11}{'apart':>9}{'widths apart':>14}{'gained':>8}{'ours s':>9}"
        f"{'its s':>8}"
    )
    for seed in range(n_studies):
        tables = study_codes(observers, seed).tables()
        for place, name in enumerate(PLANTED):
            cells = slice(11 * place, 11 * (place + 1))
            n = tables.n_trials[cells]
            right = tables.n_real[cells] if name == "real" else n - tables.n_real[cells]
            start = time.process_time()
            ours = psychometric.fit(levels, right, n, psychometric.YES_NO)
            middle = time.process_time()
            its = psignifit.psignifit(
                np.column_stack([levels, right, n]).astype(float), experiment_type="yes/no", sigmoid="norm"
            ).parameter_estimate
            end = time.process_time()
            print(
                f"{name:<12}{ours.threshold:>9.4f}{its['threshold']:>11.4f}"
                f"{ours.threshold - its['threshold']:>9.4f}{ours.width - its['width']:>14.4f}"
                f"{ours.log_posterior - log_posterior(ours, its):>8.2f}"
                f"{middle - start:>9.3f}{end - middle:>8.1f}",
                flush=True,
            )


def log_posterior(ours: psychometric.Curve, its: dict[str, float]) -> float:
    """Of the parameters that psignifit found, by the objective of our fit to the same counts."""
    is_spread = its["eta"] > 1e-3  # below it, rounding drowns the difference from the binomial
    objective = psychometric.Objective(ours.counts, ours.task, SIGMOIDS[ours.sigmoid], is_spread)
    rise = 1 - its["lambda"] / (1 - its["gamma"])
    at = [its["threshold"], np.log(its["width"]), its["gamma"], rise, its["eta"] if is_spread else 0.0]
    return -objective.value_and_gradient(np.array(at))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=50)
    parser.add_argument("--psignifit", action="store_true", help="beside psignifit, which must be installed")
    options = parser.parse_args()
    if options.psignifit:
        beside_psignifit(min(options.studies, 2))
        return
    speed()
    recovery(options.studies)


if __name__ == "__main__":
    main()
