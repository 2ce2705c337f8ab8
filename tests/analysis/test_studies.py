"""Several studies are read as one, and what cannot be mixed is refused by file and row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis.observers import Observers, as_csv, simulate
from analysis.report import report
from analysis.responses import ResponsesError, read, select
from analysis.studies import read_studies

SMALL = Observers(n_people=3, n_trials=44, images_per_source=30)


def export(folder: Path, seed: int, **names: str) -> Path:
    """A simulated study under another name; its trials get its name in front, images stay the same ones."""
    rows = simulate(SMALL, seed).assign(**names)
    rows["trial"] = names.get("study", "") + rows["trial"].astype(object)
    folder.mkdir()
    (folder / "responses.csv").write_text(as_csv(rows), encoding="utf-8")
    return folder


@pytest.fixture
def two(tmp_path) -> list[Path]:
    return [export(tmp_path / "a", 1, study="first"), export(tmp_path / "b", 2, study="second")]


def test_people_of_two_studies_are_different_and_their_pictures_the_same(two):
    rows = read_studies(two)
    assert rows["participant"].nunique() == 6
    assert rows["participant"].iloc[0] == "first:simulate/p0000"
    images = [set(read(path)["image"]) for path in two]
    assert rows["image"].nunique() == len(images[0] | images[1])
    assert rows.dtypes.astype(str).to_dict() == read(two[0]).dtypes.astype(str).to_dict()
    assert len(select(rows).rows) == 2 * 132


def test_one_study_is_read_as_it_is(two):
    pd.testing.assert_frame_equal(read_studies(two[:1]), read(two[0]))


def test_left_out_rows_are_counted_within_their_own_file(two):
    rows = read_studies(two)
    kind = rows["kind"].astype(object)
    kind.iloc[[3, 132 + 3]] = "practice"
    out = select(rows.assign(kind=kind)).left_out()
    assert out[["study", "row"]].to_numpy().tolist() == [["first", 5], ["second", 5]]


def test_the_same_study_twice_is_refused(two):
    with pytest.raises(
        ResponsesError, match=r"expected another study than that of .*first in the same version"
    ):
        read_studies([two[0], two[0]])


def test_a_trial_in_two_files_is_refused(tmp_path, two):
    again = export(tmp_path / "c", 1, study="first", study_version="v2")
    with pytest.raises(
        ResponsesError, match=r"c/responses\.csv, row 2, column trial: expected each trial once"
    ):
        read_studies([two[0], again])


def test_a_picture_with_two_sources_is_refused(tmp_path, two):
    text = (two[1] / "responses.csv").read_text().replace(",gan,", ",flow,")
    (two[1] / "responses.csv").write_text(text)
    shared = set(read(two[0])["image"]) & set(read(two[1])[lambda rows: rows["source"] == "flow"]["image"])
    assert shared
    with pytest.raises(
        ResponsesError, match=r"column source: expected gan as for image .*cannot be read as one"
    ):
        read_studies(two)


def test_a_report_on_two_studies_names_both_and_shows_each(two):
    files = report(*two, formats=("svg",))
    html = files["report.html"].decode()
    assert "first + second" in html
    assert "2 studies are read as one" in html
    assert "Study by study" in html
    assert files["studies.csv"].decode().count("\n") == 1 + 2 * 4
