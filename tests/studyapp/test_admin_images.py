"""Image sets and jobs in the admin: what comes in, how it looks, what is refused, and what may leave."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image as Picture

from studyapp.admin import image_forms
from studyapp.admin.contact_sheet import GAP_PX, LAYOUTS, contact_sheet
from studyapp.catalogue import import_images
from studyapp.models import ImageSet, Job, JobSlice, Study
from tests.image_sets import photograph, pixels_of, png, write_image_set

UPLOAD = "/admin/studyapp/imageset/add/"
MARKUP = '<script>alert("x")</script>'


@pytest.fixture
def image_set(db: None, tmp_path: Path) -> ImageSet:
    """Twelve random pictures of 8x6 pixels."""
    return import_images(
        write_image_set(tmp_path / "gan.zip", source="gan", n_images=12, width=8, height=6), by="test"
    )


def zip_of(files: dict[str, bytes], attributes: int = 0) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes
            archive.writestr(info, data)
    return file.getvalue()


def upload(client: Client, data: bytes, source: str = "gan", name: str = "mine.zip"):
    file = SimpleUploadedFile(name, data, content_type="application/zip")
    return client.post(UPLOAD, {"file": file, "source": source})


# ---- pictures ----


def test_a_contact_sheet_shows_the_stored_pixels_in_order(image_set: ImageSet):
    with Picture.open(io.BytesIO(contact_sheet(image_set, LAYOUTS["sheet"]))) as sheet:
        assert sheet.size == (10 * (8 + GAP_PX) - GAP_PX, 2 * (6 + GAP_PX) - GAP_PX)
        for index in range(12):
            left, top = index % 10 * (8 + GAP_PX), index // 10 * (6 + GAP_PX)
            cell = sheet.crop((left, top, left + 8, top + 6)).convert("RGB")
            assert cell.tobytes() == pixels_of(f"gan {index}", 8, 6), index


def test_large_pictures_are_shrunk_on_the_sheet(db: None, tmp_path: Path):
    large = import_images(
        write_image_set(tmp_path / "large.zip", source="gan", n_images=3, width=200, height=100), by="test"
    )
    with Picture.open(io.BytesIO(contact_sheet(large, LAYOUTS["sheet"]))) as sheet:
        assert sheet.size == (3 * (96 + GAP_PX) - GAP_PX, 48)


def test_pictures_are_for_this_browser_alone(researcher: Client, image_set: ImageSet):
    answer = researcher.get(reverse("admin:studyapp_imageset_sheet", args=[image_set.pk, "sheet"]))
    assert answer.headers["Content-Type"] == "image/png"
    assert "private" in answer.headers["Cache-Control"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_missing_zip_is_told_and_is_no_server_error(researcher: Client, image_set: ImageSet):
    image_set.path.unlink()
    sheet = reverse("admin:studyapp_imageset_sheet", args=[image_set.pk, "sheet"])
    assert researcher.get(sheet).status_code == 404
    page = researcher.get(reverse("admin:studyapp_imageset_change", args=[image_set.pk])).content.decode()
    assert "is missing: import the set again" in page


def test_unknown_sheets_are_not_found(researcher: Client, image_set: ImageSet):
    for pk, name in ((image_set.pk, "poster"), (999_999, "sheet")):
        assert researcher.get(f"/admin/studyapp/imageset/{pk}/{name}.png").status_code == 404


def test_the_page_tells_where_the_pictures_come_from(researcher: Client, db: None, tmp_path: Path):
    told = {
        "seed": 4711,
        "credits": [{"title": "rocket", "licence": "CC0"}],
        "notes": ["not the official files"],
    }
    image_set = import_images(write_image_set(tmp_path / "gan.zip", source="gan", **told), by="ann")
    page = researcher.get(reverse("admin:studyapp_imageset_change", args=[image_set.pk])).content.decode()
    for text in ("4711", "title: rocket; licence: CC0", "not the official files", "ab" * 32, "even", "odd"):
        assert text in page
    assert page.count("<td>20</td>") == 2, "20 images of each of two classes"


# ---- coming in ----


def test_an_uploaded_zip_is_in_the_catalogue(researcher: Client, tmp_path: Path):
    data = write_image_set(tmp_path / "set.zip", source="gan").read_bytes()
    answer = upload(researcher, data, source="")
    image_set = ImageSet.objects.get()
    assert answer.url == reverse("admin:studyapp_imageset_change", args=[image_set.pk])
    assert (image_set.source, image_set.n_images, image_set.imported_by) == ("gan", 40, "ann")


def test_the_same_zip_again_is_the_same_set(researcher: Client, tmp_path: Path):
    data = write_image_set(tmp_path / "set.zip", source="gan").read_bytes()
    first, second = upload(researcher, data), upload(researcher, data, name="copy.zip")
    assert first.url == second.url
    assert ImageSet.objects.count() == 1


PICTURE = png(pixels_of("x"))
LIES: dict[str, tuple[bytes, str, str]] = {
    "text": (b"hello", "gan", "mine.zip: expected an image set"),
    "empty zip": (zip_of({}), "gan", "found none; give a side in pixels"),
    "cut picture": (zip_of({"a.png": PICTURE[:40]}), "gan", "a.png: expected a whole PNG file"),
    "traversal": (zip_of({"../a.png": PICTURE}), "gan", "points outside the zip"),
    "symlink": (zip_of({"a.png": PICTURE}, attributes=0o120777 << 16), "gan", "is a symbolic link"),
    "mixed sizes": (
        zip_of({"a.png": PICTURE, "b.png": png(pixels_of("y", 9, 8), 9, 8)}),
        "gan",
        "b.png has 9x8 pixels, expected 8x8",
    ),
    "broken manifest": (
        zip_of({"a.png": PICTURE, "manifest.json": b"{"}),
        "gan",
        "manifest.json is no valid JSON",
    ),
    "foreign manifest": (zip_of({"a.png": PICTURE, "manifest.json": b"[]"}), "gan", "expected an object"),
}


@pytest.mark.parametrize("named", ["", "GAN"])
def test_pictures_that_nobody_says_what_they_are_are_refused_at_the_source(researcher: Client, named: str):
    for side_px in ("", "8"):
        file = SimpleUploadedFile("mine.zip", zip_of({"a.png": PICTURE}))
        answer = researcher.post(UPLOAD, {"file": file, "source": named, "side_px": side_px})
        (sentence,) = answer.context["form"].errors["source"]
        assert sentence.startswith(
            "mine.zip: expected what the pictures are, real or the name of their generator"
        )
    assert not ImageSet.objects.exists()


def test_photographs_of_any_size_come_in_by_a_side(researcher: Client):
    file = SimpleUploadedFile(
        "Holiday 2026.zip", zip_of({"a.jpg": photograph(40, 30), "b.jpg": photograph(9, 50)})
    )
    answer = researcher.post(UPLOAD, {"file": file, "source": "real", "side_px": "8"})
    image_set = ImageSet.objects.get()
    assert answer.url == reverse("admin:studyapp_imageset_change", args=[image_set.pk])
    assert (image_set.is_real, image_set.n_images, image_set.width_px) == (True, 2, 8)
    page = researcher.get(answer.url).content.decode()
    assert "centre squares of the pictures as they were uploaded, 8 pixels a side" in page


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused_at_the_file(researcher: Client, lie: str):
    data, source, why = LIES[lie]
    answer = upload(researcher, data, source)
    assert answer.status_code == 200
    (sentence,) = answer.context["form"].errors["file"]
    assert why in sentence
    assert sentence.startswith(("mine.zip", "expected")), "the file is named as its owner knows it"
    assert not ImageSet.objects.exists()


def test_a_source_that_is_no_name_is_refused_at_the_source(researcher: Client, tmp_path: Path):
    answer = upload(researcher, zip_of({"a.png": PICTURE}), source="two words")
    assert list(answer.context["form"].errors) == ["source"]


ODD_VALUES = (
    *(None, 3, -1, 2**70, 1.5, True, [], [1], {}, {"a": {"b": None}}, "x" * 5000, "a\x00b", MARKUP),
    *("half a character \ud800", float("nan"), float("inf")),
)
MANIFEST_KEYS = ("source", "is_real", "family", "dataset", "class_names", "width_px", "checkpoint", "seed")


def with_odd(manifest: dict[str, Any], key: str, value: Any) -> bytes:
    """A zip of one picture whose manifest says something odd, of the set or of the picture."""
    whole, _, part = key.partition(".")
    if part:
        manifest["images"][0][part] = value
    else:
        manifest[whole] = value
    return zip_of({"images/000000.png": PICTURE, "manifest.json": json.dumps(manifest).encode()})


@pytest.mark.parametrize(
    "key",
    (
        *MANIFEST_KEYS,
        "sampler",
        "credits",
        "notes",
        "image.file",
        "image.sha256",
        "image.class",
        "image.seed",
    ),
)
def test_whatever_a_manifest_says_it_is_taken_and_shown_or_refused_in_words(researcher: Client, key: str):
    for value in ODD_VALUES:
        picture = {"file": "images/000000.png", "sha256": hashlib.sha256(pixels_of("x")).hexdigest()}
        good = {"format": 1, "source": "gan", "is_real": False, "width_px": 8, "height_px": 8}
        manifest = good | {"class_names": [], "images": [picture]}
        answer = upload(researcher, with_odd(manifest, key, value), source="")
        if answer.status_code == 302:
            assert researcher.get(answer.url).status_code == 200, value
            ImageSet.objects.all().delete()
        else:
            assert answer.context["form"].errors, value


# ---- leaving ----


def test_a_set_that_a_study_uses_cannot_be_deleted(researcher: Client, draft_study: Study):
    image_set = draft_study.sources.get(name="gan").image_set
    page = reverse("admin:studyapp_imageset_delete", args=[image_set.pk])
    assert "study small, as source gan" in researcher.post(page, {"post": "yes"}).content.decode()
    listed = reverse("admin:studyapp_imageset_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [image_set.pk], "post": "yes"}
    assert researcher.post(listed, chosen).status_code == 200
    assert ImageSet.objects.filter(pk=image_set.pk).exists()
    assert image_set.path.is_file()


@pytest.mark.django_db(transaction=True)
def test_a_set_that_nobody_uses_leaves_with_its_file(researcher: Client, image_set: ImageSet):
    page = reverse("admin:studyapp_imageset_delete", args=[image_set.pk])
    assert "12 images and their zip" in researcher.get(page).content.decode()
    assert researcher.post(page, {"post": "yes"}).status_code == 302
    assert not ImageSet.objects.exists()
    assert not image_set.path.exists()


def test_a_set_is_never_edited(researcher: Client, image_set: ImageSet):
    page = reverse("admin:studyapp_imageset_change", args=[image_set.pk])
    assert researcher.post(page, {"source": "real", "is_real": "on"}).status_code == 403
    image_set.refresh_from_db()
    assert (image_set.source, image_set.is_real) == ("gan", False)


# ---- jobs ----


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder of weights in which the form finds two checkpoints, by their file names."""
    for name in ("gan-photos.safetensors", "lapgan-photos.safetensors", "README.md"):
        (tmp_path / name).touch()
    monkeypatch.setattr(image_forms, "WEIGHTS_DIR", tmp_path)
    return ["gan-photos", "lapgan-photos"]


