"""Counters of sittings: whatever people and networks do, they say what the rows say; and a wrong one is found."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from studyapp import sittings, tallies
from studyapp.models import Response, Sitting, SittingTally, Study, Trial
from tests.conftest import Person

FACTS = {"frame_ms": 8.3333, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
People = Callable[[Study], Person]


def answers_at_random(person: Person, trials: list[dict[str, Any]], rng: random.Random) -> None:
    for trial in trials:
        timing_ok = rng.choice([True, False, None])
        changes: dict[str, Any] = {
            "timing_ok": timing_ok,
            "timing_witness": rng.choice(["element_timing", "callback"]),
            "measured_ms": None if timing_ok is None else 50.0,
            "measured_frames": None if timing_ok is None else 3,
            "reaction_ms": rng.uniform(20, 4000),
        }
        if rng.random() < 0.2:
            changes |= {"status": "timed_out", "answer": None, "reaction_ms": None}
        person.answer([trial], **changes)
        if rng.random() < 0.3:
            person.answer([trial], **changes)  # again, as after a lost reply
        if rng.random() < 0.2:
            person.answer([trial], answer="generated", reaction_ms=1.0)  # another answer: refused


@pytest.mark.parametrize("seed", range(4))
def test_counters_say_what_the_rows_say(small_study: Study, people: People, seed: int) -> None:
    """Answers, replays, refused and late ones, reloads, withdrawals, erasures: the counters stay exact."""
    rng = random.Random(seed)
    for _ in range(4):
        person = people(small_study).begin()
        if rng.random() < 0.8:
            person.post("screen", FACTS | {"witness": "callback"})
        for _ in range(rng.randint(0, 2)):
            block = person.block()
            trials = block["trials"]
            cut = rng.randint(0, len(trials))
            answers_at_random(person, trials[:cut], rng)
            if rng.random() < 0.6:
                shown = [trial["token"] for trial in trials[cut : cut + 2]]
                person.post("resume", {"shown": rng.choice([shown, None])})
                answers_at_random(person, trials[cut : cut + 1], rng)  # too late: its trial is closed
        way = rng.choice(["stays", "withdraws", "erases", "finishes"])
        if way == "finishes":
            person.sit_through()
        elif way != "stays":
            data = {"withdraws": "keep", "erases": "delete"}[way]
            person.client.post(person.url("withdraw/"), {"data": data})
    assert tallies.differences(small_study) == []
    assert SittingTally.objects.count() == Sitting.objects.count()


def test_totals_are_those_of_the_rows(small_study: Study, people: People) -> None:
    people(small_study).begin().sit_through(timing_ok=False)
    person = people(small_study).begin()
    person.answer(person.block()["trials"][:3], reaction_ms=150)
    (finished, started) = sorted(tallies.totals(small_study), key=lambda row: row["status"])
    # All mistimed: each main trial has a repeat as far as the study's limit goes.
    assert finished["n_answered"] == Response.objects.filter(trial__sitting__status="finished").count()
    assert finished["n_timing_wrong"] == finished["n_answered"]
    assert (started["sittings"], started["begun"], started["n_reaction_300"]) == (1, 1, 3)
    assert started["n_planned"] == Trial.objects.filter(sitting__status="started").count()


def test_an_erased_sitting_leaves_the_number_of_its_trials(small_study: Study, people: People) -> None:
    person = people(small_study).begin().sit_through()
    planned = person.sitting.trials.count()
    assert sittings.erase(small_study, sittings.receipt_code(person.sitting))
    tally = SittingTally.objects.get()
    assert (tally.planned, tally.answered, tally.main_answered, tally.refresh_hz) == (planned, 0, 0, None)
    assert all(getattr(tally, name) == 0 for name in tallies.COUNTED if name != "planned")


def test_a_planted_difference_is_found_and_set_right(small_study: Study, people: People) -> None:
    person = people(small_study).begin().sit_through()
    SittingTally.objects.update(answered=3, reaction_600=0)
    found = {(d.name, d.counted, d.found) for d in tallies.differences(small_study)}
    assert found == {("answered", 3, 28), ("reaction_600", 0, 28)}
    assert person.sitting.public_id in str(tallies.differences(small_study, mend=True)[0])
    assert tallies.differences(small_study) == []


@pytest.mark.parametrize(
    ("reaction_ms", "name"),
    [
        (0, "reaction_150"),
        (149.9, "reaction_150"),
        (150, "reaction_300"),
        (2499, "reaction_2500"),
        (1e7, "reaction_more"),
    ],
)
def test_a_reaction_time_belongs_to_the_class_whose_end_lies_above_it(reaction_ms: float, name: str) -> None:
    assert tallies.reaction_class(reaction_ms) == name


def test_counting_costs_one_statement_a_batch(person: Person) -> None:
    trials = person.block()["trials"]
    with CaptureQueriesContext(connection) as queries:
        person.answer(trials)
    counting = [q["sql"] for q in queries if "studyapp_sittingtally" in q["sql"]]
    assert len(counting) == 1
