"""`python manage.py retention [STUDY]`: until when a study keeps panel identities and answers."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from studyapp.models import Retention, Study
from studyapp.retention import keep_promises, overdue

EVER = "ever"


def day(text: str) -> date | str:
    """A date as 2027-12-31, or `ever` for no end."""
    return EVER if text == EVER else date.fromisoformat(text)


class Command(BaseCommand):
    help = (
        "Say, or set, until which day a study keeps panel identities and answers. After that day a worker deletes them "
        "once the study is closed; counts stay. With --apply it is done now for every closed study."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", nargs="?", help="short name of the study")
        for what in ("identities", "answers"):
            parser.add_argument(f"--{what}", type=day, metavar="YYYY-MM-DD", help="last day, or `ever`")
        parser.add_argument(
            "--apply", action="store_true", help="delete now what is overdue in closed studies"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        told = {what: options[what] for what in ("identities", "answers") if options[what] is not None}
        changes = {f"{what}_until": None if day == EVER else day for what, day in told.items()}
        if options["study"]:
            study = Study.objects.filter(slug=options["study"]).first()
            if study is None:
                raise CommandError(f"expected a study of this site, got {options['study']!r}")
            kept, _ = Retention.objects.update_or_create(study=study, defaults=changes)
            for what in ("identities", "answers"):
                self.stdout.write(f"{study}: {what} until {getattr(kept, f'{what}_until') or EVER}")
        elif changes:
            raise CommandError("expected the study whose dates are to be set, got none")
        today = timezone.now().date()
        for line in keep_promises(today) if options["apply"] else overdue(today):
            self.stdout.write(line)
