"""`python manage.py doctor`: whether this machine is fit for a study, and what to do where it is not."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.doctor import FAULT, findings


class Command(BaseCommand):
    help = (
        "Look at Python, data folder, disk, permissions, database, clock, broker, worker, GPU and security. A doubt "
        "is a matter of judgement; with a fault this ends with 1, for scripts."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = findings()
        for finding in found:
            self.stdout.write(str(finding))
        faults = [finding.name for finding in found if finding.state == FAULT]
        if faults:
            raise CommandError(f"to be mended: {', '.join(faults)}")
