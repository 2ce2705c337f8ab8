"""`evaluate` tells copies from samples and samples from real images, whole or not at all, in one sentence if not."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from generator.__main__ import main
from generator.checkpoint import read_checkpoint
from generator.datasets import Credit, LabelledImages
from generator.evaluation.evaluate import evaluation_of, write_evaluation
from generator.evaluation.levels import (
    Levels,
    chain,
    finished_from,
    inconsistency,
    levels_of,
    spread_of_draws,
)
from generator.evaluation.material import Material, Samples
from generator.evaluation.page import page
from generator.evaluation.section import Measure, Section, Table, grid
from generator.features.described import read_classifier
from generator.noise import balanced_labels, image_keys
from generator.pyramid import down, up


def write_pictures(folder: Path, images: LabelledImages) -> Path:
    labels = np.zeros(len(images), int) if images.labels is None else images.labels
    for at, (pixels, label) in enumerate(zip(images.pixels, labels, strict=True)):
        name = images.class_names[label] if images.class_names else ""
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / name / f"{at:05d}.png")
    return folder


def photographs(seed: int, count: int, size: int = 16) -> LabelledImages:
    """Smooth pictures with fine noise, no two alike."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(128, 50, (count, size // 4, size // 4, 3)).repeat(4, axis=1).repeat(4, axis=2)
    pixels = np.clip(coarse + rng.normal(0, 12, (count, size, size, 3)), 0, 255).astype(np.uint8)
    return LabelledImages("drawn", pixels, None, ())


def measured(samples: LabelledImages, real: LabelledImages, training: LabelledImages | None = None) -> dict:
    """The numbers of somebody's pictures against real ones, by key."""
    material = Material(
        Samples("somebody", samples, {"pixels_sha256": samples.sha256()}),
        real,
        training,
        read_classifier(),
        seed=1,
        shows_real=True,
        told=lambda doing, done, in_all: None,
    )
    return {key: found["value"] for key, found in evaluation_of(material).numbers()["measures"].items()}


@pytest.fixture(scope="module")
def small_levels(small_checkpoint) -> Levels:
    levels = levels_of(read_checkpoint(small_checkpoint))
    assert levels is not None
    return levels


