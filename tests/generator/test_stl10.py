"""STL-10 from its binary files: column by column, mapped and not read, and strict with damaged files."""

import io
import tarfile

import numpy as np
import pytest

from generator.datasets import Request, load
from generator.datasets.stl10 import ARCHIVE, CLASS_NAMES, IMAGE_BYTES, largest_files
from generator.datasets.unpacking import unpack
from generator.errors import DataError

RNG = np.random.default_rng(96)
TRUTH = {
    part: RNG.integers(0, 256, (count, 96, 96, 3), dtype=np.uint8)
    for part, count in (("train", 5), ("test", 4), ("unlabeled", 7))
}
LABELS = {"train": bytes([1, 10, 3, 3, 2]), "test": bytes([4, 1, 9, 10])}


def stored(images: np.ndarray) -> bytes:
    """The official layout, byte by byte: planes, in each plane columns, in each column from above."""
    values = bytearray()
    for image in images:
        for plane in range(3):
            for column in range(96):
                values += image[:, column, plane].tobytes()
    return bytes(values)


FILES = {
    **{f"{part}_X.bin": stored(images) for part, images in TRUTH.items()},
    **{f"{part}_y.bin": labels for part, labels in LABELS.items()},
    "class_names.txt": "\n".join(CLASS_NAMES).encode(),
}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(("split", "part"), [("train", "train"), ("study", "test")])
def test_images_stand_upright_with_the_classes_of_their_file(folder, split, part):
    images = load("stl10", Request(split, folder))
    assert np.array_equal(images.pixels, TRUTH[part])
    assert images.labels.tolist() == [label - 1 for label in LABELS[part]]
    assert images.class_names[7] == "monkey"


def test_the_unlabelled_images_have_no_classes(folder):
    images = load("stl10-unlabeled", Request("train", folder))
    assert np.array_equal(images.pixels, TRUTH["unlabeled"])
    assert (images.labels, images.class_names, images.name) == (None, (), "stl10-unlabeled")
    assert np.array_equal(load("stl10-unlabeled", Request("study", folder)).pixels, TRUTH["test"])


def test_labelled_images_need_no_unlabelled_ones(folder):
    (folder / "unlabeled_X.bin").unlink()
    assert len(load("stl10", Request("train", folder))) == 5


def test_images_stay_in_their_file_and_the_file_stays_as_it_is(folder):
    images = load("stl10", Request("train", folder))
    assert not images.pixels.flags.owndata
    images.pixels[:] = 0
    assert (folder / "train_X.bin").read_bytes() == FILES["train_X.bin"]


def test_the_fingerprint_is_of_upright_pixels(folder):
    found = load("stl10", Request("train", folder))
    copied = type(found)("copy", TRUTH["train"], found.labels, found.class_names)
    assert found.sha256() == copied.sha256()


def test_short_files_are_read_and_said_not_to_be_official(folder):
    (note,) = load("stl10", Request("study", folder)).notes
    assert note.startswith("NOT THE OFFICIAL STL-10 FILES: test_X.bin has 4 images, the official one 8000")


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("test_X.bin", b"", r"test_X\.bin: expected images of 27648 bytes, found 0 bytes, which is no image"),
        ("test_X.bin", bytes(IMAGE_BYTES * 2 - 48), "found 55248 bytes, which is 2.00 images"),
        ("test_y.bin", b"\x01\x02\x03", r"test_y\.bin: expected 4 labels, one an image, found 3"),
        ("test_y.bin", b"\x01\x02\x00\x03", r"test_y\.bin, label 2: expected 1\.\.10, found 0"),
        ("test_y.bin", b"\x01\x02\x03\x0b", r"test_y\.bin, label 3: expected 1\.\.10, found 11"),
        ("class_names.txt", b"apple", r"class_names\.txt: expected the class names airplane.*found apple"),
        ("class_names.txt", None, r"class_names\.txt: expected the ten class names of STL-10"),
        ("test_X.bin", None, r"test_X\.bin: expected a file of STL-10 images, No such file"),
        ("test_y.bin", None, r"test_y\.bin: expected a file of STL-10 labels, No such file"),
    ],
)
def test_damaged_folders_are_refused_with_file_expected_and_found(folder, file, content, complaint):
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(DataError, match=complaint):
        load("stl10", Request("study", folder))


@pytest.mark.parametrize("name", ["stl10", "stl10-unlabeled"])
def test_without_files_it_says_how_to_get_them(tmp_path, name):
    with pytest.raises(DataError, match=r"with --data, or add --download \(2\.6 GB\)"):
        load(name, Request(data_folder=tmp_path))


def test_the_archive_gives_the_files_and_no_others(tmp_path):
    archive = tmp_path / "a.tar.gz"
    with tarfile.open(archive, "w:gz") as out:
        for name, content in (FILES | {"fold_indices.txt": b"0 1"}).items():
            member = tarfile.TarInfo(f"stl10_binary/{name}")
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    unpack(archive, tmp_path / "here", largest_files())
    assert {file.name for file in (tmp_path / "here").iterdir()} == set(FILES)
    assert len(load("stl10", Request("study", tmp_path / "here"))) == 4


def test_the_official_archive_is_the_published_one():
    assert (ARCHIVE.size_bytes, ARCHIVE.name) == (2640397119, "stl10_binary.tar.gz")
    assert largest_files()["unlabeled_X.bin"] == 2764800000
