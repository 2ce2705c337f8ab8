"""A frozen export: the same files again whatever has come in since, and counts that add up."""

import csv
import hashlib
import json
import zipfile
from collections.abc import Callable
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from studyapp import sittings
from studyapp.catalogue import import_images
from studyapp.export import export_freeze, export_study, freeze_study
from studyapp.export_columns import TABLES
from studyapp.export_files import exact_cell, safe_cell
from studyapp.freezes import ordinals_in, ranges
from studyapp.life import close_study, open_study
from studyapp.models import ExportFreeze, FrozenSitting, Study
from studyapp.presets import create_study
from studyapp.psych_ds import export_psych_ds
from tests.conftest import SOURCES, Person
from tests.image_sets import write_image_set

FACTS = {"frame_ms": 8.3333, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
People = Callable[[Study], Person]


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def half_way(small_study: Study, people: People) -> Person:
    """Somebody with answered, interrupted and open trials, beside somebody who has finished."""
    people(small_study).begin().sit_through()
    person = people(small_study).begin()
    practice = person.block()["trials"]
    person.answer(practice)
    person.trials = person.block(after=practice[-1]["ordinal"])["trials"]
    person.answer(person.trials[:3])
    person.post("resume", {"shown": [trial["token"] for trial in person.trials[3:5]]})
    return person


def go_on(person: Person) -> None:
    """Everything that can happen after a freeze: late answers, new ones, another screen, the end, new people."""
    person.answer(person.trials[3:4], flags=["late_onset"])
    person.post("screen", FACTS | {"witness": "callback"})
    person.sit_through(answer="generated")
    person.__class__(person.study).begin().sit_through()


def test_the_same_freeze_gives_the_same_bytes_whatever_came_in_since(
    half_way: Person, tmp_path: Path
) -> None:
    freeze = freeze_study(half_way.study)
    export_freeze(freeze, tmp_path / "first")
    go_on(half_way)
    close_study(half_way.study)
    export_freeze(ExportFreeze.objects.get(), tmp_path / "again")
    assert content(tmp_path / "first") == content(tmp_path / "again")
    assert len(rows_of(tmp_path / "again" / "responses.csv")) == 28 + 4 + 3 + 2
    export_study(half_way.study, tmp_path / "now")
    assert len(rows_of(tmp_path / "now" / "responses.csv")) > 28 * 2 + 2


def test_an_answer_that_came_too_late_for_a_freeze_is_not_in_it(half_way: Person, tmp_path: Path) -> None:
    freeze = freeze_study(half_way.study)
    half_way.answer(half_way.trials[3:4])
    export_freeze(freeze, tmp_path / "then")
    export_study(half_way.study, tmp_path / "now")
    late = half_way.trials[3]["token"]
    then, now = (
        next(row for row in rows_of(tmp_path / name / "responses.csv") if row["trial"] == late)
        for name in ("then", "now")
    )
    assert (then["status"], then["planned_frames"], then["timing_witness"]) == ("interrupted", "", "")
    assert (now["status"], now["planned_frames"]) == ("interrupted", "3")


def test_nothing_new_is_the_freeze_that_is_there(half_way: Person) -> None:
    first = freeze_study(half_way.study)
    assert freeze_study(half_way.study) == first
    half_way.answer(half_way.trials[5:6])
    assert freeze_study(half_way.study) != first
    assert freeze_study(half_way.study, include_simulated=True).include_simulated


def test_an_erased_person_is_gone_from_earlier_freezes_and_the_counts_still_add_up(
    half_way: Person, tmp_path: Path
) -> None:
    done = half_way.study.sittings.get(status="finished")
    freeze = freeze_study(half_way.study)
    assert sittings.erase(half_way.study, sittings.receipt_code(done))
    summary = export_freeze(freeze, tmp_path)
    assert summary.n_erased_since == 1
    assert done.public_id not in (tmp_path / "responses.csv").read_text()
    assert {row["status"] for row in rows_of(tmp_path / "sittings.csv")} == {"started", "erased"}
    row = FrozenSitting.objects.get(sitting=done)
    assert (row.planned, row.screen, row.open) == (0, {}, "")
    counts = freeze_study(half_way.study).description["counts"]["trials"]
    planned = counts.pop("planned")
    assert counts["withdrawn"] == 28
    assert planned == sum(counts.values()) == freeze.description["counts"]["trials"]["planned"]


def test_the_same_zip_twice_is_the_same_bytes(researcher: Client, half_way: Person) -> None:
    address = reverse("admin:studyapp_study_export", args=[half_way.study.pk])

    def downloaded(**data: str) -> bytes:
        return b"".join(researcher.post(address, data))

    first = downloaded()
    freeze = ExportFreeze.objects.get()
    go_on(half_way)
    assert downloaded(freeze=freeze.name) == first
    page = researcher.get(address).content.decode()
    assert "61 planned = 35 answered" in page or " planned = " in page
    assert researcher.post(address, {"freeze": "unknown"}).status_code == 404
    assert researcher.post(address, {"form": "xlsx"}).status_code == 404


@pytest.mark.parametrize("form", ["jsonl", "psych-ds"])
def test_other_forms_come_as_zips_too(researcher: Client, half_way: Person, form: str) -> None:
    answer = researcher.post(reverse("admin:studyapp_study_export", args=[half_way.study.pk]), {"form": form})
    with zipfile.ZipFile(BytesIO(b"".join(answer))) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) >= 6


