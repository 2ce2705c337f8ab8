"""Reading the table of another design: only the columns that the measure needs, checked as the export's are.

Knows CSV files with a header. Columns that are not needed may be there; where `kind` and `status` are, only answered
trials of the main part count. Of an export count the rows that every report counts (`responses.select`), without the
sittings that its study declared to leave out.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from analysis.columns import COLUMNS, Kind, listed
from analysis.responses import (
    PARQUET,
    ResponsesError,
    Selection,
    bad_row,
    categories,
    read,
    select,
    typed,
)
from analysis.studies import studies_of
from analysis.study_rules import study_rules

COUNTED = {"kind": ("main", "repeat"), "status": ("answered",)}


def counted_rows(
    file: Path, needed: Mapping[str, Kind], optional: Mapping[str, Kind]
) -> tuple[pd.DataFrame, Selection | None]:
    """The rows that count, as `read_table` has them; of an export also what was left out.

    Raises ResponsesError; StudyRulesError where an export's rules cannot be followed.
    """
    if not is_export(file):
        return read_table(file, needed, optional), None
    every = read(file)
    selection = select(every, beforehand=study_rules([file], studies_of(every)), where=str(file))
    require_columns(list(selection.rows), needed, file)
    for name, kind in needed.items():
        empty = selection.rows[name].isna()
        if empty.any():
            raise bad_row(file, int(empty.idxmax()), name, kind.expected, "", "choose another kind of design")
    return selection.rows, selection


def is_export(file: Path) -> bool:
    """Whether a file has all columns of an export: `read` refuses what else is there, for others would count."""
    if file.suffix == PARQUET or not file.is_file():
        return file.is_file()
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        return set(COLUMNS) <= set(next(csv.reader(lines), []))


def read_table(file: Path, needed: Mapping[str, Kind], optional: Mapping[str, Kind]) -> pd.DataFrame:
    """The rows that count, with the needed columns and those optional ones that are there, typed.

    Raises ResponsesError for a file that is none, a missing column, the first bad value, or no row left.
    """
    if not file.is_file():
        raise ResponsesError(f"{file}: no such file; give a CSV file with the columns {listed(needed)}")
    try:
        text = pd.read_csv(file, dtype=str, na_filter=False, encoding="utf-8-sig", skip_blank_lines=False)
    except UnicodeDecodeError:
        raise ResponsesError(f"{file} is not UTF-8 text; save it as CSV UTF-8") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise ResponsesError(
            f"{file} is not a CSV table ({str(error).strip()}); save it again as CSV"
        ) from None
    require_columns(list(text), needed, file)
    there = {**needed, **{name: kind for name, kind in optional.items() if name in text}}
    for name, words in COUNTED.items():
        if name in text:
            check_column(text[name], COLUMNS[name], file)
            text = text[text[name].isin(words)]
    for name, kind in there.items():
        check_column(text[name], kind, file)
    if text.empty:
        raise ResponsesError(f"{file}: expected answered trials, found none; collect answers first")
    return pd.DataFrame(
        {name: typed(pd.Series(categories(text[name])), kind) for name, kind in there.items()}
    )


def require_columns(header: Collection[str], needed: Mapping[str, Kind], file: Path) -> None:
    missing = [name for name in needed if name not in header]
    if missing:
        raise ResponsesError(
            f"{file}, row 1: expected the columns {listed(needed)}, found no {listed(missing, 'or')}; "
            "rename the columns or choose another kind of design"
        )


def check_column(column: pd.Series, kind: Kind, file: Path) -> None:
    """Refuse the first row with a value that the column may not hold."""
    bad = kind.is_bad(column.reset_index(drop=True))
    if bad.any():
        place = int(bad.argmax())
        raise bad_row(
            file, int(column.index[place]), str(column.name), kind.expected, column.iloc[place], "correct it"
        )
