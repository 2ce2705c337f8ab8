"""`manage.py study_state S [STATE]`: where a study stands, and the step to another state."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from studyapp.catalogue import CatalogueError
from studyapp.life import STEPS, step_to, steps_from, take
from studyapp.links import address_of
from studyapp.management.commands.open_study import find_study
from studyapp.models import NamedLink, Study
from studyapp.opening import OpeningError


class Command(BaseCommand):
    help = (
        "Say where a study stands, or lead it to another state. draft: editable. piloting: frozen, for bots and people "
        "with a tester's link. open: for participants. paused: nobody starts for now. closed: for good. archived: out "
        "of the way. Whoever has begun a sitting may finish it in every state. From piloting back to draft, the "
        "pilot's sittings are deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the study")
        parser.add_argument(
            "state",
            nargs="?",
            choices=Study.Status.values,
            help="the state it should have; none: say how it is",
        )

    def handle(self, *, slug: str, state: str | None, **options: Any) -> None:
        study = find_study(slug)
        if state is not None:
            try:
                take(step_to(study, state), study)
            except (OpeningError, CatalogueError) as error:
                raise CommandError(str(error)) from error
        version = f", version {study.version[:12]}" if study.version else ""
        self.stdout.write(f"study {study} is {study.status}{version}")
        self.stdout.write(f"participants: {reverse('study:welcome', args=[study.slug])}")
        for link in NamedLink.objects.filter(study=study, is_tester=True):
            self.stdout.write(f"testers: {address_of(link)}")
        possible = ", ".join(STEPS[name].leads_to for name in steps_from(study.status))
        self.stdout.write(f"from here it can become: {possible}")
