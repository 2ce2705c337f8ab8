"""Exports: what people answered comes out value by value, counts add up, the same answers give the same bytes."""

import csv
import gc
import hashlib
import inspect
import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from types import GeneratorType
from typing import Any

import pytest
from django.core import signing
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

import analysis
from studyapp import sittings
from studyapp.arrivals import SIMULATED_SALT
from studyapp.catalogue import import_images
from studyapp.export import (
    ExportError,
    ExportSummary,
    export_freeze,
    export_study,
    freeze_study,
    one_moment,
)
from studyapp.export_files import safe_cell, utc_text
from studyapp.life import close_study, open_study
from studyapp.models import Sitting, Study
from studyapp.presets import create_study
from tests.conftest import SOURCES, Person
from tests.image_sets import pixels_of, write_image_set

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

RESPONSES = (
    "study, study_version, participant, sitting, trial, ordinal, kind, protocol, source, image, exposure_ms, "
    "planned_frames, measured_ms, measured_frames, frame_ms, timing_ok, timing_witness, response, judged_real, "
    "reaction_ms, lost_focus, status, is_simulated, shown_utc"
)
STIMULI = "trial, position, image, source, is_real, family, dataset, class_name, image_sha256, checkpoint_sha256, seed"
TABLES = ("responses", "stimuli", "timing", "sittings")

People = Callable[[Study], Person]


def rows_of(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def header_of(folder: Path, table: str) -> list[str]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def described(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "study.json").read_text(encoding="utf-8"))


def exported(study: Study, folder: Path, **options: Any) -> ExportSummary:
    return export_study(study, folder / "export", **options)


def simulated(people: People, study: Study) -> Person:
    mark = signing.dumps({"seed": 1}, salt=SIMULATED_SALT)
    return people(study).begin(f"simulated={mark}")


@pytest.fixture
def mixed_study(small_study: Study, people: People) -> Study:
    """One sitting finished, one broken off: 6 answered, 2 timed out, 3 interrupted (1 answered late), rest open."""
    people(small_study).begin().sit_through()
    person = people(small_study).begin()
    practice = person.block()["trials"]
    person.answer(practice)
    trials = person.block(after=practice[-1]["ordinal"])["trials"]
    person.answer(trials[:2], answer="generated")
    person.answer(trials[2:4], status="timed_out", answer=None, reaction_ms=None)
    person.post("resume", {"shown": [trial["token"] for trial in trials[4:7]]})
    person.answer(trials[4:5])
    return small_study


# ---- what comes out ----


def test_the_headers_are_the_documented_ones(small_study: Study, tmp_path: Path) -> None:
    exported(small_study, tmp_path)
    assert ", ".join(header_of(tmp_path / "export", "responses")) == RESPONSES
    assert ", ".join(header_of(tmp_path / "export", "stimuli")) == STIMULI


def test_every_value_comes_out_as_it_was_sent(small_study: Study, people: People, tmp_path: Path) -> None:
    person = people(small_study).begin()
    block = person.block()
    sent = {
        "reaction_ms": 0.1 + 0.2,
        "planned_frames": 7,
        "measured_frames": 8,
        "measured_ms": 133.33,
        "frame_ms": 16.6667,
        "timing_ok": False,
        "timing_witness": "callback",
        "lost_focus": True,
        "shown_utc": "2026-11-20T12:30:00.123+02:00",
    }
    person.answer(block["trials"], answer="generated", **sent)
    exported(small_study, tmp_path)
    rows = rows_of(tmp_path / "export", "responses")
    assert [row["trial"] for row in rows] == [trial["token"] for trial in block["trials"]]
    for row, trial in zip(rows, block["trials"], strict=True):
        assert float(row["reaction_ms"]) == sent["reaction_ms"]
        assert (
            row
            | {
                "study": "small",
                "study_version": small_study.version,
                "participant": person.sitting.participant.pseudonym,
                "sitting": person.sitting.public_id,
                "ordinal": str(trial["ordinal"]),
                "kind": "practice",
                "protocol": "timed-yes-no",
                "exposure_ms": str(trial["exposure_ms"]),
                "planned_frames": "7",
                "measured_ms": "133.33",
                "measured_frames": "8",
                "frame_ms": "16.6667",
                "timing_ok": "0",
                "timing_witness": "callback",
                "response": "generated",
                "judged_real": "0",
                "lost_focus": "1",
                "status": "answered",
                "is_simulated": "0",
                "shown_utc": "2026-11-20T10:30:00.123Z",
            }
            == row
        )


