"""The life of a study: which step leads where, what each state means for people, and where a pilot's data goes."""

import itertools
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studyapp import tallies
from studyapp.arrivals import ALONE, arrival
from studyapp.bots.crowd import simulated_mark
from studyapp.export import export_study
from studyapp.life import STEPS, close_study, open_study, step_to, steps_from, take
from studyapp.links import address_of
from studyapp.models import NamedLink, PanelIdentity, Sitting, Stimulus, Study, Trial
from studyapp.opening import OpeningError
from studyapp.versions import next_version
from studyapp.views.pages import closed_door
from tests.conftest import Person

pytestmark = pytest.mark.django_db
# Every way on, written out once more by hand: from -> to.
WAYS = {
    "draft": {"piloting", "open"},
    "piloting": {"draft", "open"},
    "open": {"paused", "closed"},
    "paused": {"open", "closed"},
    "closed": {"archived"},
    "archived": {"closed"},
}


def page(study: Study, name: str = "change") -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


def query_of_testers(study: Study) -> str:
    return f"link={NamedLink.objects.get(study=study, is_tester=True).token}"


@pytest.fixture
def piloted_study(draft_study: Study) -> Study:
    return take("pilot", draft_study)


# ---- which step leads where ----


@pytest.mark.parametrize(("status", "wanted"), list(itertools.product(WAYS, repeat=2)))
def test_only_the_ways_of_the_table_lead_on(draft_study: Study, status: str, wanted: str):
    assert {STEPS[name].leads_to for name in steps_from(status)} == WAYS[status]
    Study.objects.filter(pk=draft_study.pk).update(status=status)
    draft_study.refresh_from_db()
    if wanted in WAYS[status]:
        assert STEPS[step_to(draft_study, wanted)].leads_to == wanted
        return
    with pytest.raises(
        OpeningError, match=f"study small is {status}: from there it can become .*not {wanted}"
    ):
        step_to(draft_study, wanted)
    for name, step in STEPS.items():
        if step.leads_to == wanted:
            with pytest.raises(OpeningError, match=f"; it is {status}"):
                take(name, draft_study)
    draft_study.refresh_from_db()
    assert draft_study.status == status


def test_a_study_goes_through_its_whole_life_with_one_version(draft_study: Study):
    versions = set()
    for name in ("pilot", "open", "pause", "resume", "close", "archive", "unarchive"):
        take(name, draft_study)
        versions.add(draft_study.version)
        assert draft_study.pack_path.is_file()
    assert len(versions) == 1
    assert draft_study.opened_utc < draft_study.closed_utc


# ---- what people see ----


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("piloting", "This study has not begun yet"),
        ("paused", "This study takes a break"),
        ("closed", "This study is closed"),
        ("archived", "This study is closed"),
    ],
)
def test_whoever_comes_at_another_time_is_told_so_and_nothing_is_stored(
    small_study: Study, status: str, words: str
):
    Study.objects.update(status=status)
    person = Person(small_study)
    for address in ("", "consent/"):
        assert words in person.client.get(person.url(address), follow=True).content.decode()
    refused = person.consent("PROLIFIC_PID=early")
    assert refused.status_code == 409
    assert words in refused.content.decode()
    assert not Sitting.objects.exists()
    assert not PanelIdentity.objects.exists()


def test_a_draft_is_not_there(draft_study: Study):
    person = Person(draft_study)
    assert person.client.get(person.url()).status_code == 404
    assert person.consent().status_code == 404


@pytest.mark.parametrize("steps", [["pause"], ["close"], ["pause", "close"], ["close", "archive"]])
def test_whoever_sits_when_a_study_is_paused_or_closed_may_finish(small_study: Study, steps: list[str]):
    person = Person(small_study).begin()
    person.answer(person.block()["trials"])
    early = Person(small_study).begin()  # has consented, and was shown nothing yet
    for name in steps:
        if name == "archive":
            Sitting.objects.update(consent_utc=timezone.now() - timedelta(hours=3))
        take(name, small_study)
    for somebody in (person, early):
        assert "go on where you stopped" in somebody.client.get(somebody.url()).content.decode()
        assert somebody.sit_through().sitting.status == "finished"
        assert (
            somebody.sitting.completion_code in somebody.client.get(somebody.url("thanks/")).content.decode()
        )


