"""Folders and zips of PNG or JPEG pictures; subfolders, where there are any, are the classes.

A zip is read in place, member by member: nothing is extracted, so member names cannot lead anywhere.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from generator.datasets.labelled import COLOURS, Classes, LabelledImages, Pixels, Request
from generator.errors import DataError

SUFFIXES = {".png", ".jpg", ".jpeg"}
LARGEST_FILE_BYTES = 64 * 1024 * 1024
LARGEST_SIDE_PX = 1024

# What Pillow raises on files that are no pictures, half pictures, or far too large ones.
DAMAGED = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError)

Read = Callable[[], bytes]


def load_pictures(request: Request) -> LabelledImages:
    """Every picture of a folder or zip, in the order of the names. It has no splits of its own."""
    if request.path is None:
        raise DataError("the data set folder reads your own pictures: name the folder or zip with --data")
    with picture_files(request.path) as files:
        return pictures(request.path, files)


@contextmanager
def picture_files(path: Path) -> Iterator[dict[str, Read]]:
    """Readers of all pictures under a folder or in a zip, by relative name with forward slashes, sorted."""
    if path.is_dir():
        found = {file.relative_to(path).as_posix(): file.read_bytes for file in _files_below(path)}
        yield {name: found[name] for name in sorted(found)}
    elif path.is_file():
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DataError(
                f"{path}: expected a folder or a zip of pictures, found neither ({error})"
            ) from None
        with archive:
            yield {
                name: _member_reader(path, archive, name)
                for name in sorted(archive.namelist())
                if _is_picture(name)
            }
    else:
        raise DataError(f"{path}: expected a folder or a zip of pictures, found nothing; check the path")


def pictures(path: Path, files: dict[str, Read]) -> LabelledImages:
    """The decoded pictures; all must be of one size, and either all RGB or all gray."""
    if not files:
        raise DataError(f"{path}: expected PNG or JPEG pictures, found none")
    first = decoded(f"{path}/{next(iter(files))}", next(iter(files.values()))())
    pixels = np.empty((len(files), *first.shape), dtype=np.uint8)
    for at, (name, read) in enumerate(files.items()):
        picture = decoded(f"{path}/{name}", read())
        if picture.shape != first.shape:
            raise DataError(
                f"{path}/{name}: expected {_size(first)} like the first picture, found {_size(picture)}; "
                "bring all pictures to one size and one mode"
            )
        pixels[at] = picture
    labels, class_names = _classes(path, list(files))
    return LabelledImages(path.stem, pixels, labels, class_names)


def decoded(name: str, content: bytes) -> Pixels:
    """One picture's pixels, (H, W, 3), or (H, W, 1) of a gray one.

    Sizes are checked in the header, before anything is decoded.
    """
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as picture:
            if max(picture.size) > LARGEST_SIDE_PX:
                raise DataError(
                    f"{name}: expected at most {LARGEST_SIDE_PX} pixels a side, found {picture.size}"
                )
            if picture.mode not in ("RGB", "L"):
                raise DataError(
                    f"{name}: expected an RGB or gray picture, found mode {picture.mode}; convert it first"
                )
            return np.asarray(picture, dtype=np.uint8).reshape(picture.height, picture.width, -1)
    except DAMAGED as error:
        raise DataError(
            f"{name}: expected a whole PNG or JPEG picture, found a damaged file ({error})"
        ) from None


def _classes(path: Path, names: list[str]) -> tuple[Classes | None, tuple[str, ...]]:
    """Labels by the last folder of each name, or none when the pictures lie flat."""
    folders = [PurePosixPath(name).parent.name for name in names]
    class_names = tuple(sorted(set(folders) - {""}))
    if not class_names:
        return None, ()
    if "" in folders:
        raise DataError(
            f"{path}/{names[folders.index('')]}: expected every picture in a class folder like the others; "
            "move it into one"
        )
    index = {name: at for at, name in enumerate(class_names)}
    return np.array([index[folder] for folder in folders], dtype=np.int64), class_names


def _files_below(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and _is_picture(file.name)]


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not PurePosixPath(name).name.startswith(".")


def _member_reader(path: Path, archive: zipfile.ZipFile, name: str) -> Read:
    def read() -> bytes:
        found = archive.getinfo(name).file_size
        if found > LARGEST_FILE_BYTES:
            raise DataError(f"{path}/{name}: expected at most {LARGEST_FILE_BYTES} bytes, found {found}")
        try:
            return archive.read(name)
        except (zipfile.BadZipFile, OSError) as error:
            raise DataError(
                f"{path}/{name}: expected a readable member, found a damaged one ({error})"
            ) from None

    return read


def _size(pixels: Pixels) -> str:
    height, width, channels = pixels.shape
    return f"{width}x{height} {COLOURS[channels]}"
