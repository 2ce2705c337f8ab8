"""Who may begin a sitting in which state of a study, and what the others are told."""

from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studyapp.life import LIVE_FOR
from studyapp.links import named_link
from studyapp.models import Sitting, Study

Status = Study.Status
NOT_YET = (
    "not_yet",
    _("This study has not begun yet. Your link stays valid: please come back when it has."),
)
ENDED = ("closed", _("This study is closed and takes no new participants. Thank you for coming."))
# State -> a word for programs and what people read. Participants find no draft; one may have been piloted just now.
DOORS: dict[str, tuple[str, Any]] = {
    Status.DRAFT: NOT_YET,
    Status.PILOTING: NOT_YET,
    Status.PAUSED: ("paused", _("This study takes a break. Your link stays valid: please come back later.")),
    Status.CLOSED: ENDED,
    Status.ARCHIVED: ENDED,
}
FULL = ("full", _("This study has all the participants it needs. Thank you for coming."))
UNKNOWN_LINK = (
    "link",
    _(
        "We do not know this personal link. Please check that you have copied all of it, or ask the people who "
        "invited you for a new one."
    ),
)
USED = ("again", _("This personal link has been used already. Everybody can take part once."))


class Refused(Exception):
    """Somebody cannot begin a sitting. `code` is for programs, the text for people."""

    def __init__(self, why: tuple[str, Any]) -> None:
        self.code, sentence = why[0], str(why[1])
        super().__init__(sentence)


def is_closed(study: Study, *, is_trying: bool) -> tuple[str, Any] | None:
    """Why nobody can begin at the moment, None if people can; testers and bots (`is_trying`) may in a pilot, too.

    Whoever has begun goes on in every state: a study that is paused or closed ends nobody's sitting.
    """
    if study.status == Status.OPEN or (is_trying and study.status == Status.PILOTING):
        return None
    return DOORS[study.status]


def is_tester(study: Study, token: str) -> bool:
    """Whether this is a link for testers. Raises Refused for one that does not lead into this study."""
    if not token:
        return False
    link = named_link(study, token)
    if link is None:
        raise Refused(UNKNOWN_LINK)
    return link.is_tester


def require_room(study: Study, *, is_trying: bool) -> None:
    """Refuse whoever comes too early, too late or too many; the quota is for people alone. Raises Refused."""
    if why := is_closed(study, is_trying=is_trying):
        raise Refused(why)
    if study.quota is None or is_trying:
        return
    live = study.sittings.filter(is_simulated=False, is_pilot=False).filter(
        Q(status=Sitting.Status.FINISHED)
        | Q(status=Sitting.Status.STARTED, consent_utc__gt=timezone.now() - LIVE_FOR)
    )
    if live.count() >= study.quota:
        raise Refused(FULL)
