"""`python manage.py export_responses [S] --out DIR`: a study's answers as tidy tables."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studyapp.accounts import at_the_command_line
from studyapp.export import (
    ExportError,
    ExportSummary,
    export_freeze,
    require_format,
    study_to_export,
    wished_freeze,
)
from studyapp.export_files import FORMATS
from studyapp.export_zip import write_zip
from studyapp.files import write_whole
from studyapp.psych_ds import export_psych_ds

PSYCH_DS = "psych-ds"


class Command(BaseCommand):
    help = (
        "Write responses, stimuli, sittings, codebook and study.json of a study into a folder. What is written is "
        "fixed first and gets a name: the same name gives the same files again, whatever has come in since."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "study", nargs="?", help="short name of the study; default: the only or the newest open one"
        )
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--out", type=Path, metavar="DIR", help="folder for the files")
        where.add_argument(
            "--zip", type=Path, metavar="FILE", help="the same as one zip, as the admin and the API give it"
        )
        parser.add_argument("--simulated", action="store_true", help="include simulated participants")
        parser.add_argument(
            "--format",
            choices=[*FORMATS, PSYCH_DS],
            default="csv",
            dest="file_format",
            help="csv: safe for spreadsheets; jsonl: every text exactly; parquet: typed (needs pyarrow); "
            "psych-ds: csv in a Psych-DS folder",
        )
        parser.add_argument(
            "--freeze", metavar="NAME", help="write an earlier export again, by the beginning of its name"
        )
        parser.add_argument("--pilot", action="store_true", help="the sittings of the pilot, and no others")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            study = study_to_export(options["study"])
            summary = self._export(study, options)
        except ExportError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{options['out'] or options['zip']}: the export could not be written ({error.strerror}); "
                "free the place or choose another"
            ) from error
        self.stdout.write(f"study {study.slug}, version {study.version[:12]}, export {summary.freeze.name}")
        for path in [options["zip"]] if options["zip"] else summary.paths:
            rows = summary.rows.get(path.name)
            self.stdout.write(f"  {path}" + ("" if rows is None else f"  {rows} rows"))
        counts = dict(summary.counts)
        planned = counts.pop("planned")
        parts = " + ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items())
        self.stdout.write(f"  trials: {planned} planned = {parts}")
        if summary.n_erased_since:
            self.stderr.write(f"note: {summary.n_erased_since} sittings of this export were erased since")
        if summary.is_simulated:
            why = "as asked" if options["simulated"] else "nobody else has answered"
            self.stderr.write(f"note: simulated participants are in these files ({why})")

    def _export(self, study: Any, options: dict[str, Any]) -> ExportSummary:
        folder, file_format = options["out"], options["file_format"]
        if file_format != PSYCH_DS:
            require_format(file_format)
        freeze = wished_freeze(
            study,
            options["freeze"],
            include_simulated=options["simulated"],
            pilot=options["pilot"],
            by=at_the_command_line(),
        )
        if options["zip"]:
            with write_whole(options["zip"]) as file:
                return write_zip(file, [freeze], form=file_format)[0]
        if file_format == PSYCH_DS:
            return export_psych_ds(study, folder, freeze=freeze)
        return export_freeze(freeze, folder, file_format=file_format)
