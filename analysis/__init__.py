"""What people answered, and what follows from it: from `responses.csv` to numbers that hold for new people.

    from analysis import cells, count_tables, covariance, read, select

    rows = select(read("export/")).rows     # checked, and only the trials that count
    tables = count_tables(rows)             # everything below follows from these counts
    table = cells(tables)                   # one row for each source and exposure, with 95 % intervals

Names are loaded when they are first used, so that importing the package costs nothing. Knows neither
Django nor torch: it meets the other parts in files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.counts import CountTables, count_tables
    from analysis.intervals import Covariance, cells, contrast, covariance, source_means, wilson
    from analysis.observers import Observers, simulate
    from analysis.responses import ResponsesError, Selection, read, select

__all__ = [
    "CountTables",
    "Covariance",
    "Observers",
    "ResponsesError",
    "Selection",
    "cells",
    "contrast",
    "count_tables",
    "covariance",
    "read",
    "select",
    "simulate",
    "source_means",
    "wilson",
]

HOME = {
    "CountTables": "counts",
    "Covariance": "intervals",
    "Observers": "observers",
    "ResponsesError": "responses",
    "Selection": "responses",
    "cells": "intervals",
    "contrast": "intervals",
    "count_tables": "counts",
    "covariance": "intervals",
    "read": "responses",
    "select": "responses",
    "simulate": "observers",
    "source_means": "intervals",
    "wilson": "intervals",
}


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(f"analysis.{HOME[name]}"), name)
