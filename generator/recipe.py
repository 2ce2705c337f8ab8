"""What a training run is to do: a TOML file, read and checked before any work.

A recipe has `source`, `family`, `dataset` and `seed` at the top, the family's settings under `[model]` and
how long and in which batches to train under `[training]`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.errors import ConfigError
from generator.families import FAMILIES, family_named
from generator.selection import LAST, NEAREST_DRAW, RULES
from generator.settings import configured

TOP_KEYS = ("source", "family", "dataset", "seed", "model", "training")


@dataclass(frozen=True)
class Training:
    """Budget and rhythm of every part's training. Raises ValueError.

    Exactly one of images (seen by each part) and minutes (CPU minutes of each part) is above 0; in families
    with several stages the parts of the last one have `last_stage` times as much. Over the last `decay_share`
    of the budget the learning rate falls in a straight line to `decay_to` of its start: the largest single gain
    that small budgets know. `validation` images, drawn by the seed, are held out. `select` is the moment that
    becomes the checkpoint: `last`, or `nearest-draw` of those looked at every `select_every` images (see
    `generator.selection`). Alarms for collapse are measured every `watch_every` images, never if 0. `averaging`
    in [0, 1): the weights of parts of the last stage become their mean over the latest steps, of which so much
    stays at each (see `generator.averaging`).
    """

    images: int = 0
    minutes: float = 0.0
    last_stage: float = 1.0
    batch_size: int = 32
    decay_share: float = 0.3
    decay_to: float = 0.05
    flip: bool = True
    checkpoint_every: int = 20_000
    validation: int = 0
    select: str = LAST
    select_every: int = 50_000
    watch_every: int = 10_000
    averaging: float = 0.0

    def __post_init__(self) -> None:
        if (self.images > 0) == (self.minutes > 0) or min(self.images, self.minutes) < 0:
            raise ValueError(
                f"expected either images or minutes above 0, got {self.images} images, {self.minutes} minutes"
            )
        if self.last_stage <= 0:
            raise ValueError(f"last_stage: expected a factor above 0, got {self.last_stage}")
        if self.batch_size < 2:
            raise ValueError(f"batch_size: expected at least 2, got {self.batch_size}")
        if not (0 <= self.decay_share <= 1 and 0 <= self.decay_to <= 1):
            raise ValueError("expected decay_share and decay_to in [0, 1]")
        if self.checkpoint_every < 1:
            raise ValueError(f"checkpoint_every: expected at least 1 image, got {self.checkpoint_every}")
        if self.select not in RULES:
            raise ValueError(f"select: expected one of {', '.join(RULES)}, got {self.select!r}")
        if self.select == NEAREST_DRAW and not self.validation:
            raise ValueError(
                "select: nearest-draw compares with images held out: set validation, such as 5000"
            )
        if not 0 <= self.averaging < 1:
            raise ValueError(f"averaging: expected a number in [0, 1), got {self.averaging}")
        if self.averaging and self.select == NEAREST_DRAW:
            raise ValueError(
                "averaging: expected with select = last alone, for a mean has no moment to choose"
            )
        if min(self.validation, self.watch_every) < 0 or self.select_every < 1:
            raise ValueError("expected validation and watch_every of at least 0, select_every of at least 1")

    def share_done(self, images_seen: int, cpu_seconds: float, times: float = 1.0) -> float:
        """How much is used of a budget that is `times` the usual one, 0 to 1."""
        used = images_seen / self.images if self.images else cpu_seconds / 60 / self.minutes
        return min(used / times, 1.0)

    def rate_factor(self, share_done: float) -> float:
        """What the learning rate is multiplied with at that point of the budget."""
        if share_done <= 1 - self.decay_share or not self.decay_share:
            return 1.0
        return 1 - (share_done - (1 - self.decay_share)) / self.decay_share * (1 - self.decay_to)


@dataclass(frozen=True)
class Recipe:
    """A checked recipe; `config` is the family's own `Config`."""

    source: str
    family: str
    dataset: str
    seed: int
    config: Any
    training: Training

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The parts by stage: those of one do not wait for each other, those of the next wait for all of them."""
        return FAMILIES[self.family].stages(self.config)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of all stages, in their order."""
        return FAMILIES[self.family].parts(self.config)

    def budgets(self, part: str) -> float:
        """How many budgets of a part this one has."""
        *earlier, last = self.stages
        return self.training.last_stage if earlier and part in last else 1.0


def read_recipe(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """The recipe in a TOML file, with changes such as `model.width=256` applied. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: expected a recipe in TOML, found no such file") from None
    except (UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: expected a recipe in TOML, {error}") from None
    return recipe_of_text(text, str(path), changes)


def recipe_of_text(text: str, where: str, changes: Sequence[str] = ()) -> Recipe:
    """The recipe in a TOML text. Raises ConfigError that names `where`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{where}: expected a recipe in TOML, {error}") from None
    for change in changes:
        _change(table, change)
    return recipe_from(table, where)


def recipe_from(table: Mapping[str, Any], where: str) -> Recipe:
    """The recipe in a mapping as TOML gives it. Raises ConfigError that names `where`."""
    unknown = sorted(set(table) - set(TOP_KEYS))
    if unknown:
        raise ConfigError(f"{where}: unknown key {', '.join(unknown)}; known are {', '.join(TOP_KEYS)}")
    for key in ("source", "family", "dataset"):
        if not isinstance(table.get(key), str):
            raise ConfigError(f"{where}: expected a text for {key}, got {table.get(key)!r}")
    seed = table.get("seed", 0)
    if not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"{where}: expected a whole number of at least 0 for seed, got {seed!r}")
    family = family_named(table["family"], where)
    recipe = Recipe(
        source=table["source"],
        family=table["family"],
        dataset=table["dataset"],
        seed=seed,
        config=configured(family.Config, table.get("model", {}), f"{where} [model]"),
        training=configured(Training, table.get("training", {}), f"{where} [training]"),
    )
    if recipe.training.last_stage != 1 and len(recipe.stages) == 1:
        raise ConfigError(
            f"{where} [training]: last_stage: the model has one stage alone; leave it out, or set joint = true"
        )
    return recipe


def _change(table: dict[str, Any], change: str) -> None:
    """Put one `key=value` or `section.key=value` into the table; the value is written as in TOML."""
    key, sign, text = change.partition("=")
    if not sign or not key:
        raise ConfigError(f"--set: expected key=value, got {change!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word stands for itself
    *sections, last = key.split(".")
    for section in sections:
        table = table.setdefault(section, {})
    table[last] = value
