"""`responses.parquet`: the export with typed columns, read one column after the other.

Knows how a Parquet file's columns become those that `responses.read` gives, with the same checks and the same
words. pyarrow is loaded here alone, and only for such a file: it is an extra by choice.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.columns import COLUMNS, Choice, Flag, Kind, Number, Text, listed
from analysis.responses import AGAIN, ResponsesError, bad_row, check_header, no_rows

UNIQUE = ("trial",)  # as many values as rows: kept as text, where a dictionary would cost more


def parquet_columns(file: Path) -> pd.DataFrame:
    """All rows of the file, typed as those of a CSV file.

    Raises ResponsesError without pyarrow, for a file that is none or ends early, for columns that are missing,
    foreign or of another type, and for the first bad value.
    """
    arrow, parquet = pyarrow_or_refusal("pyarrow"), pyarrow_or_refusal("pyarrow.parquet")
    words = [name for name, kind in COLUMNS.items() if isinstance(kind, Text | Choice) and name not in UNIQUE]
    try:
        table = parquet.ParquetFile(file, read_dictionary=words)
        check_header(table.schema_arrow.names, file)
        if table.metadata.num_rows == 0:
            raise no_rows(file)
        columns: dict[str, Any] = {}
        for name, kind in COLUMNS.items():
            columns[name] = converted(arrow, table.read([name]).column(0), name, kind, file)
            give_back_memory()
        return pd.DataFrame(columns, copy=False)  # a copy of all numbers would be 700 MB for 10 million rows
    except (arrow.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())
        raise ResponsesError(f"{file} is not a whole Parquet file ({reason}); {AGAIN}") from None


def give_back_memory() -> None:
    """Let the system have what pyarrow needed for a moment, which it keeps else, up to a gigabyte."""
    pyarrow_or_refusal("pyarrow").default_memory_pool().release_unused()


def pyarrow_or_refusal(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ResponsesError(
            "reading Parquet: expected the package pyarrow, which is not installed; run `pip install pyarrow`, "
            "or export csv"
        ) from None


def converted(arrow: Any, column: Any, name: str, kind: Kind, file: Path) -> Any:
    """One column in its own type. Raises ResponsesError for another type or for its first bad value."""
    wanted, reader = READERS[type(kind)]
    types = arrow.types
    found = column.type.value_type if types.is_dictionary(column.type) else column.type
    if not any(getattr(types, f"is_{word}")(found) for word in wanted):
        raise ResponsesError(
            f"{file}, column {name}: expected a column of type {listed(wanted, 'or')}, found {found}; {AGAIN}"
        )
    values, bad, shown = reader(arrow, column, kind)
    if bad.any():
        row = int(bad.argmax())
        raise bad_row(file, row, name, kind.expected, shown(row))
    return values


def words(arrow: Any, column: Any, kind: Kind) -> tuple[Any, np.ndarray, Any]:
    """Text as categories, each distinct value checked once; nulls are the empty word."""
    if not arrow.types.is_dictionary(column.type):  # as many values as rows
        text = column.fill_null("").to_pandas().astype(str)
        return text, kind.is_bad(text), text.__getitem__
    joined = column.unify_dictionaries().combine_chunks()
    codes = joined.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names = [str(value) for value in joined.dictionary.to_pylist()]
    if (codes < 0).any():
        if "" not in names:
            names.append("")
        codes = np.where(codes < 0, names.index(""), codes)
    values = pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype=str)))
    return values, kind.is_bad(pd.Series(names, dtype=str))[codes], lambda row: names[codes[row]]


def numbers(arrow: Any, column: Any, kind: Number) -> tuple[Any, np.ndarray, Any]:
    """Numbers as float64, NaN where null."""
    values = np.asarray(column.cast(arrow.float64()).to_numpy(), dtype=float)
    bad = ~((values >= kind.low) & (values <= kind.high))
    if kind.is_whole:
        bad |= values % 1 != 0
    if kind.may_be_empty:
        bad &= ~np.isnan(values)
    return values, bad, lambda row: "" if np.isnan(values[row]) else f"{values[row]:g}"


def flags(arrow: Any, column: Any, kind: Flag) -> tuple[Any, np.ndarray, Any]:
    """Flags as nullable booleans."""
    is_null = column.is_null().to_numpy()
    values = pd.arrays.BooleanArray(column.fill_null(False).to_numpy(), is_null)
    return values, is_null & (not kind.may_be_empty), lambda row: ""


def moments(arrow: Any, column: Any, kind: Kind) -> tuple[Any, np.ndarray, Any]:
    """Times in UTC, NaT where null."""
    stamps = column.cast(arrow.timestamp("us", "UTC")).cast(arrow.int64()).fill_null(np.iinfo("int64").min)
    values = pd.Series(stamps.to_numpy().view("datetime64[us]")).dt.tz_localize("UTC")
    return values, np.zeros(len(values), dtype=bool), str


# What Arrow calls the types that a kind of column may have, and who reads it.
READERS: dict[type, tuple[tuple[str, ...], Any]] = {
    Text: (("string", "large_string"), words),
    Choice: (("string", "large_string"), words),
    Number: (("integer", "floating"), numbers),
    Flag: (("boolean",), flags),
    type(COLUMNS["shown_utc"]): (("timestamp",), moments),
}
