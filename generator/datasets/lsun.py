"""Folders and zips of pictures of any size, as LSUN (Yu et al. 2015, arXiv:1506.03365) is exported.

Each picture is cut to its centre square, which is brought to one size by area means; gray pictures become RGB. The
first folder below, where there is one, is the class: an export of LSUN sorts a category's pictures into folders of
folders. There may be millions, so the small pictures go to one file of raw pixels in the data folder and are mapped
into memory from there. The file is named for what went in and is used again by the next run; it may be deleted.
"""

import hashlib
import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, ImageOps

from generator.datasets.labelled import LabelledImages, Pixels, Request
from generator.datasets.picture_files import DAMAGED, FORMATS, PictureFiles, classes_of, picture_files
from generator.errors import DataError
from generator.whole_file import whole_file

SIDE_PX = 64  # the paper's size for LSUN
LARGEST_SIDE_PX = 8192
MODES = ("RGB", "L")
AT_A_TIME = 256  # pictures in memory


def load_lsun(request: Request) -> LabelledImages:
    """Every picture of a folder or zip, in the order of the names, (N, S, S, 3). It has no splits of its own.

    S is request.size_px, or 64. Raises DataError for a damaged picture or one that would have to be enlarged.
    """
    if request.path is None:
        raise DataError(
            "the data set lsun reads pictures of any size, such as exported ones of LSUN: name the folder or zip "
            "with --data"
        )
    size_px = request.size_px or SIDE_PX
    with picture_files(request.path) as files:
        if not files.names:
            raise DataError(f"{request.path}: expected PNG, JPEG or WebP pictures, found none")
        stored = request.data_folder / "lsun" / f"{_fingerprint(files, size_px)}.pixels"
        shape = (len(files.names), size_px, size_px, 3)
        if not stored.is_file():
            with whole_file(stored) as file:
                for done, block in enumerate(_squares(files, size_px), start=1):
                    file.write(block.data)
                    here = min(done * AT_A_TIME, len(files.names))
                    request.progress(here * size_px**2 * 3, len(files.names) * size_px**2 * 3)
        # Copy on write: torch warns of arrays that cannot be written to, and the file stays as it is.
        pixels = np.asarray(np.memmap(stored, dtype=np.uint8, mode="c", shape=shape))
        labels, class_names = classes_of(files, _first_folder)
    return LabelledImages(request.path.stem, pixels, labels, class_names)


def centre_square(name: str, content: bytes, size_px: int) -> Pixels:
    """Area means of one picture's centre square, (S, S, 3) uint8; its sides are checked before it is decoded."""
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if not size_px <= min(picture.size) <= max(picture.size) <= LARGEST_SIDE_PX:
                raise DataError(
                    f"{name}: expected {size_px} to {LARGEST_SIDE_PX} pixels a side, found "
                    f"{picture.width}x{picture.height}; leave it out or choose another --size"
                )
            if picture.mode not in MODES:
                raise DataError(
                    f"{name}: expected an RGB or gray picture, found mode {picture.mode}; convert it first"
                )
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except DAMAGED as error:
        raise DataError(
            f"{name}: expected a whole PNG, JPEG or WebP picture, found a damaged file ({error})"
        ) from None
    side = min(upright.size)
    left, top = (upright.width - side) / 2, (upright.height - side) / 2
    box = (left, top, left + side, top + side)
    return np.asarray(upright.resize((size_px, size_px), Image.Resampling.BOX, box=box), dtype=np.uint8)


def _squares(files: PictureFiles, size_px: int) -> Iterator[Pixels]:
    """Small pictures in blocks (n, S, S, 3), in order, decoded on all cores."""

    def square(name: str) -> Pixels:
        return centre_square(f"{files.path}/{name}", files.read(name), size_px)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(files.names), AT_A_TIME):
            yield np.stack(list(pool.map(square, files.names[start : start + AT_A_TIME])))


def _fingerprint(files: PictureFiles, size_px: int) -> str:
    """A name for these pictures at this size: other names, lengths or times of writing make another."""
    digest = hashlib.sha256(f"{size_px} {files.path.resolve()}".encode())
    if files.path.is_file():
        digest.update(_written(files.path))
    else:
        for name in files.names:
            digest.update(name.encode() + _written(files.path / name))
    return digest.hexdigest()[:16]


def _written(path: Path) -> bytes:
    found = path.stat()
    return f" {found.st_size} {found.st_mtime_ns}\n".encode()


def _first_folder(name: PurePosixPath) -> str:
    return name.parts[0] if len(name.parts) > 1 else ""
