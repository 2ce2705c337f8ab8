"""Photographs of any size become an image set of one size, and what is no photograph is refused by its name."""

import io
import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image as Picture

from studyapp.catalogue import import_images
from studyapp.image_files import ImageSetError, checked_zip
from studyapp.squares import centre_square, write_squares
from tests.image_sets import photograph, pixels_of, png


def zip_at(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def picture_file(picture: Picture.Image, file_format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def test_pictures_of_every_size_and_format_become_one_set_with_its_classes(tmp_path: Path):
    mixed = zip_at(
        tmp_path / "trip.zip",
        {
            "trip/sea/b.JPG": photograph(300, 200),
            "trip/sea/a.webp": photograph(64, 90, file_format="WEBP"),
            "trip/hills/c.png": photograph(32, 32, file_format="PNG"),
            "trip/hills/notes.txt": b"not a picture",
            "__MACOSX/trip/sea/._b.JPG": b"what a Mac lays beside it",
        },
    )
    out = tmp_path / "squares.zip"
    write_squares(mixed, out, source="real", side_px=32)
    found = checked_zip(out)
    assert (found.width_px, found.height_px, len(found.pictures)) == (32, 32, 3)
    assert found.manifest is not None and found.manifest["is_real"] and found.manifest["dataset"] == "trip"
    names = found.manifest["class_names"]
    assert [names[picture.class_index] for picture in found.pictures] == ["hills", "sea", "sea"]


def test_a_folder_does_as_well_as_a_zip(tmp_path: Path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(photograph(50, 40))
    (folder / ".hidden.jpg").write_bytes(b"no picture")
    zipped = zip_at(tmp_path / "photos.zip", {"a.jpg": photograph(50, 40)})
    for path, out in ((folder, "1.zip"), (zipped, "2.zip")):
        write_squares(path, tmp_path / out, source="real", side_px=16)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes(), (
        "and the same bytes each time"
    )


def test_a_square_is_the_area_mean_of_the_centre():
    """A picture of 4 x 4 fields of one colour each, with a margin left and right that is cut away."""
    fields = Picture.frombytes("RGB", (4, 4), pixels_of("fields", 4, 4))
    middle = fields.resize((400, 400), Picture.Resampling.NEAREST)
    wide = Picture.new("RGB", (600, 400), "white")
    wide.paste(middle, (100, 0))
    square = centre_square("wide.png", picture_file(wide), 4)
    assert square.tobytes() == fields.tobytes()


def test_large_photographs_lose_nothing_by_the_short_way():
    """JPEG decoded at a part of its size differs from area means of the whole by a step or two."""
    data = photograph(2400, 1800, quality=95)
    with Picture.open(io.BytesIO(data)) as picture:
        whole = picture.convert("RGB").resize((32, 32), Picture.Resampling.BOX, box=(300, 0, 2100, 1800))
    square = centre_square("large.jpg", data, 32)
    difference = [abs(a - b) for a, b in zip(square.tobytes(), whole.tobytes(), strict=True)]
    assert max(difference) <= 3 and sum(difference) / len(difference) < 0.5


def test_a_photograph_taken_upright_stands_upright():
    exif = Picture.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees to see it
    lying = Picture.new("RGB", (40, 40), "black")
    lying.paste("white", (0, 0, 20, 40))
    square = centre_square("upright.jpg", picture_file(lying, "JPEG", exif=exif, quality=95), 8)
    assert min(square.crop((0, 0, 8, 3)).convert("L").tobytes()) > 200, "white is on top"
    assert max(square.crop((0, 5, 8, 8)).convert("L").tobytes()) < 55


GRAY16 = picture_file(Picture.new("I;16", (40, 40)))
ALPHA = picture_file(Picture.new("RGBA", (40, 40)))
FRAMES = [Picture.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
ANIMATED = picture_file(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:])


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (
            {"small.jpg": photograph(20, 90)},
            "small.jpg: expected 32 to 8192 pixels a side, got 20x90; leave it out",
        ),
        ({"deep.png": GRAY16}, "deep.png: expected 8-bit RGB or gray without transparency, got mode I"),
        ({"clear.png": ALPHA}, "clear.png: .* got mode RGBA; convert it first"),
        ({"film.webp": ANIMATED}, "film.webp: expected one picture, got an animation"),
        ({"half.jpg": photograph(90, 90)[:300]}, "half.jpg: expected a whole JPEG, PNG or WebP picture"),
        ({"text.jpg": b"hello"}, "text.jpg: expected a whole JPEG, PNG or WebP picture, got something else$"),
        ({"notes.txt": b"hello"}, "expected JPEG, PNG or WebP pictures, found none"),
        ({"manifest.json": b"{}", "a.png": png(pixels_of("x"))}, "is a finished image set"),
    ],
)
def test_what_is_no_photograph_is_refused_by_its_name(tmp_path: Path, files: dict[str, bytes], why: str):
    with pytest.raises(ImageSetError, match=why):
        write_squares(zip_at(tmp_path / "in.zip", files), tmp_path / "out.zip", source="real", side_px=32)
    assert [path.name for path in tmp_path.iterdir()] == ["in.zip"]


def test_a_side_that_no_study_could_show_is_refused(tmp_path: Path):
    with pytest.raises(ImageSetError, match="side: expected 8 to 1024 pixels, got 4000"):
        write_squares(tmp_path, tmp_path / "out.zip", source="real", side_px=4000)


@pytest.mark.django_db
def test_the_same_photographs_again_are_the_same_set(tmp_path: Path):
    photos = zip_at(tmp_path / "photos.zip", {f"{n}.jpg": photograph(40 + n, 60) for n in range(5)})
    first, again = (import_images(photos, source="real", side_px=16, by="test") for _ in range(2))
    assert first == again and first.provenance == "manifest" and first.name.startswith("real-photos-")
    other = import_images(photos, source="real", side_px=8, by="test")
    assert other != first and other.width_px == 8


def test_a_zip_whose_numbers_lie_is_refused(tmp_path: Path):
    """Bytes of a good zip changed one after the other: whatever comes of it, it is said."""
    good = zip_at(
        tmp_path / "good.zip", {"a.png": png(pixels_of("x")), "dataset.json": json.dumps({}).encode()}
    )
    data = good.read_bytes()
    for place in range(0, len(data), 7):
        bad = tmp_path / "bad.zip"
        bad.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
        try:
            checked_zip(bad)
        except ImageSetError as error:
            assert str(error).startswith(str(bad))