def test_the_form_offers_what_ships(researcher: Client, shipped: list[str]):
    form = researcher.get(reverse("admin:studyapp_imageset_generate")).context["form"]
    assert [name for name, _ in form.fields["checkpoint"].choices] == shipped


def test_without_weights_the_page_says_so(
    researcher: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(image_forms, "WEIGHTS_DIR", tmp_path / "none")
    page = researcher.get(reverse("admin:studyapp_imageset_generate")).content.decode()
    assert "No checkpoint came with this installation" in page


def test_generation_is_queued_for_a_shipped_checkpoint(researcher: Client, shipped: list[str]):
    form = {"checkpoint": shipped[0], "count": 2500, "seed": 3}
    answer = researcher.post(reverse("admin:studyapp_imageset_generate"), form)
    job = Job.objects.get()
    assert answer.url == reverse("admin:studyapp_job_change", args=[job.pk])
    assert job.arguments == {"checkpoint": shipped[0], "count": 2500, "seed": 3}
    assert job.created_by == "ann"
    assert sum(item.last - item.first for item in job.slices.all()) == 2500


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", "0"),
        ("count", "1000001"),
        ("seed", "-1"),
        ("seed", str(2**63)),
        ("checkpoint", "/etc/passwd"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_at_its_field(
    researcher: Client, shipped: list[str], field: str, value: str
):
    form = {"checkpoint": shipped[0], "count": 10, "seed": 0, field: value}
    answer = researcher.post(reverse("admin:studyapp_imageset_generate"), form)
    assert list(answer.context["form"].errors) == [field]
    assert not Job.objects.exists()


def test_a_failed_job_shows_why_and_can_be_tried_again(researcher: Client, failed_job: Job):
    page = reverse("admin:studyapp_job_change", args=[failed_job.pk])
    text = researcher.get(page).content.decode()
    for told in ("images 1024 to 1499 failed", "out of memory", "1,024 of 1,500", "Try again"):
        assert told in text
    retry = reverse("admin:studyapp_job_retry", args=[failed_job.pk])
    assert researcher.get(retry).status_code == 405
    assert researcher.post(retry).url == page
    failed_job.refresh_from_db()
    assert failed_job.status == Job.Status.WAITING
    assert list(failed_job.slices.values_list("status", "attempts")) == [("done", 0), ("waiting", 0)]
    again = researcher.post(retry, follow=True)
    assert "expected a failed job or a stopped one, it is waiting" in " ".join(
        map(str, again.context["messages"])
    )


def test_failed_jobs_are_tried_again_from_the_list(researcher: Client, failed_job: Job):
    listed = reverse("admin:studyapp_job_changelist")
    researcher.post(listed, {"action": "retry_selected", "_selected_action": [failed_job.pk]})
    failed_job.refresh_from_db()
    assert failed_job.status == Job.Status.WAITING


def test_who_may_not_queue_may_not_try_again(staff_with: Callable[..., Client], failed_job: Job):
    client = staff_with("view_job")
    page = client.get(reverse("admin:studyapp_job_change", args=[failed_job.pk])).content.decode()
    assert "Try again" not in page
    assert client.post(reverse("admin:studyapp_job_retry", args=[failed_job.pk])).status_code == 403
    assert JobSlice.objects.filter(status="poisoned").exists()
