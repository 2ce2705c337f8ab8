"""The pixels behind the names of images, where somebody has them: image sets as zips, or PNG files.

Knows how a picture of the responses is found: by the SHA-256 of its pixels in `stimuli.csv` and the manifest of
an image set, or as a PNG file under the image's own name. Without pictures everything else of a report still
works; a picture that is not found is None.
"""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

STIMULI = "stimuli.csv"


class PicturesError(ValueError):
    """The folder of pictures is not one: what was expected, what came, what to do."""


def pictures(images: Iterable[str], folder: Path, exports: Iterable[Path]) -> dict[str, np.ndarray]:
    """RGB8 pixels (height, width, 3) of those images that are found, by name.

    folder: holds image sets as zips (the data folder's `image_sets`), or PNG files under the images' names.
    exports: folders with `stimuli.csv`. Pixels that do not have the SHA-256 that was shown do not count.
    Raises PicturesError if there is no such folder.
    """
    if not folder.is_dir():
        raise PicturesError(
            f"{folder}: expected a folder with image sets or PNG files, found none; give another with --pictures"
        )
    wanted = list(dict.fromkeys(images))
    sha256: dict[str, str] = {}
    for export in exports:
        sha256 |= shown_sha256(export / STIMULI, set(wanted))
    found: dict[str, np.ndarray] = {}
    for name in wanted:
        file = folder / name
        if (
            file.suffix.lower() == ".png"
            and file.resolve().is_relative_to(folder.resolve())
            and file.is_file()
        ):
            keep(found, name, file.read_bytes(), sha256.get(name))
    by_sha256 = {digest: name for name, digest in sha256.items() if name not in found}
    for path in sorted(folder.glob("*.zip")):
        if by_sha256:
            take_from(path, by_sha256, found)
    return found


def shown_sha256(stimuli: Path, wanted: set[str]) -> dict[str, str]:
    """SHA-256 of the pixels of the wanted images, by name; empty without `stimuli.csv`."""
    if not stimuli.is_file():
        return {}
    with stimuli.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        return {
            row["image"]: row["image_sha256"]
            for row in rows
            if row.get("image") in wanted and row.get("image_sha256")
        }


def take_from(path: Path, by_sha256: dict[str, str], found: dict[str, np.ndarray]) -> None:
    """Pictures of an image set by the digests of its manifest; a file that is no image set has none."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in json.loads(archive.read("manifest.json")).get("images", []):
                name = by_sha256.get(entry.get("sha256", ""))
                if name is not None and name not in found:
                    keep(found, name, archive.read(entry["file"]), entry["sha256"])
    except (OSError, KeyError, ValueError, AttributeError, zipfile.BadZipFile):
        return


def keep(found: dict[str, np.ndarray], name: str, png: bytes, sha256: str | None) -> None:
    """Put decoded pixels in, if they are the ones that were shown (or nobody knows which were)."""
    try:
        with Image.open(BytesIO(png)) as picture:
            pixels = np.asarray(picture.convert("RGB"))
    except (UnidentifiedImageError, OSError):
        return
    if sha256 is None or hashlib.sha256(pixels.tobytes()).hexdigest() == sha256:
        found[name] = pixels
