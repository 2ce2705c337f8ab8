"""How long the mixed model takes, and whether planted standard deviations are found.

Run from anywhere: `python benchmarks/mixed.py` (CPU seconds at 20,000 and 200,000 rows, with one thread of the
linear algebra and with all), `--recovery 50` for the long form of the recovery test. Where statsmodels is
installed, its two-way clustered regression is timed beside it, `--plain`.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from analysis.counts import Codes, coded
from analysis.mixed_levels import fitted_study, means
from analysis.observers import Observers, simulate, true_proportions

SIZES = {
    "20,000 rows": Observers(n_people=30, n_trials=667, images_per_source=250),
    "200,000 rows": Observers(n_people=300, n_trials=667, images_per_source=500),
}


def codes(observers: Observers, seed: int) -> Codes:
    return coded(simulate(observers, seed))


def speed() -> None:
    print(f"{'':<16}{'CPU s':>8}{'wall s':>8}   standard deviations (0.55, 0.30, 1.00 planted)")
    for name, observers in SIZES.items():
        trials = codes(observers, seed=1)
        for link in ("logit", "probit"):
            cpu, wall = time.process_time(), time.perf_counter()
            study = fitted_study(trials, link, most_people=1000)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            sds = ", ".join(f"{sd:.3f}" for sd in study.model.sds)
            print(f"{name:<16}{cpu:>8.2f}{wall:>8.2f}   {link}: {sds}", flush=True)


def plain() -> None:
    """statsmodels' logistic regression of the 44 cells with errors clustered by person alone."""
    import statsmodels.api as sm

    rows = simulate(SIZES["20,000 rows"], seed=1)
    cell = rows["source"].astype(str) + rows["exposure_ms"].astype(str)
    design = pd.get_dummies(cell, dtype=float)
    person = pd.factorize(rows["participant"])[0]
    cpu = time.process_time()
    model = sm.GLM(rows["judged_real"].to_numpy(float), design.to_numpy(), family=sm.families.Binomial())
    model.fit(cov_type="cluster", cov_kwds={"groups": person})
    print(f"statsmodels GLM, clustered by person, 20,000 rows: {time.process_time() - cpu:.2f} CPU s")


def recovery(n_studies: int) -> None:
    """Mean estimates and coverage of the sources' means over simulated studies of 60 people x 440 trials."""
    observers = Observers(n_people=60, n_trials=440)
    truth = true_proportions(observers).mean(axis=1)
    sds, holds = [], []
    for seed in range(n_studies):
        study = fitted_study(codes(observers, seed))
        sds.append(study.model.sds)
        table = means(study)
        holds.append(((table["low"] <= truth) & (truth <= table["high"])).mean())
    mean, error = np.mean(sds, axis=0), np.std(sds, axis=0, ddof=1) / np.sqrt(n_studies)
    print(f"{n_studies} studies of 60 people x 440 trials")
    for name, planted, found, doubt in zip(
        ("person", "person by source", "image"), (0.55, 0.3, 1.0), mean, error, strict=True
    ):
        print(f"{name:<18}planted {planted:.2f}, found {found:.3f} +- {doubt:.3f}")
    print(f"95 % intervals of the sources' means hold the truth in {100 * np.mean(holds):.0f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recovery", type=int, metavar="STUDIES")
    parser.add_argument("--plain", action="store_true", help="statsmodels, which must be installed")
    options = parser.parse_args()
    if options.recovery:
        recovery(options.recovery)
        return
    speed()
    if options.plain:
        plain()


if __name__ == "__main__":
    main()
