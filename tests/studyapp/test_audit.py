"""The audit log: who did what stands in it, and every way of altering it afterwards is found."""

import time
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyapp import audit, edge, sittings
from studyapp.audit import AuditEntry, Head
from studyapp.models import Job, Study
from tests.conftest import Person

pytestmark = pytest.mark.django_db
PLAIN = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


def three() -> None:
    for number in range(3):
        audit.note("ann", "exported", study="small", what=f"number {number}")


def alter(number: int, **values: Any) -> None:
    """Past the model, as somebody with the database in their hands."""
    AuditEntry.objects.filter(number=number).update(**values)


def found() -> list[str]:
    return [str(fault) for fault in audit.faults()]


def test_an_untouched_log_is_whole():
    assert found() == []
    three()
    assert found() == []
    assert list(AuditEntry.objects.values_list("number", flat=True)) == [3, 2, 1]


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "bob"},
        {"action": "looked"},
        {"study": ""},
        {"detail": {}},
        {"moment_utc": "2026-01-01T00:00Z"},
    ],
)
def test_a_changed_entry_is_found(values):
    three()
    alter(2, **values)
    assert found() == ["entry 2: it was changed after it was written"]


def test_a_changed_entry_with_a_new_hash_of_its_own_breaks_the_next():
    three()
    entry = AuditEntry.objects.get(number=2)
    entry.actor = "bob"
    alter(2, actor="bob", sha256=entry.content_sha256())
    assert found() == ["entry 3: it does not follow from the entry before it: one of both was replaced"]


def test_an_entry_that_was_taken_out_is_missed():
    three()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM studyapp_auditentry WHERE number = 2")
    assert found() == ["entry 3: entries 2 to 2 are missing before it"]


def test_what_is_cut_off_at_the_end_shows_against_a_head_written_down():
    three()
    head = audit.head()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM studyapp_auditentry WHERE number = 3")
    assert found() == []
    assert "the log ends before it" in str(*audit.faults(head))
    three()
    assert "another entry stands in its place" in str(*audit.faults(head))


def test_entries_cannot_be_changed_or_deleted_by_the_program():
    three()
    entry = AuditEntry.objects.get(number=1)
    with pytest.raises(TypeError, match="only added to"):
        entry.save()
    with pytest.raises(TypeError, match="only added to"):
        entry.delete()


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=25)
@given(PLAIN, PLAIN, st.dictionaries(PLAIN, st.one_of(PLAIN, st.integers(-(2**40), 2**40), st.booleans())))
def test_any_text_and_detail_keeps_the_chain_whole(actor, action, detail):
    audit.note(actor, action, **{f"x{key}": value for key, value in detail.items()})
    assert found() == []


def test_a_head_is_read_as_it_is_written():
    three()
    assert Head.read(str(audit.head())) == audit.head()
    with pytest.raises(ValueError, match="expected NUMBER:SHA256"):
        Head.read("12")


def test_what_is_done_in_the_admin_stands_in_the_log(researcher: Client, played_study: Study):
    researcher.post(reverse("admin:studyapp_study_export", args=[played_study.pk])).getvalue()
    researcher.post(reverse("admin:studyapp_study_unblind", args=[played_study.pk]))
    researcher.post(reverse("admin:studyapp_study_close", args=[played_study.pk]))
    told = [(e.actor, e.study, e.detail["how"]) for e in AuditEntry.objects.order_by("number")]
    assert [(actor, study) for actor, study, _ in told] == [("ann", "small")] * 3
    assert [how.split()[0] for _, _, how in told] == ["Exported", "Looked", "Closed."]
    listed = researcher.get(reverse("admin:studyapp_auditentry_changelist")).content.decode()
    assert "Looked at results while it was open" in listed


def test_nobody_can_add_to_it_or_change_it_in_the_admin(researcher: Client):
    three()
    assert researcher.post(reverse("admin:studyapp_auditentry_add"), {"actor": "x"}).status_code == 403
    answer = researcher.post(reverse("admin:studyapp_auditentry_change", args=[1]), {"actor": "x"})
    assert answer.status_code == 403
    assert (
        researcher.post(reverse("admin:studyapp_auditentry_delete", args=[1]), {"post": "yes"}).status_code
        == 403
    )
    assert found() == []


def test_an_erasure_stands_in_it_without_a_word_about_the_answers(
    small_study: Study, people: Callable[[Study], Person]
):
    person = people(small_study).begin().sit_through()
    assert sittings.erase(small_study, sittings.receipt_code(person.sitting))
    (entry,) = AuditEntry.objects.all()
    assert (entry.actor, entry.action, entry.study) == ("participant", "erased", "small")
    assert entry.detail == {"sitting": person.sitting.public_id}


def test_commands_stand_in_it(small_study: Study, tmp_path):
    edge.write_down(["manage.py", "export_responses", "small", "--out", str(tmp_path)])
    for harmless in (["verify", "audit"], ["export_responses", "--help"], []):
        edge.write_down(["manage.py", *harmless])
    (entry,) = AuditEntry.objects.all()
    assert (entry.action, entry.study) == ("export_responses", "small")
    assert entry.actor.endswith("command line)") or entry.actor == "command line"


def test_a_report_that_was_asked_for_stands_in_it_before_anybody_waits_for_it(
    small_study: Study, people: Callable[[Study], Person], monkeypatch: pytest.MonkeyPatch
):
    """Whoever breaks off the waiting has a report all the same."""

    def broken_off(seconds: float) -> None:
        raise KeyboardInterrupt

    people(small_study).begin()
    monkeypatch.setattr(time, "sleep", broken_off)
    with pytest.raises(KeyboardInterrupt):
        call_command("make_report", "small", "--wait")
    edge.write_down(["manage.py", "make_report", "small", "--wait"])  # tells it no second time
    (entry,) = AuditEntry.objects.all()
    assert (entry.action, entry.study) == ("asked for a report", "small")
    assert entry.detail["how"].startswith(f"report {Job.objects.get().pk}, ")


def test_the_command_finds_a_planted_alteration():
    three()
    output = StringIO()
    call_command("verify", "audit", stdout=output)
    assert "3 entries" in output.getvalue()
    alter(1, actor="bob")
    with pytest.raises(CommandError, match="1 things are not as they should be"):
        call_command("verify", "audit", stdout=output)
    assert "entry 1: it was changed after it was written" in output.getvalue()
