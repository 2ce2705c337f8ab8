"""The plain GAN: the paper's baseline, two multilayer perceptrons (Goodfellow et al. 2014).

100 noise values, two hidden layers, all pixels at once, no convolution anywhere. The paper's hidden layers
have 8,000 units (89 million weights); the width is a setting, so that weights of a few megabytes can ship.
What today's recipe changes in the teaching, not in the networks: Adam instead of momentum, and the gradient
penalty on the discriminator instead of dropout (without it the images stay gray).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from generator.adversarial import discriminator_step, generator_step, gradient_penalty_step
from generator.families.family import Losses
from generator.noise import training_noise, uniform_noise

PART = "all"


@dataclass(frozen=True)
class Config:
    """Sizes and learning rates. Raises ValueError for impossible ones."""

    size_px: int = 32
    classes: int = 0
    noise_values: int = 100
    width: int = 512
    discriminator_width: int = 1024
    penalty: float = 5.0
    penalty_every: int = 8
    learning_rate: float = 2e-4
    momentum: float = 0.5

    def __post_init__(self) -> None:
        if min(self.size_px, self.noise_values, self.width, self.discriminator_width) < 1:
            raise ValueError("expected size_px, noise_values and widths of at least 1")
        if self.classes:
            raise ValueError(f"the plain GAN knows no classes: expected classes = 0, got {self.classes}")
        if self.penalty < 0 or self.penalty_every < 1:
            raise ValueError("expected a penalty of at least 0 and penalty_every of at least 1")
        if not (0 <= self.momentum < 1 and self.learning_rate > 0):
            raise ValueError("expected a momentum in [0, 1) and a learning rate above 0")


class Generator(nn.Module):
    """noise (N, Z) of variance 1  ->  images (N, 3, S, S) in [-1, 1]."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.size_px = config.size_px
        self.layers = nn.Sequential(
            nn.Linear(config.noise_values, config.width),
            nn.ReLU(),
            nn.Linear(config.width, config.width),
            nn.ReLU(),
            nn.Linear(config.width, 3 * config.size_px**2),
        )
        # PyTorch's own start leaves so little of the noise after two rectifiers that all images are gray.
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)

    def forward(self, noise: Tensor) -> Tensor:
        return torch.tanh(self.layers(noise).unflatten(1, (3, self.size_px, self.size_px)))


class Discriminator(nn.Module):
    """images (N, 3, S, S) in [-1, 1]  ->  scores (N,), high for real."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        width = config.discriminator_width
        self.layers = nn.Sequential(
            nn.Linear(3 * config.size_px**2, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images.flatten(1)).squeeze(1)


def parts(_config: Config) -> tuple[str, ...]:
    """One part: the whole image."""
    return (PART,)


def build(config: Config) -> nn.Module:
    """The generator, untrained."""
    return Generator(config)


class Trainer:
    """Teaches the generator with a discriminator of its own."""

    def __init__(self, model: Generator, config: Config, part: str) -> None:
        if part != PART:
            raise ValueError(f"expected the part {PART}, got {part}")
        self.config = config
        self.generator, self.discriminator = model, Discriminator(config)
        self.steps_done = 0
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
        }
        self.optimisers: dict[str, Optimizer] = {
            name: torch.optim.Adam(
                network.parameters(), lr=config.learning_rate, betas=(config.momentum, 0.999)
            )
            for name, network in self.networks.items()
        }

    def step(self, images: Tensor, labels: Tensor | None) -> Losses:
        """One batch, images (N, 3, S, S) in [-1, 1]; the losses of both networks."""
        del labels  # a plain GAN is told nothing
        with torch.autocast(images.device.type, torch.bfloat16):
            fake = self.generator(training_noise(len(images), (self.config.noise_values,)))
            d_loss = discriminator_step(
                self.discriminator, self.optimisers["discriminator"], images, fake, ()
            )
            g_loss = generator_step(self.discriminator, self.optimisers["generator"], fake, ())
        losses = {"discriminator": d_loss, "generator": g_loss}
        weight = self.config.penalty * self.config.penalty_every
        if weight and self.steps_done % self.config.penalty_every == 0:
            losses["penalty"] = gradient_penalty_step(
                self.discriminator, self.optimisers["discriminator"], images, (), weight
            )
        return losses


def sample(model: nn.Module, config: Config, seeds: Tensor, labels: Tensor | None) -> Tensor:
    """Images (N, 3, S, S) in [-1, 1], one for each key in seeds (N,)."""
    del labels
    return model(uniform_noise(seeds, 0, (config.noise_values,)))
