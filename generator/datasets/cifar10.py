"""CIFAR-10 (Krizhevsky 2009) from its official binary files, never from pickles.

A record is one label byte and 3,072 pixel bytes: 32x32 planes of red, green and blue, row by row. `train` is
the five training files, `study` the test file. Files are checked against the official lengths; others that
are well formed are read with a note that they are not the official ones.
"""

from pathlib import Path

from generator.datasets.labelled import Credit, LabelledImages, Request
from generator.datasets.pictures import load_pictures
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
RECORD_BYTES = 1 + 3 * 32 * 32
OFFICIAL_RECORDS = 10_000
FILES = {"train": tuple(f"data_batch_{n}.bin" for n in range(1, 6)), "study": ("test_batch.bin",)}
NAMES_FILE = "batches.meta.txt"
CREDIT = Credit(
    "CIFAR-10",
    "Alex Krizhevsky, Vinod Nair, Geoffrey Hinton",
    "no licence stated; for research, cite Krizhevsky 2009",
    "https://www.cs.toronto.edu/~kriz/cifar.html",
)


def load_cifar10(request: Request) -> LabelledImages:
    """One split, (N, 32, 32, 3), from the folder of official binary files at request.path.

    A zip or folder of pictures in ten class folders is read too, with a note that it is a copy.
    """
    path = request.path
    if path is None:
        raise DataError("cifar10 is not part of Tachisto: name its folder with --data, or add --download")
    if path.is_file() or (not (path / NAMES_FILE).exists() and not list(path.glob("*.bin"))):
        return _encoded_copy(request)
    return _official_layout(path, request.split)


def _official_layout(folder: Path, split: str) -> LabelledImages:
    raise NotImplementedError


def _encoded_copy(request: Request) -> LabelledImages:
    """CIFAR-10 out of pictures in class folders, if the classes are its ten."""
    copy = load_pictures(request)
    if copy.class_names != CLASS_NAMES or copy.pixels.shape[1:3] != (32, 32):
        raise DataError(
            f"{request.path}: expected the official binary files or 32x32 pictures in folders named "
            f"{', '.join(CLASS_NAMES)}, found folders {', '.join(copy.class_names) or 'none'}"
        )
    note = (
        f"cifar10: the images were read from a copy ({request.path.name}) and not from the official files; "
        "a copy in JPEG has lost detail"
    )
    return LabelledImages("cifar10", copy.pixels, copy.labels, CLASS_NAMES, (CREDIT,), (note,))
