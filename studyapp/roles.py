"""Who may do what in one study: four roles, what each allows, and invitations to them.

Permissions of the whole site (Django's) hold in every study as before; a role adds to them in its study alone.
"""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.utils import timezone

from studyapp import audit
from studyapp.models import Invitation, Study, StudyRole

Role = StudyRole.Role
SEE, EDIT, DATA, NAMES, PEOPLE = "see", "edit", "data", "names", "people"
# see: its page and figures; edit: its design and steps; data: answers, exports, results; names: the ids of panels;
# people: who has which role.
RIGHTS: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset({SEE, EDIT, DATA, NAMES, PEOPLE}),
    Role.EDITOR: frozenset({SEE, EDIT, DATA, NAMES}),
    Role.ANALYST: frozenset({SEE, DATA}),
    Role.RECRUITER: frozenset({SEE, NAMES}),
}
# What holds in every study for whoever has a permission of the whole site.
SITE_WIDE = {
    SEE: "studyapp.view_study",
    EDIT: "studyapp.change_study",
    DATA: "studyapp.view_study",
    NAMES: "studyapp.view_panelidentity",
    PEOPLE: "auth.change_user",
}
INVITATION_LASTS = timedelta(days=7)


class InvitationError(ValueError):
    """An invitation that does not hold; the message says why and what to do."""


def roles_of(user: User | AnonymousUser) -> dict[int, str]:
    """Study -> this person's role in it, asked once for each user object."""
    kept: dict[int, str] | None = getattr(user, "_roles_in_studies", None)
    if kept is None:
        kept = (
            dict(StudyRole.objects.filter(user=user.pk).values_list("study", "role"))
            if user.is_active and user.is_staff
            else {}
        )
        user._roles_in_studies = kept  # type: ignore[union-attr]
    return kept


def studies_with(user: User | AnonymousUser, right: str) -> list[int]:
    """The studies in which a role of theirs gives this person a right, whatever they may on the whole site."""
    return [study for study, role in roles_of(user).items() if right in RIGHTS[role]]


def may(user: User | AnonymousUser, study: Study | int, right: str) -> bool:
    """Whether this person has a right in this study, by a permission of the site or by a role."""
    pk = study if isinstance(study, int) else study.pk
    return user.has_perm(SITE_WIDE[right]) or pk in studies_with(user, right)


def give(study: Study, user: User, role: str, *, by: str) -> None:
    """Give a person a role in a study, in place of one they have."""
    with transaction.atomic():
        StudyRole.objects.update_or_create(study=study, user=user, defaults={"role": Role(role)})
        audit.note(by, "gave a role", study=study.slug, user=user.get_username(), role=str(Role(role)))


def take(study: Study, user: User, *, by: str) -> None:
    """Take a person's role in a study away."""
    with transaction.atomic():
        n_taken, _ = StudyRole.objects.filter(study=study, user=user).delete()
        if n_taken:
            audit.note(by, "took a role", study=study.slug, user=user.get_username())


def carry_over(study: Study, draft: Study) -> None:
    """Give everybody in the draft of a next version the role that they have in the study."""
    StudyRole.objects.bulk_create(
        StudyRole(study=draft, user=role.user, role=role.role) for role in study.roles.select_related("user")
    )


# ---- invitations ----


def invite(study: Study, role: str, *, by: User) -> str:
    """The word of a new invitation, for a link: it works once, within a week. Only its hash is kept."""
    word = secrets.token_urlsafe(32)
    Invitation.objects.create(
        study=study,
        role=Role(role),
        token_sha256=hash_of(word),
        made_by=by,
        expires_utc=timezone.now() + INVITATION_LASTS,
    )
    audit.note(by.get_username(), "invited", study=study.slug, role=str(Role(role)))
    return word


def hash_of(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def invitation_of(word: str) -> Invitation:
    """The invitation with this word, while it holds. Raises InvitationError."""
    found = Invitation.objects.select_related("study").filter(token_sha256=hash_of(word)).first()
    if found is None:
        raise InvitationError("This link is no invitation of ours. Ask for a new one.")
    if found.used_utc is not None:
        raise InvitationError("This invitation was used already. Sign in, or ask for a new one.")
    if found.expires_utc < timezone.now():
        raise InvitationError("This invitation has expired: it held for a week. Ask for a new one.")
    return found


def accept(word: str, user: User) -> Study:
    """Give the invited person their role; of two at once the second is refused. Raises InvitationError."""
    with transaction.atomic():
        invitation = invitation_of(word)
        used = Invitation.objects.filter(pk=invitation.pk, used_utc=None).update(
            used_utc=timezone.now(), used_by=user
        )
        if not used:
            raise InvitationError("This invitation was used already. Sign in, or ask for a new one.")
        if not user.is_staff:
            User.objects.filter(pk=user.pk).update(is_staff=True)
        held = (
            StudyRole.objects.filter(study=invitation.study, user=user).values_list("role", flat=True).first()
        )
        # An invitation adds rights and takes none: an owner who follows it stays one.
        if held is None or RIGHTS[held] < RIGHTS[invitation.role]:
            give(invitation.study, user, invitation.role, by=user.get_username())
    return invitation.study
