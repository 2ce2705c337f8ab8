"""LAPGAN: a small image from noise, then a band of detail at each larger size (Denton et al. 2015).

Every level is a conditional GAN that trains alone, always on the true low-pass image; only `sample` joins
them. With `classes` above 0 both networks of every level are told the class: the paper's CC-LAPGAN.
Ideas from the commentary on the paper are settings that are off by default; docs/models/options.md says what
each did.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise

import torch
from torch import Tensor, nn

from generator.adversarial import Condition, Losses, Pair
from generator.families import joint
from generator.families.family import Shown
from generator.networks import KINDS, channels_last, modern
from generator.networks.consistent import Consistent
from generator.networks.noise_kinds import NOISE_KINDS, Planes, WithSpreadNoise
from generator.noise import training_noise, uniform_noise
from generator.optimisers import Teaching
from generator.pyramid import down, exact_up, up


@dataclass(frozen=True)
class Config(Teaching):
    """Levels, sizes and teaching. One value a level where there are several. Raises ValueError.

    levels: sizes in pixels from coarse to fine; widths: channels; noise_planes: planes of noise at each finer
    level (the coarsest has `noise_values` numbers); penalties: weights of the gradient penalty.
    noise: how the planes come about, one of NOISE_KINDS: `projected` has `noise_values` numbers at every level,
    `low-rank` `noise_rank` outer products a plane. consistent: images, shrunk, are exactly the coarser ones they
    were drawn for. l2_weight: of the mean squared error of finer levels' images, in squared units of [-1, 1],
    beside the adversarial loss. batch_norm, depth: the modern generators' switches. joint: after the levels a part
    teaches all of them at once, at joint_rates: the learning rates of its discriminator and of the levels.
    projected: that part's discriminator looks through a classifier taught before, too.
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
    noise: str = "planes"
    noise_rank: int = 2
    consistent: bool = False
    l2_weight: float = 0.0
    batch_norm: bool = True
    depth: int = 0
    joint: bool = False
    joint_rates: tuple[float, float] = (5e-4, 2e-4)
    projected: bool = False

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
        self._check_options()

    def _check_options(self) -> None:
        if self.noise not in NOISE_KINDS:
            raise ValueError(f"noise: expected one of {', '.join(NOISE_KINDS)}, got {self.noise!r}")
        if self.noise_rank < 1 or min(self.depth, self.l2_weight) < 0:
            raise ValueError("expected noise_rank of at least 1, depth and l2_weight of at least 0")
        if self.joint and len(self.levels) < 2:
            raise ValueError(f"joint: expected at least 2 levels to teach together, got {list(self.levels)}")
        if min(self.joint_rates) <= 0:
            raise ValueError(f"joint_rates: expected two numbers above 0, got {list(self.joint_rates)}")
        if self.projected and not self.joint:
            raise ValueError(
                "projected: only the joint part has a discriminator of whole images; set joint = true"
            )
        if self.noise != "planes" and 0 in self.noise_planes:
            raise ValueError(f"noise_planes: expected at least 1 with {self.noise} noise")
        if self.consistent and any(fine % coarse for coarse, fine in pairwise(self.levels)):
            raise ValueError(
                "consistent: expected levels that are whole multiples of the one before, such as 8, 16, 32, "
                f"got {list(self.levels)}"
            )
        for switch in modern.SWITCHES:
            is_changed = getattr(self, switch) != getattr(Config, switch)
            if is_changed and switch not in _switches(self.networks):
                raise ValueError(f"{switch}: the {self.networks} networks have no such switch; leave it out")

    @property
    def size_px(self) -> int:
        return self.levels[-1]


class Lapgan(nn.Module):
    """The generators of all levels, by size: one of images and then of bands."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        kind, classes = KINDS[config.networks], config.classes
        switches = {name: getattr(config, name) for name in _switches(config.networks)}
        coarsest = kind.image_generator(
            config.levels[0], config.channels, config.noise_values, config.widths[0], classes, **switches
        )
        finer = [
            _with_options(
                kind.band_generator(size, config.channels, planes, width, classes, **switches), config, level
            )
            for level, (size, planes, width) in enumerate(
                zip(config.levels[1:], config.noise_planes, config.widths[1:], strict=True), start=1
            )
        ]
        self.levels = nn.ModuleDict(dict(zip(level_names(config), [coarsest, *finer], strict=True)))
        channels_last(self)


def _switches(networks: str) -> tuple[str, ...]:
    """The settings that this kind's generators take besides their sizes."""
    return getattr(KINDS[networks], "SWITCHES", ())


def _with_options(generator: nn.Module, config: Config, level: int) -> nn.Module:
    """A finer level's generator with what its noise and its consistency need; as it is where nothing is set."""
    spread = NOISE_KINDS[config.noise].spread
    if spread is not None:
        generator = WithSpreadNoise(generator, spread(_planes(config, level)))
    return Consistent(generator, config.levels[level - 1]) if config.consistent else generator


def level_names(config: Config) -> tuple[str, ...]:
    """The levels, from coarse to fine."""
    return tuple(f"{size}px" for size in config.levels)


def stages(config: Config) -> tuple[tuple[str, ...], ...]:
    """The levels, which do not wait for each other; then, where it is wanted, what teaches all of them at once."""
    levels = level_names(config)
    return (levels, (joint.PART,)) if config.joint else (levels,)


