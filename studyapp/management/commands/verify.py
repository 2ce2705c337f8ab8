"""`python manage.py verify [PART ...]`: whether what is stored still is what it was."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studyapp.audit import Head
from studyapp.verification import PARTS, faults_of_folder, verify


class Command(BaseCommand):
    help = (
        "Look at packs, image sets, counters, the audit log, earlier exports and reports, and say what is not as it "
        "was. Changes nothing, unless --mend sets counters right."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; default: all"
        )
        parser.add_argument(
            "--mend", action="store_true", help="set counters right that do not agree with the rows"
        )
        parser.add_argument(
            "--head",
            metavar="NUMBER:SHA256",
            help="newest entry of the audit log as an export or backup noted it",
        )
        parser.add_argument("--export", type=Path, metavar="DIR", help="look at this exported folder only")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["export"]:
            problems = list(faults_of_folder(options["export"]))
            for problem in problems:
                self.stdout.write(problem)
            if problems:
                raise CommandError("the export is not as it was written")
            self.stdout.write(f"{options['export']}: every file is as it was written")
            return
        if unknown := set(options["parts"]) - set(PARTS):
            raise CommandError(f"expected any of {', '.join(PARTS)}, got {', '.join(sorted(unknown))}")
        try:
            head = Head.read(options["head"]) if options["head"] else None
        except ValueError as error:
            raise CommandError(f"--head: {error}") from error
        n_problems = 0
        for part in verify(options["parts"] or list(PARTS), mend=options["mend"], head=head):
            self.stdout.write(str(part))
            n_problems += len(part.problems)
        if n_problems:
            raise CommandError(f"{n_problems} things are not as they should be: see above")
