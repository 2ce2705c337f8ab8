"""STL-10 (Coates, Lee, Ng 2011): 96x96 pictures of ten kinds, from its official binary files.

An image is three planes of red, green and blue, each *column by column*; labels are bytes 1..10 in a file of their
own. `stl10` has 5,000 labelled images to train on; `stl10-unlabeled` 100,000 without labels, of more kinds than ten.
Both show the 8,000 test images in a study. Pixels stay in their file, mapped into memory: what is not looked at takes
none.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from generator.datasets.download import Archive, fetch
from generator.datasets.labelled import Classes, Credit, LabelledImages, Pixels, Request
from generator.datasets.unpacking import unpack
from generator.errors import DataError

CLASS_NAMES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
SIDE_PX = 96
IMAGE_BYTES = 3 * SIDE_PX * SIDE_PX
NAMES_FILE = "class_names.txt"
OFFICIAL_IMAGES = {"train": 5_000, "test": 8_000, "unlabeled": 100_000}
# SHA-256 and size as in the catalogue of TensorFlow Datasets.
ARCHIVE = Archive(
    "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz",
    2_640_397_119,
    "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866",
)
CREDIT = Credit(
    "STL-10",
    "Adam Coates, Honglak Lee, Andrew Y. Ng",
    "no licence stated, pictures from ImageNet; for research, cite Coates 2011",
    "https://cs.stanford.edu/~acoates/stl10/",
)


def load_stl10(request: Request) -> LabelledImages:
    """One split with labels, (N, 96, 96, 3), from the binary files in request.path or in the data folder."""
    part = {"train": "train", "study": "test"}[request.split]
    folder = _folder(request, (f"{part}_X.bin", f"{part}_y.bin", NAMES_FILE))
    _require_class_names(folder / NAMES_FILE)
    pixels = _pixels(folder / f"{part}_X.bin")
    labels = _labels(folder / f"{part}_y.bin", len(pixels))
    return _images("stl10", part, pixels, labels, CLASS_NAMES)


def load_stl10_unlabeled(request: Request) -> LabelledImages:
    """One split without labels, (N, 96, 96, 3): the unlabelled images, or the test images."""
    part = {"train": "unlabeled", "study": "test"}[request.split]
    file = f"{part}_X.bin"
    return _images("stl10-unlabeled", part, _pixels(_folder(request, (file,)) / file), None, ())


def largest_files() -> Mapping[str, int]:
    """The official files by name, and how many bytes each has."""
    pixels = {f"{part}_X.bin": count * IMAGE_BYTES for part, count in OFFICIAL_IMAGES.items()}
    labels = {f"{part}_y.bin": OFFICIAL_IMAGES[part] for part in ("train", "test")}
    return pixels | labels | {NAMES_FILE: 4096}


def _folder(request: Request, needed: Sequence[str]) -> Path:
    """Where the files lie, fetched if they may be and some are missing. Raises DataError without a place."""
    folder = request.path or request.data_folder / "stl10"
    is_complete = all((folder / name).is_file() for name in needed)
    if request.may_download and not is_complete:
        unpack(fetch(ARCHIVE, folder, request.progress), folder, largest_files())
    elif request.path is None and not is_complete:
        raise DataError(
            f"stl10 does not come with Tachisto and {folder} does not hold it: name the folder of its binary files "
            "with --data, or add --download (2.6 GB)"
        )
    return folder


def _images(
    name: str, part: str, pixels: Pixels, labels: Classes | None, class_names: tuple[str, ...]
) -> LabelledImages:
    note = (
        f"NOT THE OFFICIAL STL-10 FILES: {part}_X.bin has {len(pixels)} images, the official one "
        f"{OFFICIAL_IMAGES[part]}; do not compare results with those on STL-10"
    )
    notes = () if len(pixels) == OFFICIAL_IMAGES[part] else (note,)
    return LabelledImages(name, pixels, labels, class_names, (CREDIT,), notes)


def _pixels(path: Path) -> Pixels:
    """The images of one file, (N, 96, 96, 3): a view of the file, not of memory."""
    try:
        size_bytes = path.stat().st_size
        if size_bytes and size_bytes % IMAGE_BYTES == 0:
            # Copy on write: torch warns of arrays that cannot be written to, and the file stays as it is.
            stored = np.memmap(path, dtype=np.uint8, mode="c").reshape(-1, 3, SIDE_PX, SIDE_PX)
            return np.asarray(stored.transpose(0, 3, 2, 1))
    except OSError as error:
        raise DataError(f"{path}: expected a file of STL-10 images, {error.strerror}") from None
    raise DataError(
        f"{path}: expected images of {IMAGE_BYTES} bytes, found {size_bytes} bytes, which is "
        f"{'no image' if not size_bytes else f'{size_bytes / IMAGE_BYTES:.2f} images'}; fetch it again"
    )


def _labels(path: Path, images: int) -> Classes:
    """Classes 0..9 of one file of bytes 1..10."""
    try:
        stored = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except OSError as error:
        raise DataError(f"{path}: expected a file of STL-10 labels, {error.strerror}") from None
    if len(stored) != images:
        raise DataError(
            f"{path}: expected {images} labels, one an image, found {len(stored)}; fetch it again"
        )
    unfit = (stored < 1) | (stored > len(CLASS_NAMES))
    if unfit.any():
        at = int(np.argmax(unfit))
        raise DataError(f"{path}, label {at}: expected 1..{len(CLASS_NAMES)}, found {stored[at]}")
    return stored.astype(np.int64) - 1


def _require_class_names(path: Path) -> None:
    try:
        found = tuple(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected the ten class names of STL-10, {error}") from None
    if found != CLASS_NAMES:
        raise DataError(
            f"{path}: expected the class names {', '.join(CLASS_NAMES)}, found {', '.join(found[:12]) or 'none'}"
        )
