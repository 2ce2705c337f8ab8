"""The life of a study: its states, and the steps that lead from one to the next.

What is frozen is `opening`; who may begin a sitting in which state is `sittings`; drafts that follow an opened
study are `versions`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from studyapp.links import hand_on_links
from studyapp.models import NamedLink, Sitting, Study
from studyapp.opening import OpeningError, freeze, thaw

Status = Study.Status
# A sitting without an end is taken for one that somebody may still be at for so long.
LIVE_FOR = timedelta(hours=2)
# A version that another one takes over from.
RUNNING = (Status.PILOTING, Status.OPEN, Status.PAUSED)


def _nothing_else(study: Study) -> None:
    """Most steps change the state alone."""


def _give_testers_a_link(study: Study) -> None:
    NamedLink.objects.get_or_create(study=study, is_tester=True, defaults={"label": "testers"})


def _let_people_in(study: Study) -> None:
    """Pilot sittings have no say in which pictures come first; the version before this one takes nobody any more."""
    study.stimuli.update(times_planned=0)
    if study.previous_id is None:
        return
    earlier = Study.objects.filter(pk=study.previous_id, status__in=RUNNING)
    earlier.update(status=Status.CLOSED, closed_utc=timezone.now())
    hand_on_links(study.previous_id, study)


def live_sittings(study: Study) -> QuerySet[Sitting]:
    """Sittings that somebody may still be at, the latest first."""
    return study.sittings.filter(
        status=Sitting.Status.STARTED, consent_utc__gt=timezone.now() - LIVE_FOR
    ).order_by("-consent_utc")


def _require_nobody_sitting(study: Study) -> None:
    live = live_sittings(study)
    if latest := live.first():
        raise OpeningError(
            f"study {study.slug}: {live.count()} sittings may still be under way; archive it after "
            f"{latest.consent_utc + LIVE_FOR:%Y-%m-%d %H:%M} UTC, two hours after the latest began"
        )


@dataclass(frozen=True)
class Step:
    """A step from one of some states to another; `act` is what else it does, in the same transaction."""

    verb: str
    starts_from: tuple[Status, ...]
    leads_to: Status
    act: Callable[[Study], None] = _nothing_else


STEPS: dict[str, Step] = {
    "pilot": Step("pilot", (Status.DRAFT,), Status.PILOTING, _give_testers_a_link),
    "revise": Step("edit again", (Status.PILOTING,), Status.DRAFT, thaw),
    "open": Step("open", (Status.DRAFT, Status.PILOTING), Status.OPEN, _let_people_in),
    "pause": Step("pause", (Status.OPEN,), Status.PAUSED),
    "resume": Step("resume", (Status.PAUSED,), Status.OPEN),
    "close": Step("close", (Status.OPEN, Status.PAUSED), Status.CLOSED),
    "archive": Step("archive", (Status.CLOSED,), Status.ARCHIVED, _require_nobody_sitting),
    "unarchive": Step("take out of the archive", (Status.ARCHIVED,), Status.CLOSED),
}


def steps_from(status: str) -> list[str]:
    """The names of the steps that a study in this state can take."""
    return [name for name, step in STEPS.items() if status in step.starts_from]


def step_to(study: Study, status: str) -> str:
    """The step that leads a study to a state. Raises OpeningError, with what is possible, if none does."""
    for name in steps_from(study.status):
        if STEPS[name].leads_to == status:
            return name
    possible = ", ".join(STEPS[name].leads_to for name in steps_from(study.status))
    raise OpeningError(
        f"study {study.slug} is {study.status}: from there it can become {possible}, not {status}"
    )


def take(name: str, study: Study) -> Study:
    """The study after a step of its life; all of it or nothing.

    Raises OpeningError if its state does not allow the step, and whatever freezing it raises.
    """
    step = STEPS[name]
    _require_allowed(step, study)
    if study.status == Status.DRAFT:
        return freeze(study, lambda frozen: _enter(step, frozen))
    with transaction.atomic():
        held = Study.objects.select_for_update().get(pk=study.pk)
        _require_allowed(step, held)
        _enter(step, held)
        held.save()
    study.refresh_from_db()
    return study


def _require_allowed(step: Step, study: Study) -> None:
    if study.status not in step.starts_from:
        raise OpeningError(
            f"study {study.slug}: to {step.verb} it, expected it to be {' or '.join(step.starts_from)}; "
            f"it is {study.status}{' already' if study.status == step.leads_to else ''}"
        )


def _enter(step: Step, study: Study) -> None:
    """Change the row, inside the transaction that holds it."""
    step.act(study)
    study.status = step.leads_to
    if study.status == Status.OPEN and study.opened_utc is None:
        study.opened_utc = timezone.now()
    if study.status == Status.CLOSED and study.closed_utc is None:
        study.closed_utc = timezone.now()


def open_study(study: Study) -> Study:
    """Let people into a draft or a piloted study."""
    return take("open", study)


def close_study(study: Study) -> Study:
    """End an open or paused study: nobody can start; who sits may finish."""
    return take("close", study)
