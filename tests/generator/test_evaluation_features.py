"""The classifier learns what can be learnt, is stored as it was, and the one that ships knows CIFAR-10."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from generator.__main__ import main
from generator.datasets import LabelledImages, Request, load
from generator.errors import CheckpointError, ConfigError, TrainingError
from generator.features.card import ship_classifier
from generator.features.described import SHIPPED, read_classifier
from generator.features.network import Config, at_feature_size
from generator.features.training import FeatureRecipe, Teaching, read_feature_recipe

SMALL = FeatureRecipe(
    "three-kinds",
    1,
    "ruler",
    Config(widths=(8, 8), strides=(2, 2), classes=3),
    Teaching(images=1500, batch_size=30, learning_rate=0.1),
)
RECIPE = SHIPPED.with_suffix(".toml")


@pytest.fixture(scope="module")
def large_kinds(three_kinds) -> LabelledImages:
    """The three kinds at the size that the classifier sees."""
    return dataclasses.replace(three_kinds, pixels=three_kinds.pixels.repeat(2, axis=1).repeat(2, axis=2))


def test_three_kinds_are_learnt_and_survive_the_file(tmp_path, large_kinds):
    path = ship_classifier(SMALL, large_kinds, large_kinds, tmp_path / "kinds.safetensors")
    stored = read_classifier(path)
    assert np.mean(stored.describe(large_kinds.pixels).predicted == large_kinds.labels) > 0.95
    assert stored.about["accuracy"] > 0.95
    assert stored.class_names == large_kinds.class_names
    assert "drawn for a test" in path.with_suffix(".md").read_text(encoding="utf-8")


def test_an_image_is_described_the_same_in_any_company(large_kinds):
    shipped = read_classifier()
    alone = shipped.describe(large_kinds.pixels[70:71]).features[0]
    among = shipped.describe(large_kinds.pixels).features[70]
    assert torch.allclose(alone, among, atol=1e-4)


def test_mirrored_images_are_described_almost_alike(shared_data):
    images = load("cifar10", Request("study", shared_data / "cifar-10-batches-bin-1017")).pixels[:200]
    shipped = read_classifier()
    mirrored = (
        shipped.describe(images).features - shipped.describe(images[:, :, ::-1].copy()).features
    ).norm(dim=1)
    others = (shipped.describe(images).features - shipped.describe(images[::-1].copy()).features).norm(dim=1)
    assert mirrored.mean() < others.mean() / 3


def test_the_shipped_classifier_knows_images_it_never_saw(shared_data):
    held_out = load("cifar10", Request("study", shared_data / "cifar-10-batches-bin-1017"))
    shipped = read_classifier()
    right = np.mean(shipped.describe(held_out.pixels).predicted == held_out.labels)
    assert 0.77 < right < 0.87  # its card says 0.82; four standard errors of 1017 images are 0.05
    assert SHIPPED.stat().st_size <= 2_000_000
    assert shipped.describe(held_out.pixels[:2]).features.shape == (2, 144)


def test_the_shipped_file_was_made_by_the_recipe_beside_it():
    recipe, about = read_feature_recipe(RECIPE), read_classifier().about
    assert about["training"] == dataclasses.asdict(recipe.teaching)
    assert (about["seed"], about["dataset"]) == (recipe.seed, recipe.dataset)


@pytest.mark.parametrize("size", [8, 31, 32, 33, 96])
def test_images_of_other_sizes_keep_their_mean_colour(size):
    flat = torch.full((1, 3, size, size), 0.3)
    assert torch.allclose(at_feature_size(flat), torch.full((1, 3, 32, 32), 0.3))


def test_the_command_trains_and_describes_a_classifier(tmp_path, shared_data, capsys):
    recipe, out = tmp_path / "recipe.toml", tmp_path / "small.safetensors"
    recipe.write_text(
        'dataset = "cifar10"\n[model]\nwidths = [8]\nstrides = [4]\n[training]\nimages = 256',
        encoding="utf-8",
    )
    data = str(shared_data / "cifar-10-batches-bin-1017")
    arguments = ["train-features", str(recipe), "--data", data, "--held-out", data, "--out", str(out)]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert read_classifier(out).about["notes"][0].startswith("NOT THE OFFICIAL CIFAR-10 FILES")
    assert "held-out images, looked at once" in out.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["evaluate", "train-features"])
def test_help_teaches(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert len(capsys.readouterr().out.splitlines()) > 8


def test_images_that_do_not_fit_are_refused(tmp_path, three_kinds, large_kinds):
    out = tmp_path / "x.safetensors"
    with pytest.raises(TrainingError, match="32x32 pixels, three-kinds has 16x16"):
        ship_classifier(SMALL, three_kinds, three_kinds, out)
    with pytest.raises(TrainingError, match="has 3 classes, three-kinds has no labels"):
        ship_classifier(SMALL, dataclasses.replace(large_kinds, labels=None), large_kinds, out)
    gray = dataclasses.replace(large_kinds, pixels=large_kinds.pixels[..., :1])
    with pytest.raises(TrainingError, match="taught on RGB images, those of three-kinds are gray"):
        ship_classifier(SMALL, gray, gray, out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('dataset = "cifar10"\ncolour = 1', "unknown key colour; known are dataset, model, seed, training"),
        ("seed = 1", "expected a text for dataset"),
        ('dataset = "cifar10"\n[model]\nwidths = [8]', "as many strides as widths, got 7 and 1"),
        ('dataset = "cifar10"\n[training]\nimages = 4', "expected a batch_size in 2..4"),
        ("dataset = ", "expected a recipe in TOML"),
    ],
)
def test_bad_recipes_are_refused(tmp_path, text, sentence):
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence):
        read_feature_recipe(path)


def test_files_that_are_no_classifier_are_refused(tmp_path, small_checkpoint):
    text = tmp_path / "text.safetensors"
    text.write_text("hello", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"expected a classifier \(safetensors\), found something else"):
        read_classifier(text)
    with pytest.raises(CheckpointError, match="expected a classifier of format features-1, found format 1"):
        read_classifier(Path(small_checkpoint))


def test_a_classifier_for_an_unknown_use_is_refused(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('dataset = "cifar10"\nuse = "judge"\n')
    with pytest.raises(ConfigError, match="use: expected ruler or critic, got 'judge'"):
        read_feature_recipe(path)
