"""The networks of the paper and of its authors' code (Denton et al. 2015, arXiv:1506.05751).

Whole images are drawn by multilayer perceptrons, the plain GAN's of 32 pixels as the LAPGAN's of 8; bands by three
convolutions. All of them work on standardised pixels, draw without bounds, and have no normalisation. Numbers of
layers, kernels and planes are the authors'; where our start or our edges differ, the line says so.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generator.networks.pixel_scale import PixelScale

SWITCHES: tuple[str, ...] = ()  # the paper has none of the modern generators'

# Noise comes with variance 1; the paper's is uniform in [-1, 1].
NOISE_SCALE = 1 / math.sqrt(3)


class ImageGenerator(nn.Module):
    """Draws an image from noise: noise (N, Z) of variance 1, labels (N,) or None  ->  (N, C, S, S) near [-1, 1].

    The class is joined to the noise as a one-hot vector.
    """

    def __init__(self, size: int, channels: int, noise_values: int, width: int, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.shape: tuple[int, ...] = (channels, size, size)
        self.pixels = PixelScale(size, channels)
        self.layers = nn.Sequential(
            nn.Linear(noise_values + classes, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, channels * size**2),
        )
        # PyTorch's own start leaves so little of the noise after two rectifiers that all images are gray. The
        # authors began with a standard deviation of 0.05, which fits their 8,000 units and no smaller width.
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, noise: Tensor, labels: Tensor | None) -> Tensor:
        told = _joined(NOISE_SCALE * noise, labels, self.classes)
        return self.pixels.images(self.layers(told).unflatten(1, self.shape))


class ImageDiscriminator(nn.Module):
    """Scores whole images: (N, C, S, S) in [-1, 1], labels (N,) when there are classes  ->  (N,)."""

    def __init__(self, size: int, channels: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.classes = classes
        self.pixels = PixelScale(size, channels)
        self.layers = nn.Sequential(
            nn.Linear(channels * size**2 + classes, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(width, 1),
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        seen = _joined(self.pixels(images).flatten(1), labels, self.classes)
        return self.layers(seen).squeeze(1)


class ClassPlane(nn.Module):
    """A learned plane for each class: labels (N,)  ->  (N, 1, S, S), at least 0."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.classes, self.size = classes, size
        self.layer = nn.Linear(classes, size**2)

    def forward(self, labels: Tensor) -> Tensor:
        one_hot = F.one_hot(labels, self.classes).to(self.layer.weight.dtype)
        return F.relu(self.layer(one_hot)).unflatten(1, (1, self.size, self.size))


class BandGenerator(nn.Module):
    """Draws the detail missing from a blurred image.

    low_pass (N, C, S, S) in [-1, 1]; noise (N, K, S, S) of variance 1; labels (N,) or None
    ->  finer image (N, C, S, S): low_pass plus the band drawn.
    """

    def __init__(self, size: int, channels: int, noise_planes: int, width: int, classes: int) -> None:
        super().__init__()
        self.pixels = PixelScale(size, channels)
        self.of_class = ClassPlane(size, classes) if classes else None
        planes = channels + noise_planes + (1 if classes else 0)
        self.layers = nn.Sequential(
            nn.Conv2d(planes, width, 7, padding=3),
            nn.ReLU(),
            nn.Conv2d(width, width, 7, padding=3),
            nn.ReLU(),
            nn.Conv2d(width, channels, 5, padding=2),
        )

    def forward(self, low_pass: Tensor, noise: Tensor, labels: Tensor | None) -> Tensor:
        seen = _with_class([NOISE_SCALE * noise, self.pixels(low_pass)], labels, self.of_class)
        return low_pass + self.pixels.sd * self.layers(seen)


class BandDiscriminator(nn.Module):
    """Scores finer images, the sum of low-pass image and band; the low-pass image itself it is not shown.

    fine (N, C, S, S), low_pass (N, C, S, S), labels (N,) when there are classes  ->  (N,).
    """

    def __init__(self, size: int, channels: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.pixels = PixelScale(size, channels)
        self.of_class = ClassPlane(size, classes) if classes else None
        planes = channels + (1 if classes else 0)
        # With a margin of zeros, so that any size is enough; the authors' convolutions have none.
        self.layers = nn.Sequential(
            nn.Conv2d(planes, width, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(width, width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(width * ((size + 1) // 2) ** 2, 1),
        )

    def forward(self, fine: Tensor, low_pass: Tensor, labels: Tensor | None = None) -> Tensor:
        del low_pass
        return self.layers(_with_class([self.pixels(fine)], labels, self.of_class)).squeeze(1)


def image_generator(size: int, channels: int, noise_values: int, width: int, classes: int) -> nn.Module:
    """An `ImageGenerator`."""
    return ImageGenerator(size, channels, noise_values, width, classes)


def image_discriminator(size: int, channels: int, width: int, classes: int, dropout: float) -> nn.Module:
    """An `ImageDiscriminator`."""
    return ImageDiscriminator(size, channels, width, classes, dropout)


def band_generator(size: int, channels: int, noise_planes: int, width: int, classes: int) -> nn.Module:
    """A `BandGenerator`."""
    return BandGenerator(size, channels, noise_planes, width, classes)


def band_discriminator(size: int, channels: int, width: int, classes: int, dropout: float) -> nn.Module:
    """A `BandDiscriminator`."""
    return BandDiscriminator(size, channels, width, classes, dropout)


def _joined(vectors: Tensor, labels: Tensor | None, classes: int) -> Tensor:
    """Vectors (N, V) with the class's one-hot vector: (N, V + classes); as they are without classes.

    The class is as long as a vector of V standardised values. A plain 1 is one part in V of what a layer hears;
    taught for minutes instead of the authors' days, neither network came to heed it (own measurement).
    """
    if not classes or labels is None:
        return vectors
    loudness = math.sqrt(vectors.shape[1])
    return torch.cat([vectors, loudness * F.one_hot(labels, classes).to(vectors.dtype)], 1)


def _with_class(planes: list[Tensor], labels: Tensor | None, of_class: ClassPlane | None) -> Tensor:
    """All planes as one tensor, the class's among them where there are classes."""
    if of_class is not None and labels is not None:
        planes = [*planes, of_class(labels)]
    return torch.cat(planes, 1)
