"""Kinds of networks by name: `paper`, those of Denton et al. 2015, and `modern`, small convolutional ones.

`perceptron` is what the plain GANs that ship were made with before there was `paper`; it goes when they do.

A kind is a module as `kind.py` describes it. What networks are taught, and in which order levels are joined,
is the family's.
"""

from typing import Any, TypeVar

import torch
from torch import nn

from generator.networks import modern, paper, perceptron

Network = TypeVar("Network", bound=nn.Module)

KINDS: dict[str, Any] = {"paper": paper, "modern": modern, "perceptron": perceptron}


def channels_last(network: Network) -> Network:
    """The network with its weights laid out as convolutions on a CPU read them fastest."""
    for value in network.parameters():
        if value.ndim == 4:
            value.data = value.data.contiguous(memory_format=torch.channels_last)
    return network
