"""Photographs as they come from a camera or the web, brought to one size: the centre square of each, by area means.

What comes of them is an image set whose manifest says what was done; `catalogue` takes it in like any other. One
picture is in memory at a time.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image as Picture
from PIL import ImageOps

from studyapp.files import write_whole
from studyapp.image_files import (
    FORMAT,
    MAX_FILE_BYTES,
    MAX_SIDE_PX,
    ImageSetError,
    checked_members,
    is_hidden,
    member_bytes,
    opened_zip,
    said_of_unreadable,
)
from studyapp.protocols.trial import REAL

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
LEAST_SIDE_PX = 8
LARGEST_SIDE_PX = 8192


def write_squares(path: Path, out: Path, *, source: str, side_px: int) -> None:
    """Write an image set of all pictures in a zip or folder, in the order of their names, cut and shrunk.

    Folders around the pictures, where there is more than one, are their classes. Raises ImageSetError.
    """
    if not LEAST_SIDE_PX <= side_px <= MAX_SIDE_PX:
        raise ImageSetError(f"side: expected {LEAST_SIDE_PX} to {MAX_SIDE_PX} pixels, got {side_px}")
    images: list[dict[str, Any]] = []
    folders: list[str] = []
    with write_whole(out) as target, zipfile.ZipFile(target, "w") as archive:
        for index, (name, data) in enumerate(_pictures(path)):
            square = centre_square(f"{path}: {name}", data, side_px)
            file = io.BytesIO()
            square.save(file, "PNG")
            stored = f"images/{index:06d}.png"
            archive.writestr(zipfile.ZipInfo(stored), file.getvalue())
            images.append({"file": stored, "sha256": hashlib.sha256(square.tobytes()).hexdigest()})
            folders.append(PurePosixPath(name).parent.name)
        if not images:
            raise ImageSetError(
                f"{path}: expected JPEG, PNG or WebP pictures, found none; save others (HEIC, GIF, TIFF) as JPEG first"
            )
        manifest = _manifest(path.stem, images, folders, source=source, side_px=side_px)
        archive.writestr(zipfile.ZipInfo("manifest.json"), json.dumps(manifest))


def centre_square(name: str, data: bytes, side_px: int) -> Picture.Image:
    """The centre square of one picture as side_px x side_px RGB8 by area means. Raises ImageSetError naming it."""
    with (
        said_of_unreadable(name, "a whole JPEG, PNG or WebP picture"),
        Picture.open(io.BytesIO(data), formats=sorted(set(FORMATS.values()))) as picture,
    ):
        if not side_px <= min(picture.size) <= max(picture.size) <= LARGEST_SIDE_PX:
            raise ImageSetError(
                f"{name}: expected {side_px} to {LARGEST_SIDE_PX} pixels a side, got "
                f"{picture.width}x{picture.height}; leave it out, or choose a smaller side"
            )
        if picture.mode not in ("RGB", "L"):
            raise ImageSetError(
                f"{name}: expected 8-bit RGB or gray without transparency, got mode {picture.mode}; convert it first"
            )
        # A JPEG of two frames is one photograph with a preview beside it, as some cameras write.
        if picture.format not in ("JPEG", "MPO") and getattr(picture, "n_frames", 1) != 1:
            raise ImageSetError(f"{name}: expected one picture, got an animation")
        # JPEG halves large photographs while it decodes, ten times as fast; area means do the rest.
        picture.draft(picture.mode, (8 * side_px, 8 * side_px))
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    side = min(upright.size)
    left, top = (upright.width - side) / 2, (upright.height - side) / 2
    box = (left, top, left + side, top + side)
    return upright.resize((side_px, side_px), Picture.Resampling.BOX, box=box)


def _pictures(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each picture in a zip or below a folder; other files are passed over."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path).as_posix()
            if file.is_symlink() or not file.is_file() or not _is_picture(name):
                continue
            if file.stat().st_size > MAX_FILE_BYTES:
                raise ImageSetError(
                    f"{file}: expected at most {MAX_FILE_BYTES} bytes, got {file.stat().st_size}"
                )
            yield name, file.read_bytes()
        return
    with opened_zip(path, "a zip of pictures") as archive:
        names = sorted(info.filename for info in checked_members(path, archive))
        if "manifest.json" in names:
            raise ImageSetError(
                f"{path}: is a finished image set, with a manifest: take it in without a side"
            )
        for name in filter(_is_picture, names):
            yield name, member_bytes(path, archive, name)


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in FORMATS and not is_hidden(name)


def _manifest(
    of: str, images: list[dict[str, Any]], folders: list[str], *, source: str, side_px: int
) -> dict[str, Any]:
    classes = sorted(set(folders)) if len(set(folders)) > 1 else []
    for image, folder in zip(images, folders, strict=True):
        image["class"] = classes.index(folder) if classes else None
    return {
        "format": FORMAT,
        "source": source,
        "is_real": source == REAL,
        "family": None,
        "dataset": of[:100],
        "class_names": classes,
        "width_px": side_px,
        "height_px": side_px,
        "checkpoint": None,
        "notes": [
            f"centre squares of the pictures as they were uploaded, {side_px} pixels a side by area means"
        ],
        "images": images,
    }
