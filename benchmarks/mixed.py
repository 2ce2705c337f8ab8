"""How long the mixed model takes: `python benchmarks/mixed.py`, from anywhere.

CPU seconds at 20,000 and 200,000 rows. Whether planted values are found is `recovery.py`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the report does
# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from analysis.counts import Codes, coded
from analysis.mixed_levels import fitted_study
from analysis.observers import Observers, simulate

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


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    speed()


if __name__ == "__main__":
    main()
