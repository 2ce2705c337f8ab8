"""A sitting from consent to debrief, through the requests a browser makes."""

import random
import re
from collections import Counter
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyapp import sittings
from studyapp.life import close_study
from studyapp.models import ConflictingResponse, PanelIdentity, Response, Sitting, Stimulus, Trial
from tests.image_sets import pixels_of

pytestmark = pytest.mark.django_db
# One participant per example would be slow; the rows of one example do not disturb the next.
hypothesis_settings = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_a_whole_sitting_is_balanced_and_ends_with_a_code(person):
    person.sit_through()
    sitting = person.sitting
    assert sitting.status == "finished"
    assert len(sitting.completion_code) == 9
    trials = list(sitting.trials.all())
    assert Counter(trial.kind for trial in trials) == {"practice": 4, "main": 24}
    cells = Counter(
        sitting.shown.filter(trial__kind="main").values_list("stimulus__source__name", "trial__exposure_ms")
    )
    assert set(cells.values()) == {2}
    assert len(cells) == 12
    page = person.client.get(person.url("thanks/")).content.decode()
    assert sitting.completion_code in page
    assert sittings.receipt_code(sitting) in page


def test_no_picture_is_shown_twice_and_none_of_the_examples_is_used(person, small_study):
    person.sit_through()
    shown = list(person.sitting.shown.values_list("stimulus_id", flat=True))
    assert len(shown) == len(set(shown)) == 28
    examples = set(Stimulus.objects.filter(study=small_study, is_example=True).values_list("pk", flat=True))
    assert len(examples) == 5
    assert not examples & set(shown)


def test_pictures_are_planned_least_seen_first(small_study, people):
    for _ in range(6):
        people(small_study).begin().sit_through()
    for source in small_study.sources.all():
        counts = set(source.stimuli.filter(is_example=False).values_list("times_planned", flat=True))
        assert max(counts) - min(counts) <= 1, source


def test_the_pictures_of_a_block_are_the_pixels_of_its_trials(person):
    block = person.block()
    data = person.pictures(block)
    record = 8 * 8 * 3
    assert len(data) == record * len(block["trials"])
    for index, trial in enumerate(block["trials"]):
        shown = Trial.objects.get(token=trial["token"]).shown.get()
        image = shown.stimulus.image
        seed = f"{shown.stimulus.source.name} {int(image.file[7:13])}"
        assert data[index * record : (index + 1) * record] == pixels_of(seed)


def test_the_same_request_for_a_block_gives_the_same_trials(person):
    assert person.block() == person.block()
    first = person.block()
    ahead = person.block(after=first["last"])
    assert not {t["token"] for t in first["trials"]} & {t["token"] for t in ahead["trials"]}


def test_practice_lost_once_the_test_was_fetched_is_not_asked_again(person):
    practice = person.block()
    test = person.block(after=practice["last"])
    person.post("resume", {"shown": [practice["trials"][0]["token"]]})
    assert person.block(after=test["last"])["trials"] == []
    after, seen = 0, []
    while (block := person.block(after))["trials"]:
        assert len({trial["kind"] for trial in block["trials"]}) == 1
        assert len(person.pictures(block)) == 8 * 8 * 3 * len(block["trials"])
        seen += [trial["ordinal"] for trial in block["trials"]]
        after = block["last"]
    assert seen == list(range(2, 29))


def test_a_mistimed_trial_is_kept_and_its_cell_asked_again_with_an_unseen_picture(person):
    person.answer(person.block()["trials"])
    trials = person.block()["trials"]
    person.answer(trials[:1], timing_ok=False, flags=["wrong_duration"])
    person.answer(trials[1:2], timing_ok=False, flags=["slept"])
    person.answer(trials[2:])
    again = person.block()
    assert [trial["kind"] for trial in again["trials"]] == ["repeat", "repeat"]
    assert (again["done"], again["total"]) == (24, 26)
    rows = Trial.objects.filter(sitting=person.sitting).order_by("ordinal")
    spoilt, repeats = rows.filter(kind="main")[:2], rows.filter(kind="repeat")
    for old, new in zip(spoilt, repeats, strict=True):
        assert old.response.answer == "real"
        assert new.exposure_ms == old.exposure_ms
        assert new.shown.get().stimulus.source == old.shown.get().stimulus.source
        assert new.shown.get().stimulus != old.shown.get().stimulus
    # Two of 24 are as many as a share of 10 % allows.
    person.answer(again["trials"], timing_ok=False, flags=["late_onset"])
    assert person.block()["finished"]


