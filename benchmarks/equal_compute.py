#!/usr/bin/env python3
"""Recipes at one budget: `python benchmarks/equal_compute.py --minutes 6 --data TRAIN --test TEST CONFIG ...`.

Trains every recipe for the same CPU minutes in all, shared out over its parts as the recipe does, on one thread, and
measures the Frechet distance of its samples: mean and standard deviation over sets of samples. Prints a Markdown table
in the order of the recipes. What a run costs: the minutes, times the recipes. --data and --test may name one folder of
official files.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks.families import HEAD, Model, table_row
from generator.checkpoint import read_checkpoint
from generator.datasets import LabelledImages, Request, load
from generator.evaluation.checks import yardsticks
from generator.evaluation.cost import generator_weights, multiply_adds
from generator.evaluation.material import Material, read_samples
from generator.features.described import read_classifier
from generator.recipe import Recipe, read_recipe
from generator.train import train

SEED = 1


def at_budget(config: Path, minutes: float) -> Recipe:
    """The recipe with so many CPU minutes in all instead of its own."""
    recipe = read_recipe(config)
    each = minutes / sum(map(recipe.budgets, recipe.parts))
    return replace(recipe, training=replace(recipe.training, minutes=each, images=0))


def measured(name: str, checkpoint_file: Path, real: LabelledImages, count: int, sets: int) -> Model:
    """What a trained recipe cost and reached."""
    checkpoint = read_checkpoint(checkpoint_file)
    samples = read_samples(str(checkpoint_file), count, SEED, lambda doing, done, in_all: None)
    material = Material(samples, real, None, read_classifier(), SEED, False, lambda doing, done, in_all: None)
    found = [yardsticks(material, material.generated_seen)]
    for number in range(1, sets):
        if (other := samples.another(number)) is not None:
            found.append(yardsticks(material, material.describe(*other)))
    return Model(
        name,
        checkpoint.origin.dataset,
        generator_weights(checkpoint),
        multiply_adds(checkpoint),
        tuple(checkpoint.origin.images_seen.values()),
        sum(checkpoint.origin.cpu_minutes.values()),
        (fmean(found), stdev(found) if len(found) > 1 else None),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("configs", nargs="+", type=Path, metavar="CONFIG", help="recipes of one data set")
    parser.add_argument("--minutes", type=float, default=6.0, help="CPU minutes a recipe (6)")
    parser.add_argument("--data", type=Path, help="the training images")
    parser.add_argument("--test", type=Path, help="real images to measure against")
    parser.add_argument("--count", type=int, default=5000, help="samples a set (5000)")
    parser.add_argument("--sets", type=int, default=3, help="sets of samples (3)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    recipes = {config.stem: at_budget(config, given.minutes) for config in given.configs}
    first = next(iter(recipes.values()))
    images = load(first.dataset, Request("train", given.data, size_px=first.config.size_px))
    real = load(first.dataset, Request("study", given.test, size_px=first.config.size_px))
    for note in sorted({*images.notes, *real.notes}):
        print(note, file=sys.stderr)
    print(table_row(HEAD), table_row(("---",) * len(HEAD)), sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, recipe in recipes.items():
            out = train(recipe, images, Path(folder) / f"{name}.safetensors")
            print(measured(name, out, real, given.count, given.sets).row(), flush=True)


if __name__ == "__main__":
    main()
