"""`manage.py study_versions S`: the versions of a study, and what changed from one to the next."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from studyapp.management.commands.open_study import find_study
from studyapp.versions import changes, design_of, lineage


class Command(BaseCommand):
    help = "List the versions of a study and what changed from one to the next, in plain words."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of any version")

    def handle(self, *, slug: str, **options: Any) -> None:
        before: dict[str, Any] | None = None
        for study in lineage(find_study(slug)):
            design = design_of(study)
            self.stdout.write(f"{study}  {study.status}  {study.version[:12] or 'not frozen'}")
            for change in changes(before or design, design):
                self.stdout.write(f"  {change.what}: {change.was}  ->  {change.now}")
            before = design