def test_the_same_response_again_gives_the_same_receipt(person):
    (trial, *_) = person.block()["trials"]
    (first,) = person.answer([trial])
    (again,) = person.answer([trial])
    assert (first["status"], again["status"]) == ("stored", "replayed")
    assert first["receipt"] == again["receipt"]
    assert Response.objects.count() == 1


def test_a_different_second_answer_is_refused_and_kept_aside(person):
    (trial, *_) = person.block()["trials"]
    person.answer([trial], answer="real")
    for _ in range(2):
        (second,) = person.answer([trial], answer="generated")
        assert second["status"] == "conflict"
    assert Response.objects.get().answer == "real"
    assert ConflictingResponse.objects.get().body["answer"] == "generated"


def test_answers_to_unknown_and_foreign_trials_look_alike_and_store_nothing(person, small_study, people):
    (theirs, *_) = people(small_study).begin().block()["trials"]
    foreign = person.answer([theirs])
    unknown = person.answer([{"token": "x" * len(theirs["token"])}])
    assert foreign[0] | {"trial": ""} == unknown[0] | {"trial": ""}
    assert foreign[0]["status"] == "unknown"
    assert not Response.objects.exists()


def test_one_response_twice_in_a_batch_is_stored_once(person):
    (trial, *_) = person.block()["trials"]
    results = person.answer([trial, trial])
    assert [result["status"] for result in results] == ["stored", "replayed"]


def test_after_a_reload_begun_trials_are_lost_and_asked_again_with_other_pictures(person):
    block = person.block()
    begun = block["trials"][0]
    person.post("resume", {"shown": [begun["token"]]})
    assert Trial.objects.get(token=begun["token"]).status == "interrupted"
    again = person.block()
    assert begun["token"] not in {trial["token"] for trial in again["trials"]}
    person.sit_through()
    trials = person.sitting.trials
    assert Counter(trials.filter(kind="practice").values_list("status", flat=True)) == {
        "answered": 4,
        "interrupted": 1,
    }
    shown = list(person.sitting.shown.values_list("stimulus_id", flat=True))
    assert len(shown) == len(set(shown)) == 29


def test_a_browser_without_memory_loses_every_trial_it_was_given(person):
    given_tokens = {trial["token"] for trial in person.block()["trials"]}
    person.post("resume", {"shown": None})
    assert not given_tokens & {trial["token"] for trial in person.block()["trials"]}


def test_an_answer_that_comes_after_the_interruption_is_stored_and_flagged(person):
    (trial, *_) = person.block()["trials"]
    person.post("resume", {"shown": [trial["token"]]})
    (result,) = person.answer([trial])
    assert result["status"] == "stored"
    response = Response.objects.get()
    assert response.flags == ["late"]
    assert response.trial.status == "interrupted"


def test_a_sitting_cannot_be_finished_before_the_last_answer_is_stored(person):
    person.answer(person.block()["trials"])
    answer = person.post("finish", {})
    assert answer.status_code == 409
    assert answer.json()["error"] == "missing"
    assert person.sitting.completion_code == ""


