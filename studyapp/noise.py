"""Pictures of plain noise, for catch trials: nobody who looks takes one for a photo."""

import secrets
import tempfile
from pathlib import Path

from PIL import Image

from studyapp.catalogue import import_images
from studyapp.models import ImageSet

SOURCE = "noise"
ENOUGH = 200


def noise_set(width_px: int, height_px: int) -> ImageSet:
    """Pictures of this size with every value drawn at random; the set that is there already, if there is one."""
    known = ImageSet.objects.filter(
        source=SOURCE, width_px=width_px, height_px=height_px, imported_by=SOURCE, n_images=ENOUGH
    ).first()
    if known is not None and known.path.is_file():
        return known
    with tempfile.TemporaryDirectory(prefix="tachisto-noise-") as folder:
        for index in range(ENOUGH):
            pixels = secrets.token_bytes(width_px * height_px * 3)
            picture = Image.frombytes("RGB", (width_px, height_px), pixels)
            picture.save(Path(folder) / f"{index:06d}.png")
        return import_images(Path(folder), source=SOURCE, by=SOURCE)
