"""`manage.py import_unsent FILE`: the answers that a participant's browser could not send."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.unsent import UnsentError, take_in


class Command(BaseCommand):
    help = "Take in the file of unsent answers that a participant has sent; each answer is stored once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the JSON file that the test's page saved")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            self.stdout.write(str(take_in(file.read_bytes())))
        except UnsentError as error:
            raise CommandError(f"{file}: {error}. Nothing was stored") from error
