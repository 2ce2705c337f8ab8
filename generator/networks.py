"""The convolutional networks of a LAPGAN, small enough to train on a CPU.

Every class states shapes and ranges once. What they are taught, and in which order levels are joined, is
the family's.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of the leaky rectifiers


class ClassNorm(nn.Module):
    """Batch norm whose scale and shift depend on the class (de Vries 2017), or are plain without classes.

    features (N, C, H, W), labels (N,) or None  ->  (N, C, H, W).
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=classes == 0)
        self.table = nn.Embedding(classes, 2 * channels) if classes else None
        if self.table is not None:
            nn.init.zeros_(self.table.weight)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        normal = self.norm(features)
        if self.table is None:
            return normal
        scale, shift = self.table(labels)[:, :, None, None].chunk(2, dim=1)
        return normal * (1 + scale) + shift


class NormalConvolution(nn.Module):
    """Convolution 3x3, class norm, leaky rectifier: (N, A, H, W) -> (N, B, H / stride, W / stride)."""

    def __init__(self, inputs: int, outputs: int, classes: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm = ClassNorm(outputs, classes)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        return F.leaky_relu(self.norm(self.convolution(features), labels), SLOPE)


class CoarseGenerator(nn.Module):
    """Draws the coarsest image from noise.

    noise (N, Z) of variance 1, labels (N,) or None  ->  image (N, 3, S, S) in [-1, 1].
    """

    def __init__(self, size: int, noise_values: int, width: int, classes: int) -> None:
        super().__init__()
        self.size = size
        self.start_size = (size + 1) // 2
        self.start = nn.Linear(noise_values, 2 * width * self.start_size**2)
        self.blocks = nn.ModuleList(
            [NormalConvolution(2 * width, width, classes), NormalConvolution(width, width, classes)]
        )
        self.start_norm = ClassNorm(2 * width, classes)
        self.last = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, noise: Tensor, labels: Tensor | None) -> Tensor:
        features = self.start(noise).unflatten(1, (-1, self.start_size, self.start_size))
        features = F.leaky_relu(self.start_norm(features, labels), SLOPE)
        features = F.interpolate(features, size=self.size, mode="nearest")  # -> (N, 2 width, S, S)
        for block in self.blocks:
            features = block(features, labels)
        return torch.tanh(self.last(features))


class BandGenerator(nn.Module):
    """Draws the detail missing from a blurred image (Denton et al. 2015, arXiv:1506.05751).

    low_pass (N, 3, S, S) in [-1, 1]; noise (N, K, S, S) of variance 1; labels (N,) or None
    ->  finer image (N, 3, S, S): low_pass plus the band drawn. S is even.
    A U of convolutions over 2x2 blocks of pixels: half the size, a quarter, and back.
    """

    # Bands have a standard deviation near 0.15, the last convolution one near 1 at the start.
    BAND_SCALE = 0.25

    def __init__(self, noise_planes: int, width: int, classes: int) -> None:
        super().__init__()
        self.enter = NormalConvolution(4 * (3 + noise_planes), width, classes)
        self.along = NormalConvolution(width, width, classes)
        self.descend = NormalConvolution(width, 2 * width, classes, stride=2)
        self.bottom = NormalConvolution(2 * width, 2 * width, classes)
        self.ascend = NormalConvolution(2 * width, width, classes)
        self.join = NormalConvolution(2 * width, width, classes)
        self.last = nn.Conv2d(width, 12, 3, 1, 1)

    def forward(self, low_pass: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        blocks = F.pixel_unshuffle(torch.cat([low_pass, noise], 1), 2)  # -> (N, 4 (3 + K), S/2, S/2)
        features = self.along(self.enter(blocks, labels), labels)
        deep = self.bottom(self.descend(features, labels), labels)  # -> (N, 2 width, S/4, S/4)
        deep = F.interpolate(self.ascend(deep, labels), size=features.shape[-1], mode="nearest")
        joined = self.join(torch.cat([features, deep], 1), labels)  # -> (N, width, S/2, S/2)
        return low_pass + self.BAND_SCALE * F.pixel_shuffle(self.last(joined), 2)  # -> (N, 3, S, S)


class Score(nn.Module):
    """One score an image from a map of features: the mean score of its places, plus the class's own.

    features (N, C, H, W), labels (N,) or None  ->  (N,). The class is compared by an inner product with the
    mean features (Miyato and Koyama 2018, arXiv:1802.05637).
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.each_place = nn.Conv2d(channels, 1, 1)
        self.of_class = nn.Embedding(classes, channels) if classes else None
        if self.of_class is not None:
            nn.init.normal_(self.of_class.weight, std=channels**-0.5)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        score = self.each_place(features).mean((1, 2, 3))
        if self.of_class is None:
            return score
        return score + (self.of_class(labels) * features.mean((2, 3))).sum(1)


class CoarseDiscriminator(nn.Module):
    """Scores coarsest images: (N, 3, S, S) in [-1, 1], labels (N,) when there are classes  ->  (N,)."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_convolutions([3, width, 2 * width, 2 * width], [1, 2, 1]))
        self.flat = nn.Sequential(nn.Conv2d(2 * width, 4 * width, 3, 2, 1), nn.LeakyReLU(SLOPE))
        self.score = Score(4 * width, classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.score(self.flat(self.body(images)), labels)


class BandDiscriminator(nn.Module):
    """Scores finer images together with the low-pass image they were drawn for.

    fine (N, 3, S, S), low_pass (N, 3, S, S), labels (N,) when there are classes  ->  (N,).
    """

    # The band is shown beside the sum, amplified to the image's own spread.
    BAND_GAIN = 4.0

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        widths = [6, width, 2 * width, 2 * width, 4 * width]
        self.body = nn.Sequential(*_convolutions(widths, [2, 2, 1, 2]))
        self.score = Score(4 * width, classes)

    def forward(self, fine: Tensor, low_pass: Tensor, labels: Tensor | None = None) -> Tensor:
        planes = torch.cat([fine, self.BAND_GAIN * (fine - low_pass)], 1)
        return self.score(self.body(planes), labels)


def _convolutions(widths: list[int], strides: list[int]) -> list[nn.Module]:
    """Convolutions 3x3 with leaky rectifiers; no norm, which would tell a batch's truth to its members."""
    layers: list[nn.Module] = []
    for inputs, outputs, stride in zip(widths[:-1], widths[1:], strides, strict=True):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.LeakyReLU(SLOPE)]
    return layers
