"""Batches hold the images that may be trained on, whole, with their own labels, and no others."""

import dataclasses

import numpy as np
import pytest
import torch

from generator.batches import pools
from generator.errors import TrainingError

CPU = torch.device("cpu")


@pytest.fixture
def numbered(three_kinds):
    """Images that tell their number: the left half is 0, the right half holds it."""
    pixels = np.zeros((150, 16, 16, 3), np.uint8)
    pixels[:, :, 8:] = np.arange(150)[:, None, None, None]
    return dataclasses.replace(three_kinds, pixels=pixels)


def numbers(batch):
    """The number of each image of a batch in [-1, 1], and whether it is mirrored."""
    values = ((batch + 1) * 127.5).round().long()
    left, right = values[:, 0, 0, 0], values[:, 0, 0, -1]
    assert bool((values[:, :, :, :8] == left[:, None, None, None]).all())
    return torch.maximum(left, right), left > right


def test_batches_hold_every_image_with_its_own_label_and_half_are_mirrored(numbered):
    torch.manual_seed(0)
    pool, apart = pools(numbered, 0, 1, CPU)
    images, labels = pool.batch(3000, flip=True)
    found, mirrored = numbers(images)
    assert torch.equal(found % 3, labels)
    assert set(found.tolist()) == set(range(150))
    assert int(mirrored.sum()) == pytest.approx(1500, abs=30)  # image 0 looks the same in a mirror
    assert not numbers(pool.batch(100, flip=False)[0])[1].any()
    assert len(apart) == 0


def test_images_held_out_are_in_no_batch_and_of_every_class(numbered):
    torch.manual_seed(0)
    pool, apart = pools(numbered, 30, 1, CPU)
    held = set(numbers(apart.chosen(torch.arange(30))[0])[0].tolist())
    assert len(held) == 30
    assert not held & set(numbers(pool.batch(5000, flip=True)[0])[0].tolist())
    assert set(apart.labels.tolist()) == {0, 1, 2}
    assert {number for block in pool.in_order() for number in numbers(block)[0].tolist()} == set(
        range(150)
    ) - held
    assert pool.pixels.data_ptr() == numbered.pixels.ctypes.data  # not copied, however large
    again = pools(numbered, 30, 1, CPU)[1]
    other = pools(numbered, 30, 2, CPU)[1]
    assert torch.equal(again.pixels, apart.pixels)
    assert not torch.equal(other.pixels, apart.pixels)


def test_something_has_to_be_left_to_train_on(numbered):
    with pytest.raises(TrainingError, match=r"training\.validation: expected fewer than the 150 images"):
        pools(numbered, 150, 1, CPU)


def test_pixels_that_may_not_be_written_to_serve_as_well(numbered):
    numbered.pixels.setflags(write=False)
    images, _ = pools(numbered, 0, 1, CPU)[0].batch(4, flip=False)
    assert images.shape == (4, 3, 16, 16)
    assert images.is_contiguous(memory_format=torch.channels_last)
