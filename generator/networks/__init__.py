"""Kinds of networks by name: `paper`, those of Denton et al. 2015, and `modern`, small convolutional ones.

A kind is a module as `kind.py` describes it. What networks are taught, and in which order levels are joined,
is the family's.
"""

from typing import Any, TypeVar

import torch
from torch import nn

from generator.networks import modern, paper

Network = TypeVar("Network", bound=nn.Module)

KINDS: dict[str, Any] = {"paper": paper, "modern": modern}


def channels_last(network: Network) -> Network:
    """The network with its weights laid out as convolutions on a CPU read them fastest."""
    for value in network.parameters():
        if value.ndim == 4:
            value.data = value.data.contiguous(memory_format=torch.channels_last)
    return network
