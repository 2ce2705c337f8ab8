"""A study without a time limit, end to end: its preset, its trials, what it tells, its export and the report on it."""

import csv
import json
import math
from collections import Counter
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from analysis.designs import untimed
from analysis.designs.reading import counted_rows
from analysis.report import report
from studyapp.admin.study_form import StudyForm
from studyapp.catalogue import import_images
from studyapp.durations import minutes
from studyapp.export import export_study
from studyapp.flashes import flashes_a_second
from studyapp.life import open_study
from studyapp.models import ImageSet, Mask, Response, Study, Trial
from studyapp.preregistration import preregistration
from studyapp.presets import create_study
from studyapp.study_file import load_study, study_file
from tests.image_sets import write_image_set
from tests.studyapp.test_admin_studies import filled_form, numbers

pytestmark = pytest.mark.django_db


@pytest.fixture
def sets(db: None, tmp_path: Path) -> list[ImageSet]:
    """Eighty pictures each of a real and a generated source."""
    return [
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source, n_images=80), by="test")
        for source in ("real", "gan")
    ]


@pytest.fixture
def draft(sets: list[ImageSet]) -> Study:
    design = {"n_trials": 60, "practice_trials": 2, "n_examples": 4}
    return create_study("untimed", "untimed", only=sets, languages=["en", "de"], **design)


@pytest.fixture
def study(draft: Study) -> Study:
    return open_study(draft)


# ---- the design ----


def test_half_of_the_trials_are_real_however_many_sources_there_are(draft_study: Study):
    sources = {s.name: s.weight for s in create_study("untimed", "four").sources.all()}
    assert sources == {"real": 3, "gan": 1, "lapgan": 1, "cc-lapgan": 1}
    own = create_study("untimed", "two", only=list(ImageSet.objects.filter(source__in=("real", "gan"))))
    assert {s.name: s.weight for s in own.sources.all()} == {"real": 1, "gan": 1}
    assert (own.n_trials, own.exposures_ms, own.protocol) == (100, [], "untimed-yes-no")
    assert flashes_a_second(own) == 2, "of who answers at once"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"exposures_ms": [50, 100]}, "expected no exposures with an untimed protocol.* got 50, 100"),
        ({"protocol": "timed-yes-no"}, "expected a list of at least one exposure"),
        ({"mask_kind": Mask.NOISE}, "expected a plain gray mask without a time.* got noise"),
        ({"mask_ms": 100}, "expected a plain gray mask without a time.* got gray for 100 ms"),
        ({"protocol": "no-such"}, "is not a valid choice"),
    ],
)
def test_what_does_not_go_with_pictures_that_stay_is_refused(draft: Study, changes: dict, sentence: str):
    for name, value in changes.items():
        setattr(draft, name, value)
    with pytest.raises(ValidationError, match=sentence):
        draft.full_clean()


def test_the_command_makes_the_preset_and_says_what_it_is(sets: list[ImageSet], capsys):
    names = [image_set.name for image_set in sets]
    call_command("create_study", "--preset", "untimed", "--slug", "mine", "--only", *names)
    assert "study mine is a draft" in capsys.readouterr().out
    with pytest.raises(CommandError, match="expected no exposures with an untimed protocol"):
        call_command(
            "create_study", "--preset", "untimed", "--slug", "no", "--only", *names, "--exposures", "50"
        )
    with pytest.raises(SystemExit):
        call_command("create_study", "--help")
    assert "HYPE-infinity" in " ".join(capsys.readouterr().out.split())


def test_the_editor_takes_it_and_counts_it(researcher: Client, draft: Study):
    rows = [{"name": s.name, "image_set": s.image_set_id, "weight": s.weight} for s in draft.sources.all()]
    data = filled_form(draft, rows, exposures_ms="", n_examples=4)
    assert StudyForm(data, instance=draft).is_valid()
    told = numbers(researcher, data)
    assert told["Trials of one person, by source"]["real"]["value"] == "30.0 in all"
    assert not any(title.startswith("Frames") for title in told)
    assert told["A sitting"]["takes about"]["value"] == f"{minutes(draft)} minutes"
    form = StudyForm(filled_form(draft, rows, exposures_ms="50"), instance=Study.objects.get(pk=draft.pk))
    assert "expected no exposures with an untimed protocol" in form.errors["exposures_ms"][0]


def test_its_file_and_its_preregistration_say_how_it_is_asked(draft: Study):
    copy = load_study(study_file(draft), slug="copy")
    assert (copy.protocol, copy.exposures_ms, copy.is_timed) == ("untimed-yes-no", [], False)
    text = preregistration(draft)
    assert "| exposures (ms) | none: a picture stays until the answer |" in text
    assert "The error rate of each generated source" in text and "by source and exposure" not in text


# ---- a sitting ----


@pytest.mark.parametrize(
    ("language", "ratio", "stays"),
    [
        ("en", "Half of them are real photos", "It stays until you answer"),
        ("de", "Die eine Hälfte sind echte Fotos", "Es bleibt, bis Sie antworten"),
    ],
)
def test_people_read_the_ratio_and_that_the_picture_stays(
    study: Study, people: Callable, language: str, ratio: str, stays: str
):
    person = people(study)
    welcome = person.client.get(person.url(), {"language": language}).content.decode()
    assert ratio in welcome
    person.begin()
    person.sitting.__class__.objects.update(language=language)
    how = person.client.get(person.url("how/")).content.decode()
    assert stays in how
    assert "very brief" not in how and "ganz kurz" not in how
    screen = person.client.get(person.url("screen/")).content.decode()
    assert "exact time" not in screen and "genaue Zeit" not in screen


