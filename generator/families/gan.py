"""The plain GAN: all pixels at once from noise (Goodfellow et al. 2014).

With `networks = "paper"` the baseline of the LAPGAN paper: multilayer perceptrons, no convolution anywhere. The
hidden layers of its authors' generator have 8,000 units (89 million weights), of the discriminator 1,600; the widths
are settings, so that weights of a few megabytes can ship. With `networks = "modern"` a small convolutional GAN of
today.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from generator.adversarial import Losses, Pair
from generator.families.family import Shown
from generator.networks import KINDS, channels_last
from generator.networks.projected import ProjectedDiscriminator
from generator.noise import training_noise, uniform_noise
from generator.optimisers import Teaching

PART = "all"


@dataclass(frozen=True)
class Config(Teaching):
    """Sizes and teaching. Raises ValueError for impossible ones.

    projected: the discriminator looks through a classifier that was taught before, too.
    """

    networks: str = "paper"
    size_px: int = 32
    channels: int = 3
    classes: int = 0
    noise_values: int = 100
    width: int = 512
    discriminator_width: int = 1024
    dropout: float = 0.0
    projected: bool = False
    penalty: float = 5.0
    penalty_every: int = 8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.networks not in KINDS:
            raise ValueError(f"networks: expected one of {', '.join(KINDS)}, got {self.networks!r}")
        if min(self.size_px, self.noise_values, self.width, self.discriminator_width) < 1:
            raise ValueError("expected size_px, noise_values and widths of at least 1")
        if self.channels not in (1, 3):
            raise ValueError(f"channels: expected 1 (gray) or 3 (RGB), got {self.channels}")
        if self.classes:
            raise ValueError(f"the plain GAN knows no classes: expected classes = 0, got {self.classes}")
        if self.penalty < 0 or self.penalty_every < 1:
            raise ValueError("expected a penalty of at least 0 and penalty_every of at least 1")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected a share in [0, 1), got {self.dropout}")


def stages(_config: Config) -> tuple[tuple[str, ...], ...]:
    """One stage of one part."""
    return ((PART,),)


def parts(_config: Config) -> tuple[str, ...]:
    """One part: the whole image."""
    return (PART,)


def build(config: Config) -> nn.Module:
    """The generator, untrained."""
    return channels_last(
        KINDS[config.networks].image_generator(
            config.size_px, config.channels, config.noise_values, config.width, config.classes
        )
    )


class Trainer(Pair):
    """Teaches the generator with a discriminator of its own."""

    def __init__(self, model: nn.Module, config: Config, part: str) -> None:
        if part != PART:
            raise ValueError(f"expected the part {PART}, got {part}")
        width = config.discriminator_width
        discriminator = KINDS[config.networks].image_discriminator(
            config.size_px, config.channels, width, config.classes, config.dropout
        )
        if config.projected:
            discriminator = ProjectedDiscriminator(discriminator, width, config.classes)
        super().__init__(model, channels_last(discriminator), config, config.penalty, config.penalty_every)
        self.noise_values = config.noise_values

    def step(self, images: Tensor, labels: Tensor | None) -> Losses:
        """One batch, images (N, C, S, S) in [-1, 1]; the losses of both networks."""
        del labels  # a plain GAN is told nothing
        generator = self.networks["generator"]
        real = images.contiguous(memory_format=torch.channels_last)
        return self.learn(
            real, (), lambda: generator(training_noise(len(images), (self.noise_values,), real.device), None)
        )

    def shown(self, images: Tensor, labels: Tensor | None, keys: Tensor) -> Shown:
        """The images (N, C, S, S), and draws of the noise of keys (N,)."""
        del labels
        noise = uniform_noise(keys, 0, (self.noise_values,))
        return Shown(images, self.networks["generator"](noise, None), is_told_the_image=False)


def sample(model: nn.Module, config: Config, seeds: Tensor, labels: Tensor | None) -> Tensor:
    """Images (N, C, S, S) in [-1, 1], one for each key in seeds (N,)."""
    del labels
    return model(uniform_noise(seeds, 0, (config.noise_values,)), None)
