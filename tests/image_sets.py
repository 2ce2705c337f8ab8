"""Image sets written by hand, byte for byte as the format says, to test readers and writers against."""

import hashlib
import io
import json
import random
import zipfile
from pathlib import Path
from typing import Any

from PIL import Image as Picture


def pixels_of(seed: str, width: int = 8, height: int = 8) -> bytes:
    """Random RGB8 pixels that follow from the seed alone."""
    return random.Random(seed).randbytes(width * height * 3)


def png(pixels: bytes, width: int = 8, height: int = 8) -> bytes:
    file = io.BytesIO()
    Picture.frombytes("RGB", (width, height), pixels).save(file, "PNG")
    return file.getvalue()


def photograph(width: int, height: int, *, file_format: str = "JPEG", **options: Any) -> bytes:
    """A file of a picture of soft colours, as a camera would write it."""
    file = io.BytesIO()
    small = Picture.frombytes("RGB", (4, 4), pixels_of(f"{width} {height}", 4, 4))
    small.resize((width, height), Picture.Resampling.BICUBIC).save(file, file_format, **options)
    return file.getvalue()


def write_image_set(
    path: Path, *, source: str = "real", n_images: int = 40, width: int = 8, height: int = 8, **changes: Any
) -> Path:
    """A valid image set of random pictures; `changes` replace entries of the manifest."""
    images = []
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(n_images):
            pixels = pixels_of(f"{source} {index}", width, height)
            name = f"images/{index:06d}.png"
            archive.writestr(name, png(pixels, width, height))
            sha256 = hashlib.sha256(pixels).hexdigest()
            images.append({"file": name, "sha256": sha256, "class": index % 2, "seed": index})
        manifest = {
            "format": 1,
            "source": source,
            "is_real": source == "real",
            "family": None if source == "real" else source,
            "dataset": "random",
            "class_names": ["even", "odd"],
            "width_px": width,
            "height_px": height,
            "checkpoint": None if source == "real" else {"sha256": "ab" * 32, "config": {"width": 8}},
            "seed": 0,
            "sampler": {},
            "software": {"tachisto": "0.1.0"},
            "commit": None,
            "credits": [],
            "notes": [],
            "created_utc": "2026-11-20T10:30:00Z",
            "images": images,
        } | changes
        archive.writestr("manifest.json", json.dumps(manifest))
        archive.writestr("dataset.json", json.dumps({"labels": [[i["file"], i["class"]] for i in images]}))
    return path