def test_a_paused_study_takes_people_again_when_it_goes_on(small_study: Study):
    take("pause", small_study)
    assert Person(small_study).consent().status_code == 409
    take("resume", small_study)
    assert Person(small_study).begin().sit_through().sitting.status == "finished"


def test_a_study_with_people_in_the_middle_is_not_archived(small_study: Study):
    Person(small_study).begin()
    close_study(small_study)
    with pytest.raises(OpeningError, match="1 sittings may still be under way; archive it after 20"):
        take("archive", small_study)
    Sitting.objects.update(consent_utc=timezone.now() - timedelta(hours=2, minutes=1))
    assert take("archive", small_study).status == "archived"


# ---- the pilot ----


def test_testers_and_bots_pilot_a_study_and_people_do_not(piloted_study: Study):
    assert closed_door(piloted_study, ALONE) != ""
    assert closed_door(piloted_study, arrival(piloted_study, query_of_testers(piloted_study))) == ""
    tester = Person(piloted_study)
    assert (
        "Continue" in tester.client.get(f"{tester.url()}?{query_of_testers(piloted_study)}").content.decode()
    )
    for _ in range(2):  # as often as they like
        sitting = Person(piloted_study).begin(query_of_testers(piloted_study)).sit_through().sitting
        assert (sitting.is_pilot, sitting.is_simulated) == (True, False)
    bot = Person(piloted_study).begin(f"simulated={simulated_mark(1)}").sit_through().sitting
    assert (bot.is_pilot, bot.is_simulated) == (True, True)
    assert not PanelIdentity.objects.exists()


def test_a_testers_link_marks_a_sitting_of_an_open_study_and_takes_no_place_of_the_quota(
    piloted_study: Study,
):
    query = query_of_testers(piloted_study)
    open_study(piloted_study)
    Study.objects.update(quota=1)
    assert Person(piloted_study).begin(query).sit_through().sitting.is_pilot
    assert not Person(piloted_study).begin().sit_through().sitting.is_pilot
    assert Person(piloted_study).consent().status_code == 409
    assert Person(piloted_study).begin(query).sitting.is_pilot


def test_what_a_pilot_left_never_meets_the_data(piloted_study: Study, tmp_path: Path):
    """Exported on its own while it runs and on request; counts say how many sittings were left out."""

    def rows(*, pilot: bool = False) -> tuple[int, dict]:
        export_study(piloted_study, tmp_path, pilot=pilot)
        lines = (tmp_path / "responses.csv").read_text().splitlines()
        return len(lines) - 1, json.loads((tmp_path / "study.json").read_text())

    query = query_of_testers(piloted_study)
    Person(piloted_study).begin(query).sit_through()
    n_rows, told = rows()
    assert (n_rows, told["is_pilot"]) == (28, True)
    open_study(piloted_study)
    Person(piloted_study).begin().sit_through(answer="generated")
    n_rows, told = rows()
    assert (n_rows, told["is_pilot"], told["counts"]["pilot_sittings_left_out"]) == (28, False, 1)
    n_rows, told = rows(pilot=True)
    assert (n_rows, told["is_pilot"]) == (28, True)


def test_pilot_sittings_have_no_say_in_which_pictures_come_first(piloted_study: Study):
    Person(piloted_study).begin(query_of_testers(piloted_study)).sit_through()
    assert Stimulus.objects.filter(times_planned__gt=0).exists()
    open_study(piloted_study)
    assert not Stimulus.objects.filter(times_planned__gt=0).exists()


