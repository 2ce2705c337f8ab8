"""Jobs are rows: what is wanted, cut into slices that workers hold on lease. The queue only wakes a worker.

A slice whose worker was killed, or whose message was lost, is sent again by `send_overdue`; any step may
run twice without harm. Working on a slice is generator.tasks' affair, through `held_slice`.
"""

import logging
import os
import socket
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError as BrokerError

from studyapp.celery import app
from studyapp.models import ImageSet, Job, JobSlice

logger = logging.getLogger(__name__)

GENERATE_SLICE = "generator.generate_slice"
SLICE_IMAGES = 1000
MAX_IMAGES = 1_000_000
LEASE = timedelta(seconds=120)
# How long a message may be under way before the sweeper sends another.
RESEND_AFTER = timedelta(seconds=60)


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
            app.send_task(GENERATE_SLICE, args=[item.pk], retry=False)
            JobSlice.objects.filter(pk=item.pk).update(sent_utc=timezone.now())
    except (BrokerError, OSError) as error:
        logger.warning(
            "the broker at BROKER_URL does not answer (%s); the job is stored and will be sent later", error
        )
        return False
    return True


def send_overdue() -> int:
    """Send what nobody works on: never sent, lost on the way, or its lease ran out. The number sent."""
    now = timezone.now()
    for item in JobSlice.objects.filter(
        status=JobSlice.Status.RUNNING, lease_until_utc__lt=now, attempts__gte=JobSlice.MAX_ATTEMPTS
    ):
        _give_up(item, item.error or "the worker was lost each time, without a message")
    overdue = list(
        JobSlice.objects.filter(job__status__in=(Job.Status.WAITING, Job.Status.RUNNING)).filter(
            Q(status=JobSlice.Status.WAITING) & (Q(sent_utc=None) | Q(sent_utc__lt=now - RESEND_AFTER))
            | Q(status=JobSlice.Status.RUNNING, lease_until_utc__lt=now)
        )
    )
    return len(overdue) if send(overdue) else 0


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

    def report(self, done: int) -> None:
        """`done` images are finished; the lease is renewed."""
        JobSlice.objects.filter(pk=self.slice_id).update(done=done, lease_until_utc=timezone.now() + LEASE)


def part_path(job_id: int, first: int) -> Path:
    return settings.JOBS_DIR / str(job_id) / f"part-{first:07d}.zip"


def _claim(slice_id: int) -> GenerationSlice | None:
    """The slice, leased to this process; None if it is done, given up, or another worker holds it."""
    now = timezone.now()
    with transaction.atomic():
        item = (
            JobSlice.objects.select_for_update(of=("self",))
            .select_related("job")
            .filter(pk=slice_id)
            .filter(
                Q(status=JobSlice.Status.WAITING) | Q(status=JobSlice.Status.RUNNING, lease_until_utc__lt=now)
            )
            .first()
        )
        if item is None:
            return None
        item.status, item.attempts = JobSlice.Status.RUNNING, item.attempts + 1
        item.lease_owner = f"{socket.gethostname()}:{os.getpid()}"
        item.lease_until_utc, item.done = now + LEASE, 0
        item.save()
        Job.objects.filter(pk=item.job_id).update(status=Job.Status.RUNNING)
    arguments: dict[str, Any] = item.job.arguments
    return GenerationSlice(
        slice_id=item.pk,
        job_id=item.job_id,
        checkpoint=arguments["checkpoint"],
        seed=arguments["seed"],
        first=item.first,
        last=item.last,
        out=part_path(item.job_id, item.first),
    )


def _give_up(item: JobSlice, error: str) -> None:
    JobSlice.objects.filter(pk=item.pk).update(status=JobSlice.Status.POISONED, error=error)
    Job.objects.filter(pk=item.job_id).update(
        status=Job.Status.FAILED,
        error=f"images {item.first} to {item.last - 1} failed {item.attempts} times: {error}",
        finished_utc=timezone.now(),
    )


@contextmanager
def held_slice(slice_id: int) -> Iterator[GenerationSlice | None]:
    """Hold a slice while its images are made: done at the end of the block, waiting again after an error.

    Yields None when there is nothing to do. The fifth failure gives the slice and its job up, with the error.
    """
    work = _claim(slice_id)
    if work is None:
        yield None
        return
    try:
        yield work
    except Exception as error:
        item = JobSlice.objects.get(pk=slice_id)
        sentence = f"{type(error).__name__}: {error}"
        logger.warning("slice %s failed: %s\n%s", item, sentence, traceback.format_exc())
        if item.attempts >= JobSlice.MAX_ATTEMPTS:
            _give_up(item, sentence)
        else:
            JobSlice.objects.filter(pk=slice_id).update(
                status=JobSlice.Status.WAITING, error=sentence, lease_until_utc=None
            )
        return
    JobSlice.objects.filter(pk=slice_id).update(
        status=JobSlice.Status.DONE, done=work.last - work.first, error="", lease_until_utc=None
    )


def parts_when_complete(job_id: int) -> list[Path] | None:
    """The files of all slices in order once all are done and the job is still open; else None."""
    slices = list(JobSlice.objects.filter(job_id=job_id, job__status=Job.Status.RUNNING).order_by("first"))
    if not slices or any(item.status != JobSlice.Status.DONE for item in slices):
        return None
    return [part_path(job_id, item.first) for item in slices]


def finish_job(job_id: int, image_set: ImageSet) -> None:
    """The job's result is in the catalogue; its parts on disk are no longer needed."""
    Job.objects.filter(pk=job_id).update(
        status=Job.Status.DONE, image_set=image_set, error="", finished_utc=timezone.now()
    )
    folder = settings.JOBS_DIR / str(job_id)
    for part in folder.glob("*.zip"):
        part.unlink(missing_ok=True)
    if folder.is_dir():
        folder.rmdir()


def retry_job(job: Job) -> None:
    """Give a failed job's unfinished slices another five attempts."""
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, status=Job.Status.FAILED).update(
            status=Job.Status.WAITING, error="", finished_utc=None
        ):
            raise JobError(f"{job}: expected a failed job, it is {job.status}")
        JobSlice.objects.filter(job=job).exclude(status=JobSlice.Status.DONE).update(
            status=JobSlice.Status.WAITING, attempts=0, error="", sent_utc=None
        )
        transaction.on_commit(send_overdue)
