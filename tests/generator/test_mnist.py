"""MNIST from its idx files: exact, gray, loud about look-alikes, and strict with damaged files."""

import gzip
import struct

import numpy as np
import pytest

from generator.datasets import Request, load
from generator.datasets.mnist import ARCHIVES
from generator.errors import DataError

IMAGES, LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
RNG = np.random.default_rng(28)
PIXELS = RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8)
DIGITS = bytes([7, 2, 1, 0, 4, 9])


def images_file(count: int = 6, rows: int = 28, columns: int = 28, values: bytes = PIXELS.tobytes()) -> bytes:
    return gzip.compress(b"\x00\x00\x08\x03" + struct.pack(">III", count, rows, columns) + values)


def labels_file(values: bytes = DIGITS) -> bytes:
    return gzip.compress(b"\x00\x00\x08\x01" + struct.pack(">I", len(values)) + values)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / IMAGES).write_bytes(images_file())
    (tmp_path / LABELS).write_bytes(labels_file())
    return tmp_path


def test_images_are_gray_rows_and_labels_are_digits(folder):
    images = load("mnist", Request("study", folder))
    assert np.array_equal(images.pixels[..., 0], PIXELS)
    assert (images.pixels.shape, images.channels) == ((6, 28, 28, 1), 1)
    assert [images.class_names[label] for label in images.labels] == list("721049")


def test_other_files_of_the_same_form_are_said_not_to_be_official(folder):
    (note,) = load("mnist", Request("study", folder)).notes
    assert note.startswith(f"NOT THE OFFICIAL MNIST FILES: {IMAGES}, {LABELS} of other bytes than published")


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        (IMAGES, b"", r"t10k-images.*expected an idx file that begins with 00000803, found nothing"),
        (IMAGES, images_file()[:200], r"t10k-images.*expected a gzipped idx file"),
        (IMAGES, b"\x00\x00\x08\x03", r"t10k-images.*expected a gzipped idx file, Not a gzipped file"),
        (IMAGES, labels_file(), "begins with 00000803, found 00000801"),
        (IMAGES, images_file(values=PIXELS.tobytes()[:-5]), r"expected 4704 bytes of values.*found 4699"),
        (
            IMAGES,
            images_file(rows=32, columns=32, values=bytes(6144)),
            "expected images of 28x28, found 32x32",
        ),
        (LABELS, labels_file(DIGITS[:-1]), "t10k-labels.*expected 6 labels, one an image, found 5"),
        (LABELS, labels_file(b"\x00\x01\x02\x0a\x00\x00"), "label 3: expected 0..9, found 10"),
    ],
    ids=["empty", "cut", "not gzipped", "labels", "too short", "other size", "few labels", "no digit"],
)
def test_damaged_files_are_refused_with_file_expected_and_found(folder, file, content, complaint):
    (folder / file).write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        load("mnist", Request("study", folder))


def test_a_missing_file_is_named_and_no_folder_says_how_to_get_them(folder, tmp_path_factory):
    (folder / LABELS).unlink()
    with pytest.raises(
        DataError, match=r"t10k-labels-idx1-ubyte\.gz: expected a gzipped idx file, .*No such file"
    ):
        load("mnist", Request("study", folder))
    with pytest.raises(DataError, match="with --data, or add --download"):
        load("mnist", Request(data_folder=tmp_path_factory.mktemp("empty")))


def test_the_published_files_are_the_four_of_mnist():
    names = [archive.name for archives in ARCHIVES.values() for archive in archives]
    assert names == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", IMAGES, LABELS]
