"""Looking at a part between two steps of its training, without changing what it becomes.

What is drawn uses the noise of keys and none of torch's random numbers; norms answer as they will when the model
is sampled from, and keep their statistics.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from generator.device import precision_of
from generator.families.family import PartTrainer, Shown

BLOCK = 250  # images drawn together


def look(trainer: PartTrainer, images: Tensor, labels: Tensor | None, keys: Tensor) -> Shown:
    """What the part draws, one draw for each of images (N, C, S, S) with keys (N,), in float32."""
    blocks = []
    precision = precision_of(images.device)
    with (
        _as_sampled_from(trainer.networks["generator"]),
        torch.inference_mode(),
        torch.autocast(images.device.type, torch.bfloat16, enabled=precision == torch.bfloat16),
    ):
        for first in range(0, len(images), BLOCK):
            here = slice(first, first + BLOCK)
            told = None if labels is None else labels[here]
            blocks.append(trainer.shown(images[here], told, keys[here]))
    return Shown(
        true=torch.cat([block.true for block in blocks]),
        drawn=torch.cat([block.drawn.float() for block in blocks]),
        is_told_the_image=blocks[0].is_told_the_image,
    )


@contextmanager
def _as_sampled_from(network: nn.Module) -> Iterator[None]:
    """The network in evaluation mode; afterwards every module is in the mode that it was in."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, is_training in modes:
            module.training = is_training
