"""How people come and are sent back: codes by outcome, ways back, exclusion lists, invitations, arrivals, payment."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from studyapp.arrivals import what_an_arrival_says
from studyapp.csv_tables import read_table
from studyapp.life import open_study
from studyapp.models import (
    ExclusionList,
    ListedPerson,
    NamedLink,
    PanelIdentity,
    Recruiting,
    Sitting,
    SittingOutcome,
    Study,
)
from studyapp.panels import PANELS
from studyapp.payment import checked_payment, payment_csv, payments
from studyapp.reconciliation import AGREE, MISSING, OTHER_CODE, TWICE, UNKNOWN_WORD, VERDICTS, reconciled
from studyapp.recruiting import (
    RecruitingError,
    checked_codes,
    checked_return_url,
    listed,
    return_address,
    share_people,
)
from studyapp.retention import delete_identities
from studyapp.versions import copy_study, next_version
from tests.conftest import Person

pytestmark = pytest.mark.django_db
FACTS = {"jitter_ms": 0.1, "width_px": 1440, "height_px": 900, "pixel_ratio": 2, "witness": "callback"}
PROLIFIC = PANELS["prolific"].return_url


def recruiting(study: Study, **fields: Any) -> Recruiting:
    return Recruiting.objects.update_or_create(study=study, defaults=fields)[0]


def page(study: Study, name: str) -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


# ---- codes and ways back ----


def test_each_outcome_has_its_code_and_its_way_back(small_study: Study):
    codes = {"complete": "DONE1", "failed_check": "FAIL1", "no_consent": "NOPE1", "screened_out": "SCREEN1"}
    recruiting(small_study, codes=codes, return_urls={"prolific": PROLIFIC})
    Study.objects.update(exclusions={"too_fast": 5, "answered": 80})

    def end(query: str, **answers: Any) -> tuple[str, str]:
        person = Person(small_study).begin(query).sit_through(**answers)
        return person.sitting.outcome, person.client.get(person.url("thanks/")).content.decode()

    outcome, shown = end("PROLIFIC_PID=a")
    assert (outcome, "DONE1" in shown) == ("complete", True)
    assert 'href="https://app.prolific.com/submissions/complete?cc=DONE1"' in shown
    outcome, shown = end("PROLIFIC_PID=b", reaction_ms=1.0)  # answers at once: breaks a rule of attention
    assert (outcome, "complete?cc=FAIL1" in shown) == ("failed_check", True)
    outcome, shown = end("")
    assert "DONE1" in shown and "prolific.com" not in shown, "who came alone has nowhere to go back to"

    declined = Client().post(
        "/s/small/consent/", {"decision": "decline", "panel_query": "PROLIFIC_PID=c"}, follow=True
    )
    assert "complete?cc=NOPE1" in declined.content.decode()
    assert not PanelIdentity.objects.filter(external_id="c").exists(), "nothing is stored of who declines"

    slow = Person(small_study).begin("PROLIFIC_PID=d")
    assert slow.post("screen", FACTS | {"frame_ms": 100}).json()["ok"] is False
    assert slow.client.get(slow.url("ineligible/")).status_code == 200
    assert slow.sitting.status == "started", "to look at the page changes nothing"
    shown = slow.client.post(slow.url("ineligible/"), follow=True).content.decode()
    assert (slow.sitting.status, slow.sitting.outcome) == ("screened", "screened_out")
    assert "complete?cc=SCREEN1" in shown
    assert slow.post("block", {"after": 0}).status_code == 409
    assert Person(small_study).consent("PROLIFIC_PID=d").status_code == 409


def test_without_codes_each_sitting_has_one_of_its_own(small_study: Study):
    Study.objects.update(exclusions={"too_fast": 5})
    codes = {
        Person(small_study).begin().sit_through(reaction_ms=ms).sitting.completion_code for ms in (1.0, 500.0)
    }
    assert {len(code) for code in codes} == {9}
    assert len(codes) == 2


def test_only_a_screen_that_will_not_do_can_end_a_sitting(small_study: Study):
    person = Person(small_study).begin()
    for facts in (None, FACTS | {"frame_ms": 16.7}):
        if facts:
            person.post("screen", facts)
        person.client.post(person.url("ineligible/"))
        assert person.sitting.status == "started"
    person.answer(person.block()["trials"])
    person.post("screen", FACTS | {"frame_ms": 100})
    person.client.post(person.url("ineligible/"))
    assert person.sitting.status == "started", "once the test has begun, it is too late"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("javascript:alert(1)", "expected an address such as"),
        ("//evil.example", "expected an address"),
        ("https://a b.example", "expected an address"),
        ("https://x.example/" + "y" * 500, "expected an address"),
        ("https://x.example/{name}", "expected no places but"),
        ("https://x.example/{", "expected no places but"),
        ("https://x.example/{code.__class__}", "expected no places but"),
    ],
)
def test_a_way_back_that_is_no_address_is_refused(url: str, why: str):
    with pytest.raises(RecruitingError, match=why):
        checked_return_url(url)


@given(st.text(max_size=60), st.text(max_size=30))
def test_an_id_cannot_change_the_address_it_is_put_into(external_id: str, code: str):
    told = Recruiting(return_urls={"sona": "https://s.example/credit?token=5&code={code}&survey_code={id}"})
    try:
        external_id.encode(), code.encode()
    except UnicodeEncodeError:
        return
    address = return_address(told, "sona", external_id, code)
    if not code:
        assert address == ""
        return
    head, _, tail = address.partition("&code=")
    assert head == "https://s.example/credit?token=5"
    assert tail.count("&") == 1 and not set(' "<>#\n') & set(address)


def test_codes_that_cannot_be_told_apart_are_refused():
    assert checked_codes({"complete": " A ", "no_consent": ""}) == {"complete": "A"}
    with pytest.raises(RecruitingError, match="expected another code for each outcome, got 'A' twice"):
        checked_codes({"complete": "A", "failed_check": "A"})
    with pytest.raises(RecruitingError, match="at most 50 letters"):
        checked_codes({"complete": "A" * 51})


# ---- who may come ----


def test_studies_on_one_list_share_their_people_by_constraint(small_study: Study):
    other = open_study(copy_study(small_study, "other"))
    Person(small_study).begin("PROLIFIC_PID=early").sit_through()
    shared = ExclusionList.objects.create(name="faces")
    for study in (small_study, other):
        share_people(study, shared)
    refused = Person(other).consent("PROLIFIC_PID=early")
    assert (refused.status_code, "one that belongs to it" in refused.content.decode()) == (409, True)
    Person(other).begin("PROLIFIC_PID=late")
    assert Person(small_study).consent("PROLIFIC_PID=late").status_code == 409
    assert Person(small_study).consent("workerId=early").status_code == 302, "another panel, another person"
    assert set(ListedPerson.objects.values_list("external_id", flat=True)) == {"early", "late"}
    assert listed(shared, [("prolific", "early", None), ("prolific", "brought", None)]) == 1
    assert Person(other).consent("PROLIFIC_PID=brought").status_code == 409
    n_sittings = Sitting.objects.count()
    assert n_sittings == PanelIdentity.objects.count() == 3, "who was refused left nothing"


def test_nobody_sits_in_two_versions_of_a_study(small_study: Study):
    Person(small_study).begin("PROLIFIC_PID=a").sit_through()
    recruiting(small_study, codes={"complete": "X"})
    second = open_study(next_version(small_study))
    assert Recruiting.objects.get(study=second).codes == {"complete": "X"}
    assert Person(second).consent("PROLIFIC_PID=a").status_code == 409
    assert Person(second).consent("PROLIFIC_PID=b").status_code == 302


def test_a_study_by_invitation_takes_people_with_a_link_or_an_id_only(small_study: Study):
    recruiting(small_study, open_link=False)
    person = Person(small_study)
    assert "people who were invited" in person.client.get(person.url()).content.decode()
    assert person.consent().status_code == 409
    assert "small" not in Client().get("/").content.decode()
    link = NamedLink.objects.create(study=small_study)
    for query in (f"link={link.token}", "PROLIFIC_PID=a"):
        assert Person(small_study).consent(query).status_code == 302


# ---- an arrival to try ----


@pytest.mark.parametrize(
    ("address", "said", "is_fine"),
    [
        ("https://x.org/s/small/?PROLIFIC_PID=5f3a&STUDY_ID=1", ("id of the person", "5f3a"), True),
        ("https://x.org/s/small/?PROLIFIC_PID=5f3a&STUDY_ID=1", ("parameter STUDY_ID", "not read, not stored"), True),
        ("https://x.org/s/small/?survey_code=%25SURVEY_CODE%25", ("id of the person", "%SURVEY_CODE%"), False),
        ("https://x.org/s/other/?PROLIFIC_PID=1", ("should lead to", "/s/small/"), False),
        ("https://x.org/s/small/?link=nobody", ("personal link", "unknown"), False),
        ("https://x.org/s/small/?PROLIFIC_PID=1&PROLIFIC_PID=2", ("PROLIFIC_PID comes 2 times", "2"), False),
        ("https://x.org/s/small/?language=de", ("language", "de"), False),
        ("nonsense", ("leads to", "nonsense"), False),
        ("http://[", ("leads to", "nowhere: this is no address"), False),
    ],
)  # fmt: skip
def test_an_arrival_is_read_as_the_study_would(small_study: Study, address: str, said: tuple, is_fine: bool):
    told = {(one.what, one.value): one.is_fine for one in what_an_arrival_says(small_study, address)}
    assert told[said] is is_fine
    assert not Sitting.objects.exists()


def test_an_arrival_without_an_id_says_which_parameters_are_expected(small_study: Study, researcher: Client):
    shown = researcher.post(page(small_study, "arrival"), {"address": "http://x/s/small/"}).content.decode()
    assert "none: expected one of the parameters PROLIFIC_PID, survey_code" in shown


# ---- a panel's list beside ours ----


@pytest.fixture
def came_through_prolific(small_study: Study) -> Study:
    recruiting(small_study, codes={"complete": "DONE"}, payment={"complete": "3", "bonus_for_right": "0.05"})
    for name in ("both", "returned", "unlisted", "twice", "wrong-code"):
        Person(small_study).begin(f"PROLIFIC_PID={name}").sit_through()
    Person(small_study).begin("PROLIFIC_PID=half")
    Person(small_study).begin("workerId=elsewhere").sit_through()
    return small_study


def test_a_panels_list_is_compared_person_by_person(came_through_prolific: Study):
    table = read_table(
        b"Submission id;Participant id;Status;Completion code\n"
        b"1;both;APPROVED;DONE\n2;returned;RETURNED;\n3;half;AWAITING REVIEW;DONE\n4;nobody;APPROVED;\n"
        b"5;twice;APPROVED;DONE\n6;twice;RETURNED;\n7;wrong-code;AWAITING REVIEW;NOCODE\n"
        b"8;gone;TIMED-OUT;\n9;odd;SOLD;\n"
    )
    told = {line.external_id: line.verdict for line in reconciled(came_through_prolific, "prolific", table)}
    words = {kind.value: verdict for (kind, done), verdict in VERDICTS.items() if not done}
    assert told == {
        "both": AGREE,
        "gone": AGREE,
        "returned": "finished here, counted as gone there: pay by hand",
        "half": words["finished"],
        "nobody": words["paid"],
        "twice": TWICE,
        "wrong-code": OTHER_CODE,
        "odd": UNKNOWN_WORD,
        "unlisted": MISSING,
    }


def test_the_admin_compares_and_pays(researcher: Client, came_through_prolific: Study):
    def send(text: bytes, **more: str) -> Any:
        data = {"panel": "prolific", "table": io.BytesIO(text), **more}
        return researcher.post(page(came_through_prolific, "reconcile"), data)

    shown = send(b"Participant id,Status\nboth,APPROVED\n<b>nobody</b>,APPROVED\n").content.decode()
    assert "&lt;b&gt;nobody&lt;/b&gt;" in shown and "<b>nobody" not in shown
    file = send(b"Participant id,Status\nboth,APPROVED\n=nobody,APPROVED\n", as_csv="yes")
    assert b"'=nobody" in file.content
    for wrong, why in (
        (b"a,b\n1,2\n", "expected columns with the id"),
        (b"", "empty"),
        (b"PK\x03\x04\0\0", "save it as CSV first"),
    ):
        assert why in send(wrong).content.decode()
    rows = list(
        csv.DictReader(
            io.StringIO(researcher.get(page(came_through_prolific, "payment_csv")).content.decode())
        )
    )
    assert {row["external_id"]: row["outcome"] for row in rows}["half"] == "started"
    both = next(row for row in rows if row["external_id"] == "both")
    assert (both["base"], both["completion_code"]) == ("3.00", "DONE")


def test_pages_that_tell_of_people_need_the_right_to_see_identities(
    staff_with: Any, came_through_prolific: Study
):
    editor = staff_with("view_study", "change_study")
    assert editor.get(page(came_through_prolific, "recruiting")).status_code == 200
    for name in ("reconcile", "payment_csv"):
        assert editor.get(page(came_through_prolific, name)).status_code == 403
    assert staff_with("view_study").get(page(came_through_prolific, "recruiting")).status_code == 403


# ---- payment ----


def test_the_bonus_counts_right_answers_in_the_test_up_to_the_most(came_through_prolific: Study):
    """Everybody says real: six of the 24 pictures are, so six answers are right."""
    told = {row[1]: row for row in payments(came_through_prolific)}
    assert [str(amount) for amount in told["both"][-3:]] == ["3.00", "0.30", "3.30"]
    assert [str(amount) for amount in told["half"][-3:]] == ["0.00", "0.00", "0.00"]
    recruiting(came_through_prolific, payment={"bonus_for_right": "1", "bonus_at_most": "2.5"})
    told = {row[1]: row for row in payments(came_through_prolific)}
    assert str(told["both"][-1]) == "2.50"


def test_amounts_that_are_none_are_refused_and_ids_are_safe_to_open(small_study: Study):
    for amount in ("much", "-1", "NaN", "1e9", "Infinity"):
        with pytest.raises(RecruitingError, match="complete: expected an amount"):
            checked_payment({"complete": amount})
    Person(small_study).begin("PROLIFIC_PID=%3DHYPERLINK(1)").sit_through()
    assert b"'=HYPERLINK(1)" in payment_csv(small_study)


def test_the_recruiting_page_keeps_what_was_said_and_refuses_at_the_field(
    researcher: Client, small_study: Study
):
    def send(**fields: str) -> Any:
        return researcher.post(page(small_study, "recruiting"), fields)

    assert "expected an address such as" in send(return_0="ftp://x").content.decode()
    assert not Recruiting.objects.exists()
    answer = send(
        open_link="on", code_complete="C1", return_0=PROLIFIC, pay_complete="2.50", new_list="my faces"
    )
    assert answer.status_code == 302, answer.content.decode()
    kept = Recruiting.objects.get()
    assert (kept.codes, kept.return_urls) == ({"complete": "C1"}, {"prolific": PROLIFIC})
    assert (kept.payment, str(kept.exclusion_list)) == ({"complete": "2.50"}, "my faces")
    shown = researcher.get(page(small_study, "recruiting")).content.decode()
    assert "?PROLIFIC_PID={{%PROLIFIC_PID%}}" in shown


def test_there_is_a_word_for_every_outcome():
    assert set(SittingOutcome.values) == {"complete", "failed_check", "no_consent", "screened_out"}


def test_the_commands_do_what_the_pages_do(
    came_through_prolific: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def say(*words: str) -> str:
        call_command("recruiting", *words)
        return capsys.readouterr().out

    told = say(
        "set", "small", "--code", "no_consent=NO", "--way-back", f"prolific={PROLIFIC}", "--pay", "complete=2",
        "--exclusion-list", "faces", "--no-open-link",
    )  # fmt: skip
    assert told == say("show", "small")
    for line in (
        "open to everybody: no",
        "exclusion list: faces",
        "code, complete: DONE",
        "code, no_consent: NO",
    ):
        assert line in told.splitlines()
    assert "code, no_consent" not in say("set", "small", "--code", "no_consent=")
    (tmp_path / "list.csv").write_text("Participant id,Status\nboth,APPROVED\nnobody,RETURNED\n")
    listed_there = say(
        "compare",
        "small",
        str(tmp_path / "list.csv"),
        "--panel",
        "prolific",
        "--out",
        str(tmp_path / "c.csv"),
    )
    assert "finished here, not on their list" in listed_there
    assert "both,APPROVED" in (tmp_path / "c.csv").read_text()
    say("pay", "small", "--out", str(tmp_path / "pay.csv"))
    assert "prolific,both,complete" in (tmp_path / "pay.csv").read_text()
    assert "1 people more, 1 were there already" in say(
        "exclude", "small", str(tmp_path / "list.csv"), "--panel", "prolific"
    )
    for words, why in (
        (("set", "small", "--code", "complete"), "expected NAME=VALUE"),
        (("set", "small", "--pay", "complete=much"), "expected an amount"),
        (("set", "small", "--way-back", "prolific=ftp://x"), "expected an address"),
    ):
        with pytest.raises(CommandError, match=why):
            call_command("recruiting", *words)


def test_no_exclusion_list_keeps_an_id_longer_than_its_study(small_study: Study):
    shared = ExclusionList.objects.create(name="faces")
    share_people(small_study, shared)
    Person(small_study).begin("PROLIFIC_PID=a").sit_through()
    listed(shared, [("prolific", "brought", None)])
    assert delete_identities(small_study) == ["study small: 1 panel identities and 0 labels of links deleted"]
    assert [str(who) for who in shared.people.all()] == ["prolific: brought"]
