"""Folders, zips and image sets of pictures as data sets."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

from generator.datasets import Request, load
from generator.datasets.labelled import LabelledImages
from generator.errors import DataError
from generator.real_sets import write_real_set


def png(value: int, size=(6, 5), mode="RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, (value, 0, 255) if mode == "RGB" else value).save(buffer, "PNG")
    return buffer.getvalue()


FILES = {"b/2.png": png(2), "a/10.png": png(10), "a/9.png": png(9), "b/.hidden.png": b"", "readme.txt": b"hi"}


def put_in_folder(tmp_path, files):
    for name, content in files.items():
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "pictures"


def put_in_zip(tmp_path, files):
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return tmp_path / "pictures.zip"


@pytest.fixture(params=[put_in_folder, put_in_zip], ids=["folder", "zip"])
def put(request):
    return request.param


def test_subfolders_are_classes_and_names_give_the_order(tmp_path, put):
    images = load("folder", Request(path=put(tmp_path, FILES)))
    assert images.pixels[:, 0, 0, 0].tolist() == [10, 9, 2]
    assert images.labels.tolist() == [0, 0, 1]
    assert (images.class_names, images.name) == (("a", "b"), "pictures")


def test_without_subfolders_there_are_no_classes(tmp_path, put):
    images = load("folder", Request(path=put(tmp_path, {"1.png": png(1), "2.png": png(2)})))
    assert (images.labels, images.class_names) == (None, ())


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "expected PNG, JPEG or WebP pictures, found none"),
        (
            {"1.png": png(1), "2.png": png(2, size=(7, 5))},
            r"2\.png: expected 6x5 RGB like the first picture, found 7x5 RGB",
        ),
        ({"1.png": png(1, mode="LA")}, r"1\.png: expected an RGB or gray picture, found mode LA"),
        (
            {"1.png": png(1), "2.png": png(2, mode="L")},
            r"2\.png: expected 6x5 RGB like the first picture, found 6x5 gray",
        ),
        (
            {"1.png": png(1, size=(40, 40))[:-40]},
            r"1\.png: expected a whole PNG, JPEG or WebP picture, found a damaged file",
        ),
        ({"1.png": b"GIF89a"}, r"1\.png: expected a whole PNG, JPEG or WebP"),
        ({"1.png": png(1, size=(2000, 1))}, "expected at most 1024 pixels a side"),
        ({"a/1.png": png(1), "2.png": png(1)}, r"2\.png: expected every picture in a class folder"),
    ],
)
def test_pictures_that_do_not_fit_are_refused_by_name(tmp_path, put, files, complaint):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(DataError, match=complaint):
        load("folder", Request(path=put(tmp_path, files)))


def test_a_zip_with_traversal_names_touches_nothing(tmp_path):
    path = put_in_zip(tmp_path, {"../a/1.png": png(1), "/b/2.png": png(2)})
    assert len(load("folder", Request(path=path))) == 2
    assert [file.name for file in tmp_path.iterdir()] == ["pictures.zip"]


def test_a_member_too_large_to_be_a_picture_is_not_unpacked(tmp_path):
    path = put_in_zip(tmp_path, {"1.png": png(1), "2.png": bytes(65 * 1024 * 1024)})
    with pytest.raises(DataError, match=r"2\.png: expected at most 67108864 bytes"):
        load("folder", Request(path=path))


def test_a_picture_that_unpacks_to_gigabytes_is_refused_by_its_header(tmp_path):
    """60,000 x 60,000 pixels in a header; nothing of them is decoded."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    path = put_in_zip(tmp_path, {"1.png": b"\x89PNG\r\n\x1a\n" + chunk})
    with pytest.raises(DataError, match=r"1\.png: expected"):
        load("folder", Request(path=path))


def test_the_jpeg_copy_of_cifar10_is_cifar10_and_says_it_is_a_copy(shared_data):
    images = load("cifar10", Request(path=shared_data / "cifar10-jpeg-test.zip"))
    assert np.bincount(images.labels).tolist() == [1000] * 10
    assert images.name == "cifar10"
    assert images.notes[0].startswith("NOT THE OFFICIAL CIFAR-10 FILES: read from cifar10-jpeg-test.zip")


def test_pictures_with_other_classes_are_not_cifar10(tmp_path):
    path = put_in_zip(tmp_path, {"cat/1.png": png(1, size=(32, 32))})
    with pytest.raises(DataError, match=r"expected the binary files of CIFAR-10 or .* found folders cat"):
        load("cifar10", Request(path=path))


def test_a_real_set_can_be_learned_from_again(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)
    images = LabelledImages("mine", pixels, np.arange(7) % 2, ("a", "b"), notes=("a note",))
    write_real_set(images, 4, tmp_path / "set.zip")
    again = load("image-set", Request(path=tmp_path / "set.zip"))
    assert again.sha256() == images.sha256()
    assert (again.name, again.class_names, again.notes) == ("mine", ("a", "b"), ("a note",))


def test_data_sets_that_read_files_ask_for_them():
    for name in ("folder", "image-set"):
        with pytest.raises(DataError, match="with --data"):
            load(name, Request())
    with pytest.raises(
        DataError, match="expected a data set among photos, cifar10, stl10, stl10-unlabeled, mnist, "
    ):
        load("imagenet", Request())


def test_a_draw_takes_no_image_twice_and_depends_on_its_seed():
    images = LabelledImages("n", np.arange(50, dtype=np.uint8).reshape(50, 1, 1, 1).repeat(3, 3), None, ())
    draws = [images.drawn(20, seed).pixels[:, 0, 0, 0].tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert len(set(draws[0])) == 20
    with pytest.raises(DataError, match=r"expected a count in 1\.\.50"):
        images.drawn(51, 0)
    with pytest.raises(DataError, match="expected a seed of at least 0, got -1"):
        images.drawn(5, -1)