@hypothesis_settings
@given(seed=st.integers(0, 2**32))
def test_whatever_happens_on_the_way_the_answered_trials_are_those_of_the_design(small_study, people, seed):
    """Reloads, replays, lost memory and out-of-order batches at random: 24 answered trials, none twice.

    Of the trials that were lost, two are asked again: the share of repeats that the study sets.
    """
    rng = random.Random(seed)
    person = people(small_study).begin()
    while not (block := person.block())["finished"]:
        trials = block["trials"]
        assert len(person.pictures(block)) == 8 * 8 * 3 * len(trials)
        rng.shuffle(trials)
        event = rng.random()
        if event < 0.15:
            person.post("resume", {"shown": [t["token"] for t in trials[:1]]})
        elif event < 0.2:
            person.post("resume", {"shown": None})
        else:
            some = trials[: rng.randint(1, len(trials))]
            person.answer(some)
            if rng.random() < 0.5:
                assert {r["status"] for r in person.answer(some)} == {"replayed"}
    if len(set(person.sitting.shown.values_list("stimulus_id", flat=True))) < 100:
        test = person.sitting.trials.exclude(kind="practice")
        n_lost = test.filter(status="interrupted").count()
        assert test.filter(kind="repeat").count() == min(n_lost, 2)
        assert test.filter(status="answered").count() == 24 - n_lost + test.filter(kind="repeat").count()
    assert person.post("finish", {}).status_code == 200


def test_a_second_sitting_on_the_same_personal_link_is_refused_in_words(small_study, people):
    people(small_study).begin("PROLIFIC_PID=abc").block()
    again = people(small_study).consent("PROLIFIC_PID=abc")
    assert again.status_code == 409
    assert "already" in again.content.decode()
    assert Sitting.objects.count() == PanelIdentity.objects.count() == 1


@pytest.mark.parametrize("query", ["", "PROLIFIC_PID=abc"])
def test_a_consent_whose_reply_was_lost_is_sent_again_and_begins_nothing_new(small_study, people, query):
    """The browser sends the form once more without the cookie that the first reply brought."""
    page = people(small_study).client.get(f"/s/small/consent/?{query}").content.decode()
    (attempt,) = re.findall(r'name="attempt" value="([A-Za-z0-9]{22})"', page)
    form = {"decision": "agree", "panel_query": query, "attempt": attempt}
    people(small_study).client.post("/s/small/consent/", form)
    again = people(small_study)
    assert again.client.post("/s/small/consent/", form).url == "/s/small/screen/"
    again.sitting_pk = Sitting.objects.get().pk
    assert again.sit_through().sitting.status == "finished"


def test_who_lost_everything_before_the_first_picture_comes_back_with_the_personal_link(small_study, people):
    first = people(small_study).begin("PROLIFIC_PID=abc")
    again = people(small_study)
    assert again.consent("PROLIFIC_PID=abc").url == again.url("screen/")
    again.sitting_pk = Sitting.objects.get().pk
    again.block()
    assert first.post("block", {"after": 0}).status_code == 401


@pytest.mark.parametrize("attempt", ["", "short", "x" * 23, "with spaces in its mid"])
def test_two_people_never_share_a_sitting_however_their_forms_are_made(small_study, client, attempt):
    for browser in (client, Client()):
        browser.post("/s/small/consent/", {"decision": "agree", "attempt": attempt})
    assert Sitting.objects.count() == 2


def test_a_sitting_that_ran_out_of_pictures_ends_and_says_so(person):
    """Interrupted again and again: there are 40 pictures a source and 24 trials to answer."""
    while not person.block()["finished"]:
        block = person.block()
        person.answer(block["trials"][:1])
        person.post("resume", {"shown": None})
    n_answered = person.sitting.trials.filter(status="answered").exclude(kind="practice").count()
    assert n_answered < 24
    assert person.post("finish", {}).status_code == 200
    page = person.client.get(person.url("thanks/")).content.decode()
    assert f"{24 - n_answered} picture" in page
    assert "shorter than planned" in page


def test_a_sitting_of_full_length_is_not_called_short(person):
    person.sit_through()
    assert "shorter" not in person.client.get(person.url("thanks/")).content.decode()


def test_reading_a_page_never_starts_a_sitting(small_study, client):
    for page in ("", "consent/", "consent/?PROLIFIC_PID=abc", "thanks/", "test/", "erase/", "withdraw/"):
        client.get(f"/s/small/{page}")
    assert not Sitting.objects.exists()


def test_declining_stores_nothing(small_study, client):
    response = client.post("/s/small/consent/", {"decision": "decline"}, follow=True)
    assert response.status_code == 200
    assert not Sitting.objects.exists()


def test_nobody_can_start_in_a_closed_study_but_who_sits_may_finish(person, small_study, people):
    close_study(small_study)
    late = people(small_study)
    assert late.client.get(late.url("consent/")).url == late.url()
    assert late.consent().status_code == 409
    person.sit_through()
    assert person.sitting.status == "finished"


