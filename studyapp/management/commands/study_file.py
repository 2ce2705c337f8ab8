"""`manage.py study_file save S --out FILE` and `load FILE`: a study's definition as one file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.files import write_whole
from studyapp.management.commands.open_study import find_study
from studyapp.study_file import MAX_BYTES, StudyFileError, load_study, study_file


class Command(BaseCommand):
    help = (
        "Save a study's definition as one JSON file, or make a draft out of such a file. Pictures are not in it: image "
        "sets are named by their SHA-256 and must be in the catalogue where the file is loaded."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        save = actions.add_parser("save", help="write the definition of a study, frozen or draft")
        save.add_argument("slug", help="short name of the study")
        save.add_argument("--out", required=True, type=Path, metavar="FILE")
        load = actions.add_parser("load", help="make a draft out of a file")
        load.add_argument("file", type=Path)
        load.add_argument("--slug", default="", help="another short name than that in the file")

    def handle(self, *, action: str, slug: str, **options: Any) -> None:
        if action == "save":
            content = study_file(find_study(slug))
            with write_whole(options["out"]) as file:
                file.write(content)
            self.stdout.write(f"{options['out']}  {len(content)} bytes")
            return
        try:
            with options["file"].open("rb") as file:
                study = load_study(file.read(MAX_BYTES + 1), slug)
        except StudyFileError as error:
            raise CommandError(f"{options['file']}: {error}") from error
        self.stdout.write(f"study {study} is a draft; `python manage.py open_study {study}` opens it")
