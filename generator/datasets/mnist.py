"""MNIST (LeCun, Cortes, Burges 1998): handwritten digits, 28x28 gray, from the official idx files.

An idx file is a big-endian head (two zero bytes, the type of the values, the number of dimensions, the length of
each) and then the values; here bytes, row by row, gzipped. `train` is the 60,000 training images, `study` the 10,000
test images. Files with other bytes than the published ones are read, and the images then carry a note: Fashion-MNIST
and others come in the same form under the same names.
"""

import gzip
import hashlib
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generator.datasets.download import Archive, fetch
from generator.datasets.labelled import Credit, LabelledImages, Request
from generator.errors import DataError

CLASS_NAMES = tuple("0123456789")
SIDE_PX = 28
BYTE_VALUES = 8  # the type's code in an idx head
LARGEST_BYTES = 1024**3  # unpacked; a damaged or hostile file may unpack to anything
# SHA-256 and sizes as in the catalogue of TensorFlow Datasets; the site of the authors no longer serves the files.
MIRROR = "https://storage.googleapis.com/cvdf-datasets/mnist"
ARCHIVES = {
    "train": (
        Archive(
            f"{MIRROR}/train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        Archive(
            f"{MIRROR}/train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
    ),
    "study": (
        Archive(
            f"{MIRROR}/t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        Archive(
            f"{MIRROR}/t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
}
CREDIT = Credit(
    "MNIST",
    "Yann LeCun, Corinna Cortes, Christopher J. C. Burges",
    "CC BY-SA 3.0",
    "http://yann.lecun.com/exdb/mnist/",
)


def load_mnist(request: Request) -> LabelledImages:
    """One split, (N, 28, 28, 1), from the gzipped idx files in request.path or in the data folder."""
    folder = request.path or request.data_folder / "mnist"
    archives = ARCHIVES[request.split]
    if request.may_download:
        for archive in archives:
            if not (folder / archive.name).is_file():
                fetch(archive, folder, request.progress)
    elif request.path is None and not all((folder / archive.name).is_file() for archive in archives):
        raise DataError(
            f"mnist does not come with Tachisto and {folder} does not hold it: name the folder of its idx files "
            "with --data, or add --download"
        )
    image_file, label_file = (folder / archive.name for archive in archives)
    pixels, labels = _idx_bytes(image_file, 3), _idx_bytes(label_file, 1)
    if pixels.shape[1:] != (SIDE_PX, SIDE_PX):
        raise DataError(
            f"{image_file}: expected images of {SIDE_PX}x{SIDE_PX}, found {pixels.shape[2]}x{pixels.shape[1]}"
        )
    if len(labels) != len(pixels):
        raise DataError(f"{label_file}: expected {len(pixels)} labels, one an image, found {len(labels)}")
    if len(labels) and labels.max() >= len(CLASS_NAMES):
        at = int(np.argmax(labels >= len(CLASS_NAMES)))
        raise DataError(f"{label_file}, label {at}: expected 0..9, found {labels[at]}")
    foreign = [archive.name for archive in archives if not _is_published(folder / archive.name, archive)]
    note = (
        f"NOT THE OFFICIAL MNIST FILES: {', '.join(foreign)} of other bytes than published; do not compare results "
        "with those on MNIST"
    )
    return LabelledImages(
        "mnist",
        pixels[..., None],
        labels.astype(np.int64),
        CLASS_NAMES,
        (CREDIT,),
        (note,) if foreign else (),
    )


def _is_published(path: Path, archive: Archive) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == archive.sha256


def _idx_bytes(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The values of a gzipped idx file of bytes with so many dimensions."""
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: expected a gzipped idx file, {error}") from None
    head_bytes = 4 + 4 * dimensions
    wanted = bytes((0, 0, BYTE_VALUES, dimensions))
    if content[:4] != wanted or len(content) < head_bytes:
        raise DataError(
            f"{path}: expected an idx file that begins with {wanted.hex()}, found {content[:4].hex() or 'nothing'}"
        )
    shape = struct.unpack(f">{dimensions}I", content[4:head_bytes])
    if len(content) - head_bytes != math.prod(shape):
        raise DataError(
            f"{path}: expected {math.prod(shape)} bytes of values, as its head says, found "
            f"{len(content) - head_bytes}; fetch it again"
        )
    # A copy: what lies in a bytes object cannot be written to, and torch warns of it.
    return np.frombuffer(content, dtype=np.uint8, offset=head_bytes).reshape(shape).copy()
