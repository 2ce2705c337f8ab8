#!/usr/bin/env python3
"""How fast images are drawn and written: `python benchmarks/sampling.py [CHECKPOINT ...]`.

For each checkpoint (all that ship, unless some are named) everything is measured in turn, several times round, and the
best time of each counts. The first table is of all threads and the clock on the wall, which other work on the machine
spoils; the second of one thread and the processor's time that it took, which other work spoils less.

- drawn: images a second, noise and networks, no files
- of GEMM: multiply-adds of convolutions and matrix products over time, as a share of what square matrix products reach
  in the same precision on as many threads, each with a product of its own
- to plain: how many times the images of the same networks in a plain loop (float32, NCHW, batches of 64, torch's own
  way with threads)
- noise: share of the drawing time
- encoded: PNG files made and stored in a set
- written: from checkpoint to finished set

`--memory COUNT` writes a set of so many images of one checkpoint instead, and tells how memory grew.
`--rounding PATH`, with real images, compares bfloat16 with float32: pixels, and Frechet distances of 5,000 images.
"""

import argparse
import copy
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from generator.checkpoint import Checkpoint, read_checkpoint, shipped_names
from generator.datasets import Request
from generator.device import chosen_device
from generator.evaluation.cost import multiply_adds
from generator.evaluation.frechet import frechet_distance, gaussian_fit
from generator.evaluation.material import read_real
from generator.families import FAMILIES
from generator.features.described import read_classifier
from generator.image_set import EncodedImage, encoded, write_image_set
from generator.noise import balanced_labels, image_keys, uniform_noise
from generator.pixels import bytes_from_unit
from generator.sampler import DTYPES, Sampler, usual_sampler
from generator.sampling import about, drawing_of, one_thread_each, sample_to_zip, sampled_pixels

SEED = 0
PLAIN_BATCH = 64
GEMM_SIDE = 1024
WALL = ("checkpoint", "MMAC an image", "drawn /s", "GMAC/s", "of GEMM", "to plain", "written /s")
CORE = ("checkpoint", "drawn /s", "GMAC/s", "of GEMM", "to plain", "noise", "encoded /s")
ROUNDING = ("checkpoint", "mean step of 255", "largest", "Frechet, bfloat16", "float32", "difference")
COMPARED = 5000  # images
MB = 1024  # in units of ru_maxrss


@dataclass(frozen=True)
class Work:
    """Something to be timed: `count` images, or billions of multiply-adds, in one call, by a clock in seconds."""

    call: Callable[[], object]
    count: float
    clock: Callable[[], float] = time.perf_counter


def rates(works: dict[str, Work], rounds: int) -> dict[str, float]:
    """Counts a second in the best round, all works in turn, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(1 + rounds):
        for name, work in works.items():
            began = work.clock()
            work.call()
            seconds[name].append(work.clock() - began)
    return {name: work.count / min(seconds[name][1:]) for name, work in works.items()}


def on_one_core(work: Work) -> Work:
    """The same work by one thread, timed by the processor's time that it takes."""

    def call() -> None:
        with one_thread_each():
            work.call()

    return Work(call, work.count, time.process_time)


def matrix_products(dtype: torch.dtype, threads: int, times: int = 4) -> Work:
    """Square products of random matrices, some for each thread."""
    matrices = [torch.randn(GEMM_SIDE, GEMM_SIDE).to(dtype) for _ in range(threads)]

    def multiply(matrix: torch.Tensor) -> None:
        for _ in range(times):
            torch.mm(matrix, matrix)

    def call() -> None:
        with one_thread_each(), ThreadPoolExecutor(threads) as pool:
            list(pool.map(multiply, matrices))

    return Work(call, threads * times * GEMM_SIDE**3 / 1e9)


def plain_loop(checkpoint: Checkpoint, count: int) -> Work:
    """The same images as anybody would draw them first."""
    model = copy.deepcopy(checkpoint.model)
    for value in model.parameters():
        value.data = value.data.contiguous()
    config, family = checkpoint.config, FAMILIES[checkpoint.family]

    @torch.inference_mode()
    def call() -> None:
        for start in range(0, count, PLAIN_BATCH):
            keys = image_keys(SEED, start, PLAIN_BATCH)
            labels = balanced_labels(SEED, start, PLAIN_BATCH, config.classes) if config.classes else None
            images = family.sample(model, config, keys, labels)
            bytes_from_unit(images).permute(0, 2, 3, 1).contiguous().numpy()

    return Work(call, count)


def noise(config: Any, count: int) -> Work:
    """The random numbers of so many images, full planes at every finer level."""
    levels, planes = getattr(config, "levels", ()), getattr(config, "noise_planes", ())
    shapes = [
        (config.noise_values,),
        *((each, size, size) for each, size in zip(planes, levels[1:], strict=True)),
    ]
    keys = image_keys(SEED, 0, count)

    def call() -> None:
        for stream, shape in enumerate(shapes):
            uniform_noise(keys, stream, shape)

    return Work(call, count)


