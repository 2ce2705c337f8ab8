"""What an image of a model costs, whatever the machine."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from generator.checkpoint import Checkpoint
from generator.families import FAMILIES
from generator.noise import image_keys


def generator_weights(checkpoint: Checkpoint) -> int:
    """How many numbers the generator learnt."""
    return sum(value.numel() for value in checkpoint.model.parameters())


def multiply_adds(checkpoint: Checkpoint) -> int:
    """Multiplications with an addition that drawing one image takes, in convolutions and matrix products."""
    labels = torch.zeros(1, dtype=torch.int64) if checkpoint.config.classes else None
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        FAMILIES[checkpoint.family].sample(checkpoint.model, checkpoint.config, image_keys(0, 0, 1), labels)
    return counter.get_total_flops() // 2
