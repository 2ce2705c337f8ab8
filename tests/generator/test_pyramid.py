"""The pyramid loses nothing, whatever the sizes; the two scales of pixels are one to one."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from generator.pixels import bytes_from_unit, unit_from_bytes
from generator.pyramid import down, low_pass, merge, split, up


@st.composite
def images_with_sizes(draw):
    """A random 8-bit image and rising sizes that end with its own, odd ones included."""
    sizes = sorted(draw(st.sets(st.integers(1, 40), min_size=1, max_size=4)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["noise", "black and white"]))
    top = 256 if kind == "noise" else 2
    pixels = torch.randint(0, top, (2, 3, sizes[-1], sizes[-1]), generator=generator)
    return (pixels * (1 if kind == "noise" else 255)).to(torch.uint8), sizes


@given(images_with_sizes())
def test_splitting_and_merging_gives_the_same_8_bit_image(case):
    pixels, sizes = case
    coarsest, bands = split(unit_from_bytes(pixels), sizes)
    assert coarsest.shape[-1] == sizes[0]
    assert [band.shape[-1] for band in bands] == sizes[1:]
    assert torch.equal(bytes_from_unit(merge(coarsest, bands)), pixels)


@pytest.mark.parametrize("sizes", [(8, 14, 28), (7, 14), (8, 16, 32), (5, 9, 31), (8, 16, 32, 64, 96)])
def test_the_papers_levels_and_odd_ones_are_exact(sizes):
    pixels = torch.randint(0, 256, (4, 3, sizes[-1], sizes[-1]), dtype=torch.uint8)
    assert torch.equal(bytes_from_unit(merge(*split(unit_from_bytes(pixels), sizes))), pixels)


def test_every_byte_survives_the_way_to_unit_numbers_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    units = unit_from_bytes(every)
    assert units[0] == -1
    assert units[255] == 1
    assert torch.equal(bytes_from_unit(units), every)


def test_numbers_outside_the_range_are_clipped():
    assert bytes_from_unit(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]


def test_halving_takes_means_of_two_by_two_blocks():
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert down(image, 2).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]


def test_enlarging_a_flat_image_stays_flat():
    torch.testing.assert_close(up(torch.full((1, 3, 5, 5), 0.25), 11), torch.full((1, 3, 11, 11), 0.25))


def test_a_low_pass_image_has_no_detail_at_the_finest_scale():
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 2.0 - 1
    assert torch.equal(low_pass(board.reshape(1, 1, 8, 8), 4), torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("sizes", [(16, 8), (8, 8, 16), (8, 12), (0, 16)])
def test_sizes_that_do_not_rise_to_the_images_own_are_refused(sizes):
    with pytest.raises(ValueError, match="rising sizes that end with 16"):
        split(torch.zeros(1, 3, 16, 16), sizes)
