"""What a family of generators promises, whatever its networks are.

A family is a module with `Config`, `stages`, `parts`, `build`, `Trainer` and `sample`. The parts of a stage train
independently (the levels of a LAPGAN), each with a `Trainer` of its own; those of the next stage begin with what
they have learned. A family that trains as one has one part.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from generator.adversarial import Losses


class ModelConfig(Protocol):
    """Settings of a model and of how its networks are taught; a frozen dataclass that checks itself."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def size_px(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def classes(self) -> int: ...


@dataclass(frozen=True)
class Shown:
    """What a part draws beside what it should: `true` and `drawn` are images (N, C, s, s) of the part's own size.

    Draw i has seen what the part is told of image i. `is_told_the_image` is False where that is no more than a class.
    """

    true: Tensor
    drawn: Tensor
    is_told_the_image: bool


class PartTrainer(Protocol):
    """Teaches one part. `networks` and `optimisers` are by name, for saving and resuming.

    The network named `generator` is what the part teaches, a module of the model.
    """

    networks: dict[str, nn.Module]
    optimisers: dict[str, Optimizer]
    steps_done: int  # counted by whoever calls `step`

    def set_rates(self, factor: float) -> None: ...

    def step(self, images: Tensor, labels: Tensor | None) -> Losses: ...

    def shown(
        self, images: Tensor, labels: Tensor | None, keys: Tensor
    ) -> Shown: ...  # the noise is the keys'


class Family(Protocol):
    """The module of a family."""

    Config: type[Any]

    @staticmethod
    def stages(config: Any) -> tuple[tuple[str, ...], ...]: ...

    @staticmethod
    def parts(config: Any) -> tuple[str, ...]: ...

    @staticmethod
    def build(config: Any) -> nn.Module: ...

    @staticmethod
    def Trainer(model: Any, config: Any, part: str) -> PartTrainer: ...

    @staticmethod
    def sample(model: Any, config: Any, seeds: Tensor, labels: Tensor | None) -> Tensor: ...
