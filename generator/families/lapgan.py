"""LAPGAN: a small image from noise, then a band of detail at each larger size (Denton et al. 2015).

Every level is a conditional GAN that trains alone, always on the true low-pass image; only `sample` joins
them. With `classes` above 0 both networks of every level are told the class: the paper's CC-LAPGAN.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from generator.adversarial import Condition, Losses, Pair
from generator.networks import KINDS, channels_last
from generator.noise import training_noise, uniform_noise
from generator.optimisers import Teaching
from generator.pyramid import down, low_pass, up


@dataclass(frozen=True)
class Config(Teaching):
    """Levels, sizes and teaching. One value a level where there are several. Raises ValueError.

    levels: sizes in pixels from coarse to fine; widths: channels; noise_planes: planes of noise at each finer
    level (the coarsest has `noise_values` numbers); penalties: weights of the gradient penalty.
    """

    networks: str = "modern"
    levels: tuple[int, ...] = (8, 16, 32)
    channels: int = 3
    classes: int = 0
    noise_values: int = 64
    noise_planes: tuple[int, ...] = (3, 3)
    widths: tuple[int, ...] = (96, 64, 48)
    discriminator_widths: tuple[int, ...] = (64, 48, 48)
    dropout: float = 0.0
    penalties: tuple[float, ...] = (0.05, 0.005, 0.02)
    penalty_every: int = 16
    learning_rate: float = 5e-4
    momentum: float = 0.0
    second_momentum: float = 0.99

    def __post_init__(self) -> None:
        super().__post_init__()
        count = len(self.levels)
        if self.networks not in KINDS:
            raise ValueError(f"networks: expected one of {', '.join(KINDS)}, got {self.networks!r}")
        if self.channels not in (1, 3):
            raise ValueError(f"channels: expected 1 (gray) or 3 (RGB), got {self.channels}")
        if not count or self.levels[0] < 4 or list(self.levels) != sorted(set(self.levels)):
            raise ValueError(f"levels: expected sizes that rise from at least 4, got {list(self.levels)}")
        if any(size % 2 for size in self.levels[1:]):
            raise ValueError(f"levels: expected even sizes above the coarsest, got {list(self.levels)}")
        for name in ("widths", "discriminator_widths", "penalties"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name}: expected {count} values, one a level, got {getattr(self, name)}")
        if len(self.noise_planes) != count - 1:
            raise ValueError(f"noise_planes: expected {count - 1} values, got {self.noise_planes}")
        if min(self.noise_values, self.penalty_every, *self.widths, *self.discriminator_widths) < 1:
            raise ValueError("expected noise_values, penalty_every and widths of at least 1")
        if self.classes < 0 or min(self.penalties) < 0 or min((0, *self.noise_planes)) < 0:
            raise ValueError("expected classes, penalties and noise_planes of at least 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: expected a share in [0, 1), got {self.dropout}")

    @property
    def size_px(self) -> int:
        return self.levels[-1]


class Lapgan(nn.Module):
    """The generators of all levels, by size: one of images and then of bands."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        kind, classes = KINDS[config.networks], config.classes
        coarsest = kind.image_generator(
            config.levels[0], config.channels, config.noise_values, config.widths[0], classes
        )
        finer = [
            kind.band_generator(size, config.channels, planes, width, classes)
            for size, planes, width in zip(
                config.levels[1:], config.noise_planes, config.widths[1:], strict=True
            )
        ]
        self.levels = nn.ModuleDict(dict(zip(parts(config), [coarsest, *finer], strict=True)))
        channels_last(self)


def parts(config: Config) -> tuple[str, ...]:
    """The levels, from coarse to fine."""
    return tuple(f"{size}px" for size in config.levels)


def build(config: Config) -> Lapgan:
    """The generators of all levels, untrained."""
    return Lapgan(config)


class Trainer(Pair):
    """Teaches one level, on true low-pass images."""

    def __init__(self, model: Lapgan, config: Config, part: str) -> None:
        self.config, self.level = config, parts(config).index(part)
        kind = KINDS[config.networks]
        discriminator = (kind.band_discriminator if self.level else kind.image_discriminator)(
            config.levels[self.level],
            config.channels,
            config.discriminator_widths[self.level],
            config.classes,
            config.dropout,
        )
        penalty = config.penalties[self.level]
        super().__init__(
            model.levels[part], channels_last(discriminator), config, penalty, config.penalty_every
        )

    def step(self, images: Tensor, labels: Tensor | None) -> Losses:
        """One batch of full-size images (N, C, S, S) in [-1, 1], labels (N,) with classes; the losses."""
        told = () if not self.config.classes or labels is None else (labels,)
        real, condition = self._level_of(images, told)
        return self.learn(real, condition, lambda: self._drawn(len(images), condition))

    def _level_of(self, images: Tensor, told: Condition) -> tuple[Tensor, Condition]:
        """The true image of this level, and what both networks are told about it."""
        real = down(images, self.config.levels[self.level]).contiguous(memory_format=torch.channels_last)
        if self.level == 0:
            return real, told
        return real, (low_pass(real, self.config.levels[self.level - 1]), *told)

    def _drawn(self, count: int, condition: Condition) -> Tensor:
        noise = training_noise(count, _noise_shape(self.config, self.level))
        return _generate(self.networks["generator"], self.config, condition, noise)


def sample(model: Lapgan, config: Config, seeds: Tensor, labels: Tensor | None) -> Tensor:
    """Images (N, C, S, S) near [-1, 1], one for each key in seeds (N,), from coarse to fine."""
    told = () if labels is None else (labels,)
    image = draw_level(model, config, 0, told, seeds)
    for level in range(1, len(config.levels)):
        image = draw_level(model, config, level, (up(image, config.levels[level]), *told), seeds)
    return image


def draw_level(model: Lapgan, config: Config, level: int, condition: Condition, seeds: Tensor) -> Tensor:
    """Images of one level, (N, C, S, S), each with its key's own noise.

    condition: (labels (N,),) at the coarsest level, (low_pass (N, C, S, S), labels) at others; no labels without
    classes.
    """
    noise = uniform_noise(seeds, level, _noise_shape(config, level))
    return _generate(model.levels[parts(config)[level]], config, condition, noise)


def _generate(generator: nn.Module, config: Config, condition: Condition, noise: Tensor) -> Tensor:
    """A level's generator takes (low-pass,) noise and labels or None, in that order."""
    *seen, labels = condition if config.classes else (*condition, None)
    return generator(*seen, noise, labels)


def _noise_shape(config: Config, level: int) -> tuple[int, ...]:
    if level == 0:
        return (config.noise_values,)
    return (config.noise_planes[level - 1], config.levels[level], config.levels[level])
