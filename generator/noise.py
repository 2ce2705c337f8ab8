"""Noise that belongs to an image, not to a batch.

Every image has a 64-bit key made of (seed, index); every number drawn for it is a hash of (key, stream,
position). So image i is the same in any batch, slice, process or order. The hash is splitmix64 (Steele,
Lea, Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA), in wrapping int64 arithmetic,
which gives the same bits on every device.
"""

import math

import torch
from torch import Tensor

GOLDEN = 0x9E3779B97F4A7C15 - (1 << 64)
MULTIPLIERS = (0xBF58476D1CE4E5B9 - (1 << 64), 0x94D049BB133111EB - (1 << 64))
WORD_VALUES = 4  # sixteen-bit numbers in one 64-bit word


def image_keys(seed: int, first: int, count: int) -> Tensor:
    """Keys of images first..first+count of one seed: (count,) int64."""
    index = torch.arange(first, first + count, dtype=torch.int64)
    return _mixed(_mixed(torch.tensor(_signed(seed))) + index * GOLDEN)


def uniform_noise(keys: Tensor, stream: int, shape: tuple[int, ...]) -> Tensor:
    """Uniform noise of mean 0 and variance 1, (N, *shape) float32, for N keys.

    `stream` tells apart the draws of one image (one for each level of a pyramid). Values are 16 bits fine.
    """
    size = math.prod(shape)
    words = torch.arange(-(-size // WORD_VALUES), dtype=torch.int64, device=keys.device)
    counters = _mixed(keys + _signed((stream + 1) * GOLDEN))[:, None] + words * GOLDEN
    values = _mixed(counters).view(torch.int16)[:, :size].to(torch.float32)
    return ((values + 0.5) * (math.sqrt(3) / 32768)).reshape(len(keys), *shape)


def training_noise(count: int, shape: tuple[int, ...], device: torch.device | None = None) -> Tensor:
    """Noise of the same law from torch's own generator, on a device: in training it need not belong to an image."""
    return (torch.rand(count, *shape, device=device) * 2 - 1) * math.sqrt(3)


def balanced_labels(seed: int, first: int, count: int, classes: int) -> Tensor:
    """Classes of images first..first+count of one seed: (count,) int64.

    Every run of `classes` images that begins at a multiple of it holds each class once, in hashed order.
    """
    start = first - first % classes
    runs = -(-(first + count - start) // classes)
    hashes = _mixed(image_keys(seed, start, runs * classes) ^ GOLDEN)
    return hashes.reshape(runs, classes).argsort(dim=1).flatten()[first - start :][:count]


def _mixed(words: Tensor) -> Tensor:
    """The splitmix64 finaliser of int64 words, read as unsigned."""
    words = (words ^ _shifted(words, 30)) * MULTIPLIERS[0]
    words = (words ^ _shifted(words, 27)) * MULTIPLIERS[1]
    return words ^ _shifted(words, 31)


def _shifted(words: Tensor, bits: int) -> Tensor:
    """A logical shift to the right, which torch lacks for signed words."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def _signed(seed: int) -> int:
    return (seed + (1 << 63)) % (1 << 64) - (1 << 63)
