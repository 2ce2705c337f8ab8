"""Small convolutional networks with today's cheap stabilisers, made to train on a CPU.

Class-conditional batch norm in generators, none in discriminators, which compare the class by projection.
From 16 pixels on networks work on 2x2 blocks of pixels: the same receptive field for a quarter of the sums.
Two switches of the generators, from the tricks of Radford 2016 (DCGAN, arXiv:1511.06434): `batch_norm`, and
`depth`, the number of convolutions beyond the usual ones.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2  # of the leaky rectifiers
BLOCKS_FROM = 16  # pixels
SWITCHES = ("batch_norm", "depth")


class ClassNorm(nn.Module):
    """Batch norm whose scale and shift depend on the class (de Vries 2017), or are plain without classes.

    features (N, C, H, W), labels (N,) or None  ->  (N, C, H, W). Without `batch_norm` only the class's scale and
    shift remain.
    """

    def __init__(self, channels: int, classes: int, batch_norm: bool) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=classes == 0) if batch_norm else nn.Identity()
        self.table = nn.Embedding(classes, 2 * channels) if classes else None
        if self.table is not None:
            nn.init.zeros_(self.table.weight)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        normal = self.norm(features)
        if self.table is None:
            return normal
        scale, shift = self.table(labels)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(shift, normal, 1 + scale)


class NormalConvolution(nn.Module):
    """Convolution 3x3, class norm, leaky rectifier: (N, A, H, W) -> (N, B, H / stride, W / stride)."""

    def __init__(
        self, inputs: int, outputs: int, classes: int, stride: int = 1, *, batch_norm: bool = True
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=not batch_norm)
        if not batch_norm:
            _keep_signal(self.convolution)
        self.norm = ClassNorm(outputs, classes, batch_norm)

    def forward(self, features: Tensor, labels: Tensor | None) -> Tensor:
        return F.leaky_relu(self.norm(self.convolution(features), labels), SLOPE, inplace=True)


class ImageGenerator(nn.Module):
    """Draws an image from noise: noise (N, Z) of variance 1, labels (N,) or None  ->  (N, C, S, S) in [-1, 1].

    Begins at a few places, doubles them until it has one for every block of pixels.
    """

    def __init__(
        self,
        size: int,
        channels: int,
        noise_values: int,
        width: int,
        classes: int,
        *,
        batch_norm: bool = True,
        depth: int = 0,
    ) -> None:
        super().__init__()
        normal = partial(NormalConvolution, classes=classes, batch_norm=batch_norm)
        self.block = _block(size)
        self.sizes = _doublings(size // self.block)
        wide = width * 2 ** (len(self.sizes) - 1)
        self.start = nn.Linear(noise_values, wide * self.sizes[0] ** 2)
        if not batch_norm:
            _keep_signal(self.start)
        self.start_norm = ClassNorm(wide, classes, batch_norm)
        self.blocks = nn.ModuleList()
        for _ in self.sizes[1:]:
            self.blocks += [normal(wide, wide // 2), normal(wide // 2, wide // 2)]
            wide //= 2
        self.deeper = nn.ModuleList(normal(width, width) for _ in range(depth))
        self.last = nn.Conv2d(width, channels * self.block**2, 3, 1, 1)

    def forward(self, noise: Tensor, labels: Tensor | None) -> Tensor:
        features = self.start(noise).unflatten(1, (-1, self.sizes[0], self.sizes[0]))
        features = features.contiguous(memory_format=torch.channels_last)
        features = F.leaky_relu(self.start_norm(features, labels), SLOPE)
        for step, size in enumerate(self.sizes[1:]):
            features = _enlarged(features, size)
            for block in self.blocks[2 * step : 2 * step + 2]:
                features = block(features, labels)
        for block in self.deeper:
            features = block(features, labels)
        # In full precision also under autocast: near 1 a step of bfloat16 is half an 8-bit step.
        return torch.tanh(F.pixel_shuffle(self.last(features), self.block).float())


class BandGenerator(nn.Module):
    """Draws the detail missing from a blurred image (Denton et al. 2015, arXiv:1506.05751).

    low_pass (N, C, S, S) in [-1, 1]; noise (N, K, S, S) of variance 1; labels (N,) or None
    ->  finer image (N, C, S, S): low_pass plus the band drawn. S is even.
    A U of convolutions over 2x2 blocks of pixels: half the size, a quarter, and back.
    """

    # Bands have a standard deviation near 0.15, the last convolution one near 1 at the start.
    BAND_SCALE = 0.25

    def __init__(
        self,
        channels: int,
        noise_planes: int,
        width: int,
        classes: int,
        *,
        batch_norm: bool = True,
        depth: int = 0,
    ) -> None:
        super().__init__()
        normal = partial(NormalConvolution, classes=classes, batch_norm=batch_norm)
        self.enter = normal(4 * (channels + noise_planes), width)
        self.along = normal(width, width)
        self.descend = normal(width, 2 * width, stride=2)
        self.bottom = normal(2 * width, 2 * width)
        self.ascend = normal(2 * width, width)
        self.join = normal(2 * width, width)
        self.deeper = nn.ModuleList(normal(width, width) for _ in range(depth))
        self.last = nn.Conv2d(width, 4 * channels, 3, 1, 1)

    def forward(self, low_pass: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        blocks = F.pixel_unshuffle(torch.cat([low_pass, noise], 1), 2)  # -> (N, 4 (C + K), S/2, S/2)
        features = self.along(self.enter(blocks, labels), labels)
        deep = self.bottom(self.descend(features, labels), labels)  # -> (N, 2 width, S/4, S/4)
        deep = _enlarged(self.ascend(deep, labels), features.shape[-1])
        joined = self.join(torch.cat([features, deep], 1), labels)  # -> (N, width, S/2, S/2)
        for block in self.deeper:
            joined = block(joined, labels)
        return low_pass + self.BAND_SCALE * F.pixel_shuffle(self.last(joined), 2)  # -> (N, C, S, S)


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


class ImageDiscriminator(nn.Module):
    """Scores whole images: (N, C, S, S) in [-1, 1], labels (N,) when there are classes  ->  (N,)."""

    def __init__(self, size: int, channels: int, width: int, classes: int) -> None:
        super().__init__()
        self.block = _block(size)
        halvings = max(len(_doublings(size // self.block)) - 1, 2)
        widths, strides = [channels * self.block**2, width], [1]
        for halving in range(1, halvings + 1):
            wide = width * 2 ** min(halving, 2)
            widths += [wide, wide]
            strides += [2, 1]
        self.body = nn.Sequential(*_convolutions(widths[:-1], strides[:-1]))
        self.score = Score(4 * width, classes)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.score(self.body(F.pixel_unshuffle(images, self.block)), labels)


class BandDiscriminator(nn.Module):
    """Scores finer images together with the low-pass image they were drawn for.

    fine (N, C, S, S), low_pass (N, C, S, S), labels (N,) when there are classes  ->  (N,).
    """

    # The band is shown beside the sum, amplified to the image's own spread.
    BAND_GAIN = 4.0

    def __init__(self, channels: int, width: int, classes: int) -> None:
        super().__init__()
        widths = [2 * channels, width, 2 * width, 2 * width, 4 * width]
        self.body = nn.Sequential(*_convolutions(widths, [2, 2, 1, 2]))
        self.score = Score(4 * width, classes)

    def forward(self, fine: Tensor, low_pass: Tensor, labels: Tensor | None = None) -> Tensor:
        planes = torch.cat([fine, self.BAND_GAIN * (fine - low_pass)], 1)
        return self.score(self.body(planes), labels)


def image_generator(
    size: int,
    channels: int,
    noise_values: int,
    width: int,
    classes: int,
    *,
    batch_norm: bool = True,
    depth: int = 0,
) -> nn.Module:
    """An `ImageGenerator`."""
    return ImageGenerator(size, channels, noise_values, width, classes, batch_norm=batch_norm, depth=depth)


def image_discriminator(size: int, channels: int, width: int, classes: int, dropout: float) -> nn.Module:
    """An `ImageDiscriminator`; the gradient penalty is what keeps it smooth, so there is no dropout."""
    del dropout
    return ImageDiscriminator(size, channels, width, classes)


def band_generator(
    size: int,
    channels: int,
    noise_planes: int,
    width: int,
    classes: int,
    *,
    batch_norm: bool = True,
    depth: int = 0,
) -> nn.Module:
    """A `BandGenerator`, the same at every size."""
    del size
    return BandGenerator(channels, noise_planes, width, classes, batch_norm=batch_norm, depth=depth)


def band_discriminator(size: int, channels: int, width: int, classes: int, dropout: float) -> nn.Module:
    """A `BandDiscriminator`, the same at every size."""
    del size, dropout
    return BandDiscriminator(channels, width, classes)


def _enlarged(features: Tensor, size: int) -> Tensor:
    """Features (N, C, size, size) that repeat their neighbours' values, in the precision they come in.

    Autocast would take float32, which makes copies no better.
    """
    with torch.autocast(features.device.type, enabled=False):
        return F.interpolate(features, size=size, mode="nearest")


def _block(size: int) -> int:
    """Pixels a side that a network takes for one place."""
    return 2 if size >= BLOCKS_FROM and size % 2 == 0 else 1


def _doublings(size: int) -> list[int]:
    """Sizes from about 4 to `size`, each about twice the one before: [4, 8, 16] for 16."""
    sizes = [size]
    while sizes[0] >= 8:
        sizes.insert(0, (sizes[0] + 1) // 2)
    return sizes


def _convolutions(widths: list[int], strides: list[int]) -> list[nn.Module]:
    """Convolutions 3x3 with leaky rectifiers; no norm, which would tell a batch's truth to its members.

    They begin so that the signal keeps its size: with PyTorch's own start a deep discriminator answers nearly
    the same to every image, and the gradient penalty can hold it there.
    """
    layers: list[nn.Module] = []
    for inputs, outputs, stride in zip(widths[:-1], widths[1:], strides, strict=True):
        convolution = nn.Conv2d(inputs, outputs, 3, stride, 1)
        nn.init.kaiming_normal_(convolution.weight, a=SLOPE)
        layers += [convolution, nn.LeakyReLU(SLOPE)]
    return layers


def _keep_signal(layer: nn.Linear | nn.Conv2d) -> None:
    """Begin so that a leaky rectifier's signal keeps its size, where no norm after the layer sees to that."""
    nn.init.kaiming_normal_(layer.weight, a=SLOPE)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
