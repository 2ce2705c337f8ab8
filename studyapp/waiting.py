"""Waiting at the command line for a job that workers do."""

import time
from collections.abc import Callable, Iterator

from django.core.management.base import CommandError

from studyapp.models import Job

LOOK_EVERY_S = 0.5
PATIENCE_S = 15


def until_over(job: Job, warn: Callable[[str], object]) -> Iterator[None]:
    """Comes round twice a second while a job is open, its row read anew. Raises CommandError unless it gets done.

    warn is told, once, when no worker has taken the job for a while.
    """
    begun_s, is_warned = time.monotonic(), False
    while job.status in Job.OPEN:
        time.sleep(LOOK_EVERY_S)
        job.refresh_from_db()
        is_late = job.status == Job.Status.WAITING and time.monotonic() - begun_s > PATIENCE_S
        if is_late and not is_warned:
            warn("no worker has taken the job yet; `manage.py demo` or `celery` starts one")
            is_warned = True
        yield
    if job.status != Job.Status.DONE:
        raise CommandError(f"job {job.pk} {job.status}: {job.error or 'somebody stopped it'}")