def test_a_piloted_study_can_be_edited_again_without_its_pilots_data(piloted_study: Study):
    tester = Person(piloted_study).begin(query_of_testers(piloted_study))
    tester.answer(tester.block()["trials"])
    pack, version = piloted_study.pack_path, piloted_study.version
    take("revise", piloted_study)
    assert (piloted_study.status, piloted_study.version, piloted_study.definition) == ("draft", "", None)
    assert not Sitting.objects.exists() and not Trial.objects.exists() and not Stimulus.objects.exists()
    assert tester.post("block", {"after": 0}).status_code == 404
    piloted_study.title = "Another title"
    piloted_study.save()
    open_study(piloted_study)
    assert piloted_study.version != version
    assert piloted_study.pack_path != pack
    assert Person(piloted_study).begin().sit_through().sitting.study_version == piloted_study.version


def test_an_opened_study_never_becomes_a_draft_again(small_study: Study):
    Person(small_study).begin().sit_through()
    with pytest.raises(OpeningError, match="to edit again it, expected it to be piloting; it is open"):
        take("revise", small_study)
    assert Sitting.objects.count() == 1


# ---- links ----


@pytest.mark.parametrize("token", ["x" * 22, "", " ", "%00", "ä", "x" * 3000])
def test_a_link_that_nobody_made_leads_nowhere(small_study: Study, token: str):
    person = Person(small_study)
    answer = person.client.get(f"{person.url()}?link={token}")
    assert answer.status_code == 200
    refused = person.consent(f"link={token}")
    if token.strip() and token != "%00":
        assert "We do not know this personal link" in answer.content.decode()
        assert refused.status_code == 409
        assert not Sitting.objects.exists()
    else:
        assert refused.status_code == 302


def test_a_persons_link_is_used_once_and_looking_at_it_does_not_use_it(small_study: Study):
    link = NamedLink.objects.create(study=small_study, label="Ann")
    for _ in range(3):
        assert Client().get(address_of(link)).status_code == 200
        assert (
            Client().get(reverse("study:consent", args=["small"], query={"link": link.token})).status_code
            == 200
        )
    assert not Sitting.objects.exists()
    Person(small_study).begin(f"link={link.token}").sit_through()
    assert Person(small_study).consent(f"link={link.token}").status_code == 409
    assert PanelIdentity.objects.get().panel == "link"


def half_way(study: Study, link: NamedLink) -> Person:
    """Somebody who has answered two trials over this link, and whose browser has pictures of more."""
    person = Person(study).begin(f"link={link.token}")
    person.answer(person.block()["trials"][:2])
    return person


def test_whoever_has_the_personal_link_is_that_person_and_goes_on_without_the_cookie(small_study: Study):
    link = NamedLink.objects.create(study=small_study)
    lost = half_way(small_study, link)
    back = Person(small_study)
    assert "You have begun already" in back.client.get(f"{back.url()}?link={link.token}").content.decode()
    assert back.consent(f"link={link.token}").url == back.url("screen/")
    back.sitting_pk = lost.sitting_pk
    ended = lost.post("block", {"after": 0})
    assert (ended.status_code, ended.json()["error"]) == (401, "no_sitting")
    assert (
        back.post("resume", {"shown": None}).status_code == 200
    )  # as its page does, which remembers nothing
    assert back.sitting.trials.filter(status="interrupted").count() == 2
    back.sit_through()
    assert Sitting.objects.count() == PanelIdentity.objects.count() == 1
    shown = list(back.sitting.shown.values_list("stimulus_id", flat=True))
    assert len(shown) == len(set(shown)) == 4 + 2 + 24
    assert tallies.differences(small_study) == []
    assert Person(small_study).consent(f"link={link.token}").status_code == 409, "it has come to its end"


@pytest.mark.parametrize("steps", [["pause"], ["close"], ["next"]])
def test_a_personal_link_leads_back_in_whatever_state_the_study_is(small_study: Study, steps: list[str]):
    link = NamedLink.objects.create(study=small_study)
    lost = half_way(small_study, link)
    for name in steps:
        open_study(next_version(small_study)) if name == "next" else take(name, small_study)
    back = Person(small_study)
    for page_name in ("", "consent/"):
        assert back.client.get(f"{back.url(page_name)}?link={link.token}").status_code == 200
    assert back.consent(f"link={link.token}").url == back.url("screen/")
    assert back.post("block", {"after": 0}).status_code == 200
    assert lost.post("block", {"after": 0}).status_code == 401


