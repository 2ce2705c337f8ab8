"""`python manage.py near_duplicates SET`: pictures of an image set that look like others."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studyapp.catalogue import CatalogueError
from studyapp.models import ImageSet
from studyapp.near_duplicates import compare


class Command(BaseCommand):
    help = (
        "List pictures that are nearly the same as another of the set, or of other sets: a sample that is a copied "
        "photo is no sample. To look for copies of training images, import those as an image set first. Mirrored and "
        "cropped copies are not found."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("image_set", help="name of the image set")
        parser.add_argument(
            "--against", nargs="*", metavar="SET", help="names of other sets; default: all of the catalogue"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        image_set = self._named(options["image_set"])
        if options["against"] is None:
            others = list(ImageSet.objects.exclude(pk=image_set.pk))
        else:
            others = [self._named(name) for name in options["against"]]
        try:
            found = compare(image_set, others)
        except CatalogueError as error:
            raise CommandError(str(error)) from error
        for pair in found:
            why = "  real and generated" if pair.is_across else ""
            self.stdout.write(f"{pair.first}  {pair.second}  {pair.steps:.1f}{why}")
        n_across = sum(pair.is_across for pair in found)
        self.stdout.write(f"{len(found)} pairs, {n_across} across real and generated")

    def _named(self, name: str) -> ImageSet:
        found = ImageSet.objects.filter(name=name).first()
        if found is None:
            known = ", ".join(ImageSet.objects.values_list("name", flat=True)[:10]) or "none"
            raise CommandError(f"expected an image set named {name}, found none; there are: {known}")
        return found
