#!/usr/bin/env python3
"""What each option of the LAPGAN did: `python benchmarks/options.py --train PATH --data PATH --out DIR`.

Trains the LAPGAN of generator/configs/lapgan-cifar10.toml once as it is and once with each option, for the same CPU
time on one thread, and prints the tables of docs/models/options.md. PATH are images of CIFAR-10 to train on, and
others to measure on. Models stay in DIR: a run that was killed goes on where it was.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generator.checkpoint import Checkpoint, read_checkpoint
from generator.datasets import LabelledImages, Request, load
from generator.evaluation.detail import level_variances
from generator.evaluation.frechet import Gaussian, frechet_distance, gaussian_fit
from generator.evaluation.levels import finished_from, inconsistency, levels_of
from generator.evaluation.material import shrunk_and_enlarged
from generator.families.lapgan import noise_shape
from generator.features.described import Classifier, read_classifier
from generator.noise import image_keys
from generator.pixels import bytes_from_unit, unit_from_bytes
from generator.pyramid import down
from generator.recipe import Recipe, read_recipe
from generator.sampling import sampled_pixels
from generator.train import train_part

RECIPE = Path(__file__).resolve().parents[1] / "generator/configs/lapgan-cifar10.toml"
FINER, WHOLE = ("16px", "32px"), ()


@dataclass(frozen=True)
class Trial:
    """A row: what `python -m generator train CONFIG --set` is told, the parts that train (all where none is named),
    and the CPU minutes of each, in units of the first table's."""

    changes: tuple[str, ...]
    parts: tuple[str, ...]
    minutes: float


EQUAL = ("training.last_stage=1.0",)  # the joint part has the budget of a level
# Options of the finer levels are judged on these alone, drawn on from true images of 8x8 pixels.
TRIALS = {
    "as it is": Trial((), FINER, 1.0),
    "projected noise": Trial(("model.noise=projected",), FINER, 1.0),
    "low-rank noise": Trial(("model.noise=low-rank",), FINER, 1.0),
    "L2 term": Trial(("model.l2_weight=10.0",), FINER, 1.0),
    "consistent": Trial(("model.consistent=true",), FINER, 1.0),
    "no batch norm": Trial(("model.batch_norm=false",), FINER, 1.0),
    "two layers deeper": Trial(("model.depth=2",), FINER, 1.0),
    "levels alone": Trial((*EQUAL, "model.joint=false", "model.projected=false"), WHOLE, 2.0),
    "joint at the end": Trial(EQUAL, WHOLE, 1.5),
}
SAMPLES, SEED, CHAINS = 5000, 1, 256
COLUMNS = (
    "option",
    "random numbers",
    "images seen",
    "distance from noise",
    "distance from true 8 px",
    "detail 16 px",
    "detail 32 px",
    "inconsistency",
)


@dataclass(frozen=True)
class Ruler:
    """Real images that are not trained on, and the Frechet distance between them and others, in yardsticks."""

    real: NDArray[np.uint8]
    classifier: Classifier
    fit: Gaussian
    yardstick: float

    def distance(self, pixels: NDArray[np.uint8]) -> float:
        """1 is as far as the real images shrunk to half their size and enlarged again."""
        return self._features_distance(pixels) / self.yardstick

    def _features_distance(self, pixels: NDArray[np.uint8]) -> float:
        return frechet_distance(gaussian_fit(self.classifier.describe(pixels).features), self.fit)


def ruler_of(real: NDArray[np.uint8]) -> Ruler:
    """The ruler of real images (N, S, S, 3) uint8."""
    classifier = read_classifier()
    fit = gaussian_fit(classifier.describe(real).features)
    blurred = gaussian_fit(classifier.describe(shrunk_and_enlarged(real)).features)
    return Ruler(real, classifier, fit, frechet_distance(blurred, fit))


def recipe_of(trial: Trial, minutes: float) -> Recipe:
    """The recipe of a row, with its minutes for every part."""
    recipe = read_recipe(RECIPE, trial.changes)
    training = replace(recipe.training, images=0, minutes=minutes * trial.minutes)
    return replace(recipe, training=training)


def trained(trial: Trial, images: LabelledImages, out: Path, minutes: float) -> Checkpoint:
    """The model of a row, trained or gone on with."""
    recipe = recipe_of(trial, minutes)
    for part in trial.parts or recipe.parts:
        train_part(recipe, images, out, part, goes_on=lambda seen, share: True)
    return read_checkpoint(out)


@torch.inference_mode()
def row(name: str, checkpoint: Checkpoint, ruler: Ruler) -> tuple[str, ...]:
    """A row of the table; detail and inconsistency are those of images drawn on from true ones."""
    levels = levels_of(checkpoint)
    assert levels is not None
    keys = image_keys(SEED, 0, SAMPLES)
    real = unit_from_bytes(torch.from_numpy(ruler.real[:SAMPLES])).permute(0, 3, 1, 2)
    true = down(real, levels.sizes[0])
    from_true = _pixels(finished_from(levels, true, 0, keys, None))
    is_whole = all(checkpoint.origin.images_seen.values())
    of_real = level_variances(ruler.real, list(levels.sizes))
    of_drawn = level_variances(from_true, list(levels.sizes))
    detail = [drawn.variance / real.variance for drawn, real in zip(of_drawn[1:], of_real[1:], strict=True)]
    missed, image = [], true[:CHAINS]
    for level in range(1, len(levels.sizes)):
        finer_image = levels.draw(level, image, keys[:CHAINS], None)
        missed.append(inconsistency(image, finer_image))
        image = finer_image
    numbers = [prod(noise_shape(levels.config, level)) for level in range(1, len(levels.sizes))]
    return (
        name,
        " + ".join(f"{number:,}" for number in numbers),
        f"{sum(checkpoint.origin.images_seen.values()):,}",
        f"{ruler.distance(sampled_pixels(checkpoint, SEED, 0, SAMPLES)):.2f}" if is_whole else "",
        f"{ruler.distance(from_true):.2f}",
        *(f"{ratio:.2f}" for ratio in detail),
        ", ".join(f"{steps:.1f}" for steps in missed),
    )


def _pixels(blocks: Iterator[Tensor]) -> NDArray[np.uint8]:
    return bytes_from_unit(torch.cat(list(blocks))).permute(0, 2, 3, 1).contiguous().numpy()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--train", type=Path, required=True, metavar="PATH", help="images to train on")
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="images to measure on")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the models lie")
    parser.add_argument("--minutes", type=float, default=1.0, help="CPU minutes of a level (1)")
    parser.add_argument("--only", nargs="*", default=list(TRIALS), choices=TRIALS, help="some of the rows")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = load("cifar10", Request("train", arguments.train))
    ruler = ruler_of(load("cifar10", Request("study", arguments.data)).pixels)
    arguments.out.mkdir(parents=True, exist_ok=True)
    for line in (COLUMNS, ("---",) * len(COLUMNS)):
        print("|", " | ".join(line), "|", flush=True)
    for name in arguments.only:
        out = arguments.out / f"{name.replace(' ', '-')}.safetensors"
        checkpoint = trained(TRIALS[name], images, out, arguments.minutes)
        print("|", " | ".join(row(name, checkpoint, ruler)), "|", flush=True)


if __name__ == "__main__":
    main()
