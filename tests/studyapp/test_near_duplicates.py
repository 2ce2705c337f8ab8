"""Near-duplicates: planted copies are found through small changes, others are not; and the page says so."""

import hashlib
import io
import json
import random
import zipfile
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Picture
from PIL import ImageFilter

from studyapp import near_duplicates as module
from studyapp.catalogue import import_images
from studyapp.models import ImageSet
from studyapp.near_duplicates import compared, look_of, near_duplicates

SIDE = 32


def scene(seed: int) -> Picture.Image:
    """A smooth picture of its own, as photographs are: random colours, blurred."""
    noise = random.Random(seed).randbytes(8 * 8 * 3)
    return Picture.frombytes("RGB", (8, 8), noise).resize((SIDE, SIDE), Picture.Resampling.BICUBIC)


def changed(picture: Picture.Image, seed: int) -> Picture.Image:
    """The same picture, a little brighter and with noise of a few steps, as after another encoding."""
    rng = random.Random(seed)
    brighter = picture.point(lambda value: min(255, value + 3))
    pixels = bytes(max(0, min(255, value + rng.randint(-2, 2))) for value in brighter.tobytes())
    return Picture.frombytes("RGB", picture.size, pixels)


def image_set(path: Path, source: str, pictures: list[Picture.Image]) -> ImageSet:
    images = []
    with zipfile.ZipFile(path, "w") as archive:
        for index, picture in enumerate(pictures):
            file = io.BytesIO()
            picture.save(file, "PNG")
            name = f"images/{index:06d}.png"
            archive.writestr(name, file.getvalue())
            sha256 = hashlib.sha256(picture.tobytes()).hexdigest()
            images.append({"file": name, "sha256": sha256, "class": None, "seed": index})
        manifest = {
            "format": 1, "source": source, "is_real": source == "real", "family": None, "dataset": "scenes",
            "class_names": [], "width_px": SIDE, "height_px": SIDE, "checkpoint": None, "seed": 0, "sampler": {},
            "software": {}, "commit": None, "credits": [], "notes": [], "created_utc": "2026-11-20T10:30:00Z",
            "images": images,
        }  # fmt: skip
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("dataset.json", json.dumps({"labels": None}))
    return import_images(path, by="test")


@pytest.fixture
def sets(db: None, tmp_path: Path) -> tuple[ImageSet, ImageSet]:
    """Sixty photos; sixty samples, of which three are photos learned by heart and two are the same."""
    photos = [scene(seed) for seed in range(60)]
    samples = [scene(1000 + seed) for seed in range(60)]
    for index in (5, 20, 41):
        samples[index] = changed(photos[index], index)
    samples[50] = changed(samples[49], 50)
    return image_set(tmp_path / "real.zip", "real", photos), image_set(tmp_path / "gan.zip", "gan", samples)


def test_planted_copies_are_found_and_nothing_else(sets: tuple[ImageSet, ImageSet]) -> None:
    _, gan = sets
    found = near_duplicates(gan)
    names = [{str(pair.first).rpartition("/")[2], str(pair.second).rpartition("/")[2]} for pair in found]
    assert sorted(map(sorted, names)) == [
        ["000005.png"],
        ["000020.png"],
        ["000041.png"],
        ["000049.png", "000050.png"],
    ]
    assert [pair.is_across for pair in found] == [True, True, True, False]


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_picture_is_like_its_changed_copy_and_unlike_others(one: int, other: int) -> None:
    def look(picture: Picture.Image):
        return look_of(1, 1, picture.tobytes(), picture.size)

    first = look(scene(one))
    assert compared(first, look(scene(one)))
    if one != other:
        assert compared(first, look(scene(20_000 + other))) is None
    softer = scene(one).filter(ImageFilter.GaussianBlur(0.5))
    assert (first.rises ^ look(softer).rises).bit_count() <= 12


def test_flat_pictures_of_other_colours_are_not_the_same() -> None:
    red, blue = (
        look_of(1, 1, bytes(colour) * SIDE * SIDE, (SIDE, SIDE)) for colour in ((200, 0, 0), (0, 0, 200))
    )
    assert compared(red, blue) is None


def test_the_page_checks_on_post_alone(researcher: Client, sets: tuple[ImageSet, ImageSet]) -> None:
    _, gan = sets
    address = reverse("admin:studyapp_imageset_check", args=[gan.pk])
    assert (
        address in researcher.get(reverse("admin:studyapp_imageset_change", args=[gan.pk])).content.decode()
    )
    assert "Near-duplicates" not in researcher.get(address).content.decode()
    page = researcher.post(address).content.decode()
    assert "The zip has the very bytes that came in" in page
    assert "3 pairs across real and generated" in page
    gan.path.unlink()
    page = researcher.post(address).content.decode()
    assert "is missing; import the same set again" in page
    assert researcher.get(reverse("admin:studyapp_imageset_check", args=[10**6])).status_code == 404


def test_too_many_pictures_are_refused_in_words(
    researcher: Client, sets: tuple[ImageSet, ImageSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_IMAGES", 100)
    page = researcher.post(reverse("admin:studyapp_imageset_check", args=[sets[0].pk])).content.decode()
    assert "at most 100 pictures in the catalogue to compare, got 120" in page


def test_the_command_lists_them(sets: tuple[ImageSet, ImageSet]) -> None:
    real, gan = sets
    told = StringIO()
    call_command("near_duplicates", gan.name, stdout=told)
    assert "4 pairs, 3 across real and generated" in told.getvalue()
    call_command("near_duplicates", gan.name, "--against", stdout=told)
    assert "1 pairs, 0 across" in told.getvalue()
    with pytest.raises(
        CommandError, match=f"expected an image set named x, found none; there are: .*{real.name}"
    ):
        call_command("near_duplicates", "x")
