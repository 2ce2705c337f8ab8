"""A simulated study of any size as `responses.parquet`, for timing the report where CSV would be slow to write.

Run from anywhere: `python benchmarks/large_study.py OUT --people 1516` (660 trials each; needs pyarrow), then
`/usr/bin/time -v python analysis/report.py OUT --out report`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.columns import COLUMNS
from analysis.observers import Observers, draw

PEOPLE_AT_ONCE = 1000
FRAME_MS = 16.667


def part(observers: Observers, first_person: int, rng: np.random.Generator) -> pa.Table:
    """Rows of some people; images and their effects are drawn anew for each part, which no timing can tell."""
    answers = draw(observers, rng)
    n = len(answers.cell)
    times = np.asarray(observers.exposures_ms, dtype=float)[answers.cell % len(observers.exposures_ms)]
    frames = np.maximum(1, np.rint(times / FRAME_MS))
    sources = np.asarray(list(observers.curves), dtype=object)[answers.cell // len(observers.exposures_ms)]
    person = answers.person + first_person
    ordinal = np.tile(np.arange(observers.n_trials), observers.n_people)
    values = {
        "study": pa.array(["large"] * n),
        "study_version": pa.array(["simulated"] * n),
        "participant": pa.array(np.char.mod("p%06d", person).tolist()),
        "sitting": pa.array(np.char.mod("s%06d", person).tolist()),
        "trial": pa.array(
            np.char.mod("trial-%012d", np.arange(n) + first_person * observers.n_trials).tolist()
        ),
        "ordinal": pa.array(ordinal, pa.int64()),
        "kind": pa.array(["main"] * n),
        "protocol": pa.array(["timed-yes-no"] * n),
        "source": pa.array(sources.tolist()),
        "image": pa.array(np.char.mod("image-%06d", answers.image).tolist()),
        "exposure_ms": pa.array(times.astype(np.int64)),
        "planned_frames": pa.array(frames.astype(np.int64)),
        "measured_ms": pa.array(frames * FRAME_MS),
        "measured_frames": pa.array(frames.astype(np.int64)),
        "frame_ms": pa.array(np.full(n, FRAME_MS)),
        "timing_ok": pa.array(np.ones(n, dtype=bool)),
        "timing_witness": pa.array(["element_timing"] * n),
        "response": pa.array(np.where(answers.judged_real, "real", "generated").tolist()),
        "judged_real": pa.array(answers.judged_real),
        "reaction_ms": pa.array(np.round(np.exp(rng.normal(6.4, 0.35, n)), 1)),
        "lost_focus": pa.array(np.zeros(n, dtype=bool)),
        "status": pa.array(["answered"] * n),
        "is_simulated": pa.array(np.ones(n, dtype=bool)),
        "shown_utc": pa.array(
            1_790_000_000_000 + 3000 * ordinal + 3_600_000 * person, pa.timestamp("ms", "UTC")
        ),
    }
    return pa.table({name: values[name] for name in COLUMNS})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=1516)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rng, writer = np.random.default_rng(1), None
    for first in range(0, options.people, PEOPLE_AT_ONCE):
        n_people = min(PEOPLE_AT_ONCE, options.people - first)
        table = part(Observers(n_people=n_people, n_trials=660, images_per_source=5000), first, rng)
        writer = writer or pq.ParquetWriter(options.out / "responses.parquet", table.schema)
        writer.write_table(table, row_group_size=200_000)
    if writer:
        writer.close()


if __name__ == "__main__":
    main()
