"""Settings as a file gives them, made into the dataclass that checks them."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args, get_origin

from generator.errors import ConfigError

Settings = TypeVar("Settings")


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
