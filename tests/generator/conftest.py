"""Small data and a small trained model, shared by the generator's tests."""

from pathlib import Path

import numpy as np
import pytest
import torch

from generator.datasets import LabelledImages
from generator.recipe import Recipe, recipe_from
from generator.train import train

SHARED_DATA = Path(__file__).resolve().parents[2] / "../shared/data"
NAMES = ("dark", "light", "striped")


@pytest.fixture(autouse=True)
def one_thread():
    """Tests are small and share the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the shared test data is not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def three_kinds() -> LabelledImages:
    """150 images of 16x16 pixels in three classes that any model can tell apart."""
    rng = np.random.default_rng(5)
    labels = np.arange(150) % 3
    noise = rng.integers(0, 40, (150, 16, 16, 3))
    stripes = (np.arange(16) % 2 * 150)[None, None, :, None]
    base = np.where(labels[:, None, None, None] == 1, 200, 20)
    pixels = base + noise + np.where(labels[:, None, None, None] == 2, stripes, 0)
    return LabelledImages("three-kinds", pixels.astype(np.uint8), labels, NAMES, notes=("drawn for a test",))


def small_recipe(family: str = "lapgan", **changes) -> Recipe:
    """A recipe for `three_kinds` that trains in a second; changes go to [training]."""
    model = {
        "gan": {"size_px": 16, "width": 16, "discriminator_width": 16, "noise_values": 8},
        "lapgan": {
            "levels": [8, 16],
            "classes": 3,
            "noise_values": 8,
            "noise_planes": [1],
            "widths": [8, 8],
            "discriminator_widths": [8, 8],
            "penalties": [0.05, 0.02],
        },
    }[family]
    training = {"images": 96, "batch_size": 8, "checkpoint_every": 24} | changes
    table = {
        "source": "cc-lapgan" if family == "lapgan" else "gan",
        "family": family,
        "dataset": "three-kinds",
        "seed": 3,
        "model": model,
        "training": training,
    }
    return recipe_from(table, "small recipe")


@pytest.fixture(scope="session")
def small_checkpoint(tmp_path_factory, three_kinds) -> Path:
    return train(small_recipe(), three_kinds, tmp_path_factory.mktemp("small") / "small.safetensors")


@pytest.fixture(scope="session")
def small_gan(tmp_path_factory, three_kinds) -> Path:
    return train(small_recipe("gan"), three_kinds, tmp_path_factory.mktemp("gan") / "gan.safetensors")
