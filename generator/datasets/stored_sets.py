"""Image sets as data sets: what one generator or import wrote, another can learn from or show."""

import numpy as np

from generator.datasets.labelled import COLOURS, Credit, LabelledImages, Request
from generator.errors import DataError
from generator.image_set import open_image_set


def load_image_set(request: Request) -> LabelledImages:
    """All images of the image set zip at request.path, each checked against the manifest."""
    if request.path is None:
        raise DataError("the data set image-set reads an image set: name the zip with --data")
    with open_image_set(request.path) as stored:
        manifest = stored.manifest
        first = stored.pixels(0)
        pixels = np.empty((len(stored), *first.shape), dtype=np.uint8)
        for at in range(len(stored)):
            image = stored.pixels(at)
            if image.shape != first.shape:
                file = manifest["images"][at]["file"]
                raise DataError(
                    f"{request.path}/{file}: expected {COLOURS[first.shape[-1]]} like the first image, found "
                    f"{COLOURS[image.shape[-1]]}; write the set again with images of one mode"
                )
            pixels[at] = image
    classes = [entry["class"] for entry in manifest["images"]]
    return LabelledImages(
        name=manifest["dataset"],
        pixels=pixels,
        labels=None if None in classes else np.array(classes, dtype=np.int64),
        class_names=tuple(manifest["class_names"]),
        credits=tuple(Credit(**credit) for credit in manifest["credits"]),
        notes=tuple(manifest["notes"]),
    )
