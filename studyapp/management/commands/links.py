"""`manage.py links S ...`: the links of a study made, written out, and shown as QR codes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.csv_tables import MAX_BYTES, TableError, read_table
from studyapp.files import write_whole
from studyapp.links import LinkError, labels_of, link_rows, links_csv, make_links, qr_svg
from studyapp.management.commands.open_study import find_study
from studyapp.models import Study

SITE = "http://127.0.0.1:8000"


class Command(BaseCommand):
    help = (
        "Named links of a study, one for each person: make them (--count, or --csv with a line for each person), and "
        "write all there are with their state (--out). To open a link changes nothing; a sitting begins with the "
        "consent. A person's link leads to one sitting, a tester's (--testers) to as many as they like, all marked as "
        "pilot."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the study")
        parser.add_argument("--count", type=int, metavar="N", help="make N links without a name")
        parser.add_argument(
            "--csv",
            type=Path,
            metavar="FILE",
            help="make a link for each line, by its column label or its first",
        )
        parser.add_argument("--testers", action="store_true", help="what is made is for testers")
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help="write all links as CSV: label, address, state"
        )
        parser.add_argument("--qr", type=Path, metavar="DIR", help="write a QR code (SVG) for each link")
        parser.add_argument(
            "--site", default=SITE, metavar="URL", help=f"address of the site (default {SITE})"
        )

    def handle(self, *, slug: str, **options: Any) -> None:
        study = find_study(slug)
        try:
            if (labels := self.labels(options)) is not None:
                made = make_links(study, labels, is_tester=options["testers"])
                already = f", {made.already} were there already" if made.already else ""
                self.stdout.write(f"study {study}: {made.new} links made{already}")
        except (LinkError, TableError) as error:
            raise CommandError(str(error)) from error
        if options["out"]:
            with write_whole(options["out"]) as file:
                file.write(links_csv(study, options["site"]))
            self.stdout.write(f"{options['out']}  {study.links.count()} links")
        if options["qr"]:
            self.write_codes(study, options["qr"], options["site"])
        if not (labels or options["out"] or options["qr"]):
            for row in link_rows(study, options["site"]):
                self.stdout.write("  ".join(part for part in row if part))

    def labels(self, options: dict[str, Any]) -> list[str] | None:
        """For whom links are wanted, None if nobody asked for any."""
        if options["csv"] is not None:
            with options["csv"].open("rb") as file:
                return labels_of(read_table(file.read(MAX_BYTES + 1)))
        if options["count"] is not None:
            if options["count"] < 1:
                raise LinkError(f"expected at least 1 link, got {options['count']}")
            return [""] * options["count"]
        return None

    def write_codes(self, study: Study, folder: Path, site: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (_label, _kind, address, _state) in enumerate(link_rows(study, site), start=1):
            (folder / f"{number:05d}.svg").write_bytes(qr_svg(address))
        self.stdout.write(f"{folder}  {study.links.count()} QR codes")
