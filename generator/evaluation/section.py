"""What a check hands to the page and to the JSON file: words, numbers with their definition, tables, pictures."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Cell = str | float | int | None


@dataclass(frozen=True)
class Measure:
    """One number of the samples, and the same number of `of_reference` where there is one."""

    key: str
    title: str
    value: float
    unit: str
    definition: str
    reference: float | None = None
    of_reference: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under a head; the first column holds names."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Picture:
    """Small images in a grid, (H, W, 3) uint8, shown enlarged without smoothing."""

    caption: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True)
class Section:
    """A part of the page: one sentence or more, then what they rest on."""

    key: str
    title: str
    text: tuple[str, ...]
    measures: tuple[Measure, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()


def grid(rows: list[NDArray[np.uint8]], gap_px: int = 2) -> NDArray[np.uint8]:
    """Rows of equally many images (N, S, S, 3) or gray (N, S, S, 1), one below the other on white, as RGB."""
    height, width = rows[0].shape[1:3]
    columns = max(len(row) for row in rows)
    sheet = np.full(
        (len(rows) * (height + gap_px) - gap_px, columns * (width + gap_px) - gap_px, 3), 255, np.uint8
    )
    for at, row in enumerate(rows):
        for column, image in enumerate(row):
            top, left = at * (height + gap_px), column * (width + gap_px)
            sheet[top : top + height, left : left + width] = image
    return sheet