def test_the_picture_that_was_delivered_is_the_one_in_the_row(
    small_study: Study, people: People, tmp_path: Path
) -> None:
    person = people(small_study).begin()
    block = person.block()
    body = person.pictures(block)
    person.answer(block["trials"])
    exported(small_study, tmp_path)
    responses, stimuli = (rows_of(tmp_path / "export", table) for table in ("responses", "stimuli"))
    length = 8 * 8 * 3
    delivered = [body[i * length : (i + 1) * length] for i in range(len(block["trials"]))]
    for pixels, response, stimulus in zip(delivered, responses, stimuli, strict=True):
        index = int(re.fullmatch(r".+/images/(\d{6})\.png", response["image"])[1])  # type: ignore[index]
        assert pixels == pixels_of(f"{response['source']} {index}")
        is_real = response["source"] == "real"
        assert stimulus == {
            "trial": response["trial"],
            "position": "0",
            "image": response["image"],
            "source": response["source"],
            "is_real": "1" if is_real else "0",
            "family": "" if is_real else response["source"],
            "dataset": "random",
            "class_name": ("even", "odd")[index % 2],
            "image_sha256": hashlib.sha256(pixels).hexdigest(),
            "checkpoint_sha256": "" if is_real else "ab" * 32,
            "seed": str(index),
        }


def test_planned_trials_are_the_rows_and_the_open_ones(mixed_study: Study, tmp_path: Path) -> None:
    summary = exported(mixed_study, tmp_path)
    rows = rows_of(tmp_path / "export", "responses")
    trials = described(tmp_path / "export")["counts"]["trials"]
    by_status = Counter(row["status"] for row in rows)
    assert by_status == {"answered": 28 + 4 + 2, "timed_out": 2, "interrupted": 3}
    assert {status: trials[status] for status in by_status} == by_status
    assert trials["planned"] == len(rows) + trials["open"] == (4 + 24) + (4 + 24)
    assert summary.rows["responses.csv"] == summary.rows["stimuli.csv"] == len(rows)
    assert summary.rows["sittings.csv"] == 2


def test_what_was_not_as_planned_is_told_trial_by_trial(
    small_study: Study, people: People, tmp_path: Path
) -> None:
    person = people(small_study).begin()
    first, second = person.block()["trials"][:2]
    person.answer([first], flags=["wrong_duration", "late_onset"], input_kind="touch")
    person.answer([second], reaction_origin="element_timing")
    exported(small_study, tmp_path)
    assert rows_of(tmp_path / "export", "timing") == [
        {
            "trial": first["token"],
            "flags": "late_onset wrong_duration",
            "reaction_origin": "frame",
            "reaction_from": "mask",
            "input_kind": "touch",
        },
        {
            "trial": second["token"],
            "flags": "",
            "reaction_origin": "element_timing",
            "reaction_from": "mask",
            "input_kind": "key",
        },
    ]


def test_a_trial_without_an_answer_has_empty_fields_for_it(mixed_study: Study, tmp_path: Path) -> None:
    exported(mixed_study, tmp_path)
    rows = [row for row in rows_of(tmp_path / "export", "responses") if row["status"] != "answered"]
    assert len(rows) == 5
    for row in rows:
        assert (row["response"], row["judged_real"], row["reaction_ms"]) == ("", "", "")
    never_reported = [row for row in rows if row["planned_frames"] == ""]
    assert len(never_reported) == 2
    assert {row["timing_ok"] + row["lost_focus"] + row["shown_utc"] for row in never_reported} == {""}


