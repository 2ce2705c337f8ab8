#!/usr/bin/env python3
"""How fast a training step is: `python benchmarks/training.py [RECIPE] [--threads N ...]`.

Prints a table with a line for each level of a recipe (cc-lapgan-cifar10 by default) and number of threads: images a
second of our step against the same networks in a plain loop of PyTorch (float32, colours first, Adam as it comes), both
on the same random images, their ratio, and the largest memory used. The two take turns, so that what else runs on the
machine slows both; the best turn of each counts, and the middle one of the ratios. Seconds are those of the
processor with one thread, of the clock with more: those want a quiet machine.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor

from generator.batches import Pool, pools
from generator.datasets import LabelledImages
from generator.device import device_name, precision_of
from generator.families import FAMILIES
from generator.recipe import Recipe, read_recipe

CONFIGS = Path(__file__).resolve().parents[1] / "generator" / "configs"
CPU = torch.device("cpu")
IMAGES = 50_000
TURN_S = 1.5
COLUMNS = ("part", "threads", "batch", "ours /s", "plain /s", "ratio", "peak MB")

Step = Callable[[Tensor, Tensor | None], object]


def random_images(recipe: Recipe) -> LabelledImages:
    """As many images as CIFAR-10 has, of noise: a step takes as long whatever they show."""
    rng = np.random.default_rng(0)
    size, channels, classes = recipe.config.size_px, recipe.config.channels, max(recipe.config.classes, 1)
    pixels = rng.integers(0, 256, (IMAGES, size, size, channels), dtype=np.uint8)
    return LabelledImages("noise", pixels, rng.integers(0, classes, IMAGES), ("any",) * classes)


def our_step(recipe: Recipe, part: str) -> Step:
    """The step that training takes."""
    family = FAMILIES[recipe.family]
    trainer = family.Trainer(family.build(recipe.config).train(), recipe.config, part)

    def step(images: Tensor, labels: Tensor | None) -> object:
        losses = trainer.step(images, labels)
        trainer.steps_done += 1
        return losses

    return step


def plain_step(recipe: Recipe, part: str) -> Step:
    """The same sums as a tutorial writes them, on the same networks: float32, colours first, nothing joined."""
    family, config = FAMILIES[recipe.family], recipe.config
    model = family.build(config).train()
    networks = family.Trainer(model, config, part).networks
    generator, discriminator = (
        networks[name].to(memory_format=torch.contiguous_format) for name in ("generator", "discriminator")
    )
    betas = (config.momentum, config.second_momentum)
    teaches_g, teaches_d = (
        torch.optim.Adam(network.parameters(), lr=config.learning_rate, betas=betas)
        for network in (generator, discriminator)
    )
    level, steps = family.parts(config).index(part), 0

    def step(images: Tensor, labels: Tensor | None) -> object:
        nonlocal steps
        real = F.adaptive_avg_pool2d(images.contiguous(), config.levels[level])
        told: tuple[Any, ...] = (labels,) if config.classes else ()
        if level:
            small = F.adaptive_avg_pool2d(real, config.levels[level - 1])
            told = (F.interpolate(small, size=real.shape[-1], mode="bilinear", align_corners=False), *told)
        planes = (config.noise_planes[level - 1], *real.shape[2:]) if level else (config.noise_values,)
        noise = torch.randn(len(real), *planes)
        fake = generator(*told[:-1], noise, told[-1]) if config.classes else generator(*told, noise, None)
        loss_d = (
            F.softplus(-discriminator(real, *told)).mean()
            + F.softplus(discriminator(fake.detach(), *told)).mean()
        )
        teaches_d.zero_grad()
        loss_d.backward()
        teaches_d.step()
        loss_g = F.softplus(-discriminator(fake, *told)).mean()
        teaches_g.zero_grad()
        loss_g.backward()
        teaches_g.step()
        if steps % config.penalty_every == 0:
            at = real.clone().requires_grad_(True)
            (slope,) = torch.autograd.grad(discriminator(at, *told).sum(), at, create_graph=True)
            teaches_d.zero_grad()
            (slope.square().sum((1, 2, 3)).mean() * config.penalties[level] / 2).backward()
            teaches_d.step()
        steps += 1
        return loss_d.item(), loss_g.item()

    return step


def steps_a_second(step: Step, pool: Pool, batch_size: int, seconds: float) -> float:
    """Steps a second over one turn, batches included."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    began, steps = clock(), 0
    while (passed := clock() - began) < seconds:
        step(*pool.batch(batch_size, flip=True))
        steps += 1
    return steps / passed


def measured(recipe: Recipe, pool: Pool, part: str, threads: int, turns: int) -> tuple[str, ...]:
    """One line of the table."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    batch_size = recipe.training.batch_size
    both = {"ours": our_step(recipe, part), "plain": plain_step(recipe, part)}
    for step in both.values():
        steps_a_second(step, pool, batch_size, TURN_S / 3)
    rates = [[steps_a_second(step, pool, batch_size, TURN_S) for step in both.values()] for _ in range(turns)]
    ours, plain = (max(column) * batch_size for column in zip(*rates, strict=True))
    ratio = statistics.median(here / there for here, there in rates)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        part,
        str(threads),
        str(batch_size),
        f"{ours:,.0f}",
        f"{plain:,.0f}",
        f"{ratio:.2f}",
        f"{peak_mb:,.0f}",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "recipe", nargs="?", default="cc-lapgan-cifar10", help="a recipe of generator/configs"
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--parts", nargs="+", help="only these parts")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    given = parser.parse_args()
    recipe = read_recipe(CONFIGS / f"{given.recipe}.toml", given.set)
    pool, _ = pools(random_images(recipe), 0, 0, CPU)
    precision = str(precision_of(CPU)).removeprefix("torch.")
    table = Table(*COLUMNS, title=f"torch {torch.__version__}, {device_name(CPU)}, ours in {precision}")
    for threads in given.threads:
        for part in given.parts or recipe.stages[0]:
            table.add_row(*measured(recipe, pool, part, threads, given.turns))
    Console().print(table)


if __name__ == "__main__":
    main()
