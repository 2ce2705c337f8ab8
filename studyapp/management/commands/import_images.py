"""`manage.py import_images PATH [--source NAME] [--side PX]`: an image set, or pictures, into the catalogue."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.catalogue import CatalogueError, ImageSetError, import_images


class Command(BaseCommand):
    help = (
        "Take an image set (a zip, or a folder of PNG files of one size) into the catalogue; with --side photographs "
        "of any size."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="an image set zip, or a folder of RGB PNG files")
        parser.add_argument("--source", help="real, gan, lapgan, ...; needed where no manifest names it")

        parser.add_argument(
            "--side",
            type=int,
            metavar="PX",
            help="cut JPEG, PNG and WebP pictures to squares, shrunk to this side",
        )

    def handle(self, *, path: Path, source: str | None, side: int | None, **options: Any) -> None:
        try:
            image_set = import_images(path, source=source, side_px=side, by="command line")
        except (CatalogueError, ImageSetError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"image set {image_set}: {image_set.n_images} images of {image_set.width_px}x{image_set.height_px} "
            f"pixels, source {image_set.source}"
        )
