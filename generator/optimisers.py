"""How weights are moved: the settings that say so, and the optimisers by name.

`adam` is Adam (Kingma and Ba 2015, arXiv:1412.6980). `momentum` is gradient descent whose momentum rises from 0, as
the authors of the LAPGAN taught (Denton et al. 2015, arXiv:1506.05751, and their code).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


@dataclass(frozen=True)
class Teaching:
    """Settings of the optimiser of every network of a model. Raises ValueError for impossible ones.

    momentum: the weight of past gradients, in [0, 1); with `momentum` it is reached at step `momentum_steps`.
    second_momentum: the weight of past squared gradients, for `adam` alone.
    """

    optimiser: str = "adam"
    learning_rate: float = 2e-4
    momentum: float = 0.5
    momentum_steps: int = 0
    second_momentum: float = 0.999

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"optimiser: expected one of {', '.join(OPTIMISERS)}, got {self.optimiser!r}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate: expected a number above 0, got {self.learning_rate}")
        for name in ("momentum", "second_momentum"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a number in [0, 1), got {getattr(self, name)}")
        if self.momentum_steps < 0:
            raise ValueError(f"momentum_steps: expected at least 0 steps, got {self.momentum_steps}")


class RisingMomentum(torch.optim.SGD):
    """Gradient descent whose momentum rises in a straight line from 0 to `momentum` over `steps` steps.

    The momentum of the moment stands in the parameter groups, so it is saved and restored with them.
    """

    def __init__(self, parameters: Any, learning_rate: float, momentum: float, steps: int) -> None:
        self.highest, self.rise = momentum, momentum / max(steps, 1)
        super().__init__(parameters, lr=learning_rate, momentum=self.rise)

    def step(self, closure: Any = None) -> Any:
        """One step with the momentum of the moment, which then rises."""
        loss = super().step(closure)
        for group in self.param_groups:
            group["momentum"] = min(group["momentum"] + self.rise, self.highest)
        return loss


def optimiser_of(network: nn.Module, teaching: Teaching) -> Optimizer:
    """A new optimiser of a network's weights."""
    return OPTIMISERS[teaching.optimiser](network, teaching)


def _adam(network: nn.Module, teaching: Teaching) -> Optimizer:
    betas = (teaching.momentum, teaching.second_momentum)
    # Fused: one pass over the weights instead of one for every sum in the rule.
    return torch.optim.Adam(network.parameters(), lr=teaching.learning_rate, betas=betas, fused=True)


def _momentum(network: nn.Module, teaching: Teaching) -> Optimizer:
    return RisingMomentum(
        network.parameters(), teaching.learning_rate, teaching.momentum, teaching.momentum_steps
    )


OPTIMISERS: dict[str, Callable[[nn.Module, Teaching], Optimizer]] = {"adam": _adam, "momentum": _momentum}
