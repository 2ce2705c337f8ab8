"""Catch trials, whose answer is obvious, and the feedback of practice: who learns what, and what counts."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from studyapp import sittings
from studyapp.export import export_study
from studyapp.life import open_study
from studyapp.models import Study, StudySource
from studyapp.noise import noise_set
from studyapp.opening import OpeningError, images_needed
from studyapp.presets import create_study
from studyapp.quality import MEANINGS
from tests.conftest import Person


@pytest.fixture
def watchful_study(draft_study: Study) -> Study:
    """The small study with 3 catch trials among its 24."""
    draft_study.catch_trials = 3
    draft_study.save()
    StudySource.objects.create(study=draft_study, name="noise", image_set=noise_set(8, 8), is_catch=True)
    return open_study(draft_study)


def asked(person: Person) -> list[dict]:
    """Every trial that the person's browser is told of, each answered in turn, practice included."""
    told: list[dict] = []
    while not (block := person.block())["finished"]:
        person.answer(block["trials"])
        told += block["trials"]
    return told


def test_a_browser_cannot_tell_a_catch_trial_from_the_others(watchful_study):
    person = Person(watchful_study).begin()
    told = asked(person)
    assert Counter(trial["kind"] for trial in told) == {"practice": 4, "main": 27}
    kinds = Counter(person.sitting.trials.values_list("kind", flat=True))
    assert kinds == {"practice": 4, "main": 24, "catch": 3}
    assert {frozenset(trial) for trial in told} == {frozenset(told[0])}


def test_catch_trials_are_counted_as_done_but_in_no_result(watchful_study):
    person = Person(watchful_study).begin().sit_through()
    assert sittings.progress_of(person.sitting).total == 27
    assert sittings.score(person.sitting)["of"] == 24
    assert {row["source_label"] for row in sittings.truth(person.sitting)} == {
        "real",
        "gan",
        "lapgan",
        "cc-lapgan",
    }
    assert sittings.n_missing(person.sitting) == 0


def test_catch_trials_are_exported_as_such_with_their_source(watchful_study, tmp_path: Path):
    Person(watchful_study).begin().sit_through()
    export_study(watchful_study, tmp_path)
    with (tmp_path / "responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows if row["kind"] == "catch"} == {"noise"}
    assert {row["exposure_ms"] for row in rows if row["kind"] == "catch"} == {"400"}
    assert "noise" not in {row["source"] for row in rows if row["kind"] != "catch"}


def test_an_interrupted_catch_trial_is_not_asked_again_and_holds_nobody_up(watchful_study):
    person = Person(watchful_study).begin()
    practice = person.block()["trials"]
    person.answer(practice)
    test = person.block(after=practice[-1]["ordinal"])["trials"]
    lost = person.sitting.trials.filter(kind="catch").first()
    assert lost is not None
    person.answer([trial for trial in test if trial["token"] != lost.token])
    person.post("resume", {"shown": [lost.token]})
    assert person.block()["finished"]
    assert person.post("finish", {}).status_code == 200
    assert sittings.n_missing(person.sitting) == 0


def test_a_preset_with_catch_trials_brings_its_noise_once(draft_study):
    first, second = (create_study("lapgan", slug, catch_trials=5) for slug in ("one", "two"))
    sets = {study.sources.get(is_catch=True).image_set for study in (first, second)}
    assert len(sets) == 1
    assert not sets.pop().is_real


def test_a_study_needs_pictures_for_its_catch_trials(draft_study):
    draft_study.catch_trials = 3
    draft_study.save()
    with pytest.raises(OpeningError, match="expected a source for the 3 catch trials"):
        open_study(draft_study)
    StudySource.objects.create(study=draft_study, name="noise", image_set=noise_set(8, 8), is_catch=True)
    assert images_needed(draft_study.protocol_settings(), 5)["noise"] == 3


def test_photos_are_no_catch_source(draft_study):
    """Even a long look takes one photo in ten for generated: to miss one is no sign of not looking."""
    draft_study.catch_trials = 3
    draft_study.save()
    photos = draft_study.sources.get(name="real").image_set
    StudySource.objects.create(study=draft_study, name="plain", image_set=photos, is_catch=True)
    with pytest.raises(OpeningError, match="plainly no photos in the catch source plain"):
        open_study(draft_study)


@pytest.fixture
def telling_study(draft_study: Study) -> Study:
    draft_study.practice_feedback = True
    draft_study.save()
    return open_study(draft_study)


def test_the_truth_about_practice_comes_with_its_receipt_and_about_the_test_never(telling_study):
    person = Person(telling_study).begin()
    practice = person.block()
    assert "truth" not in practice["trials"][0]
    truths = {
        trial.token: "real" if trial.shown.get().stimulus.source.name == "real" else "generated"
        for trial in person.sitting.trials.all()
    }
    receipts = person.answer(practice["trials"])
    assert {receipt["trial"]: receipt["truth"] for receipt in receipts} == truths
    again = person.answer(practice["trials"])
    assert [receipt["truth"] for receipt in again] == [receipt["truth"] for receipt in receipts]
    test = person.answer(person.block()["trials"])
    assert {receipt["truth"] for receipt in test} == {None}


def test_without_feedback_nobody_is_told(person):
    assert {receipt["truth"] for receipt in person.answer(person.block()["trials"])} == {None}


def test_an_answer_that_was_not_stored_is_not_told_either(telling_study):
    person, other = Person(telling_study).begin(), Person(telling_study).begin()
    other_trial = other.block()["trials"][0]
    (receipt,) = person.answer([other_trial])
    assert (receipt["status"], receipt["truth"]) == ("unknown", None)


@pytest.mark.parametrize(("n_missed", "is_flagged"), [(1, False), (3, True)])
def test_missed_catch_trials_show_in_the_admin_and_the_export_and_hold_nobody_up(
    watchful_study, researcher, tmp_path: Path, n_missed: int, is_flagged: bool
):
    person = Person(watchful_study).begin()
    while not (block := person.block())["finished"]:
        kinds = dict(person.sitting.trials.values_list("token", "kind"))
        catch = [trial for trial in block["trials"] if kinds[trial["token"]] == "catch"]
        missed = [trial["token"] for trial in catch[:n_missed]]
        for trial in block["trials"]:
            person.answer([trial], answer="real" if trial["token"] in missed else "generated")
    assert person.post("finish", {}).status_code == 200
    page = researcher.get(f"/admin/studyapp/sitting/{person.sitting.pk}/change/").content.decode()
    assert f"{n_missed} of 3 answered with real" in page
    assert (MEANINGS["missed_catch"] in page) == is_flagged
    export_study(watchful_study, tmp_path)
    with (tmp_path / "sittings.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["catch_missed"] == str(n_missed)
    assert ("missed_catch" in row["quality_flags"]) == is_flagged
