"""What jobs make of frozen exports, a zip each: reports, which are kept, and large exports, for some days.

A file is given out only while nobody whose answers are in it had them erased: `keep_true` then deletes it, as do
the days that a study promised (`retention` erases every sitting). Its row stays and says so, and it can be made
again from the same freeze, without those people. How a worker makes one is `product_work`.
"""

import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet

from studyapp import audit
from studyapp.freezes import n_erased_since, with_erased
from studyapp.jobs import JobError, job_folder, send
from studyapp.models import ExportFreeze, Job, JobSlice, Study

logger = logging.getLogger(__name__)


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
# What no row accounts for is left alone for so long: a restore brings files before the rows that know of them.
STRAY_AFTER = timedelta(days=1)
# A product, or what a restore that was killed had begun to bring back.
OURS = re.compile(r"\d+\.zip|\..+\.part")


def queue_product(kind: str, freeze: ExportFreeze, *, by: str, **arguments: Any) -> Job:
    """A new job that makes a product of a freeze, sent on commit."""
    with transaction.atomic():
        job = Job.objects.create(kind=kind, freeze=freeze, arguments=arguments, created_by=by)
        item = JobSlice.objects.create(job=job, first=0, last=1, part=kind)
        transaction.on_commit(lambda: send([item]))
    return job


def with_freezes(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Jobs with their freezes and how many in each are erased now: one query more, however many jobs."""
    return jobs.prefetch_related(
        Prefetch("freeze", with_erased(ExportFreeze.objects.select_related("study")))
    )


def products_of(study: Study, kind: str) -> QuerySet[Job]:
    """The jobs of a kind on a study's freezes, newest first."""
    return with_freezes(Job.objects.filter(kind=kind, freeze__study=study)).order_by("-pk")


def made_products(*kinds: str) -> QuerySet[Job]:
    """The products of these kinds that were made and that nobody has deleted."""
    made = Job.objects.filter(kind__in=kinds, status=Job.Status.DONE, outcome__has_key="file_sha256")
    return with_freezes(made).order_by("pk")


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


def why_gone(job: Job) -> str:
    """Why a product that was made cannot be had any more, in words; empty where it can be or was never made."""
    if job.status != Job.Status.DONE or kept_file(job) is not None:
        return ""
    if not is_made(job):
        return job.outcome.get("removed", "")
    return ERASED if is_stale(job) else "its file is lost"


def kept_until(job: Job) -> datetime | None:
    """When a product is deleted by itself; None: never, or it is not made yet."""
    kept_for = PRODUCTS[job.kind].kept_for
    return job.finished_utc + kept_for if kept_for and job.finished_utc else None


def remove(job: Job, why: str, *, by: str) -> None:
    """Delete a product's file; its row stays and says why.

    The file goes first: after a kill in between it is lost, which `verify` tells, and can be deleted again. Raises
    JobError for one that is not made yet or was deleted, OSError where the disk refuses; nothing is changed then.
    """
    with transaction.atomic():
        now = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
        if now.status != Job.Status.DONE:
            raise JobError(f"{job}: expected one that is made, it is {now.status}; stop it first")
        if not is_made(now):
            raise JobError(f"{job}: expected one that is there, it was deleted: {why_gone(now)}")
        outcome = {name: value for name, value in now.outcome.items() if name != "file_sha256"}
        Job.objects.filter(pk=job.pk).update(outcome={**outcome, "removed": why})
        study = job.freeze.study.slug if job.freeze else ""
        audit.note(by, f"deleted {job.kind}", study=study, job=job.pk, why=why)
        file_of(job).unlink(missing_ok=True)


def keep_true(now: datetime) -> None:
    """Delete what may not be kept: products of people who are erased since, old ones, leavings of lost workers."""
    for job in made_products(*PRODUCTS):
        why = why_to_go(job, now)
        try:
            if why:
                remove(job, why, by="retention")
        except (JobError, OSError) as error:  # the others have to go all the same
            logger.warning("%s could not be deleted and will be tried again: %s", job, error)
    for path in [*stray_files(now), *stray_folders(now)]:
        _delete(path)


def why_to_go(job: Job, now: datetime) -> str:
    """Why a product may not be kept any longer; empty where it may."""
    until = kept_until(job)
    if is_stale(job):
        return ERASED
    return "its days are over" if until is not None and until < now else ""


def stray_files(now: datetime) -> Iterator[Path]:
    """Old files of ours that no row accounts for: their jobs are gone, were stopped, or say that they were deleted."""
    for kind, product in PRODUCTS.items():
        lying = [path for path in product.folder.iterdir() if OURS.fullmatch(path.name)]
        is_accounted = Q(status__in=Job.OPEN) | Q(outcome__has_key="file_sha256")
        accounted = {file_of(job) for job in Job.objects.filter(is_accounted, kind=kind).only("kind")}
        yield from (path for path in lying if path not in accounted and _lies_for_long(path, now))


def stray_folders(now: datetime) -> Iterator[Path]:
    """Folders of products that nobody works on any more, and old ones of jobs that are gone."""
    begun = {int(path.name): path for path in settings.JOBS_DIR.iterdir() if path.name.isdecimal()}
    held = Q(slices__status=JobSlice.Status.RUNNING, slices__lease_until_utc__gte=now)
    there = Job.objects.filter(pk__in=list(begun))
    over = there.filter(kind__in=PRODUCTS).exclude(status__in=Job.OPEN).exclude(held)
    yield from (begun[pk] for pk in over.values_list("pk", flat=True))
    gone = begun.keys() - set(there.values_list("pk", flat=True))
    yield from (begun[pk] for pk in gone if _lies_for_long(begun[pk], now))


def _lies_for_long(path: Path, now: datetime) -> bool:
    try:
        return path.stat().st_mtime < (now - STRAY_AFTER).timestamp()
    except FileNotFoundError:  # gone meanwhile
        return False


def _delete(path: Path) -> None:
    """A file or folder that nobody needs; where the disk refuses, the next round tries again."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        logger.warning("%s could not be deleted and will be tried again: %s", path, error)


def forget(study: Study) -> None:
    """Delete the products of all freezes of a study, with their jobs, when the transaction ends well."""
    jobs = list(Job.objects.filter(freeze__study=study))
    Job.objects.filter(pk__in=[job.pk for job in jobs]).delete()

    def delete_files() -> None:
        for job in jobs:
            _delete(file_of(job))
            _delete(job_folder(job.pk))

    transaction.on_commit(delete_files)