def parts(config: Config) -> tuple[str, ...]:
    """The parts of all stages: the levels from coarse to fine first."""
    return tuple(chain.from_iterable(stages(config)))


def build(config: Config) -> Lapgan:
    """The generators of all levels, untrained."""
    return Lapgan(config)


def Trainer(model: Lapgan, config: Config, part: str) -> Pair:
    """What teaches a part: one level, or all of them at once."""
    if part != joint.PART:
        return LevelTrainer(model, config, part)

    def drawn(images: Tensor, told: Condition) -> Tensor:
        def noise_of(level: int) -> Tensor:
            return training_noise(len(images), noise_shape(config, level), images.device)

        return _chain(model, config, told, noise_of)

    return joint.JointTrainer(model, config, drawn, partial(sample, model, config))


class LevelTrainer(Pair):
    """Teaches one level, on true low-pass images."""

    def __init__(self, model: Lapgan, config: Config, part: str) -> None:
        self.config, self.level = config, level_names(config).index(part)
        kind = KINDS[config.networks]
        discriminator = (kind.band_discriminator if self.level else kind.image_discriminator)(
            config.levels[self.level],
            config.channels,
            config.discriminator_widths[self.level],
            config.classes,
            config.dropout,
        )
        super().__init__(
            model.levels[part],
            channels_last(discriminator),
            config,
            config.penalties[self.level],
            config.penalty_every,
            # The coarsest image is drawn from noise alone: there is no true one to be near to.
            l2_weight=config.l2_weight if self.level else 0.0,
        )

    def step(self, images: Tensor, labels: Tensor | None) -> Losses:
        """One batch of full-size images (N, C, S, S) in [-1, 1], labels (N,) with classes; the losses."""
        told = () if not self.config.classes or labels is None else (labels,)
        real, condition = self._level_of(images, told)
        noise_of = partial(training_noise, len(images), noise_shape(self.config, self.level), real.device)
        return self.learn(real, condition, lambda: self._drawn(condition, noise_of()))

    def shown(self, images: Tensor, labels: Tensor | None, keys: Tensor) -> Shown:
        """The level's true images of full-size ones (N, C, S, S), and a draw for each with the noise of keys (N,)."""
        told = () if not self.config.classes or labels is None else (labels,)
        real, condition = self._level_of(images, told)
        noise = uniform_noise(keys, self.level, noise_shape(self.config, self.level))
        return Shown(real, self._drawn(condition, noise), is_told_the_image=self.level > 0)

    def _level_of(self, images: Tensor, told: Condition) -> tuple[Tensor, Condition]:
        """The true image of this level, and what both networks are told about it."""
        real = down(images, self.config.levels[self.level]).contiguous(memory_format=torch.channels_last)
        if self.level == 0:
            return real, told
        coarser = down(real, self.config.levels[self.level - 1])
        return real, (enlarged(self.config, coarser, self.level), *told)

    def _drawn(self, condition: Condition, noise: Tensor) -> Tensor:
        return _generate(self.networks["generator"], self.config, condition, noise)


def sample(model: Lapgan, config: Config, seeds: Tensor, labels: Tensor | None) -> Tensor:
    """Images (N, C, S, S) near [-1, 1], one for each key in seeds (N,), from coarse to fine."""
    told = () if labels is None else (labels,)
    return _chain(model, config, told, lambda level: uniform_noise(seeds, level, noise_shape(config, level)))


def _chain(model: Lapgan, config: Config, told: Condition, noise_of: Callable[[int], Tensor]) -> Tensor:
    """Images drawn level by level, each for the one before, with the noise of each level."""
    coarsest, *finer = level_names(config)
    image = _generate(model.levels[coarsest], config, told, noise_of(0))
    for level, name in enumerate(finer, start=1):
        condition = (enlarged(config, image, level), *told)
        image = _generate(model.levels[name], config, condition, noise_of(level))
    return image


def enlarged(config: Config, coarser: Tensor, level: int) -> Tensor:
    """The low-pass image (N, C, S, S) that a level is told, from images of the coarser one."""
    # In full precision also under autocast, which leaves the coarsest image in bfloat16.
    return (exact_up if config.consistent else up)(coarser.float(), config.levels[level])


def draw_level(model: Lapgan, config: Config, level: int, condition: Condition, seeds: Tensor) -> Tensor:
    """Images of one level, (N, C, S, S), each with its key's own noise.

    condition: (labels (N,),) at the coarsest level, (low_pass (N, C, S, S), labels) at others; no labels without
    classes.
    """
    noise = uniform_noise(seeds, level, noise_shape(config, level))
    return _generate(model.levels[level_names(config)[level]], config, condition, noise)


def _generate(generator: nn.Module, config: Config, condition: Condition, noise: Tensor) -> Tensor:
    """A level's generator takes (low-pass,) noise and labels or None, in that order."""
    *seen, labels = condition if config.classes else (*condition, None)
    return generator(*seen, noise, labels)


def noise_shape(config: Config, level: int) -> tuple[int, ...]:
    """The shape of the random numbers of one image at a level; their count is the entropy that it can have."""
    if level == 0:
        return (config.noise_values,)
    return NOISE_KINDS[config.noise].numbers(_planes(config, level))


def _planes(config: Config, level: int) -> Planes:
    return Planes(
        config.noise_planes[level - 1], config.levels[level], config.noise_values, config.noise_rank
    )
