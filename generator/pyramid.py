"""The Laplacian pyramid: an image as one small image and the detail missing at each larger size.

`down` is the area mean: for halvings the mean of 2x2 blocks, for other ratios (14 -> 8) the mean of the
smallest window of whole pixels that covers each target pixel. `up` is bilinear interpolation with pixel
centres aligned. A band is `image - up(down(image))`, so putting it back gives the image whatever the two
operators lose. Source: Denton et al. 2015, arXiv:1506.05751, section 2.2.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def down(images: Tensor, size: int) -> Tensor:
    """Area means, (N, C, size, size), of images (N, C, S, S) with S >= size."""
    return F.adaptive_avg_pool2d(images, size)


def up(images: Tensor, size: int) -> Tensor:
    """Bilinear enlargement, (N, C, size, size), of images (N, C, S, S) with S <= size."""
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False)


def low_pass(images: Tensor, size: int) -> Tensor:
    """Images at their own size with only what survives at `size`: the condition of a finer level."""
    return up(down(images, size), images.shape[-1])


def split(images: Tensor, sizes: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
    """The coarsest image and the bands from coarse to fine.

    images (N, C, S, S) in [-1, 1]; sizes rise and end with S. Returns (N, C, sizes[0], sizes[0]) and one
    band (N, C, s, s) in [-2, 2] for every later size s. Raises ValueError for other sizes.
    """
    if list(sizes) != sorted(set(sizes)) or sizes[-1] != images.shape[-1] or sizes[0] < 1:
        raise ValueError(f"expected rising sizes that end with {images.shape[-1]}, got {list(sizes)}")
    bands: list[Tensor] = []
    image = images
    for coarser in reversed(sizes[:-1]):
        smaller = down(image, coarser)
        bands.append(image - up(smaller, image.shape[-1]))
        image = smaller
    return image, bands[::-1]


def merge(coarsest: Tensor, bands: Sequence[Tensor]) -> Tensor:
    """The image that `split` took apart: every band added to the enlarged image below it."""
    image = coarsest
    for band in bands:
        image = up(image, band.shape[-1]) + band
    return image


def exact_up(images: Tensor, size: int) -> Tensor:
    """Enlargement, (N, C, size, size), that shrinks to the images (N, C, S, S) again, up to float rounding.

    `up` blurs: `down(up(x))` is not x. Here what it lost is given back to whole blocks of pixels, so that
    `down(exact_up(x, size), S) == x`. `size` is a whole multiple of S.
    """
    smooth = up(images, size)
    return smooth + _in_blocks(images - down(smooth, images.shape[-1]), size)


def without_block_means(band: Tensor, size: int) -> Tensor:
    """The band (N, C, S, S) moved so that `down(band, size)` is 0, up to float rounding; S is a multiple of `size`.

    Added to an `exact_up` image such a band leaves the coarser image as it was.
    """
    return band - _in_blocks(down(band, size), band.shape[-1])


def _in_blocks(images: Tensor, size: int) -> Tensor:
    """Every pixel repeated to a block: (N, C, size, size)."""
    return F.interpolate(images, size=size, mode="nearest")
