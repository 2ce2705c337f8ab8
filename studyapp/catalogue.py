"""The catalogue: image sets come in here, checked, whole or not at all. The generator's one door to the site.

Reading foreign files is `image_files`; the rows of work that a worker holds are `jobs`, whose functions
for workers pass through this door.
"""

import hashlib
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from studyapp.celery import worker_ends
from studyapp.files import sha256_of, write_whole
from studyapp.image_files import (
    ImageSetError,
    ImageSetFile,
    checked_zip,
    folder_pictures,
    png_pixels,
    zip_pixels,
)
from studyapp.jobs import GenerationSlice, finish_job, held_slice, parts_when_complete
from studyapp.models import Image, ImageSet
from studyapp.squares import write_squares
from studyapp.training import SO_FAR, TrainedParts, TrainingPiece, finished_training, held_piece


class CatalogueError(ValueError):
    """Something cannot enter the catalogue, or no longer is what was catalogued."""


class SourceNameError(CatalogueError):
    """Pictures of which nothing, or no name, says what they are."""


def import_images(
    path: Path, *, source: str | None = None, side_px: int | None = None, by: str = ""
) -> ImageSet:
    """Take an image set zip, or a folder of PNG files, into the catalogue; with `side_px` pictures of any size.

    The same zip again gives the set that is there already. `source` is needed where no manifest names one.
    Raises CatalogueError or ImageSetError; then nothing is stored.
    """
    if side_px is not None and path.exists():
        return _import_squares(path, source=source, side_px=side_px, by=by)
    if path.is_dir():
        return _import_folder(path, source=source, by=by)
    if not path.is_file():
        raise CatalogueError(
            f"{path}: expected an image set zip or a folder of PNG files, found nothing there"
        )
    return _import_zip(path, source=source, by=by)


def _import_folder(folder: Path, *, source: str | None, by: str) -> ImageSet:
    files = folder_pictures(folder)
    classes = sorted({p.parent.name for p in files if p.parent != folder})
    labels = []
    building = settings.IMAGE_SETS_DIR / f"folder-{slugify(folder.name) or 'images'}.zip"
    try:
        with write_whole(building) as target, zipfile.ZipFile(target, "w") as archive:
            for index, file in enumerate(files):
                data = file.read_bytes()
                png_pixels(str(file), data)
                name = f"images/{index:06d}.png"
                archive.writestr(zipfile.ZipInfo(name), data)
                labels.append([name, classes.index(file.parent.name) if file.parent != folder else 0])
            archive.writestr(
                zipfile.ZipInfo("dataset.json"), json.dumps({"labels": labels if classes else None})
            )
        return _import_zip(building, source=source, by=by, class_names=classes)
    finally:
        building.unlink(missing_ok=True)


def _import_squares(path: Path, *, source: str | None, side_px: int, by: str) -> ImageSet:
    named = _checked_source(path, source)  # before the pictures, which may take a while
    with tempfile.TemporaryDirectory(prefix="tachisto-squares-") as folder:
        squares = Path(folder) / path.with_suffix(".zip").name
        write_squares(path, squares, source=named, side_px=side_px)
        return _import_zip(squares, source=named, by=by)


def _import_zip(path: Path, *, source: str | None, by: str, class_names: list[str] | None = None) -> ImageSet:
    file_sha256 = sha256_of(path)
    if known := _known(file_sha256, path, source):
        if not known.path.is_file() or sha256_of(known.path) != file_sha256:
            _copy_whole(path, known.path)  # what was lost or damaged in the data folder comes back
        return known
    checked = checked_zip(path)
    image_set = _new_image_set(checked, file_sha256, path=path, source=source, by=by, class_names=class_names)
    # The file goes first: a row never names a file that is not there. A file without a row does no harm.
    _copy_whole(path, image_set.path)
    try:
        with transaction.atomic():
            image_set.save()
            Image.objects.bulk_create(
                (
                    Image(
                        image_set=image_set,
                        file=p.file,
                        sha256=p.sha256,
                        class_index=p.class_index,
                        seed=p.seed,
                    )
                    for p in checked.pictures
                ),
                batch_size=2000,
            )
    except IntegrityError:
        # Somebody else took the same file in meanwhile: theirs is the set, and the file is its file.
        if known := _known(file_sha256, path, source):
            return known
        raise
    except BaseException:
        image_set.path.unlink(missing_ok=True)
        raise
    return image_set


