"""A discriminator that looks at images through a classifier that was taught before (Sauer et al. 2021,
"Projected GANs converge faster", arXiv:2111.01007).

Small heads judge what the classifier's layers say of an image, each layer a score of its own; the classifier
itself learns nothing. It is the critic of `generator.features`, never the classifier that distances are measured
with: that would teach to the test. Beside them a usual discriminator judges the pixels: what a classifier does not
look at, such as a fine grid over the whole image, it would let pass, and people would not.
"""

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generator.features.described import CRITIC, read_classifier
from generator.features.network import at_feature_size
from generator.networks.drawing_form import scale_and_shift
from generator.networks.modern import SLOPE, Score

LOOKED_AT = {1: 16, 3: 8, 5: 4}  # layers of the classifier, and the places a side of their maps
SMALLEST = 4  # places a side that a head comes down to


class ProjectedDiscriminator(nn.Module):
    """Scores whole images: (N, C, S, S) in [-1, 1], labels (N,) when there are classes  ->  (N, layers + 1).

    `of_pixels` is the usual discriminator, of which the last score is.
    """

    def __init__(self, of_pixels: nn.Module, width: int, classes: int) -> None:
        super().__init__()
        self.of_pixels, self.scores = of_pixels, len(LOOKED_AT) + 1
        body = read_classifier(CRITIC).network.body
        layers = [_without_norm(layer) for layer in list(body.children())[: max(LOOKED_AT) + 1]]
        self.layers = nn.ModuleList(layers)
        self.heads = nn.ModuleList(
            Head(layers[at].channels, size, width, classes) for at, size in LOOKED_AT.items()
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        features = at_feature_size(images.expand(-1, 3, -1, -1))  # gray pictures in RGB
        scores: list[Tensor] = []
        heads = iter(self.heads)
        for at, layer in enumerate(self.layers):
            features = F.relu(layer(features))
            if at in LOOKED_AT:
                scores.append(next(heads)(features, labels))
        return torch.stack([*scores, self.of_pixels(images, labels)], 1)


class Head(nn.Module):
    """Scores the maps of one layer: (N, C, H, W), labels (N,) or None  ->  (N,)."""

    def __init__(self, channels: int, size: int, width: int, classes: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for inputs, outputs in pairwise((channels, width, width)):
            convolution = nn.Conv2d(inputs, outputs, 3, 2 if size > SMALLEST else 1, 1)
            nn.init.kaiming_normal_(convolution.weight, a=SLOPE)
            steps += [convolution, nn.LeakyReLU(SLOPE)]
            size = max(size // 2, SMALLEST)
        self.body = nn.Sequential(*steps)
        self.score = Score(width, classes)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        return self.score(self.body(features), labels)


class FixedConvolution(nn.Module):
    """A convolution 3x3 that is no one's to teach: its weights are buffers."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor, stride: int) -> None:
        super().__init__()
        self.stride, self.channels = stride, len(bias)
        self.register_buffer("weight", weight.contiguous(memory_format=torch.channels_last))
        self.register_buffer("bias", bias)

    def forward(self, features: Tensor) -> Tensor:
        return F.conv2d(features, self.weight, self.bias, self.stride, 1)


def _without_norm(layer: Any) -> FixedConvolution:
    """A layer of the classifier up to its rectifier: the convolution does what the norm after it does."""
    convolution, norm = layer[0], layer[1]
    scale, shift = scale_and_shift(norm)
    weight = convolution.weight * scale[:, None, None, None]
    return FixedConvolution(weight.detach(), shift.detach(), convolution.stride[0])
