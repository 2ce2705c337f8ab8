"""The plain GAN that shipped first: multilayer perceptrons with leaky rectifiers, drawing through tanh.

Kept as long as its weights ship; the paper's own networks are in `paper.py`.
"""

import torch
from torch import Tensor, nn

SWITCHES: tuple[str, ...] = ()


class ImageGenerator(nn.Module):
    """Draws an image from noise: noise (N, Z) of variance 1  ->  (N, C, S, S) in [-1, 1]."""

    def __init__(self, size: int, channels: int, noise_values: int, width: int) -> None:
        super().__init__()
        self.shape = (channels, size, size)
        self.layers = nn.Sequential(
            nn.Linear(noise_values, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, channels * size**2),
        )
        # PyTorch's own start leaves so little of the noise after two rectifiers that all images are gray.
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, noise: Tensor, labels: Tensor | None) -> Tensor:
        del labels
        return torch.tanh(self.layers(noise).unflatten(1, self.shape))


class ImageDiscriminator(nn.Module):
    """Scores whole images: (N, C, S, S) in [-1, 1]  ->  (N,), high for real."""

    def __init__(self, size: int, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(channels * size**2, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        del labels
        return self.layers(images.flatten(1)).squeeze(1)


def image_generator(size: int, channels: int, noise_values: int, width: int, classes: int) -> nn.Module:
    """An `ImageGenerator`."""
    del classes
    return ImageGenerator(size, channels, noise_values, width)


def image_discriminator(size: int, channels: int, width: int, classes: int, dropout: float) -> nn.Module:
    """An `ImageDiscriminator`."""
    del classes, dropout
    return ImageDiscriminator(size, channels, width)
