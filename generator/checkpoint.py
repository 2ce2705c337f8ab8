"""Checkpoints: a generator's weights and all that is needed to use and to trust them, in one file.

The file is safetensors; its header holds texts (JSON where they are structured): format, family, source,
dataset, class names, the family's config, images seen by each part, the fingerprint of the training images,
notes, credits, commit. Weights are stored in float16, vectors (norms and biases) in float32. Discriminators
and optimisers are no part of it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from generator.datasets import Credit
from generator.errors import CheckpointError, ConfigError
from generator.families import family_named
from generator.settings import configured
from generator.weights_file import read_weights
from generator.whole_file import whole_file

FORMAT = "1"
SHIPPED = Path(__file__).resolve().parent / "weights"
SUFFIX = ".safetensors"
ADDED = ("outcome",)  # not in the header of older checkpoints
PLAIN_TEXTS = ("source", "dataset", "dataset_sha256", "created_utc")  # the rest of the header is JSON


@dataclass(frozen=True)
class Origin:
    """Where a checkpoint comes from; every value is JSON.

    `outcome` says of each part that was trained: device, precision, batch size, and the moment that was chosen.
    """

    source: str
    dataset: str
    class_names: tuple[str, ...]
    images_seen: Mapping[str, int]
    cpu_minutes: Mapping[str, float]
    dataset_sha256: str
    commit: str | None
    created_utc: str
    training: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    credits: tuple[Credit, ...] = ()
    outcome: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory: the model in evaluation mode, float32, with its family, config and origin."""

    family: str
    config: Any
    origin: Origin
    model: nn.Module
    sha256: str

    @property
    def recipe(self) -> str:
        """Which kind of recipe made it: `paper` or `modern`, as its networks are. The config has it in full."""
        return self.config.networks


def write_checkpoint(path: Path, family: str, config: Any, origin: Origin, model: nn.Module) -> None:
    """Write a checkpoint whole or not at all. Raises CheckpointError if a weight is not finite."""
    header = {"format": FORMAT, "family": family, "config": json.dumps(dataclasses.asdict(config))}
    for key, value in dataclasses.asdict(origin).items():
        header[key] = value if key in PLAIN_TEXTS else json.dumps(value, ensure_ascii=False)
    content = save({name: _stored(name, value) for name, value in model.state_dict().items()}, header)
    with whole_file(path) as file:
        file.write(content)


def read_checkpoint(name_or_path: str | Path) -> Checkpoint:
    """The checkpoint of a path or of a shipped name. Raises CheckpointError with what is wrong."""
    path = resolve(name_or_path)
    header, tensors = read_weights(
        path,
        expected="a Tachisto checkpoint",
        file_format=FORMAT,
        advice="; train it again or use the version that wrote it",
    )
    try:
        family = family_named(header["family"], str(path))
        config = configured(family.Config, json.loads(header["config"]), f"{path} config")
        origin = _origin(header)
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: the header cannot be used: {error}") from None
    model = family.build(config)
    _fill(model, tensors, path)
    return Checkpoint(header["family"], config, origin, model.eval(), _sha256(path))


def resolve(name_or_path: str | Path) -> Path:
    """The file of a checkpoint: a path that exists, or the name of one that ships, such as lapgan-photos."""
    path = Path(name_or_path)
    shipped = SHIPPED / f"{name_or_path}{SUFFIX}"
    if path.is_file():
        return path
    if path.name == str(name_or_path) and shipped.is_file():
        return shipped
    names = ", ".join(shipped_names()) or "none"
    raise CheckpointError(
        f"expected a checkpoint file or one of the shipped names ({names}), got {name_or_path}"
    )


def shipped_names() -> list[str]:
    """Names of the checkpoints that ship, sorted."""
    return sorted(path.stem for path in SHIPPED.glob(f"*{SUFFIX}"))


def _stored(name: str, value: Tensor) -> Tensor:
    if not torch.isfinite(value).all():
        raise CheckpointError(f"{name} holds values that are not finite: the last good checkpoint is kept")
    small = value.ndim >= 2 and value.is_floating_point()
    return (value.half() if small else value).detach().contiguous()


def _origin(header: Mapping[str, str]) -> Origin:
    values: dict[str, Any] = {
        known.name: header[known.name] if known.name in PLAIN_TEXTS else json.loads(header[known.name])
        for known in dataclasses.fields(Origin)
        if known.name in header or known.name not in ADDED
    }
    values["class_names"] = tuple(values["class_names"])
    values["notes"] = tuple(values["notes"])
    values["credits"] = tuple(Credit(**credit) for credit in values["credits"])
    return Origin(**values)


def _fill(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy tensors into the model. Raises CheckpointError unless names and shapes are the model's."""
    wanted = model.state_dict()
    if missing := sorted(set(wanted) ^ set(tensors)):
        raise CheckpointError(f"{path}: the tensors do not fit the config, first {missing[0]}")
    for name, value in wanted.items():
        found = tensors[name]
        if found.shape != value.shape:
            raise CheckpointError(
                f"{path}: {name}: expected shape {tuple(value.shape)}, found {tuple(found.shape)}"
            )
        value.copy_(found)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