def _known(file_sha256: str, path: Path, source: str | None) -> ImageSet | None:
    """The set that came from a file with these bytes. Raises CatalogueError if it bears another source."""
    known = ImageSet.objects.filter(file_sha256=file_sha256).first()
    if known and source and known.source != source:
        raise CatalogueError(f"{path}: this image set is there already, as {known} of source {known.source}")
    return known


def _copy_whole(path: Path, to: Path) -> None:
    with path.open("rb") as incoming, write_whole(to) as target:
        shutil.copyfileobj(incoming, target, 2**20)


def _checked_source(path: Path, named: str | None) -> str:
    if not named or slugify(named) != named or len(named) > 50:
        raise SourceNameError(
            f"{path}: expected what the pictures are, real or the name of their generator, in at most 50 small "
            f"letters, digits and dashes, got {repr(named)[:60] if named else 'nothing'}"
        )
    return named


def _new_image_set(
    checked: ImageSetFile,
    file_sha256: str,
    *,
    path: Path,
    source: str | None,
    by: str,
    class_names: list[str] | None,
) -> ImageSet:
    manifest = dict(checked.manifest or {})
    manifest.pop("images", None)
    named = _checked_source(path, source or manifest.get("source"))
    if source and manifest.get("source") and source != manifest["source"]:
        raise CatalogueError(f"{path}: the manifest says source {manifest['source']}, you said {source}")
    dataset = manifest.get("dataset") or ""
    name = "-".join(part for part in (named, slugify(dataset), file_sha256[:8]) if part)
    return ImageSet(
        name=name[:100],
        source=named,
        is_real=manifest.get("is_real", named == "real"),
        family=manifest.get("family") or "",
        dataset=dataset,
        class_names=manifest.get("class_names", class_names or []),
        width_px=checked.width_px,
        height_px=checked.height_px,
        n_images=len(checked.pictures),
        checkpoint_sha256=(manifest.get("checkpoint") or {}).get("sha256", ""),
        manifest=manifest,
        provenance="manifest" if checked.manifest else "imported",
        imported_by=by,
        file=f"{file_sha256}.zip",
        file_sha256=file_sha256,
    )


def remove_image_set(image_set: ImageSet) -> None:
    """Take an image set and its zip out. Raises ProtectedError while a study uses it."""
    path = image_set.path
    with transaction.atomic():
        image_set.delete()
        transaction.on_commit(lambda: path.unlink(missing_ok=True))


def decoded_pixels(image_set: ImageSet) -> Iterator[tuple[int, bytes]]:
    """(image id, RGB8 pixels) of every image of a set. Raises CatalogueError if a picture has changed."""
    images = {image.file: image for image in image_set.images.all()}
    try:
        for file, pixels in zip_pixels(image_set.path, list(images)):
            if hashlib.sha256(pixels).hexdigest() != images[file].sha256:
                raise CatalogueError(
                    f"{image_set.path}, {file}: the pixels are not those that were catalogued; import the set again"
                )
            yield images[file].pk, pixels
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise CatalogueError(
            f"{image_set.path}: expected the image set's zip, could not read it ({error})"
        ) from error


def register_generated(job_id: int, path: Path) -> ImageSet:
    """Take the finished image set of a generation job in and close the job."""
    image_set = import_images(path, by=f"job {job_id}")
    finish_job(job_id, image_set)
    return image_set


__all__ = [
    "SO_FAR",
    "CatalogueError",
    "GenerationSlice",
    "ImageSetError",
    "TrainedParts",
    "TrainingPiece",
    "decoded_pixels",
    "finished_training",
    "held_piece",
    "held_slice",
    "import_images",
    "parts_when_complete",
    "register_generated",
    "remove_image_set",
    "worker_ends",
]
