"""`manage.py generate --checkpoint NAME --count N [--wait]`: queue a generation job for a worker."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Sum
from rich.progress import Progress

from studyapp.jobs import JobError, queue_generation
from studyapp.models import Job
from studyapp.waiting import until_over


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
            for _ in until_over(job, self.stderr.write):
                bar.update(task, completed=job.slices.aggregate(done=Sum("done"))["done"])
        self.stdout.write(f"image set {job.image_set} is in the catalogue")