def test_a_checkpoint_gets_a_page_and_numbers_that_need_nothing_else(
    tmp_path, small_checkpoint, three_kinds, capsys
):
    data = write_pictures(tmp_path / "real", three_kinds)
    line = ["evaluate", str(small_checkpoint), "--data", str(data), "--train", str(data), "--count", "90"]
    assert main([*line, "--out", str(tmp_path / "a")]) == 0
    assert main([*line, "--out", str(tmp_path / "b"), "--without-real"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        str(tmp_path / "a/evaluation.html"),
        str(tmp_path / "a/evaluation.json"),
    ]
    html = (tmp_path / "a/evaluation.html").read_text(encoding="utf-8")
    assert not re.search(r"<script|https?://|<link", html)
    assert html.count('<img src="data:image/png;base64,') == 4
    assert (tmp_path / "b/evaluation.html").read_text(encoding="utf-8").count("<img") == 3
    first, second = (json.loads((tmp_path / name / "evaluation.json").read_text()) for name in "ab")
    assert first["measures"] == second["measures"]
    assert {"frechet_yardsticks", "recall", "detail_variance_16px", "inconsistency_16px", "near_training_pixels",
            "frechet_from_true_8_px_images"} <= set(first["measures"])  # fmt: skip
    assert all(measure["definition"] and measure["unit"] for measure in first["measures"].values())
    assert first["made_from"]["samples"]["checkpoint_sha256"] == read_checkpoint(small_checkpoint).sha256
    assert any("Only 90 samples" in alert for alert in first["alerts"])


def test_a_plain_gan_is_measured_without_levels(tmp_path, small_gan, three_kinds):
    data = write_pictures(tmp_path / "real", three_kinds)
    arguments = [
        "evaluate",
        str(small_gan),
        "--data",
        str(data),
        "--count",
        "70",
        "--out",
        str(tmp_path / "x"),
    ]
    assert main(arguments) == 0
    measures = json.loads((tmp_path / "x/evaluation.json").read_text())["measures"]
    assert "frechet_yardsticks" in measures
    assert not any(key.startswith(("inconsistency", "near_training")) for key in measures)


def test_the_same_samples_as_an_image_set_get_the_same_numbers(tmp_path, small_checkpoint, three_kinds):
    data, stored = write_pictures(tmp_path / "real", three_kinds), tmp_path / "set.zip"
    count = ["--count", "60", "--seed", "4"]
    assert main(["sample", str(small_checkpoint), *count, "--out", str(stored)]) == 0
    for named in (small_checkpoint, stored):
        line = ["evaluate", str(named), "--data", str(data), *count, "--out", str(tmp_path / named.stem)]
        assert main(line) == 0
    drawn, read = (
        json.loads((tmp_path / name / "evaluation.json").read_text())["measures"] for name in ("small", "set")
    )
    for key in ("frechet_yardsticks", "precision", "recall", "detail_variance_16px"):
        assert read[key]["value"] == pytest.approx(drawn[key]["value"], rel=1e-4)


def test_real_pictures_are_nearer_to_real_than_noise_is(tmp_path):
    real = photographs(1, 600)
    others = measured(photographs(2, 600), real)
    noise = dataclasses.replace(
        real, pixels=np.random.default_rng(3).integers(0, 256, real.pixels.shape, dtype=np.uint8)
    )
    strangers = measured(noise, real)
    assert others["frechet_yardsticks"] < 0.2 < strangers["frechet_yardsticks"]
    assert others["precision"] > 0.8 > strangers["recall"]
    assert others["detail_variance_16px"] == pytest.approx(1, abs=0.05)
    assert strangers["detail_variance_16px"] > 2


def test_shrunk_real_pictures_are_one_yardstick_away_and_have_less_detail():
    real = photographs(4, 400)
    images = torch.from_numpy(real.pixels).permute(0, 3, 1, 2).double()
    blurred = up(down(images, 8), 16).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
    found = measured(dataclasses.replace(real, pixels=blurred), real)
    assert found["frechet_yardsticks"] == pytest.approx(1, abs=0.02)
    assert found["detail_variance_16px"] < 0.5


def test_a_generator_that_copies_its_training_images_is_found_out():
    training, real = photographs(5, 400), photographs(6, 400)
    copies = dataclasses.replace(training, pixels=training.pixels[100:200])
    found = measured(copies, real, training)
    assert found["near_training_pixels"] == found["near_training_features"] == 1
    honest = measured(photographs(7, 100), real, training)
    assert honest["near_training_pixels"] < 0.1


def test_samples_begun_from_their_own_coarse_image_are_themselves(small_levels):
    keys, labels = image_keys(1, 0, 9), balanced_labels(1, 0, 9, 3)
    images = chain(small_levels, keys, labels)
    assert [image.shape[-1] for image in images] == [8, 16]
    again = torch.cat(list(finished_from(small_levels, images[0], 0, keys, labels)))
    assert torch.allclose(again, images[1], atol=1e-5)


def test_an_image_is_consistent_with_its_own_low_pass_and_off_by_what_is_added():
    image = torch.rand(5, 3, 16, 16) * 2 - 1
    assert inconsistency(down(image, 8), image) < 1e-4
    assert inconsistency(down(image, 8), image + 10 / 127.5) == pytest.approx(10, abs=1e-3)


def test_the_spread_of_draws_is_that_of_the_noise():
    noise = torch.Generator().manual_seed(8)
    assert spread_of_draws(lambda number: torch.ones(2, 3, 4, 4), 5) == 0
    drawn = spread_of_draws(lambda number: torch.randn(40, 3, 16, 16, generator=noise) / 127.5, 8)
    assert drawn == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("generated", "data", "sentence"),
    [
        ("nothing-here", "real", "error: expected a checkpoint file or one of the shipped names"),
        ("real", "missing", "expected a folder or a zip of pictures, found nothing"),
        ("real", "larger", "the samples have 16x16 RGB pixels, the real images 32x32 RGB pixels: bring them"),
        ("empty", "real", "expected PNG, JPEG or WebP pictures, found none"),
        ("real", None, "error: these samples do not say what they are of: name real pictures with --data"),
        ("tiny", "real", "error: expected samples of at least 8 pixels a side, got 4"),
        ("one", "real", "error: a Gaussian needs at least 2 images, got 1"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(tmp_path, monkeypatch, capsys, generated, data, sentence):
    write_pictures(tmp_path / "real", photographs(9, 12))
    write_pictures(tmp_path / "one", photographs(9, 1))
    write_pictures(tmp_path / "larger", photographs(9, 12, size=32))
    write_pictures(tmp_path / "tiny", photographs(9, 12, size=4))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    named = [] if data is None else ["--data", data]
    assert main(["evaluate", generated, *named, "--out", "page"]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "page").exists()


def test_a_file_where_the_folder_should_be_is_refused_before_work(tmp_path, capsys):
    (tmp_path / "page").write_text("mine", encoding="utf-8")
    assert main(["evaluate", "nothing", "--out", str(tmp_path / "page")]) == 1
    assert "expected a folder to write the page to, found a file" in capsys.readouterr().err
    assert (tmp_path / "page").read_text(encoding="utf-8") == "mine"


def test_markup_in_names_is_shown_and_not_obeyed():
    evil = "<img src=x onerror=alert(1)>"
    section = Section(
        "key",
        evil,
        (evil,),
        (Measure("k", evil, 1.0, evil, evil, 2.0, evil),),
        (Table(evil, (evil,), ((evil,),)),),
    )
    html = page(evil, evil, [evil], [section], [evil])
    assert "<img" not in html
    assert html.count("&lt;img src=x") >= 10


def test_a_grid_holds_every_image_once():
    images = np.random.default_rng(10).integers(0, 255, (6, 4, 4, 3), dtype=np.uint8)
    sheet = grid([images[:3], images[3:]], gap_px=1)
    assert sheet.shape == (9, 14, 3)
    assert np.array_equal(sheet[5:9, 10:14], images[5])
    assert np.array_equal(sheet[0:4, 0:4], images[0])


def test_writing_twice_replaces_both_files_and_names_who_made_the_pictures(tmp_path):
    credit = Credit("Moon", "NASA", "public domain", "example.org")
    real = dataclasses.replace(photographs(11, 60), credits=(credit,))
    material = Material(
        Samples("somebody", photographs(12, 40), {"pixels_sha256": "0"}),
        real,
        None,
        read_classifier(),
        1,
        True,
        lambda doing, done, in_all: None,
    )
    evaluation = evaluation_of(material)
    write_evaluation(dataclasses.replace(evaluation, title="first"), tmp_path / "out")
    written = write_evaluation(dataclasses.replace(evaluation, title="second"), tmp_path / "out")
    assert all("second" in path.read_text(encoding="utf-8") for path in written)
    assert "Moon, NASA (public domain)" in written[0].read_text(encoding="utf-8")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "evaluation.html",
        "evaluation.json",
    ]
