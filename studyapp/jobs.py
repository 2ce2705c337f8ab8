"""Jobs are rows: what is wanted, cut into slices that workers hold on lease. The queue only wakes a worker.

A slice whose worker was killed, or whose message was lost, is sent again by `send_overdue`; any step may
run twice without harm. Working on a slice is generator.tasks' affair, through `held_slice`; what is
particular to training lies in `training`, to what is made of answers in `products`.
"""

import logging
import os
import shutil
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from studyapp.celery import app
from studyapp.checkpoints import name_or_path
from studyapp.models import Heartbeat, ImageSet, Job, JobSlice

logger = logging.getLogger(__name__)

GENERATE_SLICE = "generator.generate_slice"
TRAIN_SLICE = "generator.train_slice"
MAKE_PRODUCT = "studyapp.make_product"
SEND_BOTS = "studyapp.send_bots"
# The task that works on a slice, by the kind of its job.
TASKS = {
    Job.Kind.GENERATE: GENERATE_SLICE,
    Job.Kind.TRAIN: TRAIN_SLICE,
    Job.Kind.REPORT: MAKE_PRODUCT,
    Job.Kind.EXPORT: MAKE_PRODUCT,
    Job.Kind.BOTS: SEND_BOTS,
}
SLICE_IMAGES = 1024  # whole blocks, which images are drawn in, and a GPU's block
MAX_IMAGES = 1_000_000
LEASE = timedelta(seconds=120)
# How long a message may be under way before the sweeper sends another.
RESEND_AFTER = timedelta(seconds=60)


# Whether a slice has to wait for its job's earlier stages.
IS_TOO_EARLY = Exists(
    JobSlice.objects.filter(job=OuterRef("job"), stage__lt=OuterRef("stage")).exclude(
        status=JobSlice.Status.DONE
    )
)


class JobError(ValueError):
    """A job that cannot be queued; the message says what was expected."""


def queue_generation(*, checkpoint: str, count: int, seed: int = 0, by: str = "") -> Job:
    """A new job for `count` images of a checkpoint (a shipped name or a path), its slices sent on commit."""
    if not checkpoint:
        raise JobError("checkpoint: expected a shipped name such as lapgan-photos, or a path")
    if not 1 <= count <= MAX_IMAGES:
        raise JobError(f"count: expected 1 to {MAX_IMAGES} images, got {count}")
    if not 0 <= seed < 2**63:
        raise JobError(f"seed: expected 0 to 2**63 - 1, got {seed}")
    with transaction.atomic():
        job = Job.objects.create(
            kind="generate",
            arguments={"checkpoint": checkpoint, "count": count, "seed": seed},
            created_by=by,
        )
        slices = JobSlice.objects.bulk_create(
            JobSlice(job=job, first=first, last=min(first + SLICE_IMAGES, count))
            for first in range(0, count, SLICE_IMAGES)
        )
        transaction.on_commit(lambda: send(slices))
    return job


def send(slices: list[JobSlice]) -> bool:
    """Wake a worker for each slice; False if the broker does not answer (the sweeper tries again)."""
    try:
        for item in slices:
            app.send_task(TASKS[Job.Kind(item.job.kind)], args=[item.pk], retry=False)
            JobSlice.objects.filter(pk=item.pk).update(sent_utc=timezone.now())
    except (BrokerError, OSError) as error:
        logger.warning(
            "the broker at BROKER_URL does not answer (%s); the job is stored and will be sent later", error
        )
        return False
    return True


def note_alive() -> None:
    """This machine has a worker."""
    Heartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"seen_utc": timezone.now()})


def send_overdue() -> int:
    """Send what nobody works on: never sent, lost on the way, its lease ran out, or all done and not finished.

    The number sent.
    """
    now = timezone.now()
    late = Q(sent_utc=None) | Q(sent_utc__lt=now - RESEND_AFTER)
    others = JobSlice.objects.filter(job=OuterRef("job")).exclude(status=JobSlice.Status.DONE)
    for item in JobSlice.objects.filter(
        status=JobSlice.Status.RUNNING, lease_until_utc__lt=now, attempts__gte=JobSlice.MAX_ATTEMPTS
    ):
        _give_up(item, item.error or "the worker was lost each time, without a message")
    _reopen_unfinished(now)
    overdue = list(
        JobSlice.objects.select_related("job")
        .filter(job__status__in=Job.OPEN)
        .filter(
            Q(status=JobSlice.Status.WAITING) & late & ~IS_TOO_EARLY
            | Q(status=JobSlice.Status.RUNNING, lease_until_utc__lt=now)
            # The worker that was to put the parts of a model together was killed.
            | Q(status=JobSlice.Status.DONE, job__kind=Job.Kind.TRAIN, first=0) & late & ~Exists(others)
        )
    )
    return len(overdue) if send(overdue) else 0


