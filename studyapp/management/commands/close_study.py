"""`manage.py close_study S`: nobody can start any more; who sits may finish."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.life import close_study
from studyapp.management.commands.open_study import find_study
from studyapp.opening import OpeningError


class Command(BaseCommand):
    help = "Close an open study."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, *, slug: str, **options: Any) -> None:
        try:
            study = close_study(find_study(slug))
        except OpeningError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"study {study} is closed")
