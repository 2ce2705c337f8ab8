"""The only reader: `responses.csv` from an export, checked, and the rows of it that count.

Knows how such a file is opened, which facts of a row must agree with each other, and which rows are
analysed. Says where a file is wrong in the words of a spreadsheet (the header is row 1). What a single
column may hold is in `columns`; counting is in `counts`; judgement about good data is in `alerts`.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.agreement import AGAIN, contradictions, spreadsheet_row
from analysis.columns import COLUMNS, Choice, Kind, listed
from analysis.rules import Declared
from analysis.study_rules import StudyRule

REAL = "real"  # the source that holds the real photographs
FILE_NAME = "responses.csv"
PARQUET = ".parquet"  # the other format of an export
PSYCH_DS = "dataset_description.json"  # names a folder in the format of psych-ds.org
BEYOND = "beyond the last column"  # where the surplus field of a row lands

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


@dataclass(frozen=True)
class Selection:
    """The rows that are analysed and what became of the others.

    every: all rows that were read; reason: for each of them the place of its reason in `exclusions`, -1 for
    analysed ones. rows: those that are analysed: kind main or repeat, status answered, no rule fits.
    catch: answered catch trials of the same people. exclusions: columns reason, n_rows (every reason, also with 0
    rows, in the order tried), n_left, n_people_left (rows and people after it). n_simulated: analysed rows of
    simulated people. beforehand: the rules that the studies declared before their data, and as_declared whether they
    were applied; chosen: those chosen for this analysis, the last of the reasons.
    """

    every: pd.DataFrame
    reason: np.ndarray
    rows: pd.DataFrame
    catch: pd.DataFrame
    exclusions: pd.DataFrame
    n_simulated: int
    beforehand: tuple[StudyRule, ...] = ()
    as_declared: bool = True
    chosen: tuple[Declared, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows that were read."""
        return len(self.every)

    @property
    def is_candidate(self) -> np.ndarray:
        """Whether each row read would be analysed without the rules chosen for this analysis."""
        return (self.reason < 0) | (self.reason >= len(self.exclusions) - len(self.chosen))

    def left_out(self) -> pd.DataFrame:
        """The rows left out, one each: row (as a spreadsheet counts it), trial, participant, kind, source, reason."""
        out = np.flatnonzero(self.reason >= 0)
        names = self.exclusions["reason"].to_numpy(object)
        table = self.every.iloc[out][["study", "trial", "participant", "kind", "source"]].astype(object)
        table.insert(1, "row", spreadsheet_rows(self.every)[out])
        return table.assign(reason=names[self.reason[out]]).reset_index(drop=True)


def superseded(rows: pd.DataFrame) -> pd.Series:
    """Whether a repeat stands in for a trial: within a cell the n-th answered repeat for the n-th spoilt trial."""
    cell = ["sitting", "source", "exposure_ms"]
    rows = rows.assign(exposure_ms=rows["exposure_ms"].fillna(0))  # without a time limit: one cell, too
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
    """The CSV file itself, from an export folder, a Psych-DS folder or the path of the file.

    Raises ResponsesError where there is none, or where a Psych-DS folder has several.
    """
    typed_file = (path / FILE_NAME).with_suffix(PARQUET)
    if path.is_dir() and not (path / FILE_NAME).is_file() and typed_file.is_file():
        return typed_file
    if path.is_dir() and not (path / FILE_NAME).is_file() and (path / PSYCH_DS).is_file():
        return psych_ds_file(path)
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise ResponsesError(
            f"{file}: no such file; give the folder that export_responses wrote, or its {FILE_NAME}"
        )
    return file


def psych_ds_file(folder: Path) -> Path:
    """The one data file of a Psych-DS folder (`data/..._data.csv`) that has a column judged_real."""
    found = []
    for file in sorted(folder.glob("data/**/*_data.csv")):
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            if "judged_real" in next(csv.reader(lines), []):
                found.append(file)
    if len(found) != 1:
        names = listed(file.relative_to(folder) for file in found) if found else "none"
        raise ResponsesError(
            f"{folder}: expected one file data/..._data.csv with a column judged_real, found {names}; "
            "give the file itself"
        )
    return found[0]


def read(path: str | Path) -> pd.DataFrame:
    """All rows of an export (folder, CSV or Parquet file), one a trial, with typed columns.

    Ids and words are categories of text, numbers float64 (NaN where empty), flags nullable booleans,
    `shown_utc` a UTC time. Raises ResponsesError for the first bad row: file, row, column, what was
    expected and what came.
    """
    file = responses_file(Path(path))
    if file.suffix == PARQUET:
        from analysis.parquet import give_back_memory, parquet_columns

        rows = parquet_columns(file)
    else:
        text = text_columns(file)
        check_values(text, file)
        rows = pd.DataFrame({name: typed(text[name], kind) for name, kind in COLUMNS.items()})
    first = min(contradictions(rows), default=None, key=lambda contradiction: contradiction.row)
    if first is not None:
        raise bad_row(file, *first)
    if file.suffix == PARQUET:
        give_back_memory()
    return rows


def select(
    rows: pd.DataFrame,
    *,
    simulated: bool = False,
    beforehand: Iterable[StudyRule] = (),
    as_declared: bool = True,
    exclude: Iterable[Declared] = (),
    where: str = FILE_NAME,
) -> Selection:
    """The analysed rows, and the count of those left out by reason; the first reason that fits is counted.

    Simulated people are left out unless they are asked for or alone. beforehand: rules that the studies declared
    before their data, left aside unless as_declared; exclude: rules chosen for this analysis. `where` names the file
    in errors. Raises ResponsesError if no row is left, or if the rest has no real source or no generated one.
    """
    is_simulated = rows["is_simulated"].to_numpy(bool)
    beforehand, exclude = tuple(beforehand), tuple(exclude)
    tried: list[tuple[str, np.ndarray]] = [
        (SIMULATED_REASON, is_simulated & (not simulated and not is_simulated.all())),
        *((words, fits(rows).to_numpy(bool)) for words, fits in EXCLUSIONS),
        *((rule.reason, rule.fits(rows)) for rule in (beforehand if as_declared else ())),
        *((rule.reason, rule.fits(rows)) for rule in exclude),
    ]
    reason = np.full(len(rows), -1, dtype=np.int8)
    flow = []
    for place, (words, fits_row) in enumerate(tried):
        new = (reason < 0) & fits_row
        reason[new] = place
        left = reason < 0
        flow.append((words, int(new.sum()), int(left.sum()), rows["participant"][left].nunique()))
    exclusions = pd.DataFrame(flow, columns=["reason", "n_rows", "n_left", "n_people_left"])
    kept = rows[reason < 0]
    check_enough(kept, exclusions, where)
    is_catch = (rows["kind"] == "catch").to_numpy(bool) & (rows["status"] == "answered").to_numpy(bool)
    catch = rows[is_catch & rows["participant"].isin(kept["participant"].unique()).to_numpy(bool)]
    n_simulated = int(kept["is_simulated"].sum())
    return Selection(rows, reason, kept, catch, exclusions, n_simulated, beforehand, as_declared, exclude)


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
    check_header(header, file)
    return header


def check_header(header: list[str], file: Path) -> None:
    """Refuse names of columns that are not all of the export's, each once."""
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


def spreadsheet_rows(rows: pd.DataFrame) -> np.ndarray:
    """Row numbers as a spreadsheet shows them, study by study where several were read."""
    return rows.groupby(["study", "study_version"], observed=True).cumcount().to_numpy(int) + 2
