"""Roles in a study: a table of who may open what, rows of other studies stay out of sight, invitations hold once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studyapp import roles
from studyapp.audit import AuditEntry
from studyapp.life import open_study
from studyapp.models import Invitation, Sitting, Study, StudyRole, Trial
from studyapp.presets import create_study
from studyapp.roles import RIGHTS, InvitationError, Role, accept, give, invite, may
from studyapp.versions import next_version
from tests.conftest import Person
from tests.studyapp.conftest import signed_in

pytestmark = pytest.mark.django_db


def of(study: Study, name: str) -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


def lists(model: str) -> str:
    return reverse(f"admin:studyapp_{model}_changelist")


@pytest.fixture
def two_studies(played_study: Study) -> tuple[Study, Study]:
    """The played one, and another with a sitting of its own."""
    other = open_study(create_study("lapgan", "other", n_trials=24, practice_trials=0, n_examples=5))
    Person(other).begin("PROLIFIC_PID=77").sit_through()
    return played_study, other


def somebody_as(study: Study, role: str) -> tuple[User, Client]:
    client = signed_in(f"{role}-{study.slug}", is_staff=True)
    user = User.objects.latest("pk")
    give(study, user, role, by="test")
    return user, client


# Page -> the right that opens it.
PAGES: dict[str, Callable[[Study], str]] = {
    "see": lambda study: of(study, "live"),
    "data": lambda study: of(study, "export"),
    "edit": lambda study: of(study, "close"),
    "people": lambda study: of(study, "people"),
    "names": lambda study: lists("panelidentity"),
}


@pytest.mark.parametrize("role", list(Role))
def test_every_role_opens_what_its_rights_say_and_nothing_else(
    two_studies: tuple[Study, Study], role: str
) -> None:
    study, other = two_studies
    _, client = somebody_as(study, role)
    opened = {right for right, page in PAGES.items() if client.get(page(study)).status_code == 200}
    assert opened == RIGHTS[role]
    for right, page in PAGES.items():
        if right != "names":
            assert client.get(page(other)).status_code in (302, 403, 404)
    for model in ("sitting", "trial", "response", "conflictingresponse"):
        assert (client.get(lists(model)).status_code == 200) == ("data" in RIGHTS[role])


@pytest.mark.parametrize("role", list(Role))
def test_lists_hold_the_rows_of_the_study_alone(two_studies: tuple[Study, Study], role: str) -> None:
    study, other = two_studies
    _, client = somebody_as(study, role)
    pages = [client.get(address).content.decode() for address in (reverse("admin:index"), lists("study"))]
    pages += [client.get(lists(model)).content.decode() for model in ("sitting", "trial", "panelidentity")]
    foreign = other.sittings.get()
    for page in pages:
        assert not any(word in page for word in ("other<", foreign.participant.pseudonym, ">77<"))
    assert "small" in pages[0]
    assert client.get(reverse("admin:studyapp_sitting_change", args=[foreign.pk])).status_code in (302, 403)
    trial = Trial.objects.filter(sitting=foreign).latest("pk")
    assert client.get(reverse("admin:studyapp_trial_change", args=[trial.pk])).status_code in (302, 403)


def test_a_crafted_step_on_another_study_does_nothing(two_studies: tuple[Study, Study]) -> None:
    study, other = two_studies
    _, client = somebody_as(study, Role.OWNER)
    client.post(of(other, "close"))
    client.post(
        lists("study"), {"action": "close_selected", "_selected_action": [other.pk], "confirmed": "yes"}
    )
    client.post(of(other, "people"), {"username": "owner-small", "role": "owner"})
    other.refresh_from_db()
    assert (other.status, StudyRole.objects.filter(study=other).count()) == ("open", 0)


def test_an_editor_edits_the_draft_and_its_sources(draft_study: Study) -> None:
    _, client = somebody_as(draft_study, Role.EDITOR)
    page = client.get(of(draft_study, "change")).content.decode()
    assert 'name="title"' in page
    assert 'name="sources-0-name"' in page
    _, analyst = somebody_as(draft_study, Role.ANALYST)
    assert 'name="title"' not in analyst.get(of(draft_study, "change")).content.decode()


def test_who_makes_a_study_without_seeing_all_owns_it(
    draft_study: Study, staff_with: Callable[..., Client]
) -> None:
    client = staff_with("add_study")
    client.post(reverse("admin:studyapp_study_preset"), {"preset": "lapgan", "slug": "mine", "title": "Mine"})
    made = Study.objects.filter(slug="mine").first()
    if made is None:
        pytest.skip("the form of presets wants more; see test_admin_studies")
    assert made.roles.get().role == Role.OWNER
    assert client.get(of(made, "change")).status_code == 200


def test_owners_choose_people_on_a_page(two_studies: tuple[Study, Study]) -> None:
    study, _ = two_studies
    _, client = somebody_as(study, Role.OWNER)
    User.objects.create_user("bea", is_staff=True)
    client.post(of(study, "people"), {"username": "bea", "role": "analyst"})
    held = study.roles.get(user__username="bea")
    assert held.role == "analyst"
    refused = client.post(of(study, "people"), {"username": "nobody", "role": "analyst"}).content.decode()
    assert "Nobody here is called nobody" in refused
    client.post(of(study, "people"), {"take": held.pk})
    assert not study.roles.filter(user__username="bea").exists()
    told = list(AuditEntry.objects.order_by("number").values_list("action", flat=True))
    assert told[-2:] == ["gave a role", "took a role"]


# ---- invitations ----


def invited(study: Study, role: str = Role.ANALYST) -> tuple[str, str]:
    owner = User.objects.create_user(f"host{User.objects.count()}", is_staff=True)
    word = invite(study, role, by=owner)
    return word, reverse("admin:invitation", args=[word])


def test_an_invitation_makes_an_account_with_its_role_once(two_studies: tuple[Study, Study]) -> None:
    study, other = two_studies
    word, address = invited(study)
    client, late = Client(), Client()
    assert "You are invited" in client.get(address).content.decode()
    assert not User.objects.filter(username="dora").exists()
    account = {"username": "dora", "password1": "a quiet instrument", "password2": "a quiet instrument"}
    assert client.post(address, account).status_code == 302
    dora = User.objects.get(username="dora")
    assert (may(dora, study, "data"), may(dora, study, "names"), may(dora, other, "see")) == (
        True,
        False,
        False,
    )
    assert client.get(of(study, "live")).status_code == 200
    again = late.post(address, account | {"username": "eve"})
    assert (again.status_code, "used already" in again.content.decode()) == (410, True)
    assert word not in str(list(Invitation.objects.values()))


def test_whoever_is_signed_in_accepts_with_the_account_they_have(two_studies: tuple[Study, Study]) -> None:
    study, _ = two_studies
    client = signed_in("frank")
    _, address = invited(study, Role.RECRUITER)
    assert "Accept as frank" in client.get(address).content.decode()
    client.post(address)
    assert study.roles.get(user__username="frank").role == Role.RECRUITER


def test_an_invitation_takes_no_right_away(two_studies: tuple[Study, Study]) -> None:
    study, _ = two_studies
    user, client = somebody_as(study, Role.OWNER)
    client.post(invited(study, Role.RECRUITER)[1])
    assert study.roles.get(user=user).role == Role.OWNER


def test_an_expired_and_an_invented_invitation_are_refused_on_a_page(small_study: Study) -> None:
    word, address = invited(small_study)
    Invitation.objects.update(expires_utc=timezone.now() - timedelta(seconds=1))
    assert "has expired" in Client().get(address).content.decode()
    unknown = Client().get(reverse("admin:invitation", args=["x" * 43]))
    assert (unknown.status_code, "no invitation of ours" in unknown.content.decode()) == (410, True)
    with pytest.raises(InvitationError, match="has expired"):
        accept(word, User.objects.latest("pk"))


def test_who_left_the_staff_has_no_role_any_more(small_study: Study) -> None:
    user, _ = somebody_as(small_study, Role.OWNER)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert roles.studies_with(User.objects.get(pk=user.pk), "see") == []


def test_people_with_rights_on_the_whole_site_are_as_before(
    two_studies: Any, staff_with: Callable[..., Client]
) -> None:
    _study, other = two_studies
    client = staff_with("view_study", "view_sitting")
    assert client.get(of(other, "live")).status_code == 200
    page = client.get(lists("sitting")).content.decode()
    assert all(s.participant.pseudonym in page for s in Sitting.objects.all())


def test_a_next_version_is_in_the_hands_of_the_same_people(two_studies: tuple[Study, Study]) -> None:
    study, other = two_studies
    editor, _ = somebody_as(study, Role.EDITOR)
    somebody_as(other, Role.OWNER)
    draft = next_version(study)
    assert [(role.user, role.role) for role in draft.roles.all()] == [(editor, Role.EDITOR)]