def test_rows_are_in_the_order_of_sittings_and_trials(mixed_study: Study, tmp_path: Path) -> None:
    exported(mixed_study, tmp_path)
    order = [row["sitting"] for row in rows_of(tmp_path / "export", "sittings")]
    rows = rows_of(tmp_path / "export", "responses")
    places = [(order.index(row["sitting"]), int(row["ordinal"])) for row in rows]
    assert places == sorted(places)
    stimuli = rows_of(tmp_path / "export", "stimuli")
    assert [row["trial"] for row in stimuli] == [row["trial"] for row in rows]


def test_two_exports_of_the_same_answers_are_the_same_bytes(mixed_study: Study, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    summary = export_study(mixed_study, first)
    export_study(mixed_study, second)
    for path in summary.paths:
        assert path.read_bytes() == (second / path.name).read_bytes()


def test_what_the_export_writes_the_analysis_reads(mixed_study: Study, tmp_path: Path) -> None:
    exported(mixed_study, tmp_path)
    rows = analysis.read(tmp_path / "export")
    assert len(rows) == 28 + 4 + 2 + 2 + 3
    assert rows["judged_real"].sum() == 28 + 4


def test_the_codebook_has_exactly_the_columns_of_every_file(small_study: Study, tmp_path: Path) -> None:
    exported(small_study, tmp_path)
    folder = tmp_path / "export"
    codebook = rows_of(folder, "codebook")
    described_columns = [(row["file"], row["column"]) for row in codebook]
    files = [f"{table}.csv" for table in (*TABLES, "codebook")]
    assert described_columns == [
        (file, column) for file in files for column in header_of(folder, file.removesuffix(".csv"))
    ]
    assert all(row["type"] and row["values"] and row["meaning"] and row["example"] for row in codebook)


def test_study_json_says_what_was_frozen_and_what_was_written(mixed_study: Study, tmp_path: Path) -> None:
    exported(mixed_study, tmp_path)
    study = described(tmp_path / "export")
    canonical = json.dumps(study["definition"], sort_keys=True).encode()
    assert hashlib.sha256(canonical).hexdigest() == study["version"] == mixed_study.version
    assert [source["name"] for source in study["sources"]] == list(SOURCES)
    for source in study["sources"]:
        assert source["image_set"]["manifest"]["software"] == {"tachisto": "0.1.0"}
    for name, file in study["files"].items():
        assert hashlib.sha256((tmp_path / "export" / name).read_bytes()).hexdigest() == file["sha256"]
    assert "Taking part is voluntary" in study["texts"]["en"]["consent_text"]


def test_an_erased_sitting_leaves_its_times_alone(small_study: Study, people: People, tmp_path: Path) -> None:
    person = people(small_study).begin().sit_through()
    assert sittings.erase(small_study, sittings.receipt_code(person.sitting))
    exported(small_study, tmp_path)
    assert rows_of(tmp_path / "export", "responses") == rows_of(tmp_path / "export", "stimuli") == []
    (sitting,) = rows_of(tmp_path / "export", "sittings")
    assert (sitting["status"], sitting["frame_ms"]) == ("erased", "")


def test_the_screen_of_a_sitting_is_exported(small_study: Study, people: People, tmp_path: Path) -> None:
    person = people(small_study).begin()
    screen = {"frame_ms": 8.3333, "jitter_ms": 0, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
    assert person.post("screen", screen | {"witness": "callback"}).json() == {"ok": True}
    exported(small_study, tmp_path)
    (row,) = rows_of(tmp_path / "export", "sittings")
    assert [row[name] for name in screen] == ["8.3333", "0.0", "390", "844", "3.0"]
    assert (row["timing_witness"], row["status"], row["finished_utc"]) == ("callback", "started", "")


def test_the_number_of_queries_does_not_grow_with_the_answers(
    small_study: Study, people: People, tmp_path: Path, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        people(small_study).begin().sit_through()
    with django_assert_max_num_queries(35):
        exported(small_study, tmp_path)


def test_an_export_sees_one_moment_and_holds_up_nobody(
    small_study: Study, people: People, transactional_db: None
) -> None:
    def somebody_else() -> None:
        try:
            people(small_study).begin()
        finally:
            connection.close()

    with one_moment():
        assert small_study.sittings.count() == 0
        with ThreadPoolExecutor(1) as pool:
            pool.submit(somebody_else).result()
        assert small_study.sittings.count() == 0
    assert small_study.sittings.count() == 1


# ---- simulated people ----


def test_simulated_people_are_left_out_beside_real_ones(
    small_study: Study, people: People, tmp_path: Path
) -> None:
    simulated(people, small_study).sit_through()
    person = people(small_study).begin().sit_through()
    summary = exported(small_study, tmp_path)
    rows = rows_of(tmp_path / "export", "responses")
    assert {row["sitting"] for row in rows} == {person.sitting.public_id}
    assert not summary.is_simulated
    assert described(tmp_path / "export")["counts"]["simulated_sittings_left_out"] == 1


def test_simulated_people_come_along_when_asked_for(
    small_study: Study, people: People, tmp_path: Path
) -> None:
    simulated(people, small_study).sit_through()
    people(small_study).begin().sit_through()
    assert exported(small_study, tmp_path, include_simulated=True).is_simulated
    rows = rows_of(tmp_path / "export", "responses")
    assert Counter(row["is_simulated"] for row in rows) == {"0": 28, "1": 28}


def test_simulated_people_alone_are_exported_and_called_what_they_are(
    small_study: Study, people: People, tmp_path: Path
) -> None:
    simulated(people, small_study).sit_through()
    people(small_study).begin()  # somebody looked in, and has not answered
    errors = StringIO()
    call_command("export_responses", "small", out=tmp_path, stdout=StringIO(), stderr=errors)
    assert {row["is_simulated"] for row in rows_of(tmp_path, "responses")} == {"1"}
    assert described(tmp_path)["is_simulated"] is True
    assert "simulated participants are in these files" in errors.getvalue()


# ---- cells that a spreadsheet would run ----


def test_a_class_name_that_is_a_formula_is_defused(people: People, tmp_path: Path, db: None) -> None:
    for source in SOURCES:
        names = ["=HYPERLINK(0)", "@SUM(1)"]
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source, class_names=names))
    study = open_study(create_study("lapgan", "trap", n_trials=24, practice_trials=0))
    people(study).begin().sit_through()
    exported(study, tmp_path)
    written = {row["class_name"] for row in rows_of(tmp_path / "export", "stimuli")}
    assert written == {"'=HYPERLINK(0)", "'@SUM(1)"}


@given(st.text())
def test_no_free_text_begins_like_a_formula_and_none_is_lost(text: str) -> None:
    cell = safe_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell in (text, f"'{text}")


@given(
    st.datetimes(
        min_value=datetime(1970, 1, 2), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])
    )
)
def test_times_are_utc_to_the_millisecond(moment: datetime) -> None:
    text = utc_text(moment)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert timedelta(0) <= moment - datetime.fromisoformat(text) < timedelta(milliseconds=1)