def _reopen_unfinished(now: datetime) -> None:
    """Open the last slice of each set that nobody put together: whoever does it again also completes the job.

    The worker that had done the last slice was lost, or failed, before the image set was in the catalogue.
    """
    stuck = Job.objects.filter(kind=Job.Kind.GENERATE, status=Job.Status.RUNNING).exclude(
        Exists(
            JobSlice.objects.filter(job=OuterRef("pk")).filter(
                ~Q(status=JobSlice.Status.DONE) | Q(lease_until_utc__gte=now)
            )
        )
    )
    for job in stuck:
        item = job.slices.order_by("first").last()
        if item is None:
            continue
        if item.attempts >= JobSlice.MAX_ATTEMPTS:
            _give_up(item, "made, but not put together into an image set; the worker's log says why")
        else:
            JobSlice.objects.filter(pk=item.pk, status=JobSlice.Status.DONE).update(
                status=JobSlice.Status.WAITING, sent_utc=None
            )


@dataclass(frozen=True)
class GenerationSlice:
    """What a worker needs to know to generate images [first, last) of a job, and how it says how far it is."""

    slice_id: int
    job_id: int
    checkpoint: str
    seed: int
    first: int
    last: int
    out: Path
    row: JobSlice

    def report(self, done: int) -> None:
        """`done` images are finished; the lease is renewed."""
        held_row(self.row).update(done=done, lease_until_utc=timezone.now() + LEASE)


def job_folder(job_id: int) -> Path:
    """Where the files of a job lie while it is not done."""
    return settings.JOBS_DIR / str(job_id)


def part_path(job_id: int, first: int) -> Path:
    return job_folder(job_id) / f"part-{first:07d}.zip"


def _claim(slice_id: int) -> JobSlice | None:
    """The slice, leased to this process; None if it is done, given up, stopped, too early or held by another worker."""
    now = timezone.now()
    with transaction.atomic():
        item = (
            JobSlice.objects.select_for_update(of=("self",))
            .select_related("job")
            .filter(pk=slice_id, job__status__in=Job.OPEN)
            .filter(
                Q(status=JobSlice.Status.WAITING) & ~IS_TOO_EARLY
                | Q(status=JobSlice.Status.RUNNING, lease_until_utc__lt=now)
            )
            .first()
        )
        if item is None:
            return None
        item.status, item.attempts = JobSlice.Status.RUNNING, item.attempts + 1
        item.lease_owner = f"{socket.gethostname()}:{os.getpid()}"
        item.lease_until_utc = now + LEASE
        item.save()
        Job.objects.filter(pk=item.job_id, status=Job.Status.WAITING).update(status=Job.Status.RUNNING)
    return item


def held_row(item: JobSlice) -> QuerySet[JobSlice]:
    """The row of a leased slice; none if the lease ran out and another worker has taken or done it since."""
    return JobSlice.objects.filter(
        pk=item.pk, status=item.status, attempts=item.attempts, lease_owner=item.lease_owner
    )


def _give_up(item: JobSlice, error: str, *, at_once: bool = False) -> None:
    """The slice and its job have failed for good: `at_once`, or after the last attempt."""
    what = item.part or f"images {item.first} to {item.last - 1}"
    sentence = error if at_once else f"{what} failed {item.attempts} times: {error}"
    if not held_row(item).update(status=JobSlice.Status.POISONED, error=error):
        return
    Job.objects.filter(pk=item.job_id, status__in=Job.OPEN).update(
        status=Job.Status.FAILED, error=sentence, finished_utc=timezone.now()
    )


