"""`python manage.py make_report S [--wait]`: have a worker analyse a study's answers and keep the report."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rich.console import Console

from studyapp import audit
from studyapp.accounts import at_the_command_line
from studyapp.export import ExportError, study_to_export, wished_freeze
from studyapp.models import Job
from studyapp.products import file_of, queue_product
from studyapp.waiting import until_over


class Command(BaseCommand):
    help = (
        "Queue a report on what has been answered, or on an earlier export; a running worker makes it. It is kept "
        "and can be opened on the study's page in the admin, too."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", nargs="?", help="short name; default: the only or the newest open one")
        parser.add_argument("--simulated", action="store_true", help="include simulated participants")
        parser.add_argument("--pilot", action="store_true", help="the sittings of the pilot, and no others")
        parser.add_argument(
            "--freeze", metavar="NAME", help="on an earlier export, by the beginning of its name"
        )
        parser.add_argument("--live", action="store_true", help="the figure and the contrasts alone: faster")
        parser.add_argument("--wait", action="store_true", help="return when the report is there")

    def handle(self, *args: Any, **options: Any) -> None:
        who = at_the_command_line()
        try:
            study = study_to_export(options["study"])
            freeze = wished_freeze(
                study,
                options["freeze"],
                include_simulated=options["simulated"],
                pilot=options["pilot"],
                by=who,
            )
        except ExportError as error:
            raise CommandError(str(error)) from error
        # It stands in the log before anybody waits for it: that may be broken off.
        with transaction.atomic():
            job = queue_product(Job.Kind.REPORT, freeze, by=who, live=options["live"])
            how = f"report {job.pk}, freeze {freeze.name[:8]}"
            audit.note(who, "asked for a report", study=study.slug, how=how)
        self.stdout.write(f"job {job.pk} is queued: a report on study {study.slug}, export {freeze.name}")
        self.stdout.flush()  # waiting may be long, and a pipe would tell nothing meanwhile
        if options["wait"]:
            self.wait_for(job)

    def wait_for(self, job: Job) -> None:
        with Console(file=sys.stderr).status("waiting for a worker") as line:
            for _ in until_over(job, self.stderr.write):
                line.update(job.outcome.get("step") or "waiting for a worker")
        self.stdout.write(str(file_of(job)))
