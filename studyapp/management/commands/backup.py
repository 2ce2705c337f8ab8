"""`python manage.py backup [FILE]`: the whole site in one zip, taken while it runs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from studyapp.backup import BackupError, back_up, check


class Command(BaseCommand):
    help = (
        "Write database, image sets, packs and trained models into one zip. People can sit and workers can work "
        "meanwhile. The secret key is left out unless asked for: keep a copy of it apart, for without it nobody who "
        "was signed in stays so, and receipt codes shown after a restore are not those that were stored."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, help="default: backups/ in the data folder, named by the time"
        )
        parser.add_argument("--with-key", action="store_true", help="put the secret key in: guard the file")
        parser.add_argument(
            "--check", action="store_true", help="read an existing backup from end to end instead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        if options["check"] and path is None:
            raise CommandError("--check: expected the backup to read, got none")
        path = path or settings.DATA_DIR / "backups" / f"{timezone.now():%Y-%m-%dT%H%M%SZ}.zip"
        try:
            contents = check(path) if options["check"] else back_up(path, with_key=options["with_key"])
        except BackupError as error:
            raise CommandError(str(error)) from error
        done = "whole" if options["check"] else "written"
        self.stdout.write(f"{path}: {done}, {contents.n_bytes / 1e6:,.0f} MB in {len(contents.files)} files")
        self.stdout.write(
            "  " + ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in contents.counts.items())
        )
        self.stdout.write(f"  audit log up to {contents.audit_head}")
        if not contents.has_key:
            self.stdout.write(f"  the secret key is not in it: keep {settings.DATA_DIR / 'secret_key'} apart")
