"""The same numbers as pandas and statsmodels give them, how far they are apart, and what each costs.

Run from anywhere: `python benchmarks/plain.py`, in an environment of its own that has statsmodels beside the project's
requirements (`pip install statsmodels`; the project does not need it). 19,800 simulated answers of 30 people.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the report does
# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
import statsmodels.api as sm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from analysis.binomial import clopper_pearson, jeffreys, wilson
from analysis.contrasts import holm
from analysis.counts import count_tables
from analysis.intervals import covariance
from analysis.observers import Observers, simulate

STUDY = Observers(n_people=30, n_trials=660, images_per_source=250)
REPETITIONS = 3


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work comes to, and its least CPU seconds."""
    seconds = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        found = work()
        seconds.append(time.process_time() - start)
    return found, min(seconds)


def standard_errors(rows: pd.DataFrame) -> np.ndarray:
    """Ours, of the share judged real in each cell, for new people and new images."""
    return np.sqrt(covariance(count_tables(rows)).parts(np.eye(STUDY.n_cells)).variance)


def clustered(rows: pd.DataFrame, *by: str) -> np.ndarray:
    """statsmodels': a regression on 44 indicators with errors clustered by one column or two."""
    cell = rows["source"].cat.codes.to_numpy(int) * 10_000 + rows["exposure_ms"].to_numpy(int)
    groups = np.column_stack([pd.factorize(rows[name])[0] for name in by])
    model = sm.OLS(rows["judged_real"].to_numpy(float), pd.get_dummies(cell, dtype=float).to_numpy())
    return model.fit(cov_type="cluster", cov_kwds={"groups": groups.squeeze()}).bse


def main() -> None:
    rows = simulate(STUDY, seed=1)
    rows["source"] = rows["source"].cat.reorder_categories(list(STUDY.curves))  # cells in our order
    ours, cpu = timed(lambda: standard_errors(rows))
    print(f"{'standard errors of 44 shares':<44}{'CPU s':>8}   against ours")
    print(f"{'ours, people and images':<44}{cpu:>8.3f}")
    for by in (("participant", "image"), ("participant",)):
        theirs, cpu = timed(lambda by=by: clustered(rows, *by))
        ratio = theirs / ours
        words = f"statsmodels OLS, clustered by {' and '.join(by)}"
        print(
            f"{words:<44}{cpu:>8.3f}   {ratio.min():.3f} to {ratio.max():.3f}, median {np.median(ratio):.3f}"
        )

    n = (
        rows.groupby(["source", "exposure_ms"], observed=True)["judged_real"]
        .agg(["sum", "size"])
        .astype(float)
    )
    k, n = n["sum"].to_numpy(), n["size"].to_numpy()
    for name, interval in (("wilson", wilson), ("jeffreys", jeffreys), ("beta", clopper_pearson)):
        apart = np.abs(np.array(interval(k, n, 0.95)) - np.array(proportion_confint(k, n, 0.05, name))).max()
        print(f"statsmodels proportion_confint, {name:<10} at most {apart:.1e} apart")
    p = np.random.default_rng(1).random(10) / 20
    apart = np.abs(holm(p) - multipletests(p, method="holm")[1]).max()
    print(f"statsmodels multipletests, Holm             at most {apart:.1e} apart")


if __name__ == "__main__":
    main()