@contextmanager
def leased_slice(slice_id: int, refusals: tuple[type[Exception], ...] = ()) -> Iterator[JobSlice | None]:
    """Hold the lease of a slice for the block; None when there is nothing to do.

    After an error the slice waits for another attempt, and the fifth gives it and its job up; an error of
    the `refusals`, which would come again each time, gives them up at once.
    """
    item = _claim(slice_id)
    try:
        yield item
    except Exception as error:
        if item is None:
            raise
        sentence = f"{type(error).__name__}: {error}"
        logger.warning("slice %s failed: %s\n%s", item, sentence, traceback.format_exc())
        if isinstance(error, refusals):
            _give_up(item, str(error), at_once=True)
        elif item.attempts >= JobSlice.MAX_ATTEMPTS:
            _give_up(item, sentence)
        else:
            held_row(item).update(status=JobSlice.Status.WAITING, error=sentence, lease_until_utc=None)


@contextmanager
def held_slice(slice_id: int, refusals: tuple[type[Exception], ...] = ()) -> Iterator[GenerationSlice | None]:
    """Hold a slice while its images are made: done at the end of the block, waiting again after an error.

    Yields None when there is nothing to do. The fifth failure gives the slice and its job up, with the error;
    one of the `refusals` does so at once.
    """
    with leased_slice(slice_id, refusals) as item:
        if item is None:
            yield None
            return
        work = _generation(item)
        work.report(0)
        yield work
        # From here on the lease is the time to put the parts together, if this was the last one.
        held_row(item).update(
            status=JobSlice.Status.DONE,
            done=work.last - work.first,
            error="",
            lease_until_utc=timezone.now() + LEASE,
        )


def _generation(item: JobSlice) -> GenerationSlice:
    arguments: dict[str, Any] = item.job.arguments
    return GenerationSlice(
        slice_id=item.pk,
        job_id=item.job_id,
        checkpoint=name_or_path(arguments["checkpoint"]),
        seed=arguments["seed"],
        first=item.first,
        last=item.last,
        out=part_path(item.job_id, item.first),
        row=item,
    )


def parts_when_complete(job_id: int) -> list[Path] | None:
    """The files of all slices in order once all are done and the job is still open; else None."""
    slices = list(JobSlice.objects.filter(job_id=job_id, job__status=Job.Status.RUNNING).order_by("first"))
    if not slices or any(item.status != JobSlice.Status.DONE for item in slices):
        return None
    return [part_path(job_id, item.first) for item in slices]


def hand_back(item: JobSlice) -> None:
    """The slice waits, as if it had not been taken; a stopped job leaves it so."""
    held_row(item).update(
        status=JobSlice.Status.WAITING, attempts=item.attempts - 1, lease_until_utc=None, sent_utc=None
    )


def finish_job(job_id: int, image_set: ImageSet) -> None:
    """The job's result is in the catalogue; its parts on disk are no longer needed."""
    Job.objects.filter(pk=job_id).update(
        status=Job.Status.DONE, image_set=image_set, error="", finished_utc=timezone.now()
    )
    # A second worker that finishes the same job may still write there: what it writes is not needed either.
    shutil.rmtree(job_folder(job_id), ignore_errors=True)


def stop_job(job: Job) -> None:
    """End a job that waits or runs. What is done stays: `retry_job` goes on from there."""
    if not Job.objects.filter(pk=job.pk, status__in=Job.OPEN).update(
        status=Job.Status.STOPPED, finished_utc=timezone.now()
    ):
        job.refresh_from_db()
        raise JobError(f"{job}: expected a job that waits or runs, it is {job.status}")


def retry_job(job: Job) -> None:
    """Give the unfinished slices of a failed or stopped job another five attempts."""
    now = timezone.now()
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, status__in=(Job.Status.FAILED, Job.Status.STOPPED)).update(
            status=Job.Status.WAITING, error="", finished_utc=None
        ):
            raise JobError(f"{job}: expected a failed job or a stopped one, it is {job.status}")
        # What a worker still holds is its own.
        held = Q(status=JobSlice.Status.RUNNING, lease_until_utc__gte=now)
        JobSlice.objects.filter(job=job).exclude(held).exclude(status=JobSlice.Status.DONE).update(
            status=JobSlice.Status.WAITING, attempts=0, error="", sent_utc=None
        )
        transaction.on_commit(send_overdue)
