"""From rows to the count tables that every number of the report follows from.

Knows how trials are counted by person, by image and (only where somebody saw an image twice) by person
and image together, in one pass. Leaves proportions and intervals to `intervals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.responses import REAL

# The order in which sources are listed and drawn; others follow in alphabetical order.
KNOWN_ORDER = (REAL, "gan", "lapgan", "cc-lapgan")

# Person x image pairs are looked up in a table of flags up to this size, and sorted above it.
FLAG_TABLE = 50_000_000
FLAG_WINDOW = 4_000_000  # flags of a few people at a time


@dataclass(frozen=True)
class CountTables:
    """How often each cell (a source at an exposure) was shown and judged real, by person and by image.

    cells: DataFrame with columns source, exposure_ms; one row a cell, all combinations, in listing order.
    person_n, person_k: (people, cells) trials, and those judged real; image_n, image_k: (images, cells).
    pair_n, pair_k: (person-image pairs, cells) as scipy sparse arrays; None if nobody saw an image twice,
    when every trial is its own pair. All counts are float64, so that they multiply without conversion.
    """

    cells: pd.DataFrame
    person_n: np.ndarray
    person_k: np.ndarray
    image_n: np.ndarray
    image_k: np.ndarray
    pair_n: Any = None
    pair_k: Any = None

    @property
    def n_trials(self) -> np.ndarray:
        """Trials by cell, shape (cells,)."""
        return self.person_n.sum(axis=0)

    @property
    def n_real(self) -> np.ndarray:
        """Answers `real` by cell, shape (cells,)."""
        return self.person_k.sum(axis=0)


@dataclass(frozen=True)
class Codes:
    """Trials as small numbers, one entry a trial: what counting, resampling and other universes start from.

    cells: see CountTables. person, image, cell: counted from 0, people and images in the order of their first
    trial; people, images: what they are called. judged_real: flags.
    """

    cells: pd.DataFrame
    person: np.ndarray
    image: np.ndarray
    cell: np.ndarray
    judged_real: np.ndarray
    people: np.ndarray
    images: np.ndarray

    def tables(self, kept: np.ndarray | None = None) -> CountTables:
        """Count tables of all trials, or of those that a mask keeps; people and images keep their places."""
        trials = (self.person, self.image, self.cell, self.judged_real)
        if kept is not None:
            person, image, cell, judged_real = (each[kept] for each in trials)
            trials = (person, image, cell, judged_real)
        n_people, n_images = len(self.people), len(self.images)
        return tabulate(self.cells, *trials, n_people=n_people, n_images=n_images, is_once=self.is_once)

    @cached_property
    def is_once(self) -> bool:
        """Whether nobody saw an image twice, and so not among fewer trials either."""
        return no_pair_twice(self.person, self.image, len(self.people), len(self.images))


def source_order(sources: np.ndarray | list[str]) -> list[str]:
    """Sources as they are listed everywhere: real, the paper's models, then the others by name."""
    place = {name: number for number, name in enumerate(KNOWN_ORDER)}
    return sorted(set(sources), key=lambda name: (place.get(name, len(place)), name))


def count_tables(rows: pd.DataFrame) -> CountTables:
    """Count tables of analysed rows (columns CODED)."""
    return coded(rows).tables()


CODED = ["participant", "image", "source", "exposure_ms", "judged_real"]


def coded(rows: pd.DataFrame) -> Codes:
    """Trials of analysed rows as numbers (columns CODED)."""
    person, people = pd.factorize(rows["participant"])
    image, images = pd.factorize(rows["image"])
    source_code, source_names = pd.factorize(rows["source"])
    sources = source_order([str(name) for name in source_names])
    rank = np.asarray([sources.index(str(name)) for name in source_names])
    exposure, exposures_ms = pd.factorize(rows["exposure_ms"].to_numpy(float), sort=True)
    cell = rank[source_code] * len(exposures_ms) + exposure
    judged_real = rows["judged_real"].to_numpy(bool)
    cells = cells_of(sources, exposures_ms)
    return Codes(cells, person, image, cell, judged_real, np.asarray(people), np.asarray(images))


