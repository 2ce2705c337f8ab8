"""`manage.py train --config FILE [--wait]`: queue a training job; each part of the model is a slice of its own."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from studyapp.jobs import JobError
from studyapp.models import Job
from studyapp.training import queue_training
from studyapp.waiting import until_over


class Command(BaseCommand):
    help = "Queue a job that trains a model from a recipe; running workers take its parts, one each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--config", required=True, type=Path, help="the recipe, a TOML file as in generator/configs"
        )
        parser.add_argument(
            "--data", type=Path, help="folder or file of the data set, where the workers see it"
        )
        parser.add_argument(
            "--name", default="", help="name of the checkpoint, for `generate` (SOURCE-DATASET-JOB)"
        )
        parser.add_argument("--wait", action="store_true", help="return when the checkpoint is there")

    def handle(self, *, config: Path, data: Path | None, name: str, wait: bool, **options: Any) -> None:
        try:
            recipe = config.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{config}: expected a recipe in TOML ({error})") from error
        try:
            job = queue_training(
                recipe=recipe, data=str(data.resolve()) if data else "", name=name, by="command line"
            )
        except JobError as error:
            raise CommandError(f"{config}: {error}") from error
        parts = ", ".join(job.arguments["plan"]["parts"])
        self.stdout.write(f"job {job.pk} is queued: checkpoint {job.arguments['name']}, parts {parts}")
        if wait:
            self.wait_for(job)

    def wait_for(self, job: Job) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[seen]:,} images"))
        with Progress(*columns, transient=True) as bar:
            tasks: dict[str, TaskID] = {}
            for _ in until_over(job, self.stderr.write):
                for part, share, seen in job.slices.values_list("part", "share", "done"):
                    if part not in tasks:
                        tasks[part] = bar.add_task(part, total=1.0, seen=0)
                    bar.update(tasks[part], completed=share, seen=seen)
        name = job.arguments["name"]
        self.stdout.write(f"checkpoint {name} is there: manage.py generate --checkpoint {name} --count 1200")
