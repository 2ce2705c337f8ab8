"""Who does not do what was asked is noticed, who does is not, and nobody is refused or asked otherwise for it."""

import csv
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyapp import sittings
from studyapp.bots.observer import Observer
from studyapp.export import export_study
from studyapp.quality import MEANINGS, Given, quality, quality_of

SOURCES = ("real", "gan", "lapgan", "cc-lapgan")
EXPOSURES_MS = (50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000)


def honest_sitting(index: int, n_trials: int = 660) -> list[Given]:
    """Answers of the bots' observer, whose curves are those of the paper."""
    observer, rng, answers = Observer.drawn(5, index), random.Random(index), []
    for trial in range(n_trials):
        source, exposure_ms = rng.choice(SOURCES), rng.choice(EXPOSURES_MS)
        judgement = observer.judgement(source, exposure_ms, f"{index} {trial}")
        answer = "real" if judgement.answered_real else "generated"
        is_right = judgement.answered_real == (source == "real")
        answers.append(Given(answer, judgement.reaction_ms, exposure_ms, is_right))
    return answers


def test_of_two_hundred_honest_sittings_hardly_one_is_flagged():
    flagged = [found.flags for index in range(200) if (found := quality(honest_sitting(index))).flags]
    assert len(flagged) <= 2, flagged


@pytest.mark.parametrize("share", [0.5, 0.25, 0.1])
def test_answers_by_chance_alone_hardly_ever_show_a_pattern(share):
    rng = random.Random(7)
    sittings = [[drawn(rng, share) for _ in range(400)] for _ in range(500)]
    patterns = [set(quality(answers).flags) & {"long_run", "alternating"} for answers in sittings]
    assert sum(map(bool, patterns)) <= 4


def drawn(rng: random.Random, share: float) -> Given:
    return Given("real" if rng.random() < share else "generated", 600.0, 400)


def with_answers(answers, **changes) -> list[Given]:
    """An honest person's trials with other answers."""
    return [
        Given(answer, **{"reaction_ms": 500.0, "exposure_ms": 400, "is_right": None} | changes)
        for answer in answers
    ]


@pytest.mark.parametrize(
    ("flag", "answers"),
    [
        ("one_answer", with_answers(["real"] * 100)),
        ("one_answer", with_answers(["generated"] * 99 + ["real"])),
        ("alternating", with_answers(["real", "generated"] * 50)),
        ("long_run", with_answers(["real"] * 100 + ["real", "generated", "generated"] * 40)),
        ("too_fast", with_answers(["real", "generated", "generated"] * 30, reaction_ms=40.0, exposure_ms=50)),
        (
            "too_accurate",
            with_answers(["real", "generated", "generated"] * 30, exposure_ms=50, is_right=True),
        ),
    ],
)
def test_what_is_not_an_honest_try_is_flagged(flag, answers):
    assert flag in quality(answers).flags


def test_a_quick_press_after_a_long_look_is_nothing_unusual():
    answers = with_answers(["real", "generated", "generated"] * 30, reaction_ms=20.0, exposure_ms=1000)
    assert "too_fast" not in quality(answers).flags


def test_the_counts_are_those_of_a_sitting_counted_by_hand():
    found = quality(with_answers(["real", "real", "generated", "real", "real", "real"], reaction_ms=120.0))
    assert (found.answers, found.longest_run, found.switches, found.too_fast) == (6, 3, 2, 0)
    assert quality([]).flags == ()


@given(
    st.lists(
        st.builds(
            Given,
            st.sampled_from(["real", "generated"]),
            st.none() | st.floats(0, 86_400_000),
            st.integers(10, 10_000),
            st.none() | st.booleans(),
        ),
        max_size=200,
    )
)
def test_any_answers_are_judged_without_a_fault(answers):
    found = quality(answers)
    assert found.too_fast <= found.answers == len(answers)
    assert found.longest_run + found.switches <= max(found.answers, 0)
    assert set(found.flags) <= MEANINGS.keys()


@pytest.mark.django_db
def test_a_flagged_sitting_ends_like_any_other_and_shows_in_export_and_admin(
    small_study, people, researcher, tmp_path
):
    type(small_study).objects.update(n_trials=60)
    same, other = people(small_study).begin(), people(small_study).begin()
    plans = [same.block(), other.block()]
    same.sit_through(answer="generated", reaction_ms=30.0)
    rng = random.Random(3)
    other_block = plans[1]
    while not other_block["finished"]:
        for trial in other_block["trials"]:
            other.answer([trial], answer=rng.choice(["real", "generated"]))
        other_block = other.block()
    other.post("finish", {})
    assert same.sitting.status == other.sitting.status == "finished"
    assert same.sitting.trials.count() == other.sitting.trials.count() == 64
    assert "flag" not in same.client.get(same.url("thanks/")).content.decode()

    export_study(small_study, tmp_path)
    with (tmp_path / "sittings.csv").open(newline="") as file:
        rows = {row["sitting"]: row for row in csv.DictReader(file)}
    row = rows[same.sitting.public_id]
    assert row["quality_flags"] == "too_fast one_answer"
    assert (row["answers"], row["longest_run"], row["switches"]) == ("60", "60", "0")
    assert rows[other.sitting.public_id]["quality_flags"] == ""

    page = researcher.get(f"/admin/studyapp/sitting/{same.sitting.pk}/change/").content.decode()
    assert MEANINGS["one_answer"] in page
    assert "right" not in page.partition("plausible?")[2].partition("</fieldset>")[0]
    assert quality_of(same.sitting.pk).answers == 60
    assert not hasattr(sittings, "quality")  # no plan depends on it
