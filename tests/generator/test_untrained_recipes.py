"""The recipes that ship without weights train, draw and are measured, here with narrow networks on few images."""

import json
from pathlib import Path

import numpy as np
import pytest

from generator.__main__ import main
from generator.checkpoint import read_checkpoint
from generator.datasets import LabelledImages
from generator.families import FAMILIES
from generator.real_sets import write_real_set
from generator.recipe import Recipe, read_recipe
from generator.train import train

CONFIGS = Path(__file__).resolve().parents[2] / "generator/configs"
FIVE = "[4, 4, 4, 4, 4]"
NARROW = {
    "lapgan": [
        f"model.widths={FIVE}",
        f"model.discriminator_widths={FIVE}",
        "model.noise_planes=[1, 1, 1, 1]",
    ],
    "gan": ["model.width=16", "model.discriminator_width=16"],
}
SHORT = ["training.images=16", "training.minutes=0", "training.batch_size=8"]
NAMES = ("lapgan-stl10-unlabeled", "cc-lapgan-stl10", "lapgan-lsun", "gan-mnist")
MOST_WEIGHTS = 3_000_000


def narrowed(name: str) -> Recipe:
    path = CONFIGS / f"{name}.toml"
    return read_recipe(path, NARROW[read_recipe(path).family] + SHORT)


def images_for(recipe: Recipe, count: int = 24) -> LabelledImages:
    """Smooth random pictures of the shape that the recipe's data set has."""
    size, channels, classes = recipe.config.size_px, recipe.config.channels, recipe.config.classes
    rng = np.random.default_rng(4)
    coarse = rng.integers(0, 256, (count, 4, 4, channels), dtype=np.uint8)
    pixels = coarse.repeat(size // 4, axis=1).repeat(size // 4, axis=2)
    labels = np.arange(count) % classes if classes else None
    return LabelledImages(recipe.dataset, pixels, labels, tuple(f"kind {at}" for at in range(classes)))


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_trains_draws_and_is_measured(tmp_path, name):
    recipe = narrowed(name)
    images = images_for(recipe)
    checkpoint = train(recipe, images, tmp_path / "small.safetensors")
    real = write_real_set(images, 1, tmp_path / "real.zip")
    line = [
        "evaluate",
        str(checkpoint),
        "--data",
        str(real),
        "--count",
        "12",
        "--out",
        str(tmp_path / "page"),
    ]
    assert main(line) == 0
    found = json.loads((tmp_path / "page/evaluation.json").read_text(encoding="utf-8"))["measures"]
    steps = getattr(recipe.config, "levels", ())[1:]
    assert [key for key in found if key.startswith("inconsistency")] == [
        f"inconsistency_{at}px" for at in steps
    ]
    assert set(read_checkpoint(checkpoint).origin.images_seen.values()) == {16}


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_keeps_within_three_million_weights(name):
    recipe = read_recipe(CONFIGS / f"{name}.toml")
    model = FAMILIES[recipe.family].build(recipe.config)
    assert sum(value.numel() for value in model.parameters()) <= MOST_WEIGHTS
