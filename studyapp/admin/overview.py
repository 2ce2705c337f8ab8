"""The first page: studies with their state and next move, work under way, the newest image sets."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.safestring import SafeString

from studyapp.admin.images import picture_of
from studyapp.admin.jobs import progress_bar, wish, with_progress
from studyapp.admin.steps import Move, finished_of_quota, moves, status_line
from studyapp.admin.studies import with_counts
from studyapp.models import ImageSet, Job, Study
from studyapp.roles import EDIT, SEE, SITE_WIDE, may, studies_with

MOST_STUDIES, MOST_JOBS, MOST_SETS = 20, 5, 6
# The states in the order in which studies stand; those in the archive have no place here.
FIRST = (
    Study.Status.OPEN,
    Study.Status.PAUSED,
    Study.Status.PILOTING,
    Study.Status.DRAFT,
    Study.Status.CLOSED,
)


@dataclass(frozen=True)
class StudyRow:
    study: Study
    state: list[str]
    finished: str
    moves: list[Move]


@dataclass(frozen=True)
class JobRow:
    job: Job
    wish: str
    progress: SafeString | str


@dataclass(frozen=True)
class SetRow:
    image_set: ImageSet
    strip: SafeString


def study_rows(user: User | AnonymousUser) -> list[StudyRow]:
    """The newest studies that somebody may see, open ones first."""
    rank: dict[str, int] = {status: place for place, status in enumerate(FIRST)}
    in_use = Study.objects.exclude(status=Study.Status.ARCHIVED)
    if not user.has_perm(SITE_WIDE[SEE]):
        in_use = in_use.filter(pk__in=studies_with(user, SEE))
    newest = list(with_counts(in_use.order_by("-created_utc"))[:MOST_STUDIES])
    rows = []
    for study in sorted(newest, key=lambda study: rank[study.status]):
        n_finished, n_sources = getattr(study, "finished", 0), getattr(study, "sources_n", 0)
        rows.append(
            StudyRow(
                study,
                status_line(study, n_finished=n_finished),
                finished_of_quota(study, n_finished),
                moves(study, n_finished=n_finished, n_sources=n_sources, may_change=may(user, study, EDIT)),
            )
        )
    return rows


def overview(request: HttpRequest) -> dict[str, Any]:
    """What this person may see of the site, for the template of the first page."""
    has_perm = request.user.has_perm
    context: dict[str, Any] = {
        "may_add_study": has_perm("studyapp.add_study"),
        "may_add_set": has_perm("studyapp.add_imageset"),
        "may_generate": has_perm("studyapp.add_job"),
    }
    if has_perm("studyapp.view_study") or studies_with(request.user, SEE):
        context["studies"] = study_rows(request.user)
    if has_perm("studyapp.view_job"):
        jobs = with_progress(Job.objects.select_related("freeze__study"))
        newest = jobs.order_by("-created_utc", "-pk")[:MOST_JOBS]
        context["jobs"] = [JobRow(job, wish(job), progress_bar(job)) for job in newest]
    if has_perm("studyapp.view_imageset"):
        context["image_sets"] = [
            SetRow(image_set, picture_of(image_set, "strip"))
            for image_set in ImageSet.objects.all()[:MOST_SETS]
        ]
    return context
