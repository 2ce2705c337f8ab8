"""Averaged weights: the mean of a generator over its latest steps, which lies calmer than any one of them.

An exponential mean (Yazici et al. 2019, "The unusual effectiveness of averaging in GAN training",
arXiv:1806.04498). It never teaches; it is what the checkpoint gets.
"""

from torch import Tensor, nn

Weights = dict[str, Tensor]


def average_in(average: Weights, network: nn.Module, memory: float, steps_done: int) -> None:
    """Take a network's weights of now into `average`, which begins empty, in place.

    `memory` in [0, 1) is the share that stays of what is there; less while few steps are done, so that the first
    weights are soon forgotten.
    """
    stays = min(memory, (1 + steps_done) / (10 + steps_done))
    for name, value in network.state_dict().items():
        if name not in average:
            average[name] = value.clone()
        elif value.is_floating_point():
            average[name].lerp_(value, 1 - stays)
        else:
            average[name].copy_(value)
