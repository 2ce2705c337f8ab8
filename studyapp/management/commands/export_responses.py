"""`python manage.py export_responses [S] --out DIR`: a study's answers as tidy tables."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studyapp.export import ExportError, export_study, study_to_export
from studyapp.export_files import FORMATS


class Command(BaseCommand):
    help = "Write responses, stimuli, sittings, codebook and study.json of a study into a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "study", nargs="?", help="short name of the study; default: the only or the newest open one"
        )
        parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the files")
        parser.add_argument("--simulated", action="store_true", help="include simulated participants")
        parser.add_argument("--pilot", action="store_true", help="the sittings of the pilot, and no others")
        parser.add_argument("--format", choices=list(FORMATS), default="csv", dest="file_format")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = study_to_export(options["study"])
            summary = export_study(
                study,
                options["out"],
                include_simulated=options["simulated"],
                pilot=options["pilot"],
                file_format=options["file_format"],
            )
        except ExportError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{options['out']}: the export could not be written ({error.strerror}); "
                "free the place or choose another folder with --out"
            ) from error
        self.stdout.write(f"study {study.slug}, version {study.version[:12]}")
        for path in summary.paths:
            rows = summary.rows.get(path.name)
            self.stdout.write(f"  {path}" + ("" if rows is None else f"  {rows} rows"))
        if summary.is_simulated:
            why = "as asked" if options["simulated"] else "nobody else has answered"
            self.stderr.write(f"note: simulated participants are in these files ({why})")
