"""What a study promised to keep no longer is deleted, not a day early, and only once it is closed."""

from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studyapp.audit import AuditEntry
from studyapp.doctor import CHECKS
from studyapp.life import close_study
from studyapp.live import live_figures
from studyapp.models import PanelIdentity, Retention, Sitting, Study, Trial
from studyapp.retention import keep_promises, overdue
from studyapp.sweeper import keep_promises_of_today
from tests.conftest import Person

DAY = date(2027, 1, 31)
AFTER = DAY + timedelta(days=1)


@pytest.fixture
def kept(small_study: Study, people: Callable[[Study], Person]) -> Study:
    """A study with one finished sitting that came through a panel."""
    people(small_study).begin("PROLIFIC_PID=5f3a").sit_through()
    return small_study


def test_identities_go_after_their_day_and_answers_stay(kept: Study) -> None:
    Retention.objects.create(study=kept, identities_until=DAY)
    close_study(kept)
    assert keep_promises(DAY) == []
    assert PanelIdentity.objects.count() == 1
    assert "1 panel identities" in keep_promises(AFTER)[0]
    assert (PanelIdentity.objects.count(), Trial.objects.filter(status="answered").count()) == (0, 28)
    assert keep_promises(AFTER) == []
    assert AuditEntry.objects.filter(action="deleted identities", study="small").count() == 1


def test_answers_go_after_their_day_and_counts_still_add_up(kept: Study) -> None:
    Retention.objects.create(study=kept, answers_until=DAY)
    close_study(kept)
    assert keep_promises(AFTER) == ["study small: 1 sittings erased"]
    assert (Sitting.objects.get().status, Trial.objects.count()) == ("erased", 0)
    kept.refresh_from_db()
    trials = live_figures(kept)["trials"]
    assert trials["planned"] == trials["withdrawn"] == 28


def test_nothing_goes_while_people_can_come_and_the_doctor_says_so(kept: Study) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    Retention.objects.create(study=kept, identities_until=yesterday, answers_until=yesterday)
    assert keep_promises_of_today() == []
    assert (PanelIdentity.objects.count(), Trial.objects.count()) == (1, 28)
    assert len(list(overdue(timezone.now().date()))) == 2
    assert CHECKS["retention"]()[0] == "doubt"


def test_dates_are_set_on_a_page_and_by_the_command(researcher: Client, kept: Study) -> None:
    address = reverse("admin:studyapp_study_retention", args=[kept.pk])
    assert researcher.get(address).status_code == 200
    researcher.post(address, {"identities_until": "2027-01-31", "answers_until": ""})
    row = Retention.objects.get()
    assert (row.identities_until, row.answers_until) == (DAY, None)
    assert researcher.post(address, {"identities_until": "soon"}).status_code == 200
    told = StringIO()
    call_command("retention", "small", "--identities", "ever", "--answers", "2036-12-31", stdout=told)
    assert told.getvalue().splitlines() == ["small: identities until ever", "small: answers until 2036-12-31"]
    with pytest.raises(CommandError, match="expected a study of this site, got 'x'"):
        call_command("retention", "x")
