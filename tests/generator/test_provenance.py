"""Which recipe made an image can be told from its checkpoint, its card and its image set."""

import json
import zipfile

import pytest
from safetensors import safe_open

from generator.card import write_card
from generator.checkpoint import read_checkpoint
from generator.recipe import recipe_from
from generator.sampling import sample_to_zip
from generator.train import train


@pytest.fixture(scope="module", params=["paper", "modern"])
def made(request, tmp_path_factory, three_kinds):
    """A kind of recipe and a checkpoint that it made."""
    table = {
        "source": "gan",
        "family": "gan",
        "dataset": "three-kinds",
        "model": {"networks": request.param, "size_px": 16, "width": 8, "discriminator_width": 8},
        "training": {"images": 16, "batch_size": 8},
    }
    out = tmp_path_factory.mktemp(request.param) / "made.safetensors"
    return request.param, train(recipe_from(table, "here"), three_kinds, out)


def test_a_checkpoint_knows_its_recipe_and_its_header_holds_it_in_full(made):
    recipe, path = made
    assert read_checkpoint(path).recipe == recipe
    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["config"])
    assert (config["networks"], config["optimiser"]) == (recipe, "adam")


def test_the_card_names_the_recipe(made):
    recipe, path = made
    text = write_card(path, hardware="a machine", by_eye="Noise.").read_text(encoding="utf-8")
    assert f"recipe `{recipe}`" in text


def test_an_image_set_names_the_recipe_of_its_images(made, tmp_path):
    recipe, path = made
    with zipfile.ZipFile(sample_to_zip(path, count=3, seed=1, out=tmp_path / "set.zip")) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["checkpoint"]["recipe"] == recipe
    assert manifest["checkpoint"]["config"]["optimiser"] == "adam"