def answered(reaction_ms: float) -> dict[str, Any]:
    """What the page says of an answer that came so long after the picture."""
    frames = math.ceil(reaction_ms / 16.667) + 1
    shown = {"measured_frames": frames, "measured_ms": frames * 16.667, "reaction_ms": reaction_ms}
    return {"planned_frames": None, **shown}


def exported(study: Study, folder: Path) -> tuple[list[dict[str, str]], dict[str, dict[str, str]]]:
    export_study(study, folder)
    with (folder / "responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "timing.csv").open(newline="") as file:
        return rows, {row["trial"]: row for row in csv.DictReader(file)}


def test_an_answer_is_stored_and_exported_with_the_time_that_it_took(
    study: Study, people: Callable, tmp_path: Path
):
    """However long: twenty hours on a fast screen are more frames than any exposure."""
    person = people(study).begin()
    trials = person.block()["trials"]
    assert {trial["exposure_ms"] for trial in trials} == {None}
    long_look = {**answered(72_000_000.0), "frame_ms": 2.0, "measured_frames": 36_000_000}
    assert person.answer(trials[:1], **answered(2345.5))[0]["status"] == "stored"
    assert person.answer(trials[1:2], **long_look)[0]["status"] == "stored"
    rows, timing = exported(study, tmp_path / "export")
    first, second = rows
    assert (first["exposure_ms"], first["planned_frames"], first["measured_frames"]) == ("", "", "142")
    assert (first["reaction_ms"], first["timing_ok"], first["protocol"]) == ("2345.5", "1", "untimed-yes-no")
    assert second["measured_frames"] == "36000000"
    assert {row["reaction_from"] for row in timing.values()} == {"picture"}
    with (tmp_path / "export" / "codebook.csv").open(newline="") as file:
        codebook = {(row["file"], row["column"]): row for row in csv.DictReader(file)}
    assert codebook["responses.csv", "exposure_ms"]["values"].endswith("empty: until the answer")


def test_an_interrupted_trial_is_asked_again_and_so_is_one_that_was_slept_over(
    study: Study, people: Callable, tmp_path: Path
):
    person = people(study).begin()
    while not (block := person.block())["finished"]:
        lost, slept, *others = block["trials"]
        if block["first"] == 3:  # the first two of the test
            person.answer([lost], **answered(900.0), status="interrupted", answer=None, timing_ok=None)
            person.answer([slept], **answered(900.0), timing_ok=False)
        person.answer(others if block["first"] == 3 else block["trials"], **answered(900.0))
    assert Trial.objects.filter(kind="repeat").count() == 2
    rows, _ = exported(study, tmp_path / "export")
    found = Counter(row["status"] for row in rows if row["kind"] != "practice")
    assert found == {"answered": 61, "interrupted": 1}
    counted, selection = counted_rows(tmp_path / "export" / "responses.csv", untimed.NEEDED, untimed.OPTIONAL)
    assert len(counted) == 60 and selection is not None
    (row,) = untimed.error_rates(counted, np.random.default_rng(1)).itertuples()
    # Who says real each time is always wrong about the one half and never about the other.
    assert (row.error, row.fake_error, row.real_error, row.n_trials) == (0.5, 1, 0, 30)


def test_the_live_page_shows_shares_and_no_curve(researcher: Client, study: Study, people: Callable):
    people(study).begin().sit_through(**answered(900.0))
    address = reverse("admin:studyapp_study_live", args=[study.pk])
    researcher.post(reverse("admin:studyapp_study_unblind", args=[study.pk]))
    told = researcher.get(address).content.decode()
    assert "<td>30 answers</td><td>100" in told
    assert "Percent judged real against presentation time" not in told
    assert researcher.get(address, headers={"X-Part": "live"}).headers["ETag"]
    for name in ("trial", "response"):
        assert researcher.get(reverse(f"admin:studyapp_{name}_changelist")).status_code == 200


# ---- bots, export, report ----


@pytest.mark.django_db(transaction=True)
def test_the_error_rate_that_bots_were_given_is_found_in_their_export(
    study: Study, live_server: Any, tmp_path: Path
):
    """Recovery, within four standard errors for new people and new images."""
    arguments = {"participants": 4, "seed": 3, "server": live_server.url, "truth": tmp_path / "truth.csv"}
    call_command("bots", "untimed", stdout=StringIO(), stderr=StringIO(), **arguments)
    assert not Response.objects.exclude(timing_ok=True, planned_frames=None).exists()
    with (tmp_path / "truth.csv").open(newline="") as file:
        planted = {row["source"]: float(row["p"]) for row in csv.DictReader(file) if row["exposure_ms"] == ""}
    export_study(study, tmp_path)
    files = report(tmp_path, formats=("svg",))
    told = json.loads(files["results.json"])
    (row,) = told["tables"]["error_rates"]["rows"]
    standard_error = (row["high"] - row["low"]) / (2 * 1.96)
    assert standard_error < 0.08
    assert row["error"] == pytest.approx((planted["gan"] + 1 - planted["real"]) / 2, abs=4 * standard_error)
    assert row["rater_low"] < row["error"] < row["rater_high"]
    assert (row["n_people"], row["n_trials"]) == (4, 120)
    assert "simulated people" in told["alerts"][0]
    assert b"Errors without a time limit" in files["report.html"] and "exclusions.csv" in files
