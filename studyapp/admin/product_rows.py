"""What jobs make of a study's answers, as lines of a page, and what somebody may do to them there."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest

from studyapp.admin.columns import count
from studyapp.admin.jobs import progress_bar, with_progress
from studyapp.built_exports import n_closed
from studyapp.jobs import JobError, retry_job, stop_job
from studyapp.models import Job, Study
from studyapp.products import is_made, kept_file, kept_until, products_of, remove, why_gone
from studyapp.roles import EDIT, may

MOST_ROWS = 50
# What somebody may do, by the name of the button.
CHANGES: dict[str, Callable[[Job, str], None]] = {
    "stop": lambda job, who: stop_job(job),
    "retry": lambda job, who: retry_job(job),
    "delete": lambda job, who: remove(job, "somebody deleted it", by=who),
}


def shown_products(request: HttpRequest, study: Study, kind: str) -> dict[str, Any]:
    """The newest products of a study for its page, whether they still change, and what this person may do to them."""
    rows = [_row(job) for job in with_progress(products_of(study, kind))[:MOST_ROWS]]
    return {
        "products": rows,
        "changes": any(row["is_open"] for row in rows),
        "may_delete": may(request.user, study, EDIT),
    }


def _row(job: Job) -> dict[str, Any]:
    gone = why_gone(job)
    return {
        "job": job,
        "freeze": job.freeze,
        "n_trials": count(n_closed(job.freeze)) if job.freeze else "",
        "is_made": is_made(job),
        "is_kept": kept_file(job) is not None,
        "until": kept_until(job),
        "is_open": job.status in Job.OPEN,
        "is_over": job.status in (Job.Status.FAILED, Job.Status.STOPPED),
        "progress": progress_bar(job),
        "words": f"gone: {gone}" if gone else job.error,
    }


def product_or_404(study: Study, kind: str, pk: int) -> Job:
    job = products_of(study, kind).filter(pk=pk).first()
    if job is None:
        raise Http404
    return job


def earlier_wished(request: HttpRequest, study: Study) -> str:
    """The name of the earlier export of this study that was chosen on its page; empty for one of this moment."""
    name = request.POST.get("freeze", "").replace("\0", "")  # which no database takes
    if name and not study.freezes.filter(name=name).exists():
        raise Http404
    return name


def change_product(model_admin: admin.ModelAdmin, request: HttpRequest, study: Study, kind: str) -> bool:
    """Stop, try again or delete what the button that was pressed names; False if it was none of these."""
    name = next((name for name in CHANGES if name in request.POST), None)
    if name is None:
        return False
    pk = request.POST[name]
    job = product_or_404(study, kind, int(pk) if pk.isdecimal() and len(pk) < 19 else 0)
    if name == "delete" and not may(request.user, study, EDIT):
        raise PermissionDenied
    try:
        CHANGES[name](job, request.user.get_username())
    except JobError as error:
        messages.error(request, f"{error}.")
    except OSError as error:
        messages.error(request, f"{job}: the disk refused ({error.strerror}). Nothing was changed.")
    else:
        model_admin.log_change(request, study, f"{kind.capitalize()} {job.pk}: {name}.")
    return True


def file_answer(job: Job, filename: str) -> FileResponse:
    """The zip of a product, as a download."""
    file = kept_file(job)
    if file is None:
        raise Http404
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=filename, content_type="application/zip"
    )
