"""Folders and zips of pictures of one size; subfolders, where there are any, are the classes."""

import io
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from generator.datasets.labelled import COLOURS, LabelledImages, Pixels, Request
from generator.datasets.picture_files import DAMAGED, FORMATS, PictureFiles, classes_of, picture_files
from generator.errors import DataError

LARGEST_SIDE_PX = 1024
MODES = ("RGB", "L")


def load_pictures(request: Request) -> LabelledImages:
    """Every picture of a folder or zip, in the order of the names. It has no splits of its own."""
    if request.path is None:
        raise DataError("the data set folder reads your own pictures: name the folder or zip with --data")
    with picture_files(request.path) as files:
        return pictures(files)


def pictures(files: PictureFiles) -> LabelledImages:
    """The decoded pictures; all must be of one size, and either all RGB or all gray."""
    path, names = files.path, files.names
    if not names:
        raise DataError(f"{path}: expected PNG, JPEG or WebP pictures, found none")
    first = decoded(f"{path}/{names[0]}", files.read(names[0]))
    pixels = np.empty((len(names), *first.shape), dtype=np.uint8)
    for at, name in enumerate(names):
        picture = decoded(f"{path}/{name}", files.read(name))
        if picture.shape != first.shape:
            raise DataError(
                f"{path}/{name}: expected {_size(first)} like the first picture, found {_size(picture)}; "
                "bring all pictures to one size and one mode"
            )
        pixels[at] = picture
    labels, class_names = classes_of(files, _last_folder)
    return LabelledImages(path.stem, pixels, labels, class_names)


def decoded(name: str, content: bytes) -> Pixels:
    """One picture's pixels, (H, W, 3), or (H, W, 1) of a gray one.

    Sizes are checked in the header, before anything is decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if max(picture.size) > LARGEST_SIDE_PX:
                raise DataError(
                    f"{name}: expected at most {LARGEST_SIDE_PX} pixels a side, found {picture.size}"
                )
            if picture.mode not in MODES:
                raise DataError(
                    f"{name}: expected an RGB or gray picture, found mode {picture.mode}; convert it first"
                )
            return np.asarray(picture, dtype=np.uint8).reshape(picture.height, picture.width, -1)
    except DAMAGED as error:
        raise DataError(
            f"{name}: expected a whole PNG, JPEG or WebP picture, found a damaged file ({error})"
        ) from None


def _last_folder(name: PurePosixPath) -> str:
    return name.parent.name


def _size(pixels: Pixels) -> str:
    height, width, channels = pixels.shape
    return f"{width}x{height} {COLOURS[channels]}"
