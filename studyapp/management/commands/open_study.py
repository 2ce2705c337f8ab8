"""`manage.py open_study S`: freeze a draft, write its pack, let participants in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.catalogue import CatalogueError
from studyapp.life import open_study
from studyapp.models import Study
from studyapp.opening import OpeningError, advice


class Command(BaseCommand):
    help = "Freeze a draft study and open it to participants."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")

    def handle(self, *, slug: str, **options: Any) -> None:
        study = find_study(slug)
        for sentence in advice(study):
            self.stderr.write(f"note: {sentence}")
        try:
            open_study(study)
        except (OpeningError, CatalogueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"study {study} is open, version {study.version[:12]}")


def find_study(slug: str) -> Study:
    """The study of this slug, or a refusal that lists those there are."""
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        known = ", ".join(Study.objects.values_list("slug", flat=True)) or "none"
        raise CommandError(f"expected a study of this installation ({known}), got {slug!r}")
    return study
