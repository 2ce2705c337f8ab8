"""`manage.py create_study --preset lapgan --slug S`: a draft study from a preset."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyapp.models import ImageSet
from studyapp.presets import PRESETS, PresetError, create_study
from studyapp.texts import DEFAULTS

OVERRIDES = {
    "trials": "n_trials",
    "practice": "practice_trials",
    "catch": "catch_trials",
    "title": "title",
    "exposures": "exposures_ms",
}


class Command(BaseCommand):
    help = "Make a draft study from a preset. Presets: " + "; ".join(
        f"{name} ({preset.summary})" for name, preset in PRESETS.items()
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--preset", required=True, choices=sorted(PRESETS))
        parser.add_argument("--slug", required=True, help="its name in addresses: /s/SLUG/")
        parser.add_argument("--title")
        parser.add_argument(
            "--languages",
            nargs="+",
            default=["en"],
            choices=sorted(DEFAULTS),
            help="languages that participants may choose from; the first is the study's own",
        )
        parser.add_argument("--trials", type=int, help="trials a sitting: 220, or 660 as in the paper")
        parser.add_argument("--practice", type=int, help="practice trials")
        parser.add_argument("--catch", type=int, help="catch trials a sitting, with pictures of plain noise")
        parser.add_argument(
            "--exposures", type=int, nargs="+", metavar="MS", help="durations in milliseconds"
        )
        parser.add_argument(
            "--only",
            nargs="+",
            default=[],
            metavar="SET",
            help="the preset's design with these image sets alone, each a source; one of them holds real pictures",
        )
        parser.add_argument(
            "--images",
            action="append",
            default=[],
            metavar="SOURCE=SET",
            help="the image set of a source; without it the newest of that source",
        )

    def handle(
        self,
        *,
        preset: str,
        slug: str,
        images: list[str],
        only: list[str],
        languages: list[str],
        **options: Any,
    ) -> None:
        overrides = {field: options[name] for name, field in OVERRIDES.items() if options[name] is not None}
        try:
            study = create_study(
                preset,
                slug,
                image_sets=dict(self.image_set(pair) for pair in images),
                only=[self.named(name, f"--only {name}: expected a set") for name in only],
                languages=languages,
                **overrides,
            )
        except PresetError as error:
            raise CommandError(str(error)) from error
        for source in study.sources.all():
            self.stdout.write(f"  {source.name}: {source.image_set} ({source.image_set.n_images} images)")
        self.stdout.write(f"study {study} is a draft; `python manage.py open_study {study}` opens it")

    def image_set(self, pair: str) -> tuple[str, ImageSet]:
        source, _, name = pair.partition("=")
        return source, self.named(name, f"--images {pair}: expected SOURCE=SET, a set")

    def named(self, name: str, expected: str) -> ImageSet:
        found = ImageSet.objects.filter(name=name).first()
        if found is None:
            known = ", ".join(ImageSet.objects.values_list("name", flat=True)[:20]) or "none"
            raise CommandError(f"{expected} of the catalogue ({known})")
        return found
