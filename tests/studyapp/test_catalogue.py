"""What may enter the catalogue, what is refused and why, and that a refusal leaves nothing behind."""

import io
import json
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from PIL import Image as Picture

from studyapp.catalogue import CatalogueError, ImageSetError, decoded_pixels, import_images
from studyapp.models import Image, ImageSet
from tests.image_sets import pixels_of, png, write_image_set

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder_of_image_sets():
    yield settings.IMAGE_SETS_DIR
    shutil.rmtree(settings.IMAGE_SETS_DIR)
    settings.IMAGE_SETS_DIR.mkdir()


def rezipped(path: Path, change) -> Path:
    """The zip written again, each member through `change(name, data) -> data or None`."""
    with zipfile.ZipFile(path) as archive:
        members = [(info.filename, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members:
            if (data := change(name, data)) is not None:
                archive.writestr(name, data)
    return path


def with_member(path: Path, info: zipfile.ZipInfo | str, data: bytes = b"") -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, data)
    return path


def encoded(mode: str, size: tuple[int, int] = (8, 8), kind: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    Picture.new(mode, size).save(file, kind, **options)
    return file.getvalue()


def test_what_was_written_is_what_is_catalogued(tmp_path):
    image_set = import_images(write_image_set(tmp_path / "set.zip", source="lapgan", n_images=12))
    assert (image_set.source, image_set.is_real, image_set.n_images) == ("lapgan", False, 12)
    assert (image_set.width_px, image_set.height_px, image_set.provenance) == (8, 8, "manifest")
    assert image_set.checkpoint_sha256 == "ab" * 32
    assert [image.class_name for image in image_set.images.all()[:2]] == ["even", "odd"]
    seeds = {image.pk: image.seed for image in image_set.images.all()}
    for pk, pixels in decoded_pixels(image_set):
        assert pixels == pixels_of(f"lapgan {seeds[pk]}")


def test_the_same_zip_again_is_the_same_image_set(tmp_path):
    path = write_image_set(tmp_path / "set.zip")
    assert import_images(path) == import_images(path)
    assert ImageSet.objects.count() == 1


def test_two_who_bring_the_same_zip_at_once_leave_one_whole_image_set(tmp_path):
    """The second comes in between the first one's look into the catalogue and its rows."""
    path = write_image_set(tmp_path / "set.zip")
    others = []

    def wrapper(execute, sql, params, many, context):
        looked = execute(sql, params, many, context)
        if not others and sql.startswith("SELECT") and 'FROM "studyapp_imageset"' in sql:
            others.append(None)
            others[0] = import_images(path, by="the other worker")
        return looked

    with connection.execute_wrapper(wrapper):
        mine = import_images(path, by="me")
    assert others == [mine]
    assert ImageSet.objects.get().imported_by == "the other worker"
    assert len(list(decoded_pixels(mine))) == mine.n_images == mine.images.count()


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"half a")])
def test_importing_again_brings_back_a_file_that_was_lost(tmp_path, damage):
    path = write_image_set(tmp_path / "set.zip")
    image_set = import_images(path)
    damage(image_set.path)
    with pytest.raises((CatalogueError, ImageSetError)):
        list(decoded_pixels(image_set))
    assert import_images(path) == image_set
    assert len(list(decoded_pixels(image_set))) == image_set.n_images


