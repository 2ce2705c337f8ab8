"""Pictures that are nearly the same, within an image set and against others: a copied photo has no place among samples.

A picture is known by whether each of its neighbouring gray values rises (64 of them on a 9 x 8 thumbnail), a pair then
confirmed by the mean difference of 8 x 8 colour thumbnails, so that flat pictures are not taken for each other.
Small changes of brightness, size and noise are seen through; mirrored and cropped copies are not found.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image as Picture

from studyapp.catalogue import decoded_pixels
from studyapp.models import Image, ImageSet

MOST_BITS = 3
MOST_STEPS = 6.0
# With at most three bits apart, one of four runs of 16 bits is the same.
BANDS = tuple(range(0, 64, 16))
MOST_IMAGES = 30_000
MOST_SHARED = 200


class TooManyImages(ValueError):
    """More pictures than are compared at once; the message says how many are."""


@dataclass(frozen=True)
class Look:
    """How a picture looks, roughly: 64 rises, and a small thumbnail (8 x 8, RGB)."""

    image: int
    image_set: int
    rises: int
    thumbnail: bytes


@dataclass(frozen=True)
class Pair:
    """Two pictures that look the same; `steps` is their mean difference, 0 to 255, on the thumbnail."""

    first: int
    second: int
    steps: float


def look_of(image: int, image_set: int, pixels: bytes, size: tuple[int, int]) -> Look:
    """The look of RGB8 pixels (row by row) of this size."""
    picture = Picture.frombytes("RGB", size, pixels)
    gray = picture.convert("L").resize((9, 8), Picture.Resampling.BOX).tobytes()
    rises = 0
    for row in range(8):
        for column in range(8):
            place = 9 * row + column
            rises = rises << 1 | (gray[place] < gray[place + 1])
    return Look(image, image_set, rises, picture.resize((8, 8), Picture.Resampling.BOX).tobytes())


def looks_of(image_set: ImageSet) -> Iterator[Look]:
    """The looks of a whole set. Raises CatalogueError for a file that is not what was catalogued."""
    size = (image_set.width_px, image_set.height_px)
    for image, pixels in decoded_pixels(image_set):
        yield look_of(image, image_set.pk, pixels, size)


def pairs(looks: Iterable[Look], own: int) -> list[Pair]:
    """Pairs with at least one picture of the image set `own`, the likest first."""
    bands: dict[tuple[int, int], list[Look]] = defaultdict(list)
    found: dict[tuple[int, int], Pair] = {}
    for look in looks:
        for band in BANDS:
            alike = bands[band, look.rises >> band & 0xFFFF]
            # A run that very many share says nothing: such pictures differ elsewhere or not at all.
            for other in alike[-MOST_SHARED:]:
                if own in (look.image_set, other.image_set) and (pair := compared(other, look)):
                    found[pair.first, pair.second] = pair
            alike.append(look)
    return sorted(found.values(), key=lambda pair: (pair.steps, pair.first, pair.second))


def compared(a: Look, b: Look) -> Pair | None:
    """The pair of two looks, None if they are not nearly the same."""
    if (a.rises ^ b.rises).bit_count() > MOST_BITS:
        return None
    steps = sum(abs(x - y) for x, y in zip(a.thumbnail, b.thumbnail, strict=True)) / len(a.thumbnail)
    return Pair(a.image, b.image, steps) if steps <= MOST_STEPS else None


@dataclass(frozen=True)
class Duplicate:
    """Two pictures by their names, and why their likeness matters, if it does."""

    first: Image
    second: Image
    steps: float

    @property
    def is_across(self) -> bool:
        """Whether one is called real and the other generated: then one of both is not what it is called."""
        return self.first.image_set.is_real != self.second.image_set.is_real


def near_duplicates(image_set: ImageSet) -> list[Duplicate]:
    """Near-duplicates within a set and with every other set of the catalogue, those across real and generated first.

    Raises TooManyImages, CatalogueError.
    """
    others = list(ImageSet.objects.exclude(pk=image_set.pk).order_by("-imported_utc"))
    n_images = sum(each.n_images for each in (image_set, *others))
    if n_images > MOST_IMAGES:
        raise TooManyImages(
            f"expected at most {MOST_IMAGES:,} pictures in the catalogue to compare, got {n_images:,}: "
            "use `manage.py near_duplicates`, which takes its time"
        )
    return compare(image_set, others)


def compare(image_set: ImageSet, others: Iterable[ImageSet]) -> list[Duplicate]:
    """Near-duplicates of a set within itself and with these others."""
    found = pairs((look for each in (image_set, *others) for look in looks_of(each)), image_set.pk)
    images = Image.objects.select_related("image_set").in_bulk(
        {pk for pair in found for pk in (pair.first, pair.second)}
    )
    told = [Duplicate(images[pair.first], images[pair.second], pair.steps) for pair in found]
    return sorted(told, key=lambda duplicate: not duplicate.is_across)
