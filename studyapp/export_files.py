"""How an export's values are written: one kind a column, one writer a file format.

Knows CSV, JSON lines and Parquet; leaves what the columns mean to `export_columns`, the rows to `export`.
"""

import csv
import importlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, BinaryIO

from studyapp.export_columns import Column

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ExportError(ValueError):
    """An export that cannot be made; the message says what was expected and the remedy."""


def utc_text(moment: datetime) -> str:
    """ISO 8601 in UTC, cut to milliseconds: 2026-11-20T10:30:00.123Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def safe_cell(text: str) -> str:
    """Text that a spreadsheet shows and never runs: what looks like a formula gets an apostrophe in front.

    So does such a text that begins with apostrophes already, so that `exact_cell` can take the one away again.
    """
    return f"'{text}" if looks_like_formula(text) else text


def exact_cell(cell: str) -> str:
    """The text that `safe_cell` was given."""
    return cell[1:] if cell.startswith("'") and looks_like_formula(cell[1:]) else cell


def looks_like_formula(text: str) -> bool:
    return text.lstrip("'").startswith(FORMULA_STARTS)


@dataclass(frozen=True)
class Kind:
    """A type of value. `text` writes it in CSV (unknown is the empty field), `typed` in Parquet and JSON.

    `arrow` is pyarrow's factory of the type with its arguments.
    """

    type: str
    text: Callable[[Any], str]
    typed: Callable[[Any], Any]
    arrow: tuple[str, ...]


def text_or_nothing(text: str) -> str | None:
    return text or None


KINDS: dict[str, Kind] = {
    # Ids stay what they are, for joining: people cannot choose them, so they hold no formula.
    "id": Kind("text (id)", str, text_or_nothing, ("string",)),
    "choice": Kind("text (one of)", str, text_or_nothing, ("string",)),
    "text": Kind("text", safe_cell, text_or_nothing, ("string",)),
    "words": Kind("text (words)", " ".join, " ".join, ("string",)),
    "whole": Kind("whole number", lambda n: str(int(n)), int, ("int64",)),
    "number": Kind("number", lambda x: repr(float(x)), float, ("float64",)),
    "flag": Kind("yes (1) or no (0)", lambda yes: "1" if yes else "0", bool, ("bool_",)),
    "time": Kind("time", utc_text, lambda moment: moment.astimezone(UTC), ("timestamp", "ms", "UTC")),
}


def write_rows(file: BinaryIO, header: Iterable[str], rows: Iterable[Iterable[str]]) -> int:
    """CSV of finished text (UTF-8, one line feed a row); the number of rows below the header."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        n_rows = 0
        for row in rows:
            writer.writerow(row)
            n_rows += 1
    finally:
        text.detach()  # the file belongs to the caller
    return n_rows


def write_csv(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    """The table as CSV, row by row; the number of rows."""
    texts = [KINDS[column.kind].text for column in columns]
    cells = (
        ["" if value is None else text(value) for text, value in zip(texts, row, strict=True)] for row in rows
    )
    return write_rows(file, [column.name for column in columns], cells)


def write_jsonl(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    """The table as JSON lines, one object a row, every text exactly as it is stored; the number of rows."""
    names = [column.name for column in columns]
    kinds = [KINDS[column.kind].typed for column in columns]
    n_rows = 0
    for row in rows:
        values = [None if value is None else typed(value) for typed, value in zip(kinds, row, strict=True)]
        line = json.dumps(dict(zip(names, values, strict=True)), ensure_ascii=False, default=utc_text)
        file.write(line.encode() + b"\n")
        n_rows += 1
    return n_rows


ROW_GROUP = 50_000


def pyarrow_or_refusal(name: str = "pyarrow") -> Any:
    """The module, which only this command loads. Raises ExportError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ExportError(
            "parquet: expected the package pyarrow, which is not installed; run `pip install pyarrow`, "
            "or export csv"
        ) from error


def write_parquet(file: BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
    """The table as Parquet with typed columns, in groups of rows; the number of rows."""
    pyarrow, parquet = pyarrow_or_refusal(), pyarrow_or_refusal("pyarrow.parquet")
    kinds = [KINDS[column.kind] for column in columns]
    types = [getattr(pyarrow, kind.arrow[0])(*kind.arrow[1:]) for kind in kinds]
    schema = pyarrow.schema(list(zip([column.name for column in columns], types, strict=True)))
    remaining, n_rows = iter(rows), 0
    with parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(remaining, ROW_GROUP)):
            arrays = [
                pyarrow.array([None if value is None else kind.typed(value) for value in values], arrow_type)
                for kind, arrow_type, values in zip(kinds, types, zip(*group, strict=True), strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
            n_rows += len(group)
    return n_rows


@dataclass(frozen=True)
class Format:
    """A file format: `require` refuses early what the writer would stumble over late."""

    write: Callable[[BinaryIO, Sequence[Column], Iterable[Sequence[Any]]], int]
    require: Callable[[], Any] = lambda: None


FORMATS: dict[str, Format] = {
    "csv": Format(write_csv),
    "jsonl": Format(write_jsonl),
    "parquet": Format(write_parquet, require=pyarrow_or_refusal),
}
