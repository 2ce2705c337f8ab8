"""The classifier's network: what it computes, not what it was taught.

Seven plain convolutions; the mean of the last one's planes over all places is the description of an image.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

SIZE_PX = 32  # what it is taught on, and what images of other sizes are brought to


@dataclass(frozen=True)
class Config:
    """Channels and stride of each convolution, and the classes. Raises ValueError."""

    widths: tuple[int, ...] = (32, 48, 48, 96, 96, 144, 144)
    strides: tuple[int, ...] = (1, 2, 1, 2, 1, 2, 1)
    classes: int = 10

    def __post_init__(self) -> None:
        if not self.widths or len(self.widths) != len(self.strides):
            raise ValueError(
                f"expected as many strides as widths, got {len(self.strides)} and {len(self.widths)}"
            )
        if min(*self.widths, *self.strides) < 1 or self.classes < 2:
            raise ValueError("expected widths and strides of at least 1 and at least 2 classes")


class FeatureNetwork(nn.Module):
    """images (N, 3, S, S) in [-1, 1]  ->  features (N, C), not negative, and class scores (N, K)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        inputs: Sequence[int] = (3, *config.widths[:-1])
        self.body = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(wide_in, wide_out, 3, stride, 1, bias=False),
                    nn.BatchNorm2d(wide_out),
                    nn.ReLU(),
                )
                for wide_in, wide_out, stride in zip(inputs, config.widths, config.strides, strict=True)
            )
        )
        self.classes = nn.Linear(config.widths[-1], config.classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images).mean((2, 3))  # -> (N, C)
        return features, self.classes(features)


def at_feature_size(images: Tensor) -> Tensor:
    """Images (N, 3, 32, 32) of square images (N, 3, S, S): area means of larger ones, smaller enlarged."""
    size = images.shape[-1]
    if size == SIZE_PX:
        return images
    if size > SIZE_PX:
        return F.adaptive_avg_pool2d(images, SIZE_PX)
    return F.interpolate(images, size=SIZE_PX, mode="bilinear", align_corners=False)
