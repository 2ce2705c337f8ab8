"""Tables as CSV files: UTF-8, a header, proportions and not percents, the same bytes for the same numbers."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd

from analysis.responses import Selection
from analysis.section import Table

DIGITS = 6


def cells_csv(cells: pd.DataFrame) -> str:
    """`cells.csv`: the points of figure 1; p, low and high as proportions."""
    columns = ["source", "exposure_ms", "n_trials", "n_people", "n_images", "k", "p", "low", "high"]
    written = cells[columns].copy()
    written["exposure_ms"] = [f"{ms:g}" for ms in written["exposure_ms"]]
    for name in ("p", "low", "high"):
        written[name] = [f"{value:.{DIGITS}f}" for value in written[name]]
    return str(written.to_csv(index=False, lineterminator="\n"))


def table_csv(table: Table) -> str:
    """A table of the report: its frame with full columns, or else the text on the page."""
    if table.frame is None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([table.head, *table.rows])
        return text.getvalue()
    return frame_csv(table.frame)


def frame_csv(frame: pd.DataFrame) -> str:
    """A frame with numbers rounded to six digits after the point; unknown ones empty, whole ones whole."""
    written = frame.copy()
    for name in written:
        column = written[name]
        if pd.api.types.is_float_dtype(column.dtype):
            written[name] = [plain(value) for value in column.to_numpy(float)]
        elif pd.api.types.is_bool_dtype(column.dtype):
            written[name] = column.astype("Int8")
    return str(written.to_csv(index=False, lineterminator="\n"))


def plain(value: float) -> str:
    """A number without needless digits: `50`, `0.123457`; empty where it is not known or has no end."""
    if not np.isfinite(value):
        return ""
    return f"{round(value, DIGITS) + 0.0:.{DIGITS}f}".rstrip("0").rstrip(".")


def exclusions_csv(selection: Selection) -> str:
    """`exclusions.csv`: a row for each row of the file that is not analysed, with the first reason that fits."""
    return frame_csv(selection.left_out())
