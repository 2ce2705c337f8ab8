"""Who may begin a sitting in which state of a study, and what the others are told."""

from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studyapp.arrivals import Arrival
from studyapp.life import LIVE_FOR
from studyapp.links import named_link
from studyapp.models import Recruiting, Sitting, Study

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
NOT_INVITED = (
    "invited",
    _("This study is for people who were invited. Please use the link that you were given, all of it."),
)
LISTED = (
    "again",
    _("You have taken part in this study, or in one that belongs to it. Everybody can take part once."),
)
USED = ("again", _("This personal link has been used already. Everybody can take part once."))


class Refused(Exception):
    """Somebody cannot begin a sitting. `code` is for programs, the text for people."""

    def __init__(self, why: tuple[str, Any]) -> None:
        self.code, sentence = why[0], str(why[1])
        super().__init__(sentence)


def require_open(study: Study, came: Arrival, *, is_tester: bool) -> None:
    """Refuse whoever comes too early or too late, or without an invitation where one is needed. Raises Refused.

    Testers and bots may begin in a pilot, too. Whoever has begun goes on in every state: a study that is paused or
    closed ends nobody's sitting.
    """
    is_trying = is_tester or came.is_simulated
    if study.status != Status.OPEN and not (is_trying and study.status == Status.PILOTING):
        raise Refused(DOORS[study.status])
    if not came.is_invited and Recruiting.objects.filter(study=study, open_link=False).exists():
        raise Refused(NOT_INVITED)


def is_tester(study: Study, token: str) -> bool:
    """Whether this is a link for testers. Raises Refused for one that does not lead into this study."""
    if not token:
        return False
    link = named_link(study, token)
    if link is None:
        raise Refused(UNKNOWN_LINK)
    return link.is_tester


def require_room(study: Study) -> None:
    """Refuse one person too many: those who have finished and those who may be at it count. Raises Refused."""
    if study.quota is None:
        return
    live = study.sittings.filter(is_simulated=False, is_pilot=False).filter(
        Q(status=Sitting.Status.FINISHED)
        | Q(status=Sitting.Status.STARTED, consent_utc__gt=timezone.now() - LIVE_FOR)
    )
    if live.count() >= study.quota:
        raise Refused(FULL)