def test_the_command_writes_an_earlier_export_again(half_way: Person, tmp_path: Path) -> None:
    told = StringIO()
    call_command("export_responses", "small", out=tmp_path / "first", stdout=told)
    name = ExportFreeze.objects.get().name
    assert name in told.getvalue()
    assert "56 planned = 35 answered + 0 timed out + 2 interrupted + 19 open + 0 withdrawn" in told.getvalue()
    go_on(half_way)
    call_command("export_responses", "small", out=tmp_path / "again", freeze=name[:6], stdout=told)
    assert content(tmp_path / "first") == content(tmp_path / "again")
    with pytest.raises(
        CommandError, match=f"expected an export of study small, got 'x'; the newest there are: {name}"
    ):
        call_command("export_responses", "small", out=tmp_path, freeze="x")


# ---- forms ----


@given(st.text())
def test_a_cell_can_be_made_safe_and_exact_again(text: str) -> None:
    assert exact_cell(safe_cell(text)) == text


@given(st.text(alphabet="'=+-@ab\t\r", max_size=6))
def test_so_can_cells_of_apostrophes_and_formula_signs(text: str) -> None:
    assert exact_cell(safe_cell(text)) == text
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_json_lines_hold_every_text_exactly(people: People, tmp_path: Path, db: None) -> None:
    names = ["=HYPERLINK(0)", "'=a"]
    for source in SOURCES:
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source, class_names=names))
    study = open_study(create_study("lapgan", "trap", n_trials=24, practice_trials=0))
    people(study).begin().sit_through()
    export_study(study, tmp_path / "lines", file_format="jsonl")
    export_study(study, tmp_path / "cells")
    lines = [json.loads(line) for line in (tmp_path / "lines" / "stimuli.jsonl").read_text().splitlines()]
    cells = rows_of(tmp_path / "cells" / "stimuli.csv")
    assert {line["class_name"] for line in lines} == set(names)
    assert [exact_cell(cell["class_name"]) for cell in cells] == [line["class_name"] for line in lines]
    answers = [json.loads(line) for line in (tmp_path / "lines" / "responses.jsonl").read_text().splitlines()]
    assert {type(row["reaction_ms"]) for row in answers} == {float}
    assert list(answers[0]) == [column.name for column in TABLES["responses"]]


def test_a_psych_ds_folder_describes_every_column_it_has(half_way: Person, tmp_path: Path) -> None:
    export_psych_ds(half_way.study, tmp_path / "dataset")
    told = json.loads((tmp_path / "dataset" / "dataset_description.json").read_text(encoding="utf-8"))
    assert (told["@type"], told["name"]) == ("Dataset", half_way.study.title)
    described = {variable["name"] for variable in told["variableMeasured"]}
    files = list((tmp_path / "dataset" / "data").iterdir())
    assert sorted(path.name for path in files) == [
        f"study-small_description-{table}_data.csv" for table in sorted(TABLES)
    ]
    for path in files:
        header = path.read_text(encoding="utf-8").splitlines()[0].split(",")
        assert set(header) <= described


# ---- pure parts ----


@given(st.sets(st.integers(1, 300)))
def test_ranges_are_read_as_they_are_written(ordinals: set[int]) -> None:
    assert ordinals_in(ranges(sorted(ordinals))) == ordinals


def test_ranges_are_short() -> None:
    assert ranges([1, 2, 3, 7, 9, 10]) == "1-3 7 9-10"


def test_the_hash_of_every_file_is_kept_with_the_freeze(half_way: Person, tmp_path: Path) -> None:
    export_study(half_way.study, tmp_path)
    listed: dict[str, Any] = ExportFreeze.objects.get().files["csv"]
    for name, file in listed.items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == file["sha256"]