def test_a_testers_link_begins_anew_each_time(piloted_study: Study):
    for _ in range(2):
        Person(piloted_study).begin(query_of_testers(piloted_study)).block()
    assert Sitting.objects.count() == 2


def test_a_link_of_another_study_leads_nowhere(small_study: Study):
    other = Study.objects.create(slug="other", title="Other")
    for is_tester in (False, True):
        link = NamedLink.objects.create(study=other, is_tester=is_tester)
        assert Person(small_study).consent(f"link={link.token}").status_code == 409


# ---- in the admin and on the command line ----


@pytest.mark.parametrize("step", ["pilot", "open"])
def test_the_admin_asks_and_takes_each_step(researcher: Client, draft_study: Study, step: str):
    order = {"pilot": ["pilot", "revise", "pilot", "open"], "open": ["open"]}[step]
    for name in [*order, "pause", "resume", "pause", "close", "archive", "unarchive"]:
        shown = researcher.get(page(draft_study)).content.decode()
        assert page(draft_study, name) in shown, f"the study's page offers {name}"
        before = Study.objects.get().status
        assert researcher.get(page(draft_study, name)).status_code == 200
        assert Study.objects.get().status == before, "to look at the question changes nothing"
        assert researcher.post(page(draft_study, name), follow=True).status_code == 200
        assert Study.objects.get().status == STEPS[name].leads_to


def test_the_question_before_editing_again_says_what_will_be_deleted(
    researcher: Client, piloted_study: Study
):
    Person(piloted_study).begin(query_of_testers(piloted_study))
    assert (
        "1 pilot sittings will be deleted" in researcher.get(page(piloted_study, "revise")).content.decode()
    )


def test_archived_studies_are_out_of_the_way_and_can_be_found(researcher: Client, small_study: Study):
    for name in ("close", "archive"):
        take(name, small_study)
    listed = reverse("admin:studyapp_study_changelist")
    assert researcher.get(listed).context["cl"].result_count == 0
    assert researcher.get(f"{listed}?state=archived").context["cl"].result_count == 1
    assert researcher.get(f"{listed}?state=all").context["cl"].result_count == 1
    assert ">small<" not in researcher.get(reverse("admin:index")).content.decode()


def test_the_command_says_how_it_stands_and_leads_on(draft_study: Study, capsys: pytest.CaptureFixture[str]):
    call_command("study_state", "small")
    assert "from here it can become: piloting, open" in capsys.readouterr().out
    call_command("study_state", "small", "piloting")
    assert f"testers: /s/small/?{query_of_testers(draft_study)}" in capsys.readouterr().out
    for state in ("open", "paused", "open", "closed", "archived"):
        call_command("study_state", "small", state)
        assert f"study small is {state}, version" in capsys.readouterr().out
    with pytest.raises(
        CommandError, match="study small is archived: from there it can become closed, not open"
    ):
        call_command("study_state", "small", "open")


def test_a_version_that_opens_takes_over_links_and_visitors(small_study: Study):
    Person(small_study).begin()
    links = [NamedLink.objects.create(study=small_study, label=label) for label in ("used", "unused")]
    Person(small_study).begin(f"link={links[0].token}")
    second = open_study(next_version(small_study))
    small_study.refresh_from_db()
    assert (small_study.status, second.status, second.slug) == ("closed", "open", "small-v2")
    led = Client().get("/s/small/?PROLIFIC_PID=5f3a&language=en")
    assert led.headers["Location"] == "/s/small-v2/?PROLIFIC_PID=5f3a&language=en"
    assert Person(second).begin(f"link={links[1].token}").sitting.study == second
    assert Person(second).consent(f"link={links[0].token}").status_code == 409, "it was used before"


def test_whoever_sits_in_the_earlier_version_stays_there(small_study: Study):
    person = Person(small_study).begin()
    open_study(next_version(small_study))
    assert "go on where you stopped" in person.client.get(person.url()).content.decode()
    assert person.sit_through().sitting.study == small_study
