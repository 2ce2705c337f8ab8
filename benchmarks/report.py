"""How long the report takes: the whole command on a study of the paper's size, and the counting at a million rows.

Run from anywhere: `python benchmarks/report.py`. Prints a table of wall and CPU seconds, the best of the
repetitions; the data are simulated with fixed seeds.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the report does
# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from analysis import cells, count_tables, covariance, read, source_means
from analysis.bars import N_RESAMPLES, Study, resampled_people
from analysis.counts import cells_of, tabulate
from analysis.observers import Observers, as_csv, draw, simulate
from benchmarks.thresholds import study_codes

PROJECT = Path(__file__).resolve().parents[1]
PAPER = Observers(n_people=15, n_trials=660)
MILLION = Observers(n_people=1516, n_trials=660, images_per_source=2000)
TWO_MILLION = Observers(n_people=3031, n_trials=660, images_per_source=2000)
PLAIN_RESAMPLES = 4
PLAIN = f"{PLAIN_RESAMPLES} resamples with pandas: concat, then group-by"
REPETITIONS = 3


def best(work: Callable[[], object]) -> tuple[float, float]:
    """Least wall and CPU seconds of some repetitions, children included."""
    walls, cpus = [], []
    for _ in range(REPETITIONS):
        wall, cpu = time.perf_counter(), cpu_seconds()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(cpu_seconds() - cpu)
    return min(walls), min(cpus)


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def paper_size(folder: Path) -> dict[str, Callable[[], object]]:
    (folder / "responses.csv").write_text(as_csv(simulate(PAPER, seed=1)), encoding="utf-8")
    command = [
        sys.executable,
        str(PROJECT / "analysis" / "report.py"),
        str(folder),
        "--out",
        str(folder / "out"),
    ]
    return {
        "report, whole command, 15 x 660 rows": lambda: subprocess.run(
            command, check=True, capture_output=True
        ),
        "the same with --live": lambda: subprocess.run([*command, "--live"], check=True, capture_output=True),
        "reading and checking 15 x 660 rows": lambda: read(folder),
    }


def million() -> dict[str, Callable[[], object]]:
    """Counting and intervals of 1,000,560 rows: from codes in memory, and from a table with text ids."""
    codes = draw(MILLION, np.random.default_rng(1))
    n_exposures = len(MILLION.exposures_ms)
    names = np.asarray(list(MILLION.curves))
    frame = cells_of(list(MILLION.curves), MILLION.exposures_ms)
    rows = pd.DataFrame(
        {
            "participant": pd.Categorical(codes.person),
            "image": pd.Categorical(codes.image),
            "source": pd.Categorical(names[codes.cell // n_exposures]),
            "exposure_ms": frame["exposure_ms"].to_numpy()[codes.cell],
            "judged_real": codes.judged_real,
        }
    )

    def numbers_from_codes() -> None:
        n_images = len(names) * MILLION.images_per_source
        tables = tabulate(frame, *codes, n_people=MILLION.n_people, n_images=n_images)
        cov = covariance(tables)
        cells(tables, cov)
        source_means(tables, cov)

    def numbers_from_rows() -> None:
        tables = count_tables(rows)
        cov = covariance(tables)
        cells(tables, cov)
        source_means(tables, cov)

    return {
        "counting + 44 intervals + covariance, 1 M coded rows": numbers_from_codes,
        "the same from a table with ids": numbers_from_rows,
        "pandas group-by of shares alone, 1 M rows": lambda: rows.groupby(
            ["source", "exposure_ms"], observed=True
        )["judged_real"].agg(["mean", "size"]),
    }


def ten_million() -> dict[str, Callable[[], object]]:
    """Counting and intervals of 10 million coded rows in memory: 15,152 people, 20,000 images, none seen twice."""
    n_people, n_trials, n_images, rng = 15_152, 660, 20_000, np.random.default_rng(1)
    person = np.repeat(np.arange(n_people, dtype=np.int32), n_trials)
    cell = rng.integers(0, 44, len(person)).astype(np.int8)
    place = person.astype(np.int64) * 37 + 7 * np.tile(np.arange(n_trials), n_people)
    image = (5000 * (cell // 11).astype(np.int32) + place % 5000).astype(np.int32)
    judged_real = rng.random(len(person)) < 0.4
    frame = cells_of(list(PAPER.curves), PAPER.exposures_ms)

    def numbers() -> None:
        tables = tabulate(frame, person, image, cell, judged_real, n_people=n_people, n_images=n_images)
        cov = covariance(tables)
        cells(tables, cov)
        source_means(tables, cov)

    return {"counting + 44 intervals + covariance, 10 M coded rows": numbers}


def resamples() -> dict[str, Callable[[], object]]:
    """2,000 resamples of people at 2 million rows, from counts; a few the plain way, which reads all rows each time."""
    codes, n_people = study_codes(TWO_MILLION, seed=1), TWO_MILLION.n_people
    rows = pd.DataFrame({"person": codes.person, "cell": codes.cell, "judged_real": codes.judged_real})
    tables = codes.tables()
    study = Study(codes, tables, covariance(tables), seed=1)
    by_person = dict(iter(rows.groupby("person")))

    def plain() -> None:
        rng = np.random.default_rng(1)
        for _ in range(PLAIN_RESAMPLES):
            drawn = pd.concat([by_person[person] for person in rng.integers(n_people, size=n_people)])
            drawn.groupby("cell")["judged_real"].mean()

    return {
        f"{N_RESAMPLES:,} resamples of people, 2 M rows counted": lambda: resampled_people(study, 0.95),
        PLAIN: plain,
    }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tachisto-benchmark-") as folder:
        work = {**paper_size(Path(folder)), **million(), **ten_million(), **resamples()}
        print(f"{'best of ' + str(REPETITIONS):<56}{'wall s':>8}{'CPU s':>8}")
        cpu_s = {}
        for name, run in work.items():
            wall_s, cpu_s[name] = best(run)
            print(f"{name:<56}{wall_s:>8.2f}{cpu_s[name]:>8.2f}", flush=True)
    each = cpu_s[PLAIN] / PLAIN_RESAMPLES
    print(f"{f'scaled from these: {N_RESAMPLES:,} resamples with pandas':<64}{N_RESAMPLES * each:>8.0f}")


if __name__ == "__main__":
    main()
