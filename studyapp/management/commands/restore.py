"""`python manage.py restore FILE`: a backup into an empty data folder and database."""

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from studyapp import audit
from studyapp.accounts import at_the_command_line
from studyapp.backup import BackupError, restore
from studyapp.verification import verify


class Command(BaseCommand):
    help = (
        "Bring a backup back into an empty site (TACHISTO_DATA, DATABASE_URL), bring its tables up to date, and look "
        "whether all is there. Stop web server and workers first. Erasures since the backup have to be done again."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="what `manage.py backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            contents = restore(options["file"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0)
        audit.note(
            at_the_command_line(), "restored", backup=options["file"].name, made_utc=contents.created_utc
        )
        self.stdout.write(f"restored the backup of {contents.created_utc}")
        problems = 0
        for part in verify(("packs", "image-sets", "counts", "audit")):
            self.stdout.write(f"  {part}")
            problems += len(part.problems)
        if problems:
            raise CommandError("the backup is back, but not all in it is as it should be: see above")
