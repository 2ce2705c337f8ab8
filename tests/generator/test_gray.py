"""Gray pictures go the whole way: learnt, drawn, stored, measured, catalogued; and never mixed with coloured ones."""

import dataclasses
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.__main__ import main
from generator.checkpoint import read_checkpoint
from generator.datasets import LabelledImages, Request, load
from generator.errors import DataError, TrainingError
from generator.features.described import read_classifier
from generator.real_sets import write_real_set
from generator.recipe import Recipe
from generator.train import train
from studyapp.catalogue import decoded_pixels, import_images
from tests.generator.conftest import small_recipe

COUNT = 70


def gray_recipe(family: str) -> Recipe:
    recipe = small_recipe(family)
    return dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, channels=1))


@pytest.fixture(scope="module")
def gray_kinds(three_kinds) -> LabelledImages:
    """The three kinds without colours."""
    return dataclasses.replace(three_kinds, pixels=three_kinds.pixels[..., :1].copy())


@pytest.fixture(scope="module", params=["gan", "lapgan"])
def gray_checkpoint(request, tmp_path_factory, gray_kinds) -> Path:
    out = tmp_path_factory.mktemp(request.param) / "gray.safetensors"
    return train(gray_recipe(request.param), gray_kinds, out)


@pytest.fixture
def gray_set(tmp_path, gray_checkpoint) -> Path:
    out = tmp_path / "gray.zip"
    assert (
        main(["sample", str(gray_checkpoint), "--count", str(COUNT), "--seed", "1", "--out", str(out)]) == 0
    )
    return out


def test_a_gray_model_writes_gray_files(gray_set):
    with zipfile.ZipFile(gray_set) as archive:
        content = io.BytesIO(archive.read("images/000003.png"))
    with Image.open(content) as picture:
        assert (picture.mode, picture.size) == ("L", (16, 16))


@pytest.mark.django_db
def test_the_site_takes_a_gray_set_and_shows_equal_colours(gray_set):
    image_set = import_images(gray_set, by="test")
    assert image_set.n_images == COUNT
    sha256 = dict(image_set.images.values_list("pk", "sha256"))
    for pk, content in decoded_pixels(image_set):
        pixels = np.frombuffer(content, np.uint8).reshape(16, 16, 3)
        assert np.ptp(pixels, axis=2).max() == 0
        assert hashlib.sha256(content).hexdigest() == sha256[pk]


def test_a_gray_set_can_be_learned_from_again(tmp_path, gray_kinds):
    again = load("image-set", Request(path=write_real_set(gray_kinds, 1, tmp_path / "real.zip")))
    assert again.channels == 1
    assert again.sha256() == gray_kinds.sha256()


def test_a_gray_model_is_measured_and_shown(tmp_path, gray_checkpoint, gray_kinds):
    real = write_real_set(gray_kinds, 1, tmp_path / "real.zip")
    line = ["evaluate", str(gray_checkpoint), "--data", str(real), "--train", str(real), "--count", "60"]
    assert main([*line, "--out", str(tmp_path / "page")]) == 0
    found = json.loads((tmp_path / "page/evaluation.json").read_text())["measures"]
    assert {"frechet_yardsticks", "recall", "detail_variance_16px", "near_training_pixels"} <= set(found)
    assert main(["card", str(gray_checkpoint), "--hardware", "a desk", "--by-eye", "Gray."]) == 0
    rows = read_checkpoint(gray_checkpoint).config.classes or 8
    with Image.open(gray_checkpoint.with_suffix(".png")) as sheet:
        assert sheet.size == (8 * 16, rows * 16)


def test_gray_pictures_are_described_as_what_they_look_like(gray_kinds):
    coloured = gray_kinds.pixels.repeat(3, axis=3)
    shipped = read_classifier()
    assert np.array_equal(
        shipped.describe(gray_kinds.pixels[:9]).features, shipped.describe(coloured[:9]).features
    )


def test_gray_images_for_a_coloured_model_are_refused_and_the_other_way_round(
    tmp_path, three_kinds, gray_kinds
):
    out = tmp_path / "x.safetensors"
    with pytest.raises(
        TrainingError, match=r"draws RGB pictures, those of three-kinds are gray: set model\.channels=1"
    ):
        train(small_recipe(), gray_kinds, out)
    with pytest.raises(TrainingError, match="draws gray pictures, those of three-kinds are RGB"):
        train(gray_recipe("gan"), three_kinds, out)
    assert not list(tmp_path.iterdir())


def test_coloured_real_images_for_gray_samples_are_refused(tmp_path, gray_set, three_kinds, capsys):
    real = write_real_set(three_kinds, 1, tmp_path / "real.zip")
    assert main(["evaluate", str(gray_set), "--data", str(real), "--out", str(tmp_path / "page")]) == 1
    error = capsys.readouterr().err
    assert "the samples have 16x16 gray pixels, the real images 16x16 RGB pixels: bring them" in error


def test_two_channels_are_no_picture(three_kinds):
    with pytest.raises(DataError, match=r"expected uint8 pixels \(N, H, W, 3\) or \(N, H, W, 1\), got"):
        dataclasses.replace(three_kinds, pixels=three_kinds.pixels[..., :2])


def test_a_set_of_both_modes_is_refused(tmp_path, gray_kinds, three_kinds):
    """Foreign writers may store gray photographs beside coloured ones."""
    gray = write_real_set(gray_kinds, 1, tmp_path / "gray.zip")
    coloured = write_real_set(three_kinds, 1, tmp_path / "coloured.zip")
    mixed = tmp_path / "mixed.zip"
    with zipfile.ZipFile(gray) as a, zipfile.ZipFile(coloured) as b, zipfile.ZipFile(mixed, "w") as out:
        manifest = json.loads(a.read("manifest.json"))
        manifest["images"][5] = json.loads(b.read("manifest.json"))["images"][5]
        for name in a.namelist():
            content = (b if name == "images/000005.png" else a).read(name)
            out.writestr(name, json.dumps(manifest) if name == "manifest.json" else content)
    with pytest.raises(DataError, match=r"000005\.png: expected gray like the first image, found RGB"):
        load("image-set", Request(path=mixed))
