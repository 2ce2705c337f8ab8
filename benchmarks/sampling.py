#!/usr/bin/env python3
"""How fast images are drawn and written: `python benchmarks/sampling.py [CHECKPOINT ...]`.

Prints a table: images drawn a second (networks and noise, no files); three planes of noise a second; PNG files encoded
a second by one thread; images a second from checkpoint to finished image set; the largest memory used.
Without arguments every checkpoint that ships is measured.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from rich.console import Console
from rich.table import Table

from generator.checkpoint import read_checkpoint, shipped_names
from generator.image_set import encoded
from generator.noise import image_keys, uniform_noise
from generator.sampling import BLOCK, sample_to_zip, sampled_pixels

SEED = 0
COLUMNS = ("checkpoint", "drawn /s", "noise /s", "encoded /s", "written /s", "peak MB")


def per_second(work: Callable[[], object], count: int, repetitions: int = 3) -> float:
    """Images a second in the best of some repetitions, after one to warm up."""
    work()
    seconds = []
    for _ in range(repetitions):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return count / min(seconds)


def measured(name: str, count: int) -> tuple[str, ...]:
    """One row of the table."""
    checkpoint = read_checkpoint(name)
    size = checkpoint.config.size_px
    pixels = sampled_pixels(checkpoint, SEED, 0, BLOCK)
    keys = image_keys(SEED, 0, BLOCK)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set.zip"
        rates = (
            per_second(lambda: sampled_pixels(checkpoint, SEED, 0, count), count),
            per_second(lambda: uniform_noise(keys, 0, (3, size, size)), BLOCK),
            per_second(lambda: encoded(0, pixels, [0] * BLOCK, range(BLOCK)), BLOCK),
            per_second(lambda: sample_to_zip(name, count=count, seed=SEED, out=out), count),
        )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (name, *(f"{rate:,.0f}" for rate in rates), f"{peak_mb:,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoints", nargs="*", default=shipped_names())
    parser.add_argument("--count", type=int, default=1280, help="images a measurement")
    given = parser.parse_args()
    table = Table(*COLUMNS, title=f"torch {torch.__version__}, {torch.get_num_threads()} threads, float32")
    for name in given.checkpoints:
        table.add_row(*measured(name, given.count))
    Console().print(table)


if __name__ == "__main__":
    main()