def test_a_manifest_that_would_fill_the_memory_is_refused_unread(tmp_path):
    """Deflate packs a thousand to one: a zip of a few megabytes can hold gigabytes of JSON."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.png", png(pixels_of("0")))
        archive.writestr("manifest.json", b" " * 400_000)
    data = bytearray(path.read_bytes())
    entry = data.rfind(b"PK\x01\x02")  # of the manifest, in the zip's table of contents
    data[entry + 24 : entry + 28] = (300 * 2**20).to_bytes(4, "little")  # its size when unpacked
    path.write_bytes(data)
    with pytest.raises(ImageSetError, match=r"'manifest\.json' would unpack to 314572800 bytes"):
        import_images(path)


def test_a_folder_of_pictures_comes_in_with_its_classes(tmp_path):
    for name in ("cat/a", "cat/b", "ship/a"):
        file = tmp_path / "pictures" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(pixels_of(name)))
    image_set = import_images(tmp_path / "pictures", source="real", by="me")
    assert (image_set.provenance, image_set.imported_by, image_set.is_real) == ("imported", "me", True)
    assert [image.class_name for image in image_set.images.all()] == ["cat", "cat", "ship"]


def test_a_stylegan_zip_without_manifest_comes_in_with_its_labels(tmp_path):
    path = rezipped(
        write_image_set(tmp_path / "set.zip", n_images=4), lambda n, d: None if n == "manifest.json" else d
    )
    image_set = import_images(path, source="stylegan")
    assert image_set.provenance == "imported"
    assert [image.class_index for image in image_set.images.all()] == [0, 1, 0, 1]


LINK = zipfile.ZipInfo("images/link.png")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16
BAD_ZIPS = {
    "foreign": (lambda p: p.write_bytes(b"GIF89a") and p, "expected an image set"),
    "empty": (lambda p: p.write_bytes(b"") or p, "expected an image set"),
    "truncated": (lambda p: p.write_bytes(p.read_bytes()[:-200]) and p, "expected an image set"),
    "no pictures": (lambda p: rezipped(p, lambda n, d: None if n.endswith("png") else d), "found none"),
    "traversal": (lambda p: with_member(p, "../evil.png", png(pixels_of("x"))), "points outside the zip"),
    "absolute": (lambda p: with_member(p, "/etc/evil.png", png(pixels_of("x"))), "points outside the zip"),
    "symlink": (lambda p: with_member(p, LINK, b"/etc/passwd"), "is a symbolic link"),
    "unlisted file": (
        lambda p: with_member(p, "images/x.png", png(pixels_of("x"))),
        "list exactly the PNG files",
    ),
    "mixed sizes": (
        lambda p: rezipped(p, lambda n, d: encoded("RGB", (9, 8)) if "000003" in n else d),
        "9x8 pixels, expected 8x8",
    ),
    "changed picture": (
        lambda p: rezipped(p, lambda n, d: png(pixels_of("x")) if "000003" in n else d),
        "the file changed after it was written",
    ),
    "16 bit": (lambda p: rezipped(p, lambda n, d: encoded("I;16") if "000003" in n else d), "got mode I;16"),
    "transparent": (lambda p: rezipped(p, lambda n, d: encoded("RGBA") if "000003" in n else d), "mode RGBA"),
    "a JPEG inside": (
        lambda p: rezipped(p, lambda n, d: encoded("RGB", kind="JPEG") if "000003" in n else d),
        "expected a whole PNG",
    ),
    "half a picture": (
        lambda p: rezipped(p, lambda n, d: d[:60] if "000003" in n else d),
        "expected a whole PNG",
    ),
    "huge picture": (
        lambda p: rezipped(p, lambda n, d: encoded("RGB", (2000, 8)) if "000003" in n else d),
        "at most 1024 pixels a side",
    ),
    "broken JSON": (lambda p: rezipped(p, lambda n, d: b"{" if n == "manifest.json" else d), "no valid JSON"),
    "another format": (
        lambda p: rezipped(
            p, lambda n, d: json.dumps(json.loads(d) | {"format": 2}).encode() if n == "manifest.json" else d
        ),
        "expected format 1, got 2",
    ),
    "a manifest that lies about the size": (
        lambda p: rezipped(
            p,
            lambda n, d: json.dumps(json.loads(d) | {"width_px": 9}).encode() if n == "manifest.json" else d,
        ),
        "says 9x8",
    ),
    "labels of another kind": (
        lambda p: rezipped(p, lambda n, d: b'{"labels": 3}' if n == "dataset.json" else d),
        "expected .*labels",
    ),
}


@pytest.mark.parametrize("fault", sorted(BAD_ZIPS))
def test_a_zip_that_is_no_image_set_is_refused_and_leaves_nothing(tmp_path, folder_of_image_sets, fault):
    spoil, words = BAD_ZIPS[fault]
    path = spoil(write_image_set(tmp_path / "set.zip", n_images=6))
    with pytest.raises(ImageSetError, match=words):
        import_images(path)
    assert not Image.objects.exists()
    assert not list(folder_of_image_sets.iterdir())


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images/a.png", b"\0" * 15 * 2**20)
    with pytest.raises(ImageSetError, match="looks like a bomb"):
        import_images(path, source="real")


def test_a_folder_with_foreign_files_or_nothing_is_refused(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    with pytest.raises(ImageSetError, match="expected PNG files, found none"):
        import_images(folder, source="real")
    (folder / "notes.txt").write_text("hello")
    with pytest.raises(ImageSetError, match=r"notes\.txt: expected only PNG files"):
        import_images(folder, source="real")


def test_a_source_needs_a_proper_name(tmp_path):
    path = rezipped(write_image_set(tmp_path / "set.zip"), lambda n, d: None if n == "manifest.json" else d)
    with pytest.raises(CatalogueError, match="real or the name of their generator"):
        import_images(path)
    with pytest.raises(CatalogueError, match="got 'My Set'"):
        import_images(path, source="My Set")
    with pytest.raises(CatalogueError, match="the manifest says source real, you said gan"):
        import_images(write_image_set(tmp_path / "other.zip"), source="gan")


def test_a_full_disk_leaves_neither_a_file_nor_a_row(tmp_path, folder_of_image_sets, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = write_image_set(tmp_path / "set.zip")
    monkeypatch.setattr("studyapp.files.os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        import_images(path)
    assert not ImageSet.objects.exists()
    assert not list(folder_of_image_sets.iterdir())


def test_the_command_says_what_came_in_and_refuses_in_a_sentence(tmp_path, capsys):
    call_command("import_images", write_image_set(tmp_path / "set.zip", n_images=5))
    assert "5 images of 8x8 pixels, source real" in capsys.readouterr().out
    with pytest.raises(CommandError, match="found nothing there"):
        call_command("import_images", tmp_path / "missing.zip")
