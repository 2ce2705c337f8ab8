"""Scores of images: a planted spread comes back, little knowledge means little boldness, pixels are the ones shown."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analysis.chapters.convincing import resized
from analysis.counts import coded
from analysis.images import image_scores, reliability, scores, spread_of_images
from analysis.observers import Observers, simulate
from analysis.pictures import PicturesError, pictures


@pytest.mark.parametrize("image_sd", [0.0, 0.6, 1.1])
def test_the_planted_spread_of_images_comes_back(image_sd):
    observers = Observers(
        n_people=120, n_trials=440, images_per_source=300, image_sd=image_sd, person_sd=0, person_source_sd=0
    )
    rows = simulate(observers, seed=5)
    found = image_scores(coded(rows), coded(rows).tables()).groupby("source")["source_sd"].first()
    assert found.mean() == pytest.approx(image_sd, abs=0.12 if image_sd == 0 else 0.08)


def test_scores_are_nearer_to_the_truth_than_raw_shares_and_follow_it():
    """300 images seen about 6 times: the mean squared error of scores is well below that of raw shares."""
    rng = np.random.default_rng(2)
    effect = rng.normal(0, 1, 300)
    truth = 1 / (1 + np.exp(-effect))
    n = np.full((300, 1), 6.0)
    k = rng.binomial(6, truth[:, None]).astype(float)
    table = scores(n, k)
    error, raw = ((table["score"] - truth) ** 2).mean(), ((k[:, 0] / 6 - truth) ** 2).mean()
    assert error < 0.75 * raw
    inside = (table["low"] <= truth) & (truth <= table["high"])
    assert 0.88 <= inside.mean() <= 0.99


def test_an_image_seen_once_is_called_about_average():
    n, k = np.ones((200, 1)), (np.arange(200)[:, None] % 2).astype(float)
    n[:100] = 40
    k[:100] = np.linspace(0, 40, 100)[:, None].round()
    table = scores(n, k)
    seen_once = table["score"].iloc[100:]
    assert seen_once.between(0.25, 0.75).all()
    assert table["score"].iloc[:100].max() > 0.9


def test_without_any_spread_all_images_of_a_source_score_alike():
    n = np.full((50, 2), 2.0)
    k = np.stack(
        [np.ones(50), np.ones(50)], axis=1
    )  # every image: one of two, twice: less spread than chance
    assert spread_of_images(n, k) == 0
    table = scores(n, k)
    assert table["score"].nunique() == 1
    assert np.isnan(reliability(table))


def test_every_image_has_a_row_and_the_best_come_first():
    rows = simulate(Observers(n_people=6, n_trials=220, images_per_source=100), seed=1)
    table = image_scores(coded(rows), coded(rows).tables())
    assert len(table) == rows["image"].nunique()
    assert table["n_trials"].sum() == len(rows)
    assert list(dict.fromkeys(table["source"])) == ["real", "gan", "lapgan", "cc-lapgan"]
    for _, own in table.groupby("source"):
        assert own["score"].is_monotonic_decreasing
        assert (own["low"] <= own["score"]).all()
        assert (own["score"] <= own["high"]).all()


# Pixels


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="png")
    return file.getvalue()


@pytest.fixture
def shown(tmp_path) -> dict[str, np.ndarray]:
    """An export with stimuli.csv that lists two pictures, and their pixels."""
    rng = np.random.default_rng(1)
    made = {f"set-1/images/00000{n}.png": rng.integers(0, 256, (4, 4, 3), dtype=np.uint8) for n in range(2)}
    lines = ["trial,position,image,image_sha256"]
    lines += [
        f"t{n},0,{name},{hashlib.sha256(pixels.tobytes()).hexdigest()}"
        for n, (name, pixels) in enumerate(made.items())
    ]
    (tmp_path / "stimuli.csv").write_text("\n".join(lines) + "\n")
    return made


def test_pictures_come_out_of_image_sets_by_the_hash_of_their_pixels(shown, tmp_path):
    sets = tmp_path / "sets"
    sets.mkdir()
    with zipfile.ZipFile(sets / "whatever.zip", "w") as archive:
        entries = []
        for number, pixels in enumerate(shown.values()):
            archive.writestr(f"images/{number}.png", png(pixels))
            entries.append(
                {"file": f"images/{number}.png", "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}
            )
        archive.writestr("manifest.json", json.dumps({"images": entries}))
    (sets / "broken.zip").write_bytes(b"no zip")
    found = pictures([*shown, "not shown"], sets, [tmp_path])
    assert found.keys() == shown.keys()
    for name, pixels in shown.items():
        np.testing.assert_array_equal(found[name], pixels)


def test_pictures_that_are_not_the_ones_shown_do_not_count(shown, tmp_path):
    folder = tmp_path / "pictures"
    for number, (name, pixels) in enumerate(shown.items()):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(pixels if number == 0 else 255 - pixels))
    assert list(pictures(shown, folder, [tmp_path])) == [next(iter(shown))]


def test_a_name_cannot_lead_out_of_the_folder(shown, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(png(next(iter(shown.values()))))
    assert pictures(["../secret.png"], folder, []) == {}


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(PicturesError, match="expected a folder with image sets"):
        pictures([], Path(tmp_path / "nowhere"), [])


def test_pictures_are_resized_without_new_colours():
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    large = resized(pixels, 192)
    assert large.shape == (192, 192, 3)
    np.testing.assert_array_equal(large[3::6, 3::6], pixels)
    np.testing.assert_array_equal(resized(pixels, 32), pixels)
    assert {tuple(pixel) for pixel in large.reshape(-1, 3)} == {
        tuple(pixel) for pixel in pixels.reshape(-1, 3)
    }
