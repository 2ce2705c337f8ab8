"""The only reader: `responses.csv` from an export, checked, and the rows of it that count.

Knows how such a file is opened, which facts of a row must agree with each other, and which rows are
analysed. Says where a file is wrong in the words of a spreadsheet (the header is row 1). What a single
column may hold is in `columns`; counting is in `counts`; judgement about good data is in `alerts`.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.columns import COLUMNS, Choice, Kind, listed

REAL = "real"  # the source that holds the real photographs
FILE_NAME = "responses.csv"
AGAIN = "the file was edited or damaged: export the study again"
BEYOND = "beyond the last column"  # where the surplus field of a row lands

# What stands on the left belongs to one thing on the right: an image has one source for the whole study.
BELONGS_TO = (("image", "source"), ("sitting", "participant"), ("participant", "is_simulated"))

SIMULATED_REASON = "simulated participant, not asked for"

# Why a row is left out, in the order in which the reasons are tried; the first that fits is counted.
EXCLUSIONS: tuple[tuple[str, Callable[[pd.DataFrame], pd.Series]], ...] = (
    ("practice trial", lambda rows: rows["kind"] == "practice"),
    ("catch trial", lambda rows: rows["kind"] == "catch"),
    ("interrupted before the answer", lambda rows: rows["status"] == "interrupted"),
    ("no answer in time", lambda rows: rows["status"] == "timed_out"),
    ("shown for a wrong time, and asked again", lambda rows: superseded(rows)),
)


class ResponsesError(ValueError):
    """The file is not what an export writes, or has nothing to analyse: one sentence, what and where."""


class Contradiction(NamedTuple):
    """A row that disagrees with itself or with an earlier one. `row` counts from 0."""

    row: int
    column: str
    expected: str
    found: object
    remedy: str = AGAIN


@dataclass(frozen=True)
class Selection:
    """The rows that are analysed and what became of the others.

    rows: kind main or repeat, status answered. catch: answered catch trials of the same people. exclusions:
    columns reason, n_rows (every reason, also with 0 rows, in the order tried). n_rows: rows in the file.
    n_simulated: analysed rows of simulated people.
    """

    rows: pd.DataFrame
    catch: pd.DataFrame
    exclusions: pd.DataFrame
    n_rows: int
    n_simulated: int


def superseded(rows: pd.DataFrame) -> pd.Series:
    """Whether a repeat stands in for a trial: within a cell the n-th answered repeat for the n-th spoilt trial."""
    cell = ["sitting", "source", "exposure_ms"]
    is_repeat = rows["kind"] == "repeat"
    is_wrong = rows["timing_ok"].eq(False).fillna(False).astype(bool) | (rows["status"] == "interrupted")
    # Practice has the same cells, and is not asked again.
    spoilt = rows[is_wrong & rows["kind"].isin(["main", "repeat"])].sort_values("ordinal", kind="stable")
    repeats = rows[is_repeat & (rows["status"] == "answered")].groupby(cell, observed=True).size()
    n_repeats = pd.Series(spoilt.set_index(cell).index.map(repeats), index=spoilt.index, dtype=float).fillna(
        0
    )
    place = spoilt.groupby(cell, observed=True).cumcount()
    return (place < n_repeats).reindex(rows.index, fill_value=False)


def responses_file(path: Path) -> Path:
    """The CSV file itself, from an export folder or from the path of the file.

    Raises ResponsesError where there is none.
    """
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise ResponsesError(
            f"{file}: no such file; give the folder that export_responses wrote, or its {FILE_NAME}"
        )
    return file


def read(path: str | Path) -> pd.DataFrame:
    """All rows of an export (folder or CSV file), one a trial, with typed columns.

    Ids and words are categories of text, numbers float64 (NaN where empty), flags nullable booleans,
    `shown_utc` a UTC time. Raises ResponsesError for the first bad row: file, row, column, what was
    expected and what came.
    """
    file = responses_file(Path(path))
    text = text_columns(file)
    check_values(text, file)
    rows = pd.DataFrame({name: typed(text[name], kind) for name, kind in COLUMNS.items()})
    first = min(contradictions(rows), default=None, key=lambda contradiction: contradiction.row)
    if first is not None:
        raise bad_row(file, *first)
    return rows


def select(rows: pd.DataFrame, *, simulated: bool = False, where: str = FILE_NAME) -> Selection:
    """The analysed rows, and the count of those left out by reason.

    Simulated people are left out unless they are asked for or alone. `where` names the file in errors.
    Raises ResponsesError if no row is left, or if the rest has no real source or no generated one.
    """
    is_simulated = rows["is_simulated"].to_numpy(bool)
    is_left_out = is_simulated & (not simulated and not is_simulated.all())
    reason = np.where(is_left_out, SIMULATED_REASON, "").astype(object)
    for words, fits in EXCLUSIONS:
        reason[(reason == "") & fits(rows).to_numpy(bool)] = words
    names = [SIMULATED_REASON, *(words for words, _ in EXCLUSIONS)]
    exclusions = pd.DataFrame({"reason": names, "n_rows": [int((reason == name).sum()) for name in names]})
    kept = rows[reason == ""]
    check_enough(kept, exclusions, where)
    catch = rows[(reason == "catch trial") & (rows["status"] == "answered").to_numpy(bool)]
    return Selection(kept, catch, exclusions, len(rows), int(kept["is_simulated"].sum()))


def header_of(file: Path) -> list[str]:
    """The column names of a file that has all of the export's columns, in any order.

    Raises ResponsesError where one is missing, foreign or doubled.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = next(csv.reader(lines), [])
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    if not header:
        raise ResponsesError(
            f"{file} is empty: expected a header and one row a trial; export the study again"
        )
    for name in COLUMNS:
        if header.count(name) != 1:
            times = "more than once" if name in header else "not at all"
            raise ResponsesError(
                f"{file}, row 1: expected the column {name} once, found it {times} in "
                f"{len(header)} columns; {AGAIN}"
            )
    for name in header:
        if name not in COLUMNS:
            raise ResponsesError(
                f"{file}, row 1: expected only the {len(COLUMNS)} columns of an export, found {name!r} too; "
                f"{AGAIN}"
            )
    return header


