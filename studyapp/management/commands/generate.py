"""`manage.py generate --checkpoint NAME --count N [--wait]`: queue a generation job for a worker."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Sum
from rich.progress import Progress

from studyapp.jobs import JobError, queue_generation
from studyapp.models import Job

ENDED = (Job.Status.DONE, Job.Status.FAILED)
PATIENCE_S = 15


class Command(BaseCommand):
    help = "Queue a job that generates an image set; a running worker takes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--checkpoint", required=True, help="a shipped name such as lapgan-photos, or a path"
        )
        parser.add_argument("--count", type=int, required=True, help="how many images")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--wait", action="store_true", help="return when the image set is in the catalogue"
        )

    def handle(self, *, checkpoint: str, count: int, seed: int, wait: bool, **options: Any) -> None:
        try:
            job = queue_generation(checkpoint=checkpoint, count=count, seed=seed, by="command line")
        except JobError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"job {job.pk} is queued: {count} images of {checkpoint}, seed {seed}")
        self.stdout.flush()  # waiting may be long, and a pipe would tell nothing meanwhile
        if wait:
            self.wait_for(job, count)

    def wait_for(self, job: Job, count: int) -> None:
        with Progress(transient=True) as bar:
            task = bar.add_task("images", total=count)
            begun_s, is_warned = time.monotonic(), False
            while job.status not in ENDED:
                time.sleep(0.5)
                job.refresh_from_db()
                is_late = job.status == Job.Status.WAITING and time.monotonic() - begun_s > PATIENCE_S
                if is_late and not is_warned:
                    self.stderr.write(
                        "no worker has taken the job yet; `manage.py demo` or `celery` starts one"
                    )
                    is_warned = True
                bar.update(task, completed=job.slices.aggregate(done=Sum("done"))["done"])
        if job.status == Job.Status.FAILED:
            raise CommandError(f"job {job.pk} failed: {job.error}")
        self.stdout.write(f"image set {job.image_set} is in the catalogue")
