"""The steps in a study's life as the admin words them, and which move makes sense next. Their rules are `life`."""

from dataclasses import dataclass

from django.urls import reverse

from studyapp.admin.columns import count, moment
from studyapp.models import Study

Status = Study.Status


@dataclass(frozen=True)
class Words:
    """What the admin says of a step: on its button, before it and after it."""

    label: str
    question: str
    consequence: str
    done: str
    logged: str


WORDS: dict[str, Words] = {
    "pilot": Words(
        label="Pilot the study",
        question="Pilot this study?",
        consequence=(
            "Piloting checks every image and freezes the design and its texts under a version. Simulated people and "
            "whoever has the testers' link can take part; what they leave is marked as pilot and kept apart from the "
            "data. Afterwards you can open the study as it is, or edit it again."
        ),
        done="is being piloted: simulated people and testers can take part.",
        logged="Piloted.",
    ),
    "open": Words(
        label="Open the study",
        question="Open this study?",
        consequence=(
            "Opening checks every image, freezes the design and its texts under a version, and lets "
            "participants in. The design cannot be changed afterwards; a next version can be made of it."
        ),
        done="is open: participants can take part.",
        logged="Opened.",
    ),
    "revise": Words(
        label="Edit it again",
        question="Take this study back to a draft?",
        consequence=(
            "The design can be edited again. The pilot's sittings and their answers are deleted for good: export them "
            "first if you want to keep them. The version that was piloted is given up."
        ),
        done="is a draft again.",
        logged="Taken back to a draft; its pilot sittings were deleted.",
    ),
    "pause": Words(
        label="Pause the study",
        question="Pause this study?",
        consequence=(
            "Nobody can start until you go on; links stay valid, and whoever comes is asked to come back. Whoever "
            "is in the middle of a sitting may finish it."
        ),
        done="is paused.",
        logged="Paused.",
    ),
    "resume": Words(
        label="Go on",
        question="Let people in again?",
        consequence="The study takes participants again, with the same design and the same version.",
        done="is open again.",
        logged="Resumed.",
    ),
    "close": Words(
        label="Close the study",
        question="Close this study?",
        consequence=(
            "Nobody can start any more. Whoever is in the middle of a sitting may finish it. "
            "A closed study cannot be opened again; pause it if it is to go on later."
        ),
        done="is closed.",
        logged="Closed.",
    ),
    "archive": Words(
        label="Archive the study",
        question="Archive this study?",
        consequence=(
            "It leaves the first page and the usual list. Nothing is deleted: data can be exported, people can have "
            "their answers erased, and it can be taken out of the archive."
        ),
        done="is archived.",
        logged="Archived.",
    ),
    "unarchive": Words(
        label="Take it out of the archive",
        question="Take this study out of the archive?",
        consequence="It stands among the closed studies again.",
        done="is among the closed studies again.",
        logged="Taken out of the archive.",
    ),
}


@dataclass(frozen=True)
class Move:
    """A link to what can be done with a study now."""

    label: str
    url: str


# What can be done in each state, the most sensible first: steps of `life`, and pages of the study.
ORDER: dict[str, tuple[str, ...]] = {
    Status.DRAFT: ("open", "pilot"),
    Status.PILOTING: ("open", "bots", "revise", "export", "reports"),
    Status.OPEN: ("visit", "export", "reports", "pause", "close", "next"),
    Status.PAUSED: ("resume", "export", "reports", "close", "next"),
    Status.CLOSED: ("reports", "export", "next", "archive"),
    Status.ARCHIVED: ("reports", "export", "unarchive"),
}
WHEN_FULL = ("close", "export", "reports", "visit", "pause")
PAGES = {
    "visit": "Go to the participant page",
    "bots": "Send simulated people",
    "export": "Export the data",
    "reports": "Make the report",
    "next": "Make the next version",
}
FOR_ALL = ("visit", "export", "reports")


def moves(study: Study, *, n_finished: int, n_sources: int, may_change: bool) -> list[Move]:
    """What somebody can do with a study now, the most sensible first."""
    if study.status == Status.DRAFT and not n_sources:
        here = reverse("admin:studyapp_study_change", args=[study.pk])
        return [Move("Choose its sources", f"{here}#sources-group")] if may_change else []
    is_full = study.quota is not None and n_finished >= study.quota
    order = WHEN_FULL if is_full and study.status == Status.OPEN else ORDER[study.status]
    return [
        Move(PAGES[name] if name in PAGES else WORDS[name].label, _address(study, name))
        for name in order
        if may_change or name in FOR_ALL
    ]


def _address(study: Study, name: str) -> str:
    if name == "visit":
        return reverse("study:welcome", args=[study.slug])
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


def status_line(study: Study, *, n_finished: int) -> list[str]:
    """The study's state in a few words each: version, sittings, times."""
    if study.status == Status.DRAFT:
        return [f"made {moment(study.created_utc)} UTC", "no version until it is piloted or opened"]
    is_single = n_finished == 1 and study.quota is None
    parts = [
        f"version {study.version[:8]}",
        f"{finished_of_quota(study, n_finished)} {'sitting' if is_single else 'sittings'} finished",
    ]
    if study.opened_utc:
        parts.append(f"opened {moment(study.opened_utc)} UTC")
    if study.closed_utc:
        parts.append(f"closed {moment(study.closed_utc)} UTC")
    return parts


def finished_of_quota(study: Study, n_finished: int) -> str:
    """`3 of 15`, or `3` where no quota is set."""
    return count(n_finished) if study.quota is None else f"{count(n_finished)} of {count(study.quota)}"