def measured(
    name: str, sampler: Sampler, blocks: int, rounds: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A row of each table."""
    checkpoint = read_checkpoint(name)
    dtype, block = DTYPES[sampler.dtype], sampler.block
    drawing, count = drawing_of(checkpoint, SEED, sampler), blocks * block
    pixels = sampled_pixels(checkpoint, SEED, 0, block, sampler)

    def images() -> Iterator[EncodedImage]:
        for start in range(0, count, block):
            yield from encoded(start, pixels, [0] * block, range(start, start + block))

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set.zip"
        works = {
            "gemm": matrix_products(dtype, torch.get_num_threads()),
            "drawn": Work(lambda: sampled_pixels(checkpoint, SEED, 0, count, sampler), count),
            "plain": plain_loop(checkpoint, count // 2),
            "written": Work(
                lambda: sample_to_zip(name, count=count, seed=SEED, out=out, sampler=sampler), count
            ),
            "core gemm": on_one_core(matrix_products(dtype, 1)),
            "core drawn": on_one_core(Work(lambda: drawing.block(0), block)),
            "core plain": on_one_core(plain_loop(checkpoint, block)),
            "core noise": on_one_core(noise(checkpoint.config, block)),
            "core encoded": on_one_core(Work(lambda: write_image_set(out, about(drawing), images()), count)),
        }
        found = rates(works, rounds)
    cost = multiply_adds(checkpoint) / 1e9

    def compared(where: str) -> tuple[str, ...]:
        drawn = found[f"{where}drawn"]
        return (
            f"{drawn:,.0f}",
            f"{drawn * cost:.1f}",
            f"{drawn * cost / found[f'{where}gemm']:.0%}",
            f"{drawn / found[f'{where}plain']:.2f}",
        )

    wall = (name, f"{cost * 1e3:.1f}", *compared(""), f"{found['written']:,.0f}")
    share = f"{found['core drawn'] / found['core noise']:.1%}"
    return wall, (name, *compared("core "), share, f"{found['core encoded']:,.0f}")


def grown(name: str, sampler: Sampler, count: int) -> Table:
    """Peak memory while a set is written, tenth by tenth."""
    table = Table("images", "peak MB", "s", title=f"{name}: a set of {count:,} images")
    began, marks = time.perf_counter(), list(range(count // 10, count + 1, max(count // 10, 1)))

    def progress(done: int) -> None:
        while marks and done >= marks[0]:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
            table.add_row(f"{marks.pop(0):,}", f"{peak:,.0f}", f"{time.perf_counter() - began:,.0f}")

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set.zip"
        sample_to_zip(name, count=count, seed=SEED, out=out, sampler=sampler, progress=progress)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
        table.add_row("finished", f"{peak:,.0f}", f"{time.perf_counter() - began:,.0f}")
        table.caption = f"{out.stat().st_size / 1e6:,.0f} MB on disk"
    return table


def rounded(name: str, path: Path, block: int) -> tuple[str, ...]:
    """How far images drawn in bfloat16 are from those in float32, and either from real ones."""
    checkpoint, classifier = read_checkpoint(name), read_classifier()
    real = read_real(checkpoint.origin.dataset, Request("study", path)).drawn(None, SEED)
    goal = gaussian_fit(classifier.describe(real.pixels[:COMPARED]).features)
    coarse, fine = (sampled_pixels(checkpoint, SEED, 0, COMPARED, Sampler(dtype, block)) for dtype in DTYPES)
    steps = np.abs(coarse.astype(np.int16) - fine)
    near, far = (
        float(frechet_distance(gaussian_fit(classifier.describe(pixels).features), goal))
        for pixels in (coarse, fine)
    )
    return (
        name,
        f"{steps.mean():.2f}",
        f"{steps.max()}",
        f"{near:.3f}",
        f"{far:.3f}",
        f"{near / far - 1:+.2%}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoints", nargs="*", default=shipped_names())
    parser.add_argument("--blocks", type=int, default=32, help="blocks of images a measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=tuple(DTYPES))
    parser.add_argument(
        "--memory", type=int, metavar="COUNT", help="write so many images of the first checkpoint"
    )
    parser.add_argument("--rounding", type=Path, metavar="PATH", help="real images to compare precisions on")
    given = parser.parse_args()
    sampler = usual_sampler(chosen_device(), given.dtype)
    if given.memory:
        Console().print(grown(given.checkpoints[0], sampler, given.memory))
        return
    if given.rounding:
        table = Table(*ROUNDING, title=" against ".join(DTYPES))
        for name in given.checkpoints:
            table.add_row(*rounded(name, given.rounding, sampler.block))
        Console().print(table)
        return
    threads = torch.get_num_threads()
    wall = Table(
        *WALL,
        title=f"{threads} threads, torch {torch.__version__}, {sampler.dtype}, blocks of {sampler.block}",
    )
    core = Table(*CORE, title="one thread, a second of the processor's time")
    for name in given.checkpoints:
        rows = measured(name, sampler, given.blocks, given.rounds)
        wall.add_row(*rows[0])
        core.add_row(*rows[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MB
    core.caption = f"peak memory {peak:,.0f} MB"
    Console().print(wall, core)


if __name__ == "__main__":
    main()
