"""Reading pictures that others made: zips and folders of PNG files, checked before a byte is trusted.

Knows what may be wrong with such files; leaves what is stored to `catalogue`.
"""

import hashlib
import io
import json
import lzma
import math
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from PIL import Image as Picture
from PIL import UnidentifiedImageError

MAX_SIDE_PX = 1024
MAX_FILE_BYTES = 16 * 2**20
MAX_JSON_BYTES = 256 * 2**20  # a million images take about 200 bytes each
MAX_TOTAL_BYTES = 8 * 2**30
MAX_FILES = 1_000_000
MAX_NAME = 300
MAX_CLASS = 2**31 - 1
FORMAT = 1
TO_PNG = "give a side in pixels to have pictures of other formats and sizes cut and shrunk to it"
# What zipfile raises on files that are no zips, or whose numbers and compressed bytes lead nowhere.
DAMAGED = (
    *(OSError, EOFError, ValueError, OverflowError, NotImplementedError, struct.error),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
UNSTORABLE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class ImageSetError(ValueError):
    """A zip or folder that is no usable image set; the message says which file, what was expected, what came."""


@dataclass(frozen=True)
class PictureFile:
    """A checked picture: its name in the zip, the hash of its pixels and what the labels say of it."""

    file: str
    sha256: str
    class_index: int | None
    seed: int | None


@dataclass(frozen=True)
class ImageSetFile:
    """A checked zip: its pictures in file order, their one size, and the manifest (None for foreign zips)."""

    pictures: list[PictureFile]
    width_px: int
    height_px: int
    manifest: dict[str, Any] | None


@contextmanager
def said_of_unreadable(name: str, expected: str) -> Iterator[None]:
    """Turns what Pillow raises on files that are no pictures, half pictures or bombs into an ImageSetError."""
    try:
        yield
    except ImageSetError:
        raise
    except (OSError, SyntaxError, ValueError, Picture.DecompressionBombError) as error:
        # What Pillow says of a file that it does not know names an object of ours, not the file.
        why = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
        raise ImageSetError(f"{name}: expected {expected}, got something else{why}") from error


def png_pixels(name: str, data: bytes) -> tuple[tuple[int, int], bytes]:
    """(width, height) and RGB8 pixels, row-major, of one PNG file. Raises ImageSetError naming the file."""
    with (
        said_of_unreadable(name, "a whole PNG file"),
        Picture.open(io.BytesIO(data), formats=["PNG"]) as picture,
    ):
        if max(picture.size) > MAX_SIDE_PX:
            raise ImageSetError(
                f"{name}: expected at most {MAX_SIDE_PX} pixels a side, got {picture.width}x{picture.height}"
            )
        if picture.mode not in ("RGB", "L"):
            raise ImageSetError(
                f"{name}: expected 8-bit RGB or gray without transparency, got mode {picture.mode}; "
                "convert it first"
            )
        if getattr(picture, "n_frames", 1) != 1:
            raise ImageSetError(f"{name}: expected one picture, got an animation")
        return picture.size, picture.convert("RGB").tobytes()


def is_hidden(name: str) -> bool:
    """Whether a file is one that systems lay beside pictures unasked: `.DS_Store`, `__MACOSX/._a.png`."""
    parts = PurePosixPath(name).parts
    return parts[-1].startswith(".") or "__MACOSX" in parts


@contextmanager
def opened_zip(path: Path, expected: str) -> Iterator[zipfile.ZipFile]:
    """The zip at `path`. Raises ImageSetError if it is none."""
    try:
        archive = zipfile.ZipFile(path)
    except DAMAGED as error:
        raise ImageSetError(f"{path}: expected {expected}, got something else ({error})") from error
    with archive:
        yield archive


def checked_members(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) > MAX_FILES:
        raise ImageSetError(f"{path}: expected at most {MAX_FILES} files, got {len(members)}")
    total = 0
    for info in members:
        name = PurePosixPath(info.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in info.filename or ":" in info.filename:
            raise ImageSetError(f"{path}: {info.filename!r} points outside the zip; it was not made for us")
        if len(info.filename) > MAX_NAME:
            raise ImageSetError(
                f"{path}: expected file names of at most {MAX_NAME} characters, got {info.filename[:40]!r}..."
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ImageSetError(f"{path}: {info.filename!r} is a symbolic link; expected plain files")
        if info.flag_bits & 1:
            raise ImageSetError(f"{path}: {info.filename!r} is encrypted; expected plain files")
        limit = MAX_JSON_BYTES if name.suffix == ".json" else MAX_FILE_BYTES
        total += info.file_size
        if (
            info.file_size > limit
            or total > MAX_TOTAL_BYTES
            or info.file_size > 1000 * max(info.compress_size, 1)
        ):
            raise ImageSetError(
                f"{path}: {info.filename!r} would unpack to {info.file_size} bytes; that looks like a bomb"
            )
    return members


def _json_member(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    if name not in archive.namelist():
        return None
    data = member_bytes(path, archive, name)
    try:
        text = data.decode()
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        if UNSTORABLE.search(text):
            # Half characters and NUL are JSON, and no database takes them.
            json.dumps(value, ensure_ascii=False).encode()
            if "\\u0000" in text:
                raise ValueError("it holds the character NUL")
    except (ValueError, RecursionError) as error:
        raise ImageSetError(f"{path}: {name} is no valid JSON ({error})") from error
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse_constant(digits)


def _labels(path: Path, dataset: Any) -> dict[str, int]:
    labels = dataset.get("labels") if isinstance(dataset, dict) else None
    if labels is None:
        return {}
    good = isinstance(labels, list) and all(
        isinstance(row, list)
        and len(row) == 2
        and isinstance(row[0], str)
        and isinstance(row[1], int)
        and 0 <= row[1] <= MAX_CLASS
        for row in labels
    )
    if not good:
        raise ImageSetError(f'{path}: dataset.json: expected {{"labels": [[file, class index], ...]}}')
    return dict(labels)


def _text(most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= most


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


def _checkpoint(value: Any) -> bool:
    return isinstance(value, dict) and _text(64)(value.get("sha256", ""))


# What the catalogue stores of a manifest, with the ranges of its columns. The rest may be anything.
MANIFEST_CHECKS: dict[str, Callable[[Any], bool]] = {
    "source": _text(50),
    "is_real": lambda value: isinstance(value, bool),
    "family": _or_null(_text(50)),
    "dataset": _or_null(_text(100)),
    "class_names": lambda value: isinstance(value, list) and all(isinstance(name, str) for name in value),
    "width_px": _whole(1, MAX_SIDE_PX),
    "height_px": _whole(1, MAX_SIDE_PX),
    "checkpoint": _or_null(_checkpoint),
    "images": lambda value: isinstance(value, list),
}
IMAGE_CHECKS: dict[str, Callable[[Any], bool]] = {
    "file": _text(MAX_NAME),
    "sha256": _text(64),
    "class": _or_null(_whole(0, MAX_CLASS)),
    "seed": _or_null(_whole(-(2**63), 2**63 - 1)),
}


def _checked_manifest(path: Path, manifest: Any) -> dict[str, Any]:
    if not isinstance(manifest, dict):
        raise ImageSetError(f"{path}: manifest.json: expected an object, got {type(manifest).__name__}")
    if manifest.get("format") != FORMAT:
        raise ImageSetError(
            f"{path}: manifest.json: expected format {FORMAT}, got {manifest.get('format')!r}; "
            "it was written by another version of Tachisto"
        )
    for key, is_valid in MANIFEST_CHECKS.items():
        if not is_valid(manifest.get(key)):
            raise ImageSetError(
                f"{path}: manifest.json: {key}: got {manifest.get(key)!r:.60}, which is no valid value"
            )
    for row, image in enumerate(manifest["images"]):
        if not isinstance(image, dict):
            raise ImageSetError(
                f"{path}: manifest.json: images[{row}]: expected an object with file and sha256"
            )
        for key, is_valid in IMAGE_CHECKS.items():
            if not is_valid(image.get(key)):
                raise ImageSetError(
                    f"{path}: manifest.json: images[{row}]: {key}: got {image.get(key)!r:.60}, "
                    "which is no valid value"
                )
    return manifest


def member_bytes(path: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    """What a member of a zip unpacks to. Raises ImageSetError if it is damaged."""
    try:
        return archive.read(name)
    except DAMAGED as error:
        raise ImageSetError(f"{path}: {name} is damaged ({error})") from error


def _picture(path: Path, archive: zipfile.ZipFile, name: str) -> tuple[tuple[int, int], bytes]:
    return png_pixels(f"{path}: {name}", member_bytes(path, archive, name))


def checked_zip(path: Path) -> ImageSetFile:
    """Everything about the zip at `path`, each picture decoded once. Raises ImageSetError at the first fault."""
    with opened_zip(path, "an image set (a zip of PNG files)") as archive:
        members = checked_members(path, archive)
        manifest = _json_member(path, archive, "manifest.json")
        labels = _labels(path, _json_member(path, archive, "dataset.json"))
        if manifest is not None:
            manifest = _checked_manifest(path, manifest)
        listed = {image["file"]: image for image in manifest["images"]} if manifest else {}
        names = sorted(
            info.filename
            for info in members
            if PurePosixPath(info.filename).suffix.lower() == ".png" and not is_hidden(info.filename)
        )
        if not names:
            raise ImageSetError(f"{path}: expected PNG files in the zip, found none; {TO_PNG}")
        if manifest is not None and set(names) != set(listed):
            odd = sorted(set(names) ^ set(listed))[0]
            raise ImageSetError(
                f"{path}: {odd}: expected the manifest to list exactly the PNG files; "
                f"{len(names)} files, {len(listed)} listed"
            )
        pictures: list[PictureFile] = []
        size = _picture(path, archive, names[0])[0]
        for name in names:
            picture_size, pixels = _picture(path, archive, name)
            if picture_size != size:
                raise ImageSetError(
                    f"{path}: {name} has {picture_size[0]}x{picture_size[1]} pixels, expected {size[0]}x{size[1]} "
                    "as the first picture: all pictures of a set have one size; give a side in pixels to have them "
                    "cut and shrunk"
                )
            entry = listed.get(name, {})
            found = hashlib.sha256(pixels).hexdigest()
            if entry and found != entry["sha256"]:
                raise ImageSetError(
                    f"{path}: {name} has SHA-256 {found[:12]}, the manifest lists {entry['sha256'][:12]}; "
                    "the file changed after it was written: generate the set again"
                )
            pictures.append(PictureFile(name, found, entry.get("class", labels.get(name)), entry.get("seed")))
    if manifest and (manifest["width_px"], manifest["height_px"]) != size:
        raise ImageSetError(
            f"{path}: manifest.json says {manifest['width_px']}x{manifest['height_px']}, "
            f"the pictures are {size[0]}x{size[1]}"
        )
    return ImageSetFile(pictures, size[0], size[1], manifest)


def zip_pixels(path: Path, files: list[str]) -> Iterator[tuple[str, bytes]]:
    """(file, RGB8 pixels) of these pictures of a zip, in the order given."""
    with zipfile.ZipFile(path) as archive:
        for name in files:
            yield name, _picture(path, archive, name)[1]


def folder_pictures(folder: Path) -> list[Path]:
    """The PNG files below a folder, in name order. Raises ImageSetError if there are none or other files."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    foreign = [p for p in files if p.suffix.lower() != ".png"]
    if foreign:
        raise ImageSetError(f"{foreign[0]}: expected only PNG files in the folder; move it away, or {TO_PNG}")
    if not files:
        raise ImageSetError(f"{folder}: expected PNG files, found none; {TO_PNG}")
    if outside := [p for p in files if p.is_symlink()]:
        raise ImageSetError(f"{outside[0]}: is a symbolic link; expected plain files")
    return files
