"""Parquet files read like CSV files: the same rows, the same refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.observers import Observers, as_csv, simulate
from analysis.report import main
from analysis.responses import ResponsesError, read

SMALL = Observers(n_people=3, n_trials=88, images_per_source=60)


@pytest.fixture(scope="module")
def arrow():
    return pytest.importorskip(
        "pyarrow.parquet", reason="pyarrow is not installed: Parquet is an extra by choice"
    )


def rows_of_a_study() -> pd.DataFrame:
    """With the empty fields that an export may have."""
    rows = simulate(SMALL, seed=5)
    rows.loc[:3, ["measured_ms", "planned_frames"]] = np.nan
    rows.loc[:3, "timing_ok"] = pd.NA
    rows["response"] = rows["response"].cat.add_categories([""])
    rows.loc[5, "status"], rows.loc[5, "response"], rows.loc[5, "judged_real"] = None, "", pd.NA
    rows["status"] = rows["status"].cat.add_categories(["timed_out"]).fillna("timed_out")
    return rows


def write_parquet(arrow, rows: pd.DataFrame, folder: Path, **changes) -> Path:
    """As the export writes it: strings with nulls for empty words, whole numbers, flags, milliseconds in UTC."""
    import pyarrow

    written = {}
    for name, column in rows.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(object).where(column.astype(object) != "", None)
            written[name] = pyarrow.array(column.tolist(), pyarrow.string())
        elif isinstance(column.dtype, pd.DatetimeTZDtype):
            written[name] = pyarrow.array(column.dt.to_pydatetime().tolist(), pyarrow.timestamp("ms", "UTC"))
        else:
            written[name] = pyarrow.array(column, from_pandas=True)
    table = pyarrow.table(written | changes)
    folder.mkdir(exist_ok=True)
    arrow.write_table(table, folder / "responses.parquet", row_group_size=100)
    return folder


def test_the_same_rows_come_out_of_both_formats(arrow, tmp_path):
    rows = rows_of_a_study()
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "responses.csv").write_text(as_csv(rows))
    left, right = read(tmp_path / "csv"), read(write_parquet(arrow, rows, tmp_path / "parquet"))
    assert list(left) == list(right)
    for name in left:
        for column in (left, right):
            if isinstance(column[name].dtype, pd.CategoricalDtype) or name == "trial":
                column[name] = column[name].astype(object)
        pd.testing.assert_series_equal(
            left[name], right[name], check_dtype=name != "shown_utc", check_index_type=False
        )


def test_the_report_quotes_the_same_numbers_from_both_formats(arrow, tmp_path):
    rows = rows_of_a_study()
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "responses.csv").write_text(as_csv(rows))
    write_parquet(arrow, rows, tmp_path / "parquet")
    for name in ("csv", "parquet"):
        assert main([str(tmp_path / name), "--live", "--out", str(tmp_path / f"{name}-report")]) == 0
    first, second = (
        json.loads((tmp_path / f"{name}-report" / "results.json").read_text())["numbers"]
        for name in ("csv", "parquet")
    )
    assert first == second


@pytest.mark.parametrize(
    ("name", "place", "value", "sentence"),
    [
        ("exposure_ms", 7, 0.0, "row 9, column exposure_ms: expected a number of milliseconds .* found '0'"),
        ("exposure_ms", 7, None, "row 9, column exposure_ms: .* found an empty field"),
        ("kind", 4, "mian", "row 6, column kind: expected practice, .* found 'mian'"),
        ("is_simulated", 2, None, "row 4, column is_simulated: expected 1 or 0, found an empty field"),
        ("source", 1, " gan", "row 3, column source: .* without spaces around it, found ' gan'"),
        ("trial", 3, "t000000000", r"column trial: expected each trial once \(row 2 has this one already\)"),
    ],
)
def test_a_bad_value_is_named_as_in_a_csv_file(arrow, name, place, value, sentence, tmp_path):
    import pyarrow

    rows = simulate(SMALL, seed=5)
    column = rows[name].astype(object).tolist()
    column[place] = value
    folder = write_parquet(arrow, rows, tmp_path, **{name: pyarrow.array(column)})
    with pytest.raises(ResponsesError, match=sentence):
        read(folder)


def test_files_that_are_none_are_refused(arrow, tmp_path):
    import pyarrow

    rows = simulate(SMALL, seed=5)
    file = write_parquet(arrow, rows, tmp_path) / "responses.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ResponsesError, match="is not a whole Parquet file"):
        read(file)
    write_parquet(arrow, rows, tmp_path, exposure_ms=pyarrow.array(["50"] * len(rows)))
    with pytest.raises(
        ResponsesError, match="column exposure_ms: expected a column of type integer or floating, found"
    ):
        read(file)
    write_parquet(arrow, rows, tmp_path, more=pyarrow.array([1] * len(rows)))
    with pytest.raises(ResponsesError, match="found 'more' too"):
        read(file)


def test_without_pyarrow_the_remedy_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it is not installed
    (tmp_path / "responses.parquet").write_bytes(b"PAR1")
    with pytest.raises(ResponsesError, match="pip install pyarrow"):
        read(tmp_path)
