"""How images are drawn where it shows in their last bits: what sums are taken in, how many images together.

Which picture image i is depends on (checkpoint, seed, i) alone. Its pixels are rounded: the same sampler on the
same kind of processor gives the same bytes, another one may be off by a few 8-bit steps. So a set names its
sampler, and slices of one set are drawn by one.
"""

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from generator.device import precision_of
from generator.errors import ConfigError

DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
# A processor's caches hold what 128 small images need on the way; a GPU is quick only with many.
BLOCKS = {"cpu": 128, "cuda": 1024}
AGREED = "sampler.json"


@dataclass(frozen=True)
class Sampler:
    """dtype: one of DTYPES; block: images drawn at a time, aligned, so that each always has the same neighbours.

    Raises ConfigError for others.
    """

    dtype: str
    block: int

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ConfigError(f"dtype: expected one of {', '.join(DTYPES)}, got {self.dtype!r}")
        if self.block < 1:
            raise ConfigError(f"block: expected at least 1 image, got {self.block}")


def usual_sampler(device: torch.device, dtype: str | None = None) -> Sampler:
    """The quickest sampler on a device, with the precision asked for if one is."""
    quickest = str(precision_of(device)).removeprefix("torch.")
    return Sampler(dtype or quickest, BLOCKS[device.type])


def agreed_sampler(folder: Path, device: torch.device, dtype: str | None = None) -> Sampler:
    """The sampler of all slices that are drawn into a folder, by whichever machines, whenever.

    The first to ask chooses: what is quickest for it, or the precision it names. Raises ConfigError if the folder's
    note cannot be read, or names another precision than the one asked for.
    """
    note = folder / AGREED
    if not note.exists():
        _write_once(note, json.dumps(asdict(usual_sampler(device, dtype))))
    try:
        agreed = Sampler(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{note}: expected the sampler of this folder's slices ({error})") from None
    if dtype not in (None, agreed.dtype):
        raise ConfigError(f"{folder}: the slices there are drawn in {agreed.dtype}, not in {dtype}")
    return agreed


def _write_once(path: Path, text: str) -> None:
    """Write a small file unless somebody else was quicker; nobody ever reads half of it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    temporary.write_text(text, encoding="utf-8")
    try:
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
