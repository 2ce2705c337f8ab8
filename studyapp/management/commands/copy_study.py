"""`manage.py copy_study S [NEW]`: another draft with the same design, or a study's next version."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.management.commands.open_study import find_study
from studyapp.opening import OpeningError
from studyapp.versions import copy_study, next_version


class Command(BaseCommand):
    help = (
        "Make a draft with the design of another study. Without a new short name it is the study's next version: when "
        "that opens, the study before it closes, and its link leads on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the study")
        parser.add_argument("new", nargs="?", help="short name of the copy; none: make the next version")

    def handle(self, *, slug: str, new: str | None, **options: Any) -> None:
        study = find_study(slug)
        try:
            draft = copy_study(study, new) if new else next_version(study)
        except OpeningError as error:
            raise CommandError(str(error)) from error
        what = "a copy" if new else f"version {draft.version_number}"
        self.stdout.write(
            f"study {draft} is a draft, {what} of {study}; `python manage.py open_study {draft}` opens it"
        )
