"""How often intervals of the untimed error rate hold for new people and new images: two-way, and over raters.

Run from anywhere: `python benchmarks/untimed.py`. Simulated studies of HYPE-infinity's size (30 raters, 50 real
and 50 generated pictures each) with the spread between people and images of public data.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from analysis.designs.untimed import error_rates
from analysis.observers import Observers, simulate, true_proportions

# Everybody sees the same 50 pictures of each source, as HYPE's raters do.
STUDY = Observers(30, 100, 50, curves={"real": (0.7, 0.7), "gan": (0.35, 0.35)}, exposures_ms=(1,))


def coverage(replications: int, seed: int) -> tuple[float, float]:
    """Share of studies whose interval holds the true error rate: two-way, bootstrap over raters."""
    real, fake = true_proportions(STUDY)[:, 0]
    truth = (fake + 1 - real) / 2
    rng, holds = np.random.default_rng(seed), []
    for replication in range(replications):
        rows = simulate(STUDY, seed=10_000 * seed + replication)
        (row,) = error_rates(rows, rng).itertuples()
        holds.append((row.low <= truth <= row.high, row.rater_low <= truth <= row.rater_high))
    two_way, raters = np.mean(holds, axis=0)
    return float(two_way), float(raters)


def main() -> None:
    two_way, raters = coverage(400, seed=1)
    print("400 studies of 30 raters x 100 pictures, 50 pictures a source; nominal 95 %")
    print(f"two-way interval        {100 * two_way:.1f} % (Monte Carlo error 1.1)")
    print(f"bootstrap over raters   {100 * raters:.1f} %")


if __name__ == "__main__":
    main()
