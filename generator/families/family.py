"""What a family of generators promises, whatever its networks are.

A family is a module with `Config`, `stages`, `parts`, `build`, `Trainer` and `sample`. The parts of a stage train
independently (the levels of a LAPGAN), each with a `Trainer` of its own; those of the next stage begin with what
they have learned. A family that trains as one has one part.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_origin

from torch import Tensor, nn
from torch.optim import Optimizer

from generator.adversarial import Losses
from generator.errors import ConfigError

Settings = TypeVar("Settings")


class ModelConfig(Protocol):
    """Settings of a model and of how its networks are taught; a frozen dataclass that checks itself."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def size_px(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def classes(self) -> int: ...

    @property
    def learning_rate(self) -> float: ...


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


def configured(settings: type[Settings], given: Mapping[str, Any], where: str) -> Settings:
    """A settings dataclass from a mapping. Raises ConfigError for unknown keys and unfit values."""
    known = {field.name for field in dataclasses.fields(settings)}  # type: ignore[arg-type]
    unknown = sorted(set(given) - known)
    if unknown:
        raise ConfigError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
    for field in dataclasses.fields(settings):  # type: ignore[arg-type]
        if field.name in values:
            _require_kind(f"{where}: {field.name}", field.type, values[field.name])
    try:
        return settings(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}") from None


def _require_kind(what: str, kind: Any, value: Any) -> None:
    """Raises ConfigError unless a value is of the kind that a settings dataclass names for it."""
    each = get_args(kind)[:1] if get_origin(kind) is tuple else (kind,)
    members = value if get_origin(kind) is tuple and isinstance(value, tuple) else (value,)
    word, fits = KINDS_OF_VALUES[each[0]]
    if (get_origin(kind) is tuple) != isinstance(value, tuple) or not all(map(fits, members)):
        wanted = f"a list, each {word}" if get_origin(kind) is tuple else word
        shown = list(value) if isinstance(value, tuple) else value
        raise ConfigError(f"{what}: expected {wanted}, got {shown!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# What a setting of a kind has to be, in words and as a test. A truth value is no number.
KINDS_OF_VALUES: dict[Any, tuple[str, Callable[[Any], bool]]] = {
    bool: ("true or false", lambda value: isinstance(value, bool)),
    int: ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    float: ("a number", _is_number),
    str: ("a text", lambda value: isinstance(value, str)),
}
