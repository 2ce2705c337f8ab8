"""PNG files as other programs read them."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from generator.png import png_files

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3]))


def read(png: bytes) -> tuple[str, np.ndarray]:
    """What Pillow finds in a file."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        picture.verify()
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        pixels = np.asarray(picture)
    return picture.mode, pixels.reshape(*pixels.shape[:2], -1)


@given(arrays(np.uint8, SHAPES))
def test_pillow_reads_the_very_pixels(pixels):
    mode = {1: "L", 3: "RGB"}[pixels.shape[-1]]
    for picture, png in zip(pixels, png_files(pixels), strict=True):
        found, stored = read(png)
        assert found == mode
        assert np.array_equal(stored, picture)


def test_a_file_does_not_depend_on_its_neighbours():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    together = list(png_files(pixels))
    assert together == [next(png_files(pixels[at : at + 1])) for at in range(5)]


@pytest.mark.parametrize("channels", [1, 3])
def test_smooth_and_flat_pictures_become_small(channels):
    """Filter and compression both work: a ramp's differences are all alike, a flat picture's are 0."""
    ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    pictures = np.stack([ramp, np.full_like(ramp, 90)])[..., None].repeat(channels, -1)
    for png, picture in zip(png_files(pictures), pictures, strict=True):
        assert len(png) < picture.size / 8
        assert len(png) < len(zlib.compress(picture.tobytes(), 9)) or picture.std() == 0
