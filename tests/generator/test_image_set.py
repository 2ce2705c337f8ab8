"""What is written is read; what is damaged is refused; what fails leaves nothing behind."""

import dataclasses
import errno
import hashlib
import itertools
import json
import resource
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import ImageSetError, WriteError
from generator.image_set import About, EncodedImage, encoded, merge, open_image_set, write_image_set

MANIFEST_KEYS = [
    "format",
    "source",
    "is_real",
    "family",
    "dataset",
    "class_names",
    "width_px",
    "height_px",
    "checkpoint",
    "seed",
    "sampler",
    "software",
    "commit",
    "credits",
    "notes",
    "created_utc",
    "images",
]


def about(**changes) -> About:
    values = {
        "source": "gan",
        "is_real": False,
        "family": "gan",
        "dataset": "photos",
        "class_names": ["a", "b"],
        "width_px": 6,
        "height_px": 5,
        "checkpoint": {"sha256": "00", "config": {}},
        "seed": 1,
        "sampler": {},
        "software": {"python": "3.11"},
        "commit": None,
        "credits": [],
        "notes": ["ein Satz mit ü"],
        "created_utc": "2026-11-20T10:30:00Z",
    }
    return About(**(values | changes))


def encode(index, pixels, label, seed) -> EncodedImage:
    """One image, encoded alone."""
    return encoded(index, pixels[None], [label], [seed])[0]


def pictures(first=0, count=5, height=5, width=6):
    """Images whose pixels depend on their index alone."""
    for index in range(first, first + count):
        rng = np.random.default_rng(index)
        yield encode(index, rng.integers(0, 256, (height, width, 3), dtype=np.uint8), index % 2, index)


