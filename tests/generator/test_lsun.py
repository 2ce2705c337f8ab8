"""Pictures of any size become squares of one: cut in the middle, averaged over areas, kept out of memory."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from generator.__main__ import main
from generator.datasets import Request, load
from generator.datasets.lsun import centre_square
from generator.errors import DataError
from generator.image_set import open_image_set

RECIPE = Path(__file__).resolve().parents[2] / "generator/configs/lapgan-lsun.toml"
RED, BLUE = (255, 0, 0), (0, 0, 255)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def plain(width: int, height: int, colour=RED) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def loaded(path: Path, tmp_path: Path, size_px: int | None = 8):
    return load("lsun", Request(path=path, data_folder=tmp_path / "data", size_px=size_px))


@given(side=st.integers(8, 40), longer=st.integers(0, 30), is_wide=st.booleans())
@settings(max_examples=30, deadline=None)
def test_only_the_centre_square_is_seen(side, longer, is_wide):
    """A blue square in the middle of a longer red picture, half a pixel of red at most at each edge."""
    before = longer // 2
    pixels = plain(side + longer, side)
    pixels[:, before : before + side] = BLUE
    pixels = pixels if is_wide else pixels.transpose(1, 0, 2)
    square = centre_square("a", encoded(np.ascontiguousarray(pixels)), 8)
    assert (square[1:-1, 1:-1] == BLUE).all()
    if longer % 2 == 0:
        assert (square == BLUE).all()


def test_small_pixels_are_the_means_of_their_areas():
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    means = pixels.reshape(8, 4, 8, 4, 3).mean((1, 3))
    found = centre_square("a", encoded(pixels), 8).astype(float)
    assert np.abs(found - means).max() <= 1  # rounded along rows, then along columns


def test_formats_sizes_and_modes_may_differ_and_names_give_the_order(tmp_path):
    files = {
        "b.jpg": encoded(plain(64, 48, BLUE), "JPEG", quality=95),
        "a.png": encoded(plain(10, 90)),
        "c.webp": encoded(plain(20, 20, BLUE), "WEBP", lossless=True),
        "d.png": encoded(np.full((12, 12), 77, np.uint8)),
        "readme.txt": b"hello",
    }
    images = loaded(put(tmp_path / "in", files), tmp_path)
    assert (images.pixels.shape, images.labels, images.name) == ((4, 8, 8, 3), None, "in")
    colours = images.pixels.mean((1, 2)).round()
    assert np.abs(colours - np.array([RED, BLUE, BLUE, (77, 77, 77)])).max() <= 3


def test_a_turned_photograph_is_turned_back(tmp_path):
    pixels = plain(16, 16)
    pixels[:, 8:] = BLUE
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned by a quarter, clockwise: what is right lies below
    square = centre_square("a", encoded(pixels, "JPEG", exif=turned.tobytes(), subsampling=0, quality=95), 8)
    assert np.abs(square[:3].astype(int) - RED).max() <= 4
    assert np.abs(square[5:].astype(int) - BLUE).max() <= 4


def test_the_first_folder_is_the_class(tmp_path):
    picture = encoded(plain(8, 8))
    files = dict.fromkeys(("bridge_train/0/a/1.png", "bedroom_train/f/2.png"), picture)
    images = loaded(put(tmp_path / "in", files), tmp_path)
    assert images.class_names == ("bedroom_train", "bridge_train")
    assert images.labels.tolist() == [0, 1]
    put(tmp_path / "in", {"loose.png": picture})
    with pytest.raises(DataError, match=r"loose\.png: expected every picture in a class folder"):
        loaded(tmp_path / "in", tmp_path)


def test_a_zip_gives_what_its_folder_gives(tmp_path):
    rng = np.random.default_rng(2)
    files = {f"{n}.png": encoded(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)) for n in range(5)}
    put(tmp_path / "in", files)
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    assert loaded(tmp_path / "in", tmp_path).sha256() == loaded(tmp_path / "in.zip", tmp_path).sha256()


def test_pictures_are_decoded_once_and_anew_when_one_changes(tmp_path):
    folder = put(tmp_path / "in", {"a.png": encoded(plain(9, 9)), "b.png": encoded(plain(9, 9))})
    loaded(folder, tmp_path)
    heard = []
    again = load(
        "lsun",
        Request(path=folder, data_folder=tmp_path / "data", size_px=8, progress=lambda *a: heard.append(a)),
    )
    assert not heard
    assert (again.pixels == RED).all()
    (folder / "b.png").write_bytes(encoded(plain(11, 11, BLUE)))
    assert (loaded(folder, tmp_path).pixels[1] == BLUE).all()
    assert loaded(folder, tmp_path, size_px=4).pixels.shape == (2, 4, 4, 3)


def test_pixels_stay_in_their_file(tmp_path):
    folder = put(tmp_path / "in", {"a.png": encoded(plain(9, 9))})
    assert not loaded(folder, tmp_path).pixels.flags.owndata
    loaded(folder, tmp_path).pixels[:] = 7
    assert (loaded(folder, tmp_path).pixels == RED).all()


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "expected PNG, JPEG or WebP pictures, found none"),
        ({"a.png": encoded(plain(7, 90))}, r"a\.png: expected 8 to 8192 pixels a side, found 7x90; leave it out"),
        ({"a.png": encoded(plain(9000, 9))}, r"a\.png: expected 8 to 8192 pixels a side, found 9000x9"),
        ({"a.jpg": encoded(plain(40, 40), "JPEG")[:300]}, r"a\.jpg: expected a whole PNG, JPEG or WebP picture"),
        ({"a.png": encoded(np.zeros((9, 9, 4), np.uint8))}, "expected an RGB or gray picture, found mode RGBA"),
    ],
)  # fmt: skip
def test_pictures_that_do_not_fit_are_refused_by_name_and_leave_nothing(tmp_path, files, complaint):
    (tmp_path / "in").mkdir()
    with pytest.raises(DataError, match=complaint):
        loaded(put(tmp_path / "in", files), tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name == "lsun"]


def test_the_command_writes_squares_of_the_size_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("TACHISTO_DATA", str(tmp_path / "state"))
    folder = put(tmp_path / "in", {f"{n}.png": encoded(plain(30, 20)) for n in range(3)})
    out = tmp_path / "set.zip"
    assert main(["dataset", "lsun", "--data", str(folder), "--size", "16", "--out", str(out)]) == 0
    with open_image_set(out) as stored:
        assert (len(stored), stored.manifest["width_px"], stored.manifest["dataset"]) == (3, 16, "in")


def test_without_a_path_it_asks_for_one():
    with pytest.raises(DataError, match="with --data"):
        load("lsun", Request())


def test_a_model_is_taught_and_measured_on_pictures_of_its_own_size(tmp_path, monkeypatch):
    """Nobody says 16 but the recipe; the pictures are 20 to 60 pixels a side."""
    monkeypatch.setenv("TACHISTO_DATA", str(tmp_path / "state"))
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (12, 5, 5, 3), dtype=np.uint8)
    pictures = {
        f"{at}.png": encoded(one.repeat(4 + at % 8, 0).repeat(12, 1)) for at, one in enumerate(coarse)
    }
    folder, out = put(tmp_path / "in", pictures), tmp_path / "small.safetensors"
    changes = ["levels=[4,8,16]", "noise_planes=[1,1]", "penalties=[0.05,0.02,0.02]"]
    changes += [f"{name}=[4,4,4]" for name in ("widths", "discriminator_widths")]
    line = ["train", str(RECIPE), "--data", str(folder), "--out", str(out)]
    for change in ("training.minutes=0", "training.images=16", *(f"model.{change}" for change in changes)):
        line += ["--set", change]
    assert main(line) == 0
    line = ["evaluate", str(out), "--data", str(folder), "--train", str(folder), "--count", "10"]
    assert main([*line, "--out", str(tmp_path / "page")]) == 0
    assert len(list((tmp_path / "state/datasets/lsun").iterdir())) == 1
