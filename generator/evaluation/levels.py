"""What single levels of a LAPGAN do: chains, draws from one low-pass image, samples begun from the truth.

Works on checkpoints of families that draw level by level; tensors are (N, C, S, S) in [-1, 1].
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from generator.checkpoint import Checkpoint
from generator.families import lapgan
from generator.families.family import ModelConfig
from generator.pyramid import down

FAMILY = "lapgan"
BLOCK = 256
STEPS_PER_UNIT = 127.5  # 8-bit steps in a unit of [-1, 1]


@dataclass(frozen=True)
class Levels:
    """The generators of a LAPGAN's levels, by their place from the coarsest (0) to the finest."""

    model: lapgan.Lapgan
    config: lapgan.Config

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.config.levels

    @torch.inference_mode()
    def draw(self, level: int, coarser: Tensor | None, keys: Tensor, labels: Tensor | None) -> Tensor:
        """Images of one level, drawn for the coarser level's images (none at the coarsest)."""
        told = () if labels is None else (labels,)
        seen = () if coarser is None else (lapgan.enlarged(self.config, coarser, level),)
        return lapgan.draw_level(self.model, self.config, level, (*seen, *told), keys)


def levels_of(checkpoint: Checkpoint) -> Levels | None:
    """The levels of a checkpoint, or None where its family draws an image at once."""
    if checkpoint.family != FAMILY or not isinstance(checkpoint.model, lapgan.Lapgan):
        return None
    config: ModelConfig = checkpoint.config
    return Levels(checkpoint.model, config) if isinstance(config, lapgan.Config) else None


def chain(levels: Levels, keys: Tensor, labels: Tensor | None) -> list[Tensor]:
    """The images of every level on the way to each sample, from coarse to fine."""
    images: list[Tensor] = []
    for level in range(len(levels.sizes)):
        images.append(levels.draw(level, images[-1] if images else None, keys, labels))
    return images


def finished_from(
    levels: Levels, image: Tensor, level: int, keys: Tensor, labels: Tensor | None
) -> Iterator[Tensor]:
    """Full-size images drawn on from `image`, which is of the size of `level`, in blocks."""
    for start in range(0, len(image), BLOCK):
        here = slice(start, start + BLOCK)
        block = image[here]
        told = None if labels is None else labels[here]
        for finer in range(level + 1, len(levels.sizes)):
            block = levels.draw(finer, block, keys[here], told)
        yield block


def inconsistency(condition: Tensor, image: Tensor) -> float:
    """How far the image, shrunk, is from the coarser image it was drawn for: root mean square, 8-bit steps."""
    missed = down(image, condition.shape[-1]) - condition
    return float(missed.square().mean().sqrt()) * STEPS_PER_UNIT


def spread_of_draws(draws: Callable[[int], Tensor], times: int) -> float:
    """How much `times` draws for the same condition differ: root mean square about their mean, 8-bit steps."""
    drawn = torch.stack([draws(number) for number in range(times)])
    return float(drawn.var(0, correction=1).mean().sqrt()) * STEPS_PER_UNIT
