"""CIFAR-10 (Krizhevsky 2009) from its official binary files, never from pickles.

A record is one label byte and 3,072 pixel bytes: 32x32 planes of red, green and blue, row by row. `train` is
the five training files, `study` the test file. Well-formed files of other lengths than the official ones are
read, and the images then carry a note that says so wherever they go.
"""

from pathlib import Path

import numpy as np

from generator.datasets.download import Archive, fetch
from generator.datasets.labelled import Classes, Credit, LabelledImages, Pixels, Request
from generator.datasets.picture_files import picture_files
from generator.datasets.pictures import pictures
from generator.datasets.unpacking import unpack
from generator.errors import DataError

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SIDE_PX = 32
RECORD_BYTES = 1 + 3 * SIDE_PX * SIDE_PX
OFFICIAL_RECORDS = 10_000  # in every file
FILES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "study": ("test_batch.bin",)}
NAMES_FILE = "batches.meta.txt"
LARGEST_FILES = dict.fromkeys((*FILES["train"], *FILES["study"], NAMES_FILE), OFFICIAL_RECORDS * RECORD_BYTES)
# SHA-256 and size as in the catalogue of TensorFlow Datasets; the MD5 on the official page is
# c32a1d4ab5d03f1284b67883e8d87530.
ARCHIVE = Archive(
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    170_052_171,
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
CREDIT = Credit(
    "CIFAR-10",
    "Alex Krizhevsky, Vinod Nair, Geoffrey Hinton",
    "no licence stated; for research, cite Krizhevsky 2009",
    "https://www.cs.toronto.edu/~kriz/cifar.html",
)


def load_cifar10(request: Request) -> LabelledImages:
    """One split, (N, 32, 32, 3), from the binary files in request.path or in the data folder.

    A folder or zip of pictures in ten class folders is read too, with a note that it is a copy; it has no
    splits of its own.
    """
    folder = request.path or request.data_folder / "cifar10"
    if request.may_download and not is_official_layout(folder):
        unpack(fetch(ARCHIVE, folder, request.progress), folder, LARGEST_FILES)
    if request.path is None and not is_official_layout(folder):
        raise DataError(
            f"cifar10 does not come with Tachisto and {folder} does not hold it: name the folder of its binary "
            "files with --data, or add --download"
        )
    if any((folder / name).exists() for name in LARGEST_FILES):
        return _binary_files(folder, request.split)
    return _encoded_copy(folder)


def is_official_layout(folder: Path) -> bool:
    """Whether all files of the official layout are there, whatever is in them."""
    return all((folder / name).is_file() for name in LARGEST_FILES)


def _binary_files(folder: Path, split: str) -> LabelledImages:
    _require_class_names(folder / NAMES_FILE)
    files = [_records(folder / name) for name in FILES[split]]
    unofficial = [
        f"{name} has {len(labels)} records"
        for name, (_, labels) in zip(FILES[split], files, strict=True)
        if len(labels) != OFFICIAL_RECORDS
    ]
    notes = (
        f"NOT THE OFFICIAL CIFAR-10 FILES: {', '.join(unofficial)}, the official ones {OFFICIAL_RECORDS} each; "
        "do not compare results with those on CIFAR-10"
    )
    return LabelledImages(
        name="cifar10",
        pixels=np.concatenate([pixels for pixels, _ in files]),
        labels=np.concatenate([labels for _, labels in files]),
        class_names=CLASS_NAMES,
        credits=(CREDIT,),
        notes=(notes,) if unofficial else (),
    )


def _require_class_names(path: Path) -> None:
    try:
        found = tuple(path.read_text(encoding="utf-8").split())
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: expected the ten class names of CIFAR-10, {error}") from None
    if found != CLASS_NAMES:
        raise DataError(
            f"{path}: expected the class names {', '.join(CLASS_NAMES)}, found {', '.join(found[:12]) or 'none'}"
        )


def _records(path: Path) -> tuple[Pixels, Classes]:
    """Pixels (N, 32, 32, 3) and labels (N,) of one file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: expected a file of CIFAR-10 records, {error.strerror}") from None
    if not content or len(content) % RECORD_BYTES:
        raise DataError(
            f"{path}: expected records of {RECORD_BYTES} bytes, found {len(content)} bytes, which is "
            f"{'no record' if not content else f'{len(content) / RECORD_BYTES:.2f} records'}; fetch it again"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASS_NAMES):
        at = int(np.argmax(labels >= len(CLASS_NAMES)))
        raise DataError(
            f"{path}, record {at}: expected a label in 0..9, found {labels[at]}; this is no CIFAR-10 file"
        )
    planes = records[:, 1:].reshape(-1, 3, SIDE_PX, SIDE_PX)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def _encoded_copy(path: Path) -> LabelledImages:
    """CIFAR-10 out of pictures in class folders, if the classes are its ten."""
    with picture_files(path) as files:
        if not files.names:
            raise DataError(
                f"{path}: expected the binary files of CIFAR-10 ({FILES['train'][0]}, ...) or pictures in class "
                "folders, found neither"
            )
        copy = pictures(files)
    if copy.class_names != CLASS_NAMES or copy.pixels.shape[1:3] != (SIDE_PX, SIDE_PX):
        raise DataError(
            f"{path}: expected the binary files of CIFAR-10 or 32x32 pictures in folders named "
            f"{', '.join(CLASS_NAMES)}, found folders {', '.join(copy.class_names) or 'none'}"
        )
    note = (
        f"NOT THE OFFICIAL CIFAR-10 FILES: read from {path.name}, a copy as pictures; copies in JPEG have lost "
        "detail"
    )
    return LabelledImages("cifar10", copy.pixels, copy.labels, CLASS_NAMES, (CREDIT,), (note,))
