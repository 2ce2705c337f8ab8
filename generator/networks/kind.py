"""What a kind of networks offers: a generator and a discriminator of whole images, and of bands.

Every generator answers images (N, C, S, S) near [-1, 1], every discriminator one score an image (N,), high for
real. Labels are (N,) int64 where there are classes, else None. Networks that work on standardised pixels hold a
`PixelScale`, which the training teaches and shares.
"""

from typing import Protocol

from torch import nn


class Kind(Protocol):
    """A module of networks. `size` is S, `channels` C; `classes` is 0 without classes."""

    @staticmethod
    def image_generator(
        size: int, channels: int, noise_values: int, width: int, classes: int
    ) -> nn.Module: ...  # called with noise (N, Z), labels

    @staticmethod
    def image_discriminator(
        size: int, channels: int, width: int, classes: int, dropout: float
    ) -> nn.Module: ...  # called with images (N, C, S, S), labels

    @staticmethod
    def band_generator(
        size: int, channels: int, noise_planes: int, width: int, classes: int
    ) -> nn.Module: ...  # called with low-pass (N, C, S, S), noise (N, K, S, S), labels

    @staticmethod
    def band_discriminator(
        size: int, channels: int, width: int, classes: int, dropout: float
    ) -> nn.Module: ...  # called with fine (N, C, S, S), low-pass (N, C, S, S), labels