def cells_of(sources: Sequence[str], exposures_ms: Sequence[float] | np.ndarray) -> pd.DataFrame:
    """Every source at every exposure, source by source: columns source, exposure_ms."""
    return pd.DataFrame(
        {
            "source": np.repeat(np.asarray(sources, dtype=object), len(exposures_ms)),
            "exposure_ms": np.tile(np.asarray(exposures_ms, dtype=float), len(sources)),
        }
    )


def tabulate(
    cells: pd.DataFrame,
    person: np.ndarray,
    image: np.ndarray,
    cell: np.ndarray,
    judged_real: np.ndarray,
    *,
    n_people: int,
    n_images: int,
    is_once: bool = False,
) -> CountTables:
    """Count tables from codes, one entry a trial, from 0. is_once: nobody is known to have seen one twice."""
    n_cells = len(cells)
    person_n, person_k = counted(person, cell, judged_real, (n_people, n_cells))
    image_n, image_k = counted(image, cell, judged_real, (n_images, n_cells))
    if is_once or no_pair_twice(person, image, n_people, n_images):
        return CountTables(cells, person_n, person_k, image_n, image_k)
    from scipy.sparse import (
        coo_array,
    )  # only designs that show an image twice to a person pay for this import

    pairs, pair_code = np.unique(pair_codes(person, image, n_images), return_inverse=True)
    shape, where = (len(pairs), n_cells), (pair_code, cell)
    pair_n = coo_array((np.ones(len(cell)), where), shape=shape).tocsr()
    pair_k = coo_array((judged_real.astype(float), where), shape=shape).tocsr()
    return CountTables(cells, person_n, person_k, image_n, image_k, pair_n, pair_k)


def counted(
    first: np.ndarray, cell: np.ndarray, judged_real: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Trials, and trials judged real, by first code and cell; both float64 of the given shape."""
    # One code for first, cell and answer, so that the rows are gone through once.
    code = first.astype(np.int64)
    code *= shape[1]
    code += cell
    code <<= 1
    code += judged_real
    both = np.bincount(code, minlength=2 * shape[0] * shape[1]).reshape(*shape, 2)
    k = both[..., 1].astype(float)
    return both[..., 0] + k, k


def pair_codes(person: np.ndarray, image: np.ndarray, n_images: int) -> np.ndarray:
    return person.astype(np.int64) * n_images + image


def no_pair_twice(person: np.ndarray, image: np.ndarray, n_people: int, n_images: int) -> bool:
    """Whether nobody saw an image twice.

    Where people stand in blocks, as in an export, a few of them at a time are flagged in a table that fits into
    the processor's cache; else in one table, or by sorting if that would be too large.
    """
    step = max(FLAG_WINDOW // n_images, 1)
    if step < n_people and (person[1:] >= person[:-1]).all():
        firsts = np.arange(0, n_people + step, step)
        ends = np.searchsorted(person, firsts)
        seen = np.empty(step * n_images, dtype=bool)
        for first, start, end in zip(firsts, ends, ends[1:], strict=False):
            seen[:] = False
            seen[pair_codes(person[start:end] - first, image[start:end], n_images)] = True
            if np.count_nonzero(seen) < end - start:
                return False
        return True
    return is_distinct(pair_codes(person, image, n_images), n_people * n_images)


def is_distinct(codes: np.ndarray, n_codes: int) -> bool:
    """Whether no code in 0..n_codes-1 occurs twice."""
    if n_codes <= FLAG_TABLE:
        seen = np.zeros(n_codes, dtype=bool)
        seen[codes] = True
        return int(np.count_nonzero(seen)) == len(codes)
    in_order = np.sort(codes)
    return bool((in_order[1:] != in_order[:-1]).all())