def changed_manifest(source, target, change):
    """A copy of a set with the manifest passed through `change`."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                manifest = json.loads(content)
                change(manifest)
                content = json.dumps(manifest).encode()
            new.writestr(name, content)
    return target


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 20), st.integers(1, 20), st.integers(0, 10**6), st.booleans())
def test_what_is_written_is_read(tmp_path_factory, count, height, width, first, labelled):
    path = tmp_path_factory.mktemp("set") / "a.zip"
    rng = np.random.default_rng(count)
    pixels = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    images = (encode(first + at, pixels[at], at if labelled else None, None) for at in range(count))
    write_image_set(path, about(width_px=width, height_px=height), images)
    with open_image_set(path) as stored:
        assert (len(stored), stored.first) == (count, first)
        for at in range(count):
            assert np.array_equal(stored.pixels(at), pixels[at])
            assert stored.manifest["images"][at]["class"] == (at if labelled else None)


def test_the_file_has_the_agreed_form(tmp_path):
    path = write_image_set(tmp_path / "a.zip", about(), pictures(count=2))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert set(archive.namelist()) == {
            "images/000000.png",
            "images/000001.png",
            "manifest.json",
            "dataset.json",
        }
        manifest = json.loads(archive.read("manifest.json"))
        labels = json.loads(archive.read("dataset.json"))
    assert list(manifest) == MANIFEST_KEYS
    assert manifest["format"] == 1
    assert list(manifest["images"][1]) == ["file", "sha256", "class", "seed"]
    assert labels == {"labels": [["images/000000.png", 0], ["images/000001.png", 1]]}


def test_without_classes_there_are_no_labels(tmp_path):
    image = encode(0, np.zeros((5, 6, 3), np.uint8), None, None)
    path = write_image_set(tmp_path / "a.zip", about(class_names=[]), [image])
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("dataset.json")) == {"labels": None}


def test_the_checksum_is_of_the_rgb_bytes(tmp_path):
    pixels = np.arange(90, dtype=np.uint8).reshape(5, 6, 3)
    assert encode(0, pixels, None, None).sha256 == hashlib.sha256(bytes(range(90))).hexdigest()


def test_the_same_images_are_the_same_bytes(tmp_path):
    one = write_image_set(tmp_path / "a.zip", about(), pictures())
    two = write_image_set(tmp_path / "b.zip", about(), pictures())
    assert one.read_bytes() == two.read_bytes()


@given(cuts=st.sets(st.integers(1, 11), max_size=4), order=st.randoms())
@settings(max_examples=20, deadline=None)
def test_slices_join_to_the_whole_in_any_order(tmp_path_factory, cuts, order):
    folder = tmp_path_factory.mktemp("merge")
    edges = [0, *sorted(cuts), 12]
    parts = [
        write_image_set(
            folder / f"{first}.zip",
            about(created_utc=f"2026-11-20T10:30:{first:02}Z"),
            pictures(first, last - first),
        )
        for first, last in itertools.pairwise(edges)
    ]
    order.shuffle(parts)
    latest = f"2026-11-20T10:30:{edges[-2]:02}Z"
    whole = write_image_set(folder / "whole.zip", about(created_utc=latest), pictures(0, 12))
    assert merge(parts, folder / "joined.zip").read_bytes() == whole.read_bytes()


def test_slices_with_a_gap_or_an_overlap_do_not_join(tmp_path):
    early = write_image_set(tmp_path / "a.zip", about(), pictures(0, 4))
    late = write_image_set(tmp_path / "b.zip", about(), pictures(5, 4))
    same = write_image_set(tmp_path / "c.zip", about(), pictures(3, 4))
    for other in (late, same):
        with pytest.raises(ImageSetError, match="expected image 4 next"):
            merge([early, other], tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize(
    ("change", "key"), [({"seed": 2}, "seed"), ({"checkpoint": {"sha256": "ff", "config": {}}}, "checkpoint")]
)
def test_slices_of_different_origin_do_not_join(tmp_path, change, key):
    one = write_image_set(tmp_path / "a.zip", about(), pictures(0, 4))
    two = write_image_set(tmp_path / "b.zip", about(**change), pictures(4, 4))
    with pytest.raises(ImageSetError, match=f"but {key} differs"):
        merge([one, two], tmp_path / "out.zip")


def test_a_full_disk_leaves_nothing_behind(tmp_path):
    def images():
        yield from pictures(count=3)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(WriteError, match=r"a\.zip: could not be written.*the disk is full"):
        write_image_set(tmp_path / "a.zip", about(), images())
    assert not list(tmp_path.iterdir())


def test_a_write_that_the_system_refuses_leaves_the_old_file_alone(tmp_path):
    """The limit on file sizes fails real writes in the middle of a file, as a full disk does."""
    path = write_image_set(tmp_path / "a.zip", about(), pictures(count=1))
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) * 3, hard))
    try:
        with pytest.raises(WriteError, match=r"a\.zip: could not be written"):
            write_image_set(path, about(), pictures(count=200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    """As objects the files of 20,000 images take 14 MB, as text their lines 3 MB."""
    one = next(pictures())

    def written(count):
        tracemalloc.start()
        try:
            images = (dataclasses.replace(one, index=index) for index in range(count))
            write_image_set(tmp_path / f"{count}.zip", about(), images)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert written(20_000) < written(200) + 2**18


def test_joining_holds_one_slice_at_a_time(tmp_path):
    def joined(slices):
        parts = [
            write_image_set(tmp_path / f"{first}.zip", about(), pictures(first, 100))
            for first in range(0, 100 * slices, 100)
        ]
        tracemalloc.start()
        try:
            merge(parts, tmp_path / "joined.zip")
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = joined(2)
    assert joined(20) < 1.5 * few


def test_an_interrupted_write_leaves_nothing_behind(tmp_path):
    def images():
        yield from pictures(count=3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_image_set(tmp_path / "a.zip", about(), images())
    assert not list(tmp_path.iterdir())


def test_a_set_without_images_is_not_written(tmp_path):
    with pytest.raises(ImageSetError, match="expected at least one image"):
        write_image_set(tmp_path / "a.zip", about(), [])
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_image_set_are_refused(tmp_path):
    (tmp_path / "text.zip").write_text("hello")
    with zipfile.ZipFile(tmp_path / "bare.zip", "w") as archive:
        archive.writestr("x.png", b"")
    cases = {
        "text.zip": "expected an image set .a zip.",
        "bare.zip": "a zip without manifest.json",
        "none.zip": "expected an image set",
    }
    for name, complaint in cases.items():
        with pytest.raises(ImageSetError, match=complaint), open_image_set(tmp_path / name):
            pass


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda m: m.update(format=2), "expected format 1, found 2"),
        (lambda m: m.pop("seed"), "seed missing"),
        (lambda m: m.update(images=[]), "expected a list of images, found none"),
        (lambda m: m["images"][1].update(file="../../etc/passwd"), "image 1: expected a file images/"),
        (lambda m: m["images"][1].pop("sha256"), "image 1: expected file, sha256, class, seed"),
    ],
)
def test_manifests_that_are_not_as_agreed_are_refused(tmp_path, change, complaint):
    path = write_image_set(tmp_path / "a.zip", about(), pictures())
    changed = changed_manifest(path, tmp_path / "b.zip", change)
    with pytest.raises(ImageSetError, match=complaint), open_image_set(changed):
        pass


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda m: m["images"][0].update(sha256="0" * 64), "the manifest lists 000000000000"),
        (lambda m: m.update(width_px=7), r"expected RGB or gray \(L\) \(7, 5\), found RGB \(6, 5\)"),
        (lambda m: m["images"][0].update(file="images/000099.png"), "listed, but cannot be read"),
    ],
)
def test_images_that_are_not_as_listed_are_refused(tmp_path, change, complaint):
    path = write_image_set(tmp_path / "a.zip", about(), pictures())
    changed = changed_manifest(path, tmp_path / "b.zip", change)
    with open_image_set(changed) as stored, pytest.raises(ImageSetError, match=complaint):
        stored.pixels(0)
