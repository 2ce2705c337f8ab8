"""`manage.py recruiting {show,set,compare,pay,exclude} S`: codes, ways back, exclusion lists, payment."""

from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.csv_tables import MAX_BYTES, Table, TableError, read_table
from studyapp.files import write_whole
from studyapp.management.commands.open_study import find_study
from studyapp.models import ExclusionList, SittingOutcome, Study
from studyapp.panels import ANY, PANELS
from studyapp.payment import RULES, checked_payment, payment_csv
from studyapp.reconciliation import lines_csv, reconciled, verdict_counts
from studyapp.recruiting import (
    RecruitingError,
    checked_codes,
    checked_return_url,
    listed,
    recruiting_of,
    share_people,
)


class Command(BaseCommand):
    help = (
        "How people come to a study and go back. show: what is set. set: codes, ways back, payment, who may come. "
        "compare: a panel's own list (CSV) beside ours. pay: who is to be paid what. exclude: people (CSV) whom the "
        "study's exclusion list takes no more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, about in (
            ("show", "what is set"),
            ("set", "change it, also while the study is open"),
            ("compare", "a panel's own list of submissions beside ours"),
            ("pay", "a line for everybody who came through a panel or a link"),
            ("exclude", "put people on the study's exclusion list"),
        ):
            action = actions.add_parser(name, help=about)
            action.add_argument("slug", help="short name of the study")
            if name == "set":
                self.add_settings(action)
            if name in ("compare", "exclude"):
                action.add_argument("file", type=Path, metavar="CSV")
                action.add_argument("--panel", required=True, help=f"such as {', '.join(PANELS)}")
            if name in ("compare", "pay"):
                action.add_argument("--out", type=Path, required=name == "pay", metavar="FILE")

    def add_settings(self, action: ArgumentParser) -> None:
        pair: dict[str, Any] = {"action": "append", "default": []}
        outcomes = ", ".join(SittingOutcome.values)
        action.add_argument("--code", metavar="OUTCOME=CODE", help=f"{outcomes}; empty: none", **pair)
        action.add_argument(
            "--way-back", metavar="PANEL=URL", help="with {code} and {id}; empty: none", **pair
        )
        action.add_argument("--pay", metavar="RULE=AMOUNT", help=f"{', '.join(RULES)}; empty: none", **pair)
        action.add_argument(
            "--exclusion-list", metavar="NAME", help="made if there is none; '': leave the list"
        )
        action.add_argument(
            "--open-link", action=BooleanOptionalAction, default=None, help="whether everybody may come"
        )

    def handle(self, *, action: str, slug: str, **options: Any) -> None:
        study = find_study(slug)
        try:
            getattr(self, action)(study, options)
        except (RecruitingError, TableError) as error:
            raise CommandError(str(error)) from error

    def show(self, study: Study, options: dict[str, Any]) -> None:
        told = recruiting_of(study)
        self.stdout.write(f"open to everybody: {'yes' if told.open_link else 'no'}")
        self.stdout.write(f"exclusion list: {told.exclusion_list or 'none'}")
        for what, values in (("code", told.codes), ("way back", told.return_urls), ("pay", told.payment)):
            for name, value in values.items():
                self.stdout.write(f"{what}, {name}: {value}")

    def set(self, study: Study, options: dict[str, Any]) -> None:
        told = recruiting_of(study)
        told.codes = checked_codes(told.codes | pairs(options["code"]))
        ways = told.return_urls | pairs(options["way_back"])
        told.return_urls = {panel: checked_return_url(url) for panel, url in ways.items() if url}
        told.payment = checked_payment(told.payment | pairs(options["pay"]))
        if options["open_link"] is not None:
            told.open_link = options["open_link"]
        told.save()
        if (name := options["exclusion_list"]) is not None:
            share_people(study, ExclusionList.objects.get_or_create(name=name)[0] if name else None)
        self.show(study, options)

    def compare(self, study: Study, options: dict[str, Any]) -> None:
        lines = reconciled(study, options["panel"], table_of(options["file"]))
        for verdict, n_people in sorted(verdict_counts(lines).items()):
            self.stdout.write(f"{n_people}  {verdict}")
        self.write(options["out"], lines_csv(lines))

    def pay(self, study: Study, options: dict[str, Any]) -> None:
        self.write(options["out"], payment_csv(study))

    def exclude(self, study: Study, options: dict[str, Any]) -> None:
        shared = recruiting_of(study).exclusion_list
        if shared is None:
            raise RecruitingError(
                f"study {study.slug} is on no exclusion list: `recruiting set {study.slug} --exclusion-list NAME` first"
            )
        table = table_of(options["file"])
        place = table.column((*PANELS.get(options["panel"], ANY).id_columns, *ANY.id_columns))
        rows = table.rows if place is not None else [table.header, *table.rows]
        ids = {row[place or 0] for row in rows if len(row) > (place or 0) and row[place or 0]}
        n_new = listed(shared, [(options["panel"], external_id, None) for external_id in sorted(ids)])
        self.stdout.write(
            f"exclusion list {shared}: {n_new} people more, {len(ids) - n_new} were there already"
        )

    def write(self, path: Path | None, content: bytes) -> None:
        if path is not None:
            with write_whole(path) as file:
                file.write(content)
            self.stdout.write(str(path))


def pairs(words: list[str]) -> dict[str, str]:
    """`NAME=VALUE` words as a dictionary. Raises RecruitingError."""
    told = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise RecruitingError(f"expected NAME=VALUE, got {word[:80]!r}")
        told[name.strip()] = value.strip()
    return told


def table_of(path: Path) -> Table:
    with path.open("rb") as file:
        return read_table(file.read(MAX_BYTES + 1))
