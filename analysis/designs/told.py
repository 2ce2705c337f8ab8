"""What a design's measure hands on: sections to read, tables to compute with."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.section import Section


@dataclass(frozen=True)
class Told:
    """The sections of the page, the tables by file name, and for each table what it estimates and how."""

    sections: list[Section]
    tables: dict[str, pd.DataFrame]
    meaning: dict[str, tuple[str, str]]


def limits(row: object, digits: int = 0, factor: float = 100) -> str:
    """`low to high` of a row."""
    low, high = factor * row.low, factor * row.high  # type: ignore[attr-defined]
    return f"{low:.{digits}f} to {high:.{digits}f}"
