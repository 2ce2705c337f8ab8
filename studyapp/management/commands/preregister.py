"""`manage.py preregister S [--out FILE]`: a study as a text to register before its data."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from studyapp.files import write_whole
from studyapp.management.commands.open_study import find_study
from studyapp.preregistration import preregistration


class Command(BaseCommand):
    help = (
        "Write a study as a text to register (Markdown): design, sample size rule, exclusions, analysis and version "
        "hash. Pilot the study first: that freezes the version which the text names."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the study")
        parser.add_argument("--out", type=Path, metavar="FILE", help="a file instead of the terminal")

    def handle(self, *, slug: str, out: Path | None, **options: Any) -> None:
        text = preregistration(find_study(slug))
        if out is None:
            self.stdout.write(text, ending="")
            return
        with write_whole(out) as file:
            file.write(text.encode())
        self.stdout.write(str(out))
