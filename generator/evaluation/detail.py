"""How much detail there is at each size: the variance of a pyramid's bands, of generated over real images.

1 is as much as real images have; below, samples are blurred at that size; above, they are noisy. A band's
variance is also what there is to be drawn at a level once the coarser image is known.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from generator.pixels import unit_from_bytes
from generator.pyramid import split

SMALLEST_PX = 8
BLOCK = 1024


@dataclass(frozen=True)
class LevelVariance:
    """Variance at one size of a pyramid; images lie in [-1, 1]. The coarsest size holds the image itself."""

    size_px: int
    variance: float


def halvings(size_px: int) -> list[int]:
    """Sizes of a pyramid that ends with size_px, from coarse to fine: halves down to 8 and no odd ones."""
    sizes = [size_px]
    while sizes[0] % 2 == 0 and sizes[0] // 2 >= SMALLEST_PX:
        sizes.insert(0, sizes[0] // 2)
    return sizes


def level_variances(pixels: NDArray[np.uint8], sizes: list[int]) -> list[LevelVariance]:
    """Variance over all images, places and colours at each size, of pixels (N, S, S, C) uint8."""
    sums = torch.zeros(len(sizes), 3, dtype=torch.float64)  # numbers, their sum, their sum of squares
    for start in range(0, len(pixels), BLOCK):
        images = unit_from_bytes(torch.from_numpy(pixels[start : start + BLOCK])).permute(0, 3, 1, 2)
        coarsest, bands = split(images, sizes)
        for at, values in enumerate([coarsest, *bands]):
            wide = values.double()
            sums[at] += torch.stack([torch.tensor(float(wide.numel())), wide.sum(), wide.square().sum()])
    count, total, squares = sums.unbind(1)
    variances = squares / count - (total / count) ** 2
    return [LevelVariance(size, float(value)) for size, value in zip(sizes, variances, strict=True)]