def text_columns(file: Path) -> pd.DataFrame:
    """Every field as text, columns as categories, so that each distinct value is checked once.

    One column more than the header has catches rows that are too long. Raises ResponsesError.
    """
    header = header_of(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            text = pd.read_csv(
                file,
                names=[*header, BEYOND],
                skiprows=1,
                index_col=False,
                dtype=str,
                na_filter=False,
                skip_blank_lines=False,
                encoding="utf-8-sig",
            )
    except UnicodeDecodeError:
        raise not_utf8(file) from None
    except pd.errors.EmptyDataError:
        raise no_rows(file) from None
    except pd.errors.ParserWarning:  # pandas warns of the first row and refuses the others by number
        raise ResponsesError(f"{file}, row 2: expected {len(header)} fields, found more; {AGAIN}") from None
    except pd.errors.ParserError as error:
        raise ResponsesError(f"{file}{what_the_parser_saw(str(error), len(header))}; {AGAIN}") from None
    if text.empty:
        raise no_rows(file)
    # Not dtype="category": pandas would turn categories that look like numbers into numbers, 007 into 7.
    return pd.DataFrame({name: categories(text.pop(name)) for name in list(text)})


def categories(column: pd.Series) -> pd.Categorical:
    codes, distinct = pd.factorize(column)
    return pd.Categorical.from_codes(codes, categories=distinct)


def what_the_parser_saw(error: str, n_columns: int) -> str:
    """The place and the finding out of a message of pandas' parser."""
    too_long = re.search(r"in line (\d+), saw (\d+)", error)
    if too_long:
        return f", row {too_long[1]}: expected {n_columns} fields, found {too_long[2]}"
    reason = error.removeprefix("Error tokenizing data. C error:").strip()
    return f" is not a table of {n_columns} columns ({reason})"


def check_values(text: pd.DataFrame, file: Path) -> None:
    """Refuse the first row with a value that its column may not hold (leftmost column first)."""
    kinds: dict[str, Kind] = {**COLUMNS, BEYOND: Choice(("",))}
    first_bad: dict[str, int] = {}
    for name, kind in kinds.items():
        column = text[name].cat
        bad = kind.is_bad(pd.Series(column.categories, dtype=str))[column.codes]
        if bad.any():
            first_bad[name] = int(bad.argmax())
    if first_bad:
        name = min(first_bad, key=first_bad.__getitem__)
        row = first_bad[name]
        raise bad_row(file, row, name, kinds[name].expected, text[name].iat[row])


def typed(column: pd.Series, kind: Kind) -> pd.Series:
    """A column of text categories in its own type: text stays, the rest is converted value by value."""
    values = kind.converted(pd.Series(column.cat.categories, dtype=str))
    if values.dtype == "str":
        return column
    return values.take(column.cat.codes.to_numpy()).reset_index(drop=True)


def contradictions(rows: pd.DataFrame) -> Iterator[Contradiction]:
    """The first row that breaks each rule between columns, rule by rule."""
    yield from answer_contradictions(rows)
    again = rows["trial"].duplicated().to_numpy(bool)
    if again.any():
        row = int(again.argmax())
        trial = rows["trial"].iat[row]
        before = spreadsheet_row(int((rows["trial"] == trial).to_numpy(bool).argmax()))
        yield Contradiction(row, "trial", f"each trial once (row {before} has this one already)", trial)
    for owned, owner in BELONGS_TO:
        yield from changes_of_owner(rows, owned, owner)
    for name in ("study", "study_version"):
        first = rows[name].iat[0]
        other = (rows[name] != first).to_numpy(bool)
        if other.any():
            row = int(other.argmax())
            expected = f"{first}, as in row 2, in every row"
            remedy = (
                f"a report is about one {name.replace('_', ' ')}: keep the rows of one in a file of their own"
            )
            yield Contradiction(row, name, expected, rows[name].iat[row], remedy)


def answer_contradictions(rows: pd.DataFrame) -> Iterator[Contradiction]:
    """Rows whose status, response and `judged_real` do not fit together."""
    status = rows["status"].astype(object).to_numpy()
    response = rows["response"].astype(object).to_numpy()
    judged = rows["judged_real"].map({True: "1", False: "0"}).astype(object).fillna("").to_numpy()
    fitting = pd.Series(response).map({"real": "1", "generated": "0", "": ""}).to_numpy(object)
    answered = status == "answered"
    for column, wrong, found, rule in (
        ("response", answered == (response == ""), response, "an answer in answered trials alone"),
        ("judged_real", judged != fitting, judged, "1 for real, 0 for generated"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            expected = f"{rule} (response {response[row] or 'empty'}, status {status[row]})"
            yield Contradiction(row, column, expected, found[row])


def changes_of_owner(rows: pd.DataFrame, owned: str, owner: str) -> Iterator[Contradiction]:
    """The first row in which something belongs to another than at its first appearance."""
    first_rows = (~rows[owned].duplicated()).to_numpy(bool)
    first_owner = pd.Series(
        rows[owner][first_rows].to_numpy(object), index=rows[owned][first_rows].astype(object)
    )
    listed_owner = first_owner.reindex(rows[owned].astype(object)).to_numpy(object)
    wrong = listed_owner != rows[owner].to_numpy(object)
    if wrong.any():
        row = int(wrong.argmax())
        expected = f"{listed_owner[row]} as for {owned} {rows[owned].iat[row]} before"
        yield Contradiction(row, owner, expected, rows[owner].iat[row])


def check_enough(kept: pd.DataFrame, exclusions: pd.DataFrame, where: str) -> None:
    """Refuse rows that cannot show what the report is about: real pictures against generated ones."""
    if kept.empty:
        left_out = exclusions[exclusions["n_rows"] > 0]
        reasons = listed(f"{row.n_rows} {row.reason}" for row in left_out.itertuples())
        raise ResponsesError(
            f"{where}: no answered main trial is left to analyse ({reasons}); collect answers first"
        )
    sources = sorted(kept["source"].astype(object).unique())
    if REAL not in sources:
        raise ResponsesError(
            f"{where}, column source: expected the source {REAL} among the answered trials, found only "
            f"{listed(sources)}; add real pictures to the study, since everything is compared with them"
        )
    if len(sources) == 1:
        raise ResponsesError(
            f"{where}, column source: expected at least one generated source beside {REAL}, found none; "
            "add a generated source to the study"
        )


def spreadsheet_row(row: int) -> int:
    """Row number as a spreadsheet shows it, for a row counted from 0 below the header."""
    return row + 2


def bad_row(
    file: Path, row: int, column: str, expected: str, found: object, remedy: str = AGAIN
) -> ResponsesError:
    shown = "an empty field" if str(found) == "" else repr(str(found))
    return ResponsesError(
        f"{file}, row {spreadsheet_row(row)}, column {column}: expected {expected}, found {shown}; {remedy}"
    )


def not_utf8(file: Path) -> ResponsesError:
    return ResponsesError(f"{file} is not UTF-8 text, as an export is; {AGAIN}")


def no_rows(file: Path) -> ResponsesError:
    return ResponsesError(
        f"{file} has a header but no rows: expected one row a trial; run the study, then export"
    )
