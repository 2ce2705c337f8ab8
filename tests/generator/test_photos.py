"""Crops of the photographs: thinned, kept apart, not flat, and the same every time."""

import numpy as np
import pytest

from generator.datasets import Request, load
from generator.datasets.photos import FLAT_BELOW, PHOTOGRAPHS, crops_of, overlap, windows
from generator.errors import DataError


@pytest.fixture(scope="module")
def photos():
    return {split: load("photos", Request(split)) for split in ("train", "study")}


@pytest.fixture(scope="module")
def crops():
    """Windows and pixels of each split, for each photograph."""
    return [
        {split: crops_of(photograph, split) for split in ("train", "study")} for photograph in PHOTOGRAPHS
    ]


def largest_overlap(one, other):
    """Largest intersection over union between two lists of windows, no window with itself."""
    a, b = (np.array([(w.left, w.top, w.side) for w in group]) for group in (one, other))
    shared = np.ones((len(a), len(b)))
    for axis in (0, 1):
        low = np.maximum(a[:, None, axis], b[None, :, axis])
        high = np.minimum((a[:, axis] + a[:, 2])[:, None], (b[:, axis] + b[:, 2])[None])
        shared *= np.maximum(high - low, 0)
    union = a[:, None, 2] ** 2 + b[None, :, 2] ** 2 - shared
    same = (a[:, None] == b[None]).all(-1)
    return np.where(same, 0, shared / union).max()


def test_there_are_thousands_and_every_photograph_has_as_many(photos):
    assert np.bincount(photos["train"].labels).tolist() == [1120] * 8
    assert np.bincount(photos["study"].labels).tolist() == [280] * 8
    for images in photos.values():
        assert images.pixels.shape[1:] == (32, 32, 3)
        assert images.class_names == (
            "astronaut",
            "cat",
            "coffee",
            "galaxies",
            "tissue",
            "rocket",
            "retina",
            "motorcycle",
        )


def test_no_crop_is_in_both_draws(crops, photos):
    for of_one in crops:
        assert not {w for w, _ in of_one["train"]} & {w for w, _ in of_one["study"]}
    pixels = {split: {image.tobytes() for image in images.pixels} for split, images in photos.items()}
    assert not pixels["train"] & pixels["study"]
    assert len(pixels["train"]) == 8 * 1120


def test_no_two_crops_of_a_photograph_share_more_than_sixty_percent(crops):
    for of_one in crops:
        every = [window for split in of_one.values() for window, _ in split]
        assert largest_overlap(every, every) <= 0.6 + 1e-9


def test_crops_reach_from_48_pixels_to_the_whole_height(crops):
    for of_one in crops:
        sides = {window.side for split in of_one.values() for window, _ in split}
        assert min(sides) == pytest.approx(48)
    assert max(w.side for split in crops[6].values() for w, _ in split) == 1411


def test_flat_crops_are_left_out(photos):
    for images in photos.values():
        spread = images.pixels.astype(float).std(axis=(1, 2)).mean(axis=1)
        assert spread.min() >= FLAT_BELOW


def test_the_draw_is_the_same_every_time_and_classes_are_mixed(photos):
    again = load("photos", Request("study"))
    assert again.sha256() == photos["study"].sha256()
    assert len(set(again.labels[:20].tolist())) > 4


def test_a_crop_is_the_area_mean_of_its_window():
    """A window of twice the size is averaged in blocks of 2x2, counted here by hand."""
    from PIL import Image

    from generator.datasets.photos import Window, area_average

    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (70, 80, 3), dtype=np.uint8)
    found = area_average(Image.fromarray(picture), Window(5, 3, 64))
    blocks = picture[3:67, 5:69].reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    # Pillow rounds to whole bytes after either direction.
    assert np.abs(found - blocks).max() <= 1


def test_overlap_is_of_the_union():
    by_side = windows(96, 48)
    (side,) = by_side
    assert side == 48
    assert overlap(by_side[48.0][0], by_side[48.0][1]) == pytest.approx(0.6)


def test_credits_name_author_and_licence_of_every_photograph(photos):
    assert len(photos["study"].credits) == 8
    for credit in photos["study"].credits:
        assert all((credit.title, credit.author, credit.licence, credit.origin))


def test_a_path_is_refused(tmp_path):
    with pytest.raises(DataError, match="reads no files"):
        load("photos", Request(path=tmp_path))
