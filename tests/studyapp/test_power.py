"""What to expect of a study's intervals: the analysis is asked in its own words, its refusals are passed on."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from studyapp.models import Study
from studyapp.power import PowerError, command_of, expected

pytestmark = pytest.mark.django_db


def test_more_people_make_narrower_intervals(draft_study: Study):
    """The real simulation, with as few studies as it takes."""
    few, many = expected(draft_study, [5, 40], replications=10)
    assert (few.people, many.people) == (5, 40)
    for name in ("one_cell", "one_source", "difference"):
        assert 0 < getattr(many, name) < getattr(few, name) < 100


def test_what_is_shown_more_often_is_known_better_and_each_source_is_told(
    researcher: Client, draft_study: Study
):
    """Real photos as often as all that is generated together: the average of such sources is true of none."""
    draft_study.sources.filter(name="real").update(weight=3)
    answer: Any = researcher.post(
        reverse("admin:studyapp_study_intervals", args=[draft_study.pk]), {"people": "5, 40"}
    )
    few, many = answer.context["rows"]
    assert [(source.name, source.trials) for source in many.sources] == [
        ("real", 12), ("gan", 4), ("lapgan", 4), ("cc-lapgan", 4),
    ]  # fmt: skip
    real, *generated = many.sources
    assert all(0 < real.one_source < other.one_source for other in generated)
    assert all(
        0 < after.one_cell < before.one_cell for before, after in zip(few.sources, many.sources, strict=True)
    )
    assert "By source:" in answer.content.decode()


def test_sources_that_are_asked_alike_are_told_as_one(draft_study: Study):
    (row,) = expected(draft_study, [5], replications=2)
    assert row.sources == () and row.pair == ("gan", "lapgan")


def test_the_design_is_asked_as_it_stands(draft_study: Study):
    draft_study.sources.filter(name__in=("lapgan", "cc-lapgan")).delete()
    words = " ".join(command_of(draft_study, [15], 100))
    assert "--trials 24 --images 40 --exposures 50 100 400" in words
    assert "--curve real=0.7:0.9 --curve gan=0.5:0.3 --weight real=1 --weight gan=1" in words
    assert "--images-of real=40 --images-of gan=40 --difference real gan" in words


def test_without_a_time_limit_one_long_look_is_asked_for(draft_study: Study):
    Study.objects.update(protocol="untimed-yes-no", exposures_ms=[])
    draft_study.refresh_from_db()
    words = " ".join(command_of(draft_study, [15], 100))
    assert "--exposures 1000 --replications" in words
    assert "--curve real=0.9:0.9 --curve gan=0.3:0.3" in words and "--difference real gan" in words


@pytest.mark.parametrize(
    ("sources", "people", "why"),
    [
        (["gan"], "15", "expected a source named real and at least one other"),
        (["real"], "15", "at least one other, got real"),
        (["real", "gan"], "1", "expected 2 to 1000 people, got 1"),
        (["real", "gan"], "many", "expected numbers such as 15, 30"),
        (["real", "gan"], "1,2,3,4,5", "expected 1 to 4 numbers, got 5"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_a_sentence(
    researcher: Client, draft_study: Study, sources: list[str], people: str, why: str
):
    draft_study.sources.exclude(name__in=sources).delete()
    answer: Any = researcher.post(
        reverse("admin:studyapp_study_intervals", args=[draft_study.pk]), {"people": people}
    )
    assert (answer.status_code, answer.context["rows"]) == (200, [])
    assert why in answer.context["form"].errors["people"][0]


def test_a_simulation_that_fails_says_why(draft_study: Study, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("studyapp.power.sys.executable", "/bin/false")
    with pytest.raises(PowerError, match="the simulation could not be run: no reason was given"):
        expected(draft_study, [15])
    monkeypatch.undo()
    monkeypatch.setattr("studyapp.power.TIMEOUT_S", 0.01)
    with pytest.raises(PowerError, match=r"took longer than 0\.01 seconds"):
        expected(draft_study, [15])