# ---- the command, and what it refuses ----


def test_the_command_takes_the_newest_open_study_and_says_what_it_wrote(
    mixed_study: Study, tmp_path: Path
) -> None:
    open_study(create_study("lapgan", "newer", n_trials=24, practice_trials=0, n_examples=5))
    output = StringIO()
    call_command("export_responses", out=tmp_path, stdout=output)
    assert "study newer" in output.getvalue()
    call_command("export_responses", "small", out=tmp_path, stdout=output)
    assert f"{tmp_path}/responses.csv  39 rows" in output.getvalue()


def test_the_only_study_is_exported_when_it_is_closed(mixed_study: Study, tmp_path: Path) -> None:
    close_study(mixed_study)
    output = StringIO()
    call_command("export_responses", out=tmp_path, stdout=output)
    assert "study small" in output.getvalue()


def test_an_unknown_study_is_refused_with_those_there_are(small_study: Study, tmp_path: Path) -> None:
    with pytest.raises(
        CommandError, match="expected a study named smell, found none; the studies here: small"
    ):
        call_command("export_responses", "smell", out=tmp_path)


def test_without_any_study_the_command_says_so(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="expected an open study, found none; the studies here: none"):
        call_command("export_responses", out=tmp_path)


def test_a_draft_is_refused(draft_study: Study, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="study small is a draft and has no answers: open it first"):
        exported(draft_study, tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(small_study: Study, tmp_path: Path) -> None:
    (tmp_path / "export").write_text("mine")
    with pytest.raises(ExportError, match="expected a folder that can be written"):
        exported(small_study, tmp_path)
    assert (tmp_path / "export").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_refused_by_the_command(small_study: Study) -> None:
    with pytest.raises(CommandError, match=r"^/proc/here: the export could not be written"):
        call_command("export_responses", "small", "--out", "/proc/here", stdout=StringIO())


def test_other_files_stay_and_a_failed_export_replaces_nothing(mixed_study: Study, tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "notes.txt").write_text("mine")
    exported(mixed_study, tmp_path)
    before = {path.name: path.read_bytes() for path in (tmp_path / "export").iterdir()}
    # The third table fails when the first two are written already.
    Sitting.objects.update(screen={"frame_ms": "not a number"})
    with pytest.raises(ValueError, match="could not convert"):
        exported(mixed_study, tmp_path)
    assert {path.name: path.read_bytes() for path in (tmp_path / "export").iterdir()} == before
    assert before["notes.txt"] == b"mine"


def test_parquet_without_pyarrow_is_refused_with_the_remedy(
    small_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as where it is not installed
    with pytest.raises(ExportError, match="pip install pyarrow"):
        exported(small_study, tmp_path, file_format="parquet")
    assert not (tmp_path / "export").exists()


def test_parquet_holds_the_same_rows_with_types(mixed_study: Study, tmp_path: Path) -> None:
    parquet = pytest.importorskip(
        "pyarrow.parquet", reason="pyarrow is not installed: Parquet is an extra by choice"
    )
    exported(mixed_study, tmp_path)
    summary = exported(mixed_study, tmp_path, file_format="parquet")
    assert summary.rows["responses.parquet"] == 39
    columns = parquet.read_table(tmp_path / "export" / "responses.parquet").to_pydict()
    rows = rows_of(tmp_path / "export", "responses")
    assert ", ".join(columns) == RESPONSES
    for name in ("trial", "source", "image", "status"):
        assert columns[name] == [row[name] for row in rows]
    flags = {"": None, "1": True, "0": False}
    assert columns["judged_real"] == [flags[row["judged_real"]] for row in rows]
    assert columns["shown_utc"] == [
        datetime.fromisoformat(row["shown_utc"]) if row["shown_utc"] else None for row in rows
    ]


@pytest.mark.skipif(resource is None, reason="no limit on the size of files to be set here")
def test_an_export_that_fails_midway_leaves_no_query_open(small_study: Study, tmp_path: Path) -> None:
    """A query that is still open when the program ends, and its database is closed, ends in a traceback."""
    for _ in range(4):
        Person(small_study).begin().sit_through()
    freeze = freeze_study(small_study)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as failure:
            export_freeze(freeze, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    suspended = [
        thing
        for thing in gc.get_objects()
        if type(thing) is GeneratorType  # asking a lazy object for its class would wake it
        and thing.__name__ == "cursor_iter"
        and inspect.getgeneratorstate(thing) == inspect.GEN_SUSPENDED
    ]
    assert (failure.value.errno, suspended) == (27, [])
    assert list((tmp_path / "out").iterdir()) == []