def test_a_full_study_takes_nobody_more(small_study, people):
    type(small_study).objects.filter(pk=small_study.pk).update(quota=1)
    people(small_study).begin()
    refused = people(small_study).consent()
    assert refused.status_code == 409
    assert "all the participants" in refused.content.decode()


def test_withdrawing_can_keep_or_erase_the_answers(small_study, people):
    keeper, eraser = people(small_study).begin(), people(small_study).begin()
    for person, data in ((keeper, "keep"), (eraser, "delete")):
        person.answer(person.block()["trials"])
        assert person.client.post(person.url("withdraw/"), {"data": data}).status_code == 302
        assert person.post("block", {"after": 0}).status_code == 409
    assert (keeper.sitting.status, eraser.sitting.status) == ("withdrawn", "erased")
    assert Response.objects.filter(trial__sitting=keeper.sitting).count() == 4
    assert not Trial.objects.filter(sitting=eraser.sitting).exists()


@contextmanager
def once_after_the_look(deed):
    """Do `deed` right after the first look at the sitting: what another request did in between."""
    done = []

    def wrapper(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        plain = sql.replace('"', "").split()
        if not done and plain[0] == "SELECT" and "studyapp_sitting" in plain:
            done.append(True)
            deed()
        return result

    with connection.execute_wrapper(wrapper):
        yield
    assert done


def test_a_second_click_on_withdraw_leads_to_the_thanks_like_the_first(person):
    with once_after_the_look(lambda: sittings.withdraw(person.sitting, keep_answers=True)):
        second = person.client.post(person.url("withdraw/"), {"data": "delete"})
    assert (second.status_code, second.url) == (302, person.url("thanks/"))
    assert person.sitting.status == "withdrawn"


def test_a_screen_check_under_way_fills_no_erased_sitting(person):
    facts = {"frame_ms": 16.7, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
    with once_after_the_look(lambda: sittings.withdraw(person.sitting, keep_answers=False)):
        late = person.post("screen", facts | {"witness": "callback"})
    assert (late.status_code, late.json()["error"]) == (409, "erased")
    assert person.sitting.screen == {}


def test_a_personal_link_with_a_nul_is_the_link_without_it(small_study, people):
    people(small_study).begin("PROLIFIC_PID=%00abc").block()
    assert PanelIdentity.objects.get().external_id == "abc"
    assert people(small_study).consent("PROLIFIC_PID=abc").status_code == 409


def test_the_receipt_code_erases_the_answers_and_nothing_else(small_study, people):
    one, other = people(small_study).begin().sit_through(), people(small_study).begin().sit_through()
    code = sittings.receipt_code(one.sitting)
    wrong = other.client.post(other.url("erase/"), {"receipt_code": "ABCD-EFGH"})
    assert wrong.status_code == 422
    done = other.client.post(other.url("erase/"), {"receipt_code": code.lower().replace("-", " ")})
    assert done.status_code == 200
    assert not Trial.objects.filter(sitting=one.sitting).exists()
    assert one.sitting.status == "erased"
    assert other.sitting.trials.filter(status="answered").count() == 28


def test_keys_are_counterbalanced_between_sittings(small_study, people):
    keys = Counter(people(small_study).begin().sitting.real_key for _ in range(24))
    assert keys == {"f": 12, "j": 12}
    Sitting.objects.filter(real_key="f").first().delete()
    assert people(small_study).begin().sitting.real_key == "f", "whoever is missing is made up for"
    type(small_study).objects.update(keys="j")
    assert {people(small_study).begin().sitting.real_key for _ in range(4)} == {"j"}


def test_the_score_counts_right_answers(person, small_study):
    person.sit_through(answer="real")
    assert sittings.score(person.sitting) == {"right": 6, "of": 24, "percent": 25}
    by_source = {
        row["source_label"]: (row["n"], row["judged_real"]) for row in sittings.truth(person.sitting)
    }
    assert by_source == dict.fromkeys(("real", "gan", "lapgan", "cc-lapgan"), (6, 6))
