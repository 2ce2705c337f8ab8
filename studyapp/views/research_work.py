"""What programs ask workers for over the researchers' API: exports that are built, and reports; see its JSON file."""

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse

from studyapp import audit
from studyapp.admin.jobs import with_progress
from studyapp.built_exports import builds_of, queue_build
from studyapp.export import freeze_study
from studyapp.export_files import ExportError
from studyapp.models import Job, Study
from studyapp.products import kept_file, kept_until, products_of, queue_product, why_gone
from studyapp.reports import folder_name
from studyapp.results import is_unblinded
from studyapp.roles import DATA, may
from studyapp.views.research_api import (
    Refused,
    export_of,
    json_object,
    known_form,
    listed,
    moment_or_none,
    study_of,
    truths_in,
)

# What somebody may ask of a report.
REPORT_WISHES = {"include_simulated", "pilot", "live"}
PROVENANCE = ("data_sha256", "code_version", "code_sha256")


def told_build(job: Job, export: str) -> dict[str, Any]:
    """A build as programs read it; the job has the columns of `with_progress`."""
    is_ready = kept_file(job) is not None
    return {
        "export": export,
        "format": job.arguments["form"],
        "status": job.status,
        "is_ready": is_ready,
        "share": getattr(job, "share_done", None) or 0.0,
        "error": job.error or why_gone(job),
        "created_utc": moment_or_none(job.created_utc),
        "created_by": job.created_by,
        "kept_until_utc": moment_or_none(kept_until(job)) if is_ready else None,
    }


def list_builds(request: HttpRequest, user: User, name: str) -> JsonResponse:
    freeze = export_of(user, name)
    builds = with_progress(builds_of(freeze))
    return listed(request, "builds", builds, lambda job: told_build(job, freeze.name))


def make_build(request: HttpRequest, user: User, name: str) -> JsonResponse:
    """Have a worker build the zip; where that is done or under way, nothing is begun."""
    freeze = export_of(user, name)
    wish = json_object(request)
    if unknown := set(wish) - {"format"}:
        raise Refused(400, "malformed", f"expected format, got {', '.join(sorted(unknown))[:200]}")
    form = wish.get("format", "csv")
    if not isinstance(form, str):
        raise Refused(400, "malformed", f"format: expected a text, got {str(form)[:80]!r}")
    try:
        job = queue_build(freeze, known_form(form), by=user.get_username())
    except ExportError as error:
        raise Refused(409, "export", f"{error}.") from error
    return JsonResponse(told_build(with_progress(builds_of(freeze)).get(pk=job.pk), freeze.name), status=202)


# ---- reports ----


def told_report(job: Job) -> dict[str, Any]:
    return {
        "number": job.pk,
        "export": job.freeze.name if job.freeze else "",
        "is_pilot": bool(job.freeze and job.freeze.is_pilot),
        "status": job.status,
        "is_ready": kept_file(job) is not None,
        "step": job.outcome.get("step", ""),
        "error": job.error or why_gone(job),
        "created_utc": moment_or_none(job.created_utc),
        "created_by": job.created_by,
        **{name: job.outcome.get(name, "") for name in PROVENANCE},
    }


def require_unblinded(study: Study, user: User) -> None:
    """Raises Refused for whoever is blind: no program ends its owner's blindness for them."""
    if not is_unblinded(study, user):
        page = reverse("admin:studyapp_study_unblind", args=[study.pk])
        raise Refused(
            403,
            "blind",
            "You are blind to the results of this study, and a report tells them by source. Say first that you want "
            f"to look, in the admin as the token's owner: {page}",
        )


def list_reports(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    reports = products_of(study_of(user, slug, DATA), Job.Kind.REPORT)
    return listed(request, "reports", reports, told_report)


def make_report(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    """Have a worker analyse what has been answered, for whoever is no longer blind."""
    study = study_of(user, slug, DATA)
    require_unblinded(study, user)
    wish = truths_in(request, REPORT_WISHES)
    live = wish.pop("live", False)
    who = f"{user.get_username()} (API)"
    try:
        freeze = freeze_study(study, **wish, by=user.get_username())
    except ExportError as error:
        raise Refused(409, "draft", f"{error}.") from error
    with transaction.atomic():
        job = queue_product(Job.Kind.REPORT, freeze, by=user.get_username(), live=live)
        how = f"report {job.pk}, freeze {freeze.name[:8]}"
        audit.note(who, "asked for a report", study=study.slug, how=how)
    return JsonResponse(told_report(job), status=202)


def download_report(request: HttpRequest, user: User, number: int) -> HttpResponseBase:
    """The folder of a report as a zip, for whoever is no longer blind."""
    job = Job.objects.select_related("freeze__study").filter(pk=number, kind=Job.Kind.REPORT).first()
    if job is None or job.freeze is None or not may(user, job.freeze.study, DATA):
        raise Refused(404, "no_report", "There is no report of this number that your account may look at.")
    require_unblinded(job.freeze.study, user)
    file = kept_file(job)
    if file is None:
        raise Refused(
            409,
            "not_there",
            f"Report {job.pk} cannot be downloaded: {job.error or why_gone(job) or job.status}.",
        )
    who = f"{user.get_username()} (API)"
    audit.note(who, "downloaded a report", study=job.freeze.study.slug, how=f"report {job.pk}")
    return FileResponse(
        file.open("rb"),
        as_attachment=True,
        filename=f"{folder_name(job)}.zip",
        content_type="application/zip",
    )
