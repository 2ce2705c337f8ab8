"""How people are sent back to where they came from, and which studies share their people.

Codes and addresses may change while a study is open; what a code stands for is its outcome.
"""

import string
from typing import Any
from urllib.parse import quote, urlsplit

from django.db import transaction

from studyapp import links
from studyapp.models import (
    ExclusionList,
    ListedPerson,
    PanelIdentity,
    Recruiting,
    Sitting,
    SittingOutcome,
    Study,
)
from studyapp.panels import PANELS

PLACES = ("code", "id")
LONGEST_URL = 500
LONGEST_CODE = 50


class RecruitingError(ValueError):
    """Something about recruiting that cannot be; the message says what was expected and what came."""


def recruiting_of(study: Study) -> Recruiting:
    """How people come to a study; as it is at first where nobody has said anything yet."""
    return Recruiting.objects.filter(study=study).first() or Recruiting(study=study)


def code_for(recruiting: Recruiting, outcome: str, own: str = "") -> str:
    """The code that the panel expects of this outcome, else the sitting's own."""
    return recruiting.codes.get(outcome) or own


def return_address(recruiting: Recruiting, panel: str, external_id: str, code: str) -> str:
    """Where somebody goes back to, with code and id filled in; empty where nothing was said."""
    template = recruiting.return_urls.get(panel, "")
    if not template or ("{code}" in template and not code):
        return ""
    return template.replace("{code}", quote(code, safe="")).replace("{id}", quote(external_id, safe=""))


def way_back(sitting: Sitting) -> str:
    """Where the person of an ended sitting goes back to; empty where nothing was said or they came by themselves."""
    identity = PanelIdentity.objects.filter(participant=sitting.participant_id).first()
    if identity is None or not sitting.completion_code:
        return ""
    told = recruiting_of(sitting.study)
    return return_address(told, identity.panel, identity.external_id, sitting.completion_code)


def checked_return_url(url: str) -> str:
    """The address if people can be sent there. Raises RecruitingError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or len(url) > LONGEST_URL or " " in url:
        raise RecruitingError(
            f"expected an address such as {PANELS['prolific'].return_url}, got {url[:80]!r}"
        )
    try:
        places = [name for _, name, spec, change in string.Formatter().parse(url) if name is not None]
    except ValueError:
        places = ["?"]
    if unknown := [name for name in places if name not in PLACES]:
        raise RecruitingError(f"expected no places but {{code}} and {{id}}, got {{{unknown[0][:40]}}}")
    return url


def checked_codes(codes: dict[str, str]) -> dict[str, str]:
    """The codes by outcome, without the empty ones. Raises RecruitingError for two outcomes with one code."""
    told = {outcome: code.strip() for outcome, code in codes.items() if code.strip()}
    for outcome, code in told.items():
        if outcome not in SittingOutcome.values:
            raise RecruitingError(
                f"expected outcomes among {', '.join(SittingOutcome.values)}, got {outcome[:40]!r}"
            )
        if len(code) > LONGEST_CODE or not code.isprintable():
            raise RecruitingError(f"{outcome}: expected a code of at most {LONGEST_CODE} letters")
        if list(told.values()).count(code) > 1:
            raise RecruitingError(f"expected another code for each outcome, got {code!r} twice")
    return told


# ---- studies that share their people ----


def share_people(study: Study, exclusion_list: ExclusionList | None) -> None:
    """Put a study on an exclusion list, or on none; whoever has sat in it already is listed, too."""
    with transaction.atomic():
        recruiting = recruiting_of(study)
        recruiting.exclusion_list = exclusion_list
        recruiting.save()
        if exclusion_list is not None:
            sat = (
                PanelIdentity.objects.filter(study=study)
                .exclude(panel=links.PANEL)
                .exclude(listed__isnull=False)
            )
            listed(
                exclusion_list,
                [(who.panel, who.external_id, who) for who in sat],
            )


def listed(exclusion_list: ExclusionList, people: list[tuple[str, str, PanelIdentity | None]]) -> int:
    """List people by panel and id; how many were not there before."""
    before = exclusion_list.people.count()
    ListedPerson.objects.bulk_create(
        [
            ListedPerson(
                exclusion_list=exclusion_list, panel=panel, external_id=external_id, identity=identity
            )
            for panel, external_id, identity in people
        ],
        batch_size=1000,
        ignore_conflicts=True,
    )
    return exclusion_list.people.count() - before


def carry_over(earlier: Study, later: Study) -> None:
    """Let the next version recruit as the one before it, and take nobody who has sat in that."""
    recruiting = recruiting_of(earlier)
    if recruiting.exclusion_list is None:
        shared, _ = ExclusionList.objects.get_or_create(name=f"all versions of {earlier.slug}")
        share_people(earlier, shared)
        recruiting.exclusion_list = shared
    kept: dict[str, Any] = {
        name: getattr(recruiting, name)
        for name in ("open_link", "exclusion_list", "codes", "return_urls", "payment")
    }
    Recruiting.objects.create(study=later, **kept)
