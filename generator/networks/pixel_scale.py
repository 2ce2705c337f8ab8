"""Pixels in standard deviations from their mean over the training images, each place and channel for itself.

Networks that work in these units, as the paper's do, hold one `PixelScale`. It is learned from the images before
the first step and stored with the weights, so that what is drawn comes out in [-1, 1] again.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from generator.pyramid import down

# One 8-bit step: a pixel that hardly varies may not blow its rounding up.
SMALLEST_SD = 1 / 127.5


class PixelScale(nn.Module):
    """Standardises images (N, C, S, S) and takes that back. Until it has learned, units are those of [-1, 1]."""

    mean: Tensor
    sd: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, size, size))
        self.register_buffer("sd", torch.ones(channels, size, size))

    def forward(self, images: Tensor) -> Tensor:
        """Images near [-1, 1] in standard deviations from the mean."""
        return (images - self.mean) / self.sd

    def images(self, standardised: Tensor) -> Tensor:
        """Images near [-1, 1] of standardised ones."""
        return self.mean + self.sd * standardised


def learn_pixels(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give every `PixelScale` of a model the mean and SD of the images, at its own size.

    batches: images (N, C, S, S) in [-1, 1], S at least the size of each. Looks at none if no network asks.
    """
    scales = _scales(model)
    if not scales:
        return
    count = 0
    sums, squares = ([torch.zeros_like(scale.mean, dtype=torch.float64) for scale in scales] for _ in "12")
    for batch in batches:
        count += len(batch)
        for scale, total, square in zip(scales, sums, squares, strict=True):
            seen = down(batch, scale.mean.shape[-1]).double()
            total += seen.sum(0)
            square += seen.square().sum(0)
    for scale, total, square in zip(scales, sums, squares, strict=True):
        mean = total / count
        variance = (square / count - mean.square()).clamp(min=0)
        scale.mean.copy_(mean)
        scale.sd.copy_(variance.sqrt().clamp(min=SMALLEST_SD))


def share_pixels(learned: nn.Module, other: nn.Module) -> None:
    """Give one network's `PixelScale` to another's of the same size, a generator's to its discriminator.

    Nothing without one. Of a whole pyramid the discriminator takes the level that it looks at.
    """
    of_shape = {source.mean.shape: source for source in _scales(learned)}
    for target in _scales(other):
        target.load_state_dict(of_shape[target.mean.shape].state_dict())


def _scales(network: nn.Module) -> list[PixelScale]:
    return [module for module in network.modules() if isinstance(module, PixelScale)]
