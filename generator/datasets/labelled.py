"""What every data set hands over: pictures in memory with their classes and where they come from.

Knows shapes, order and fingerprints; how files are read is each loader's.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from generator.errors import DataError

Pixels = NDArray[np.uint8]
Classes = NDArray[np.int64]
SPLITS = ("train", "study")
COLOURS = {1: "gray", 3: "RGB"}  # by the channels of a picture
ROWS = 1024  # images looked at at a time


@dataclass(frozen=True)
class Credit:
    """Who made a picture and under which licence it is passed on."""

    title: str
    author: str
    licence: str
    origin: str


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size: pixels (N, H, W, 3) uint8 RGB or (N, H, W, 1) gray, labels (N,) class indices or None.

    `notes` are sentences that whoever uses the images has to read, such as that files are not the official
    ones. Raises DataError if parts do not fit together.
    """

    name: str
    pixels: Pixels
    labels: Classes | None
    class_names: tuple[str, ...]
    credits: tuple[Credit, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.pixels.ndim != 4 or self.pixels.shape[-1] not in COLOURS or self.pixels.dtype != np.uint8:
            raise DataError(
                f"expected uint8 pixels (N, H, W, 3) or (N, H, W, 1), got {self.pixels.dtype} {self.pixels.shape}"
            )
        if not len(self.pixels):
            raise DataError(f"the data set {self.name} holds no images: check the path it was read from")
        if self.labels is not None and self.labels.shape != (len(self.pixels),):
            raise DataError(f"expected {len(self.pixels)} labels, got {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def channels(self) -> int:
        """1 for gray pictures, 3 for RGB."""
        return self.pixels.shape[-1]

    def sha256(self) -> str:
        """Fingerprint of pixels and labels, in order."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        """Worked out once: every piece of a training asks for it, and there may be gigabytes."""
        digest = hashlib.sha256()
        # In blocks: the pixels may lie in a file that is larger than the memory.
        for start in range(0, len(self), ROWS):
            digest.update(np.ascontiguousarray(self.pixels[start : start + ROWS]).data)
        if self.labels is not None:
            digest.update(self.labels.astype("<i8").tobytes())
        return digest.hexdigest()

    def drawn(self, count: int | None, seed: int) -> "LabelledImages":
        """`count` images (all when None) in an order that depends on the seed alone, none twice.

        Raises DataError if there are fewer, or for a negative seed.
        """
        if count is not None and not 1 <= count <= len(self):
            raise DataError(f"expected a count in 1..{len(self)} (the images of {self.name}), got {count}")
        if seed < 0:
            raise DataError(f"expected a seed of at least 0, got {seed}")
        order = np.random.default_rng(seed).permutation(len(self))[:count]
        return replace(
            self, pixels=self.pixels[order], labels=None if self.labels is None else self.labels[order]
        )


@dataclass(frozen=True)
class Request:
    """What a caller asks of a loader: the split, a local path, and whether missing files may be downloaded.

    Downloads go to `path`, or without one below `data_folder`; `progress` hears of bytes here and in all.
    size_px is the side that pictures of any size are brought to; loaders of one size have no use for it.
    """

    split: str = "train"
    path: Path | None = None
    may_download: bool = False
    data_folder: Path = Path("var") / "datasets"
    progress: Callable[[int, int], None] = lambda here, in_all: None
    size_px: int | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(f"expected the split {' or '.join(SPLITS)}, got {self.split!r}")


class Loader(Protocol):
    """Reads one data set. Raises DataError with file, expected and found."""

    def __call__(self, request: Request) -> LabelledImages: ...
