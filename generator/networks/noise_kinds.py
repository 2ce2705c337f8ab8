"""How many random numbers an image gets at a finer level of a pyramid, and how they become planes of noise.

Full planes hold as many numbers as pixels. The other kinds hold fewer: the same count at every size, or one
that grows with the side and not with the area. All planes have mean 0 and, at the start, variance near 1.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Planes:
    """The planes that a level's generator sees: `count` of `size` x `size`; and what the kinds are made with.

    values: numbers of a projected vector; rank: outer products summed to one plane.
    """

    count: int
    size: int
    values: int
    rank: int


class Projection(nn.Module):
    """Planes as a learned linear map of a short vector: numbers (N, Z) of variance 1  ->  (N, K, S, S).

    Their covariance has rank Z, whatever the size.
    """

    def __init__(self, planes: Planes) -> None:
        super().__init__()
        self.shape = (planes.count, planes.size, planes.size)
        self.map = nn.Linear(planes.values, planes.count * planes.size**2, bias=False)
        nn.init.normal_(self.map.weight, std=planes.values**-0.5)

    def forward(self, numbers: Tensor) -> Tensor:
        return self.map(numbers).unflatten(1, self.shape)


class OuterProducts(nn.Module):
    """Planes as sums of R outer products of rows and columns: numbers (N, K, R, 2, S)  ->  (N, K, S, S).

    Every plane is a matrix of rank R at most; nothing is learned. Independent factors of variance 1 have a
    product of variance 1, so the sum is divided by the root of R.
    """

    def forward(self, numbers: Tensor) -> Tensor:
        rows, columns = numbers.unbind(3)
        return torch.einsum("nkrs,nkrt->nkst", rows, columns) * numbers.shape[2] ** -0.5


@dataclass(frozen=True)
class NoiseKind:
    """`numbers` is the shape of one image's random numbers at a level; `spread` makes the module that turns them
    into planes, None where they are the planes already."""

    numbers: Callable[[Planes], tuple[int, ...]]
    spread: Callable[[Planes], nn.Module] | None


NOISE_KINDS: dict[str, NoiseKind] = {
    "planes": NoiseKind(lambda planes: (planes.count, planes.size, planes.size), None),
    "projected": NoiseKind(lambda planes: (planes.values,), Projection),
    "low-rank": NoiseKind(
        lambda planes: (planes.count, planes.rank, 2, planes.size), lambda _planes: OuterProducts()
    ),
}


class WithSpreadNoise(nn.Module):
    """A level's generator whose noise is a few numbers: low_pass, numbers, labels  ->  finer image."""

    def __init__(self, generator: nn.Module, spread: nn.Module) -> None:
        super().__init__()
        self.generator, self.spread = generator, spread

    def forward(self, low_pass: Tensor, numbers: Tensor, labels: Tensor | None) -> Tensor:
        return self.generator(low_pass, self.spread(numbers), labels)
