"""What the report is made of: sections with text, a table, a figure, and the numbers they quote.

Knows the shapes alone. What is said is in `chapters`, in which order in `sections`, how it looks in `page`.
A section is a function `(results) -> Section`, or None where the data cannot answer its question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Number:
    """A quoted number: what it is about, in which unit, how it was got; low and high where it has an interval."""

    name: str
    value: float | None
    unit: str
    estimand: str
    method: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Table:
    """Cells of text; the first `n_names` columns are names (left), the others numbers (right).

    name: without ending, of the CSV file that it is written to; none without. frame: what that file holds,
    where it is more than the text on the page: full digits, further columns, all rows.
    """

    caption: str
    head: list[str]
    rows: list[list[str]]
    n_names: int = 1
    name: str = ""
    frame: pd.DataFrame | None = None


@dataclass(frozen=True)
class Figure:
    """A figure by name: who draws it, how large in inches, what it shows for those who cannot see it.

    grid: rows and columns of panels. `draw` is given one matplotlib Axes for (1, 1), else an array of them,
    as `Figure.subplots` returns it. marks_simulated: `draw` says itself that people are simulated.
    """

    name: str
    draw: Callable[[Any], None]
    inches: tuple[float, float]
    alt: str
    caption: str
    grid: tuple[int, int] = (1, 1)
    marks_simulated: bool = False


@dataclass(frozen=True)
class Section:
    """A heading, what is said below it, and what shows it. The figure comes first, then text, then table.

    numbers: those that the text quotes beyond `results.numbers`; they go into results.json.
    """

    title: str
    text: list[str]
    table: Table | None = None
    figure: Figure | None = None
    numbers: list[Number] = field(default_factory=list)
