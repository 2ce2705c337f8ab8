"""Picture files under a folder or in a zip: their names and their bytes, and the classes that folders make.

A zip is read in place, member by member: nothing is extracted, so member names cannot lead anywhere.
"""

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image, UnidentifiedImageError

from generator.datasets.labelled import Classes
from generator.errors import DataError

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
FORMATS = ("PNG", "JPEG", "WEBP")
LARGEST_FILE_BYTES = 64 * 1024 * 1024

# What Pillow raises on files that are no pictures, half pictures, or far too large ones.
DAMAGED = (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError)


@dataclass(frozen=True)
class PictureFiles:
    """Names with forward slashes, relative to `path` and sorted; `read` gives the bytes of one."""

    path: Path
    names: Sequence[str]
    read: Callable[[str], bytes]


@contextmanager
def picture_files(path: Path) -> Iterator[PictureFiles]:
    """All pictures under a folder or in a zip, of which there may be none. Raises DataError for anything else."""
    if path.is_dir():
        yield _found(path, _names_below(path), lambda name: (path / name).read_bytes())
    elif path.is_file():
        try:
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
            raise DataError(
                f"{path}: expected a folder or a zip of pictures, found neither ({error})"
            ) from None
        with archive:
            yield _found(path, archive.namelist(), lambda name: _member(path, archive, name))
    else:
        raise DataError(f"{path}: expected a folder or a zip of pictures, found nothing; check the path")


def classes_of(
    files: PictureFiles, folder_of: Callable[[PurePosixPath], str]
) -> tuple[Classes | None, tuple[str, ...]]:
    """Labels (N,) by the folder that `folder_of` finds in each name, and the folders; none where there are none.

    Raises DataError if some pictures have a folder and others do not.
    """
    folders = [folder_of(PurePosixPath(name)) for name in files.names]
    class_names = tuple(sorted(set(folders) - {""}))
    if not class_names:
        return None, ()
    if "" in folders:
        raise DataError(
            f"{files.path}/{files.names[folders.index('')]}: expected every picture in a class folder like the "
            "others; move it into one"
        )
    index = {name: at for at, name in enumerate(class_names)}
    return np.array([index[folder] for folder in folders], dtype=np.int64), class_names


def _found(path: Path, names: Sequence[str], read: Callable[[str], bytes]) -> PictureFiles:
    return PictureFiles(path, sorted(name for name in names if _is_picture(name)), read)


def _names_below(folder: Path) -> list[str]:
    """Relative names only: three million of them fit into memory, three million paths do not."""
    found = []
    for place, _, names in os.walk(folder):
        under = Path(place).relative_to(folder)
        found += [(under / name).as_posix() for name in names]
    return found


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not PurePosixPath(name).name.startswith(".")


def _member(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    found = archive.getinfo(name).file_size
    if found > LARGEST_FILE_BYTES:
        raise DataError(f"{path}/{name}: expected at most {LARGEST_FILE_BYTES} bytes, found {found}")
    try:
        return archive.read(name)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataError(f"{path}/{name}: expected a readable member, found a damaged one ({error})") from None
