"""Families of generators by name. To add one: a module as `family.py` describes it, and a line here."""

from typing import Any

from torch import nn

from generator.errors import ConfigError
from generator.families import gan, lapgan

FAMILIES: dict[str, Any] = {"gan": gan, "lapgan": lapgan}


def taught_network(family: str, model: nn.Module, config: Any, part: str) -> nn.Module:
    """The network inside a model that a part's training teaches."""
    return FAMILIES[family].Trainer(model, config, part).networks["generator"]


def family_named(name: str, where: str) -> Any:
    """The module of a family. Raises ConfigError that names `where` for an unknown name."""
    if name not in FAMILIES:
        raise ConfigError(f"{where}: expected a family among {', '.join(FAMILIES)}, got {name!r}")
    return FAMILIES[name]
