"""The steps in a study's life as the admin offers them: open, close; and which move makes sense next."""

from collections.abc import Callable
from dataclasses import dataclass

from django.urls import reverse

from studyapp.admin.columns import count, moment
from studyapp.models import Study
from studyapp.opening import close_study, open_study


@dataclass(frozen=True)
class Step:
    """A step that changes a study for good. `act` raises a sentence for people if it cannot be taken."""

    label: str
    question: str
    consequence: str
    done: str
    logged: str
    starts_from: str
    act: Callable[[Study], Study]


STEPS: dict[str, Step] = {
    "open": Step(
        label="Open the study",
        question="Open this study?",
        consequence=(
            "Opening checks every image, freezes the design and its texts under a version, and lets "
            "participants in. The design cannot be changed afterwards."
        ),
        done="is open: participants can take part.",
        logged="Opened.",
        starts_from=Study.Status.DRAFT,
        act=open_study,
    ),
    "close": Step(
        label="Close the study",
        question="Close this study?",
        consequence=(
            "Nobody can start any more. Whoever is in the middle of a sitting may finish it. "
            "A closed study cannot be opened again."
        ),
        done="is closed.",
        logged="Closed.",
        starts_from=Study.Status.OPEN,
        act=close_study,
    ),
}


@dataclass(frozen=True)
class Move:
    """A link to what can be done with a study now."""

    label: str
    url: str


def moves(study: Study, *, n_finished: int, n_sources: int, may_change: bool) -> list[Move]:
    """What somebody can do with a study now, the most sensible first."""

    def own(name: str) -> str:
        return reverse(f"admin:studyapp_study_{name}", args=[study.pk])

    if study.status == Study.Status.DRAFT:
        if not may_change:
            return []
        if not n_sources:
            return [Move("Choose its sources", f"{own('change')}#sources-group")]
        return [Move(STEPS["open"].label, own("open"))]
    export = Move("Export the data", own("export"))
    if study.status == Study.Status.CLOSED:
        return [export]
    visit = Move("Go to the participant page", reverse("study:welcome", args=[study.slug]))
    close = [Move(STEPS["close"].label, own("close"))] if may_change else []
    is_full = study.quota is not None and n_finished >= study.quota
    return [*close, export, visit] if is_full else [visit, export, *close]


def status_line(study: Study, *, n_finished: int) -> list[str]:
    """The study's state in a few words each: version, sittings, times."""
    if study.status == Study.Status.DRAFT:
        return [f"made {moment(study.created_utc)} UTC", "no version until it is opened"]
    is_single = n_finished == 1 and study.quota is None
    parts = [
        f"version {study.version[:8]}",
        f"{finished_of_quota(study, n_finished)} {'sitting' if is_single else 'sittings'} finished",
        f"opened {moment(study.opened_utc)} UTC",
    ]
    if study.closed_utc:
        parts.append(f"closed {moment(study.closed_utc)} UTC")
    return parts


def finished_of_quota(study: Study, n_finished: int) -> str:
    """`3 of 15`, or `3` where no quota is set."""
    return count(n_finished) if study.quota is None else f"{count(n_finished)} of {count(study.quota)}"
