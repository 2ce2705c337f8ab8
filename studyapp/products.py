"""What jobs make of frozen exports, a zip each: reports, which are kept, and large exports, for some days.

A file is given out only while nobody whose answers are in it had them erased: `keep_true` then deletes it, as do
the days that a study promised (`retention` erases every sitting). Its row stays and says so, and it can be made
again from the same freeze, without those people. How a worker makes one is `product_work`.
"""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from studyapp import audit
from studyapp.freezes import n_erased_since
from studyapp.jobs import JobError, job_folder, send
from studyapp.models import ExportFreeze, Job, JobSlice, Study


@dataclass(frozen=True)
class Product:
    """Where files of a kind of job lie, and for how long; None: until somebody deletes them."""

    folder: Path
    kept_for: timedelta | None = None


PRODUCTS: dict[str, Product] = {
    Job.Kind.REPORT: Product(settings.REPORTS_DIR),
    Job.Kind.EXPORT: Product(settings.EXPORTS_DIR, timedelta(days=7)),
}
ERASED = "somebody whose answers were in it had them erased"


def queue_product(kind: str, freeze: ExportFreeze, *, by: str, **arguments: Any) -> Job:
    """A new job that makes a product of a freeze, sent on commit."""
    with transaction.atomic():
        job = Job.objects.create(kind=kind, freeze=freeze, arguments=arguments, created_by=by)
        item = JobSlice.objects.create(job=job, first=0, last=1, part=kind)
        transaction.on_commit(lambda: send([item]))
    return job


def products_of(study: Study, kind: str) -> QuerySet[Job]:
    """The jobs of a kind on a study's freezes, newest first."""
    return Job.objects.filter(kind=kind, freeze__study=study).select_related("freeze__study").order_by("-pk")


def made_products(*kinds: str) -> QuerySet[Job]:
    """The products of these kinds that were made and that nobody has deleted."""
    made = Job.objects.filter(kind__in=kinds, status=Job.Status.DONE, outcome__has_key="file_sha256")
    return made.select_related("freeze__study").order_by("pk")


def file_of(job: Job) -> Path:
    """Where a job's product lies once it is made."""
    return PRODUCTS[job.kind].folder / f"{job.pk}.zip"


def is_made(job: Job) -> bool:
    """Whether a product was made and nobody has deleted it."""
    return job.status == Job.Status.DONE and "file_sha256" in job.outcome


def is_stale(job: Job) -> bool:
    """Whether somebody whose answers are in a product had them erased since."""
    return job.freeze is not None and n_erased_since(job.freeze) > job.outcome["n_erased"]


def kept_file(job: Job) -> Path | None:
    """The file of a product if it may be given out: made, there, not deleted, nobody in it erased since."""
    return file_of(job) if is_made(job) and not is_stale(job) and file_of(job).is_file() else None


def kept_until(job: Job) -> datetime | None:
    """When a product is deleted by itself; None: never, or it is not made yet."""
    kept_for = PRODUCTS[job.kind].kept_for
    return job.finished_utc + kept_for if kept_for and job.finished_utc else None


def remove(job: Job, why: str, *, by: str) -> None:
    """Delete a product's file; its row stays and says why. Raises JobError for one that is not made yet."""
    if job.status != Job.Status.DONE:
        raise JobError(f"{job}: expected one that is made, it is {job.status}; stop it first")
    with transaction.atomic():
        outcome = {name: value for name, value in job.outcome.items() if name != "file_sha256"}
        job.outcome = {**outcome, "removed": why}
        job.save(update_fields=["outcome"])
        study = job.freeze.study.slug if job.freeze else ""
        audit.note(by, f"deleted {job.kind}", study=study, job=job.pk, why=why)
    file_of(job).unlink(missing_ok=True)


def keep_true(now: datetime) -> None:
    """Delete what may not be kept: products of people who are erased since, old ones, leavings of lost workers."""
    for job in made_products(*PRODUCTS):
        until = kept_until(job)
        if is_stale(job):
            remove(job, ERASED, by="retention")
        elif until is not None and until < now:
            remove(job, "its days are over", by="retention")
    begun = [int(path.name) for path in settings.JOBS_DIR.iterdir() if path.name.isdecimal()]
    held = Q(slices__status=JobSlice.Status.RUNNING, slices__lease_until_utc__gte=now)
    over = Job.objects.filter(pk__in=begun, kind__in=PRODUCTS).exclude(status__in=Job.OPEN).exclude(held)
    for pk in over.values_list("pk", flat=True):
        shutil.rmtree(job_folder(pk), ignore_errors=True)


def forget(study: Study) -> None:
    """Delete the products of all freezes of a study, with their jobs, when the transaction ends well."""
    jobs = list(Job.objects.filter(freeze__study=study))
    Job.objects.filter(pk__in=[job.pk for job in jobs]).delete()

    def delete_files() -> None:
        for job in jobs:
            file_of(job).unlink(missing_ok=True)
            shutil.rmtree(job_folder(job.pk), ignore_errors=True)

    transaction.on_commit(delete_files)
