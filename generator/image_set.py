"""Image sets: one uncompressed zip of PNG files with `manifest.json` and `dataset.json`.

Knows the file format, its writer and its reader; which images go in is the caller's. The manifest says
where the images come from and lists each with the SHA-256 of its pixels; `dataset.json` has the labels in
the form of StyleGAN's and EDM's data sets. Needs no torch.
"""

import dataclasses
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from generator.errors import ImageSetError
from generator.png import png_files
from generator.stored_zip import spool_in, stored_zip
from generator.whole_file import whole_file

FORMAT = 1
MANIFEST, LABELS = "manifest.json", "dataset.json"
FILE_NAME = re.compile(r"images/(\d{6,12})\.png")
LARGEST_MANIFEST_BYTES = 512 * 1024 * 1024
LARGEST_PNG_BYTES = 64 * 1024 * 1024
MODES = ("RGB", "L")  # of a PNG: 8 bits a colour, or 8 bits of gray


@dataclass(frozen=True)
class About:
    """What a manifest says about all images of a set, in the order of the file.

    `checkpoint` (its SHA-256, recipe and config) and `family` are None for real images, `seed` where nothing was
    drawn at random.
    """

    source: str
    is_real: bool
    family: str | None
    dataset: str
    class_names: Sequence[str]
    width_px: int
    height_px: int
    checkpoint: dict[str, Any] | None
    seed: int | None
    sampler: dict[str, Any]
    software: dict[str, str]
    commit: str | None
    credits: Sequence[dict[str, str]]
    notes: Sequence[str]
    created_utc: str


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """One image ready to be stored: its place in the whole set, PNG bytes, and its line in the manifest.

    `seed` is the image's own; of generated images, together with the set's seed, it names all its noise.
    """

    index: int
    png: bytes
    sha256: str
    label: int | None
    seed: int | None

    @property
    def file(self) -> str:
        return _file(self.index)

    def entry(self) -> dict[str, Any]:
        """Its line in the manifest."""
        return {"file": self.file, "sha256": self.sha256, "class": self.label, "seed": self.seed}


def encoded(
    first: int,
    pixels: NDArray[np.uint8],
    labels: Sequence[int | None],
    seeds: Sequence[int | None],
) -> list[EncodedImage]:
    """Images from index `first` on, of pixels uint8, (N, H, W, 3) RGB or (N, H, W, 1) gray.

    Work for a thread: most of the time is spent outside the interpreter's lock.
    """
    each = zip(count(first), png_files(pixels), pixels, labels, seeds, strict=False)
    return [
        EncodedImage(index, png, pixels_sha256(one), label, seed) for index, png, one, label, seed in each
    ]


def pixels_sha256(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of the RGB bytes, row by row, of pixels (H, W, 3) or (H, W, 1): a gray value counts three times.

    So a picture keeps its hash whichever way a reader decodes it.
    """
    shown = pixels.repeat(3, axis=-1) if pixels.shape[-1] == 1 else pixels
    return hashlib.sha256(np.ascontiguousarray(shown).data).hexdigest()


def write_image_set(out: Path, about: About, images: Iterable[EncodedImage]) -> Path:
    """Write a set whole or not at all, in constant memory; its path.

    What has to follow the images waits in nameless files beside `out`.
    Raises ImageSetError if there are no images, WriteError if the disk is full.
    """
    with (
        whole_file(out) as file,
        spool_in(out.parent) as manifest,
        spool_in(out.parent) as labels,
        stored_zip(file, out.parent) as archive,
    ):
        manifest.write(_head(about))
        labels.write(b'{"labels": [')
        between, are_known = b"", True
        for image in images:
            archive.add(image.file, image.png)
            # One image a line, so that the text of a million images need never be held at once.
            manifest.write(between + b"\n" + json.dumps(image.entry()).encode())
            labels.write(between + json.dumps([image.file, image.label]).encode())
            between, are_known = b", ", are_known and image.label is not None
        if not between:
            raise ImageSetError(f"{out}: expected at least one image, got none")
        manifest.write(b"\n]}\n")
        labels.write(b"]}")
        archive.add_spooled(MANIFEST, manifest)
        if are_known:
            archive.add_spooled(LABELS, labels)
        else:
            archive.add(LABELS, b'{"labels": null}')
    return out


class ImageSet:
    """An image set opened for reading: `manifest` as it stands in the file, images one by one."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self._archive = path, archive
        self.manifest = _checked_manifest(path, archive)

    def __len__(self) -> int:
        return len(self.manifest["images"])

    @property
    def first(self) -> int:
        """Index of the first image in the whole set: 0 unless this is a later slice."""
        return _index(self.manifest["images"][0]["file"])

    def png(self, at: int) -> bytes:
        """The stored bytes of one image."""
        name = self.manifest["images"][at]["file"]
        try:
            if self._archive.getinfo(name).file_size > LARGEST_PNG_BYTES:
                raise ImageSetError(f"{self.path}/{name}: expected at most {LARGEST_PNG_BYTES} bytes")
            return self._archive.read(name)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise ImageSetError(f"{self.path}/{name}: listed, but cannot be read ({error})") from None

    def pixels(self, at: int) -> NDArray[np.uint8]:
        """One image, uint8 (H, W, 3) RGB or (H, W, 1) gray.

        Raises ImageSetError unless it is what the manifest lists.
        """
        entry = self.manifest["images"][at]
        expected = (self.manifest["width_px"], self.manifest["height_px"])
        name = f"{self.path}/{entry['file']}"
        try:
            with Image.open(io.BytesIO(self.png(at)), formats=("PNG",)) as picture:
                if picture.mode not in MODES or picture.size != expected:
                    raise ImageSetError(
                        f"{name}: expected RGB or gray (L) {expected}, found {picture.mode} {picture.size}"
                    )
                pixels = np.asarray(picture, dtype=np.uint8).reshape(picture.height, picture.width, -1)
        except (
            UnidentifiedImageError,
            Image.DecompressionBombError,
            OSError,
            SyntaxError,
            ValueError,
        ) as error:
            raise ImageSetError(f"{name}: expected a whole PNG, found a damaged one ({error})") from None
        found = pixels_sha256(pixels)
        if found != entry["sha256"]:
            raise ImageSetError(
                f"{name}: its pixels have SHA-256 {found[:12]}, the manifest lists {entry['sha256'][:12]}; "
                "the file changed after it was written: make the set again"
            )
        return pixels


@contextmanager
def open_image_set(path: Path) -> Iterator[ImageSet]:
    """The image set in a zip. Raises ImageSetError if it is none."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ImageSetError(
            f"{path}: expected an image set (a zip), found something else ({error})"
        ) from None
    with archive:
        yield ImageSet(path, archive)


def merge(parts: Sequence[Path], out: Path) -> Path:
    """Join slices of one set into one; the same bytes whoever joins them and in whichever order they come.

    One slice is in memory at a time. Raises ImageSetError if they come from different checkpoints, seeds or
    samplers, or leave a gap.
    """
    slices = sorted((_slice_in(path) for path in parts), key=lambda part: part.indices.start)
    if not slices:
        raise ImageSetError(f"{out}: expected at least one slice to join, got none")
    _require_one_origin(slices)
    about = {field.name: slices[0].said[field.name] for field in dataclasses.fields(About)}
    about["created_utc"] = max(part.said["created_utc"] for part in slices)
    return write_image_set(out, About(**about), _stored_images([part.path for part in slices]))


@dataclass(frozen=True)
class _Slice:
    """A set to be joined: what its manifest says but for the list, and which images it holds."""

    path: Path
    said: dict[str, Any]
    indices: range


def _slice_in(path: Path) -> _Slice:
    with open_image_set(path) as part:
        indices = [_index(entry["file"]) for entry in part.manifest["images"]]
        said = {key: value for key, value in part.manifest.items() if key != "images"}
    for expected, found in zip(count(indices[0]), indices, strict=False):
        _require_next(path, expected, found)
    return _Slice(path, said, range(indices[0], indices[-1] + 1))


def _stored_images(paths: Sequence[Path]) -> Iterator[EncodedImage]:
    for path in paths:
        with open_image_set(path) as part:
            for at, entry in enumerate(part.manifest["images"]):
                yield EncodedImage(
                    _index(entry["file"]), part.png(at), entry["sha256"], entry["class"], entry["seed"]
                )


def _require_one_origin(slices: Sequence[_Slice]) -> None:
    free = {"created_utc", "software", "commit"}
    before = slices[0]
    for part in slices:
        for key in before.said.keys() - free:
            if part.said[key] != before.said[key]:
                raise ImageSetError(
                    f"{part.path}: expected a slice of the same set as {before.path}, but {key} differs"
                )
    for before, part in pairwise(slices):
        _require_next(part.path, before.indices.stop, part.indices.start)


def _require_next(path: Path, expected: int, found: int) -> None:
    if found != expected:
        raise ImageSetError(f"{path}: expected image {expected} next, found {_file(found)}")


def _checked_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    try:
        if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST_BYTES:
            raise ImageSetError(f"{path}/{MANIFEST}: expected at most {LARGEST_MANIFEST_BYTES} bytes")
        manifest = json.loads(archive.read(MANIFEST))
    except KeyError:
        raise ImageSetError(f"{path}: expected an image set, found a zip without {MANIFEST}") from None
    except (ValueError, zipfile.BadZipFile, OSError) as error:
        raise ImageSetError(f"{path}/{MANIFEST}: expected JSON ({error})") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise ImageSetError(f"{path}/{MANIFEST}: expected format {FORMAT}, found {found}")
    wanted = {field.name for field in dataclasses.fields(About)} | {"images"}
    if missing := sorted(wanted - manifest.keys()):
        raise ImageSetError(f"{path}/{MANIFEST}: {', '.join(missing)} missing")
    if not isinstance(manifest["images"], list) or not manifest["images"]:
        raise ImageSetError(f"{path}/{MANIFEST}: expected a list of images, found none")
    for row, entry in enumerate(manifest["images"]):
        if not isinstance(entry, dict) or not {"file", "sha256", "class", "seed"} <= entry.keys():
            raise ImageSetError(f"{path}/{MANIFEST}, image {row}: expected file, sha256, class, seed")
        if not isinstance(entry["file"], str) or not FILE_NAME.fullmatch(entry["file"]):
            raise ImageSetError(
                f"{path}/{MANIFEST}, image {row}: expected a file images/000000.png, found {entry['file']!r}"
            )
    return manifest


def _index(file: str) -> int:
    match = FILE_NAME.fullmatch(file)
    if match is None:
        raise ImageSetError(f"expected a file name such as images/000000.png, got {file!r}")
    return int(match[1])


def _file(index: int) -> str:
    return f"images/{index:06d}.png"


def _head(about: About) -> bytes:
    """The manifest up to its list of images."""
    head = json.dumps({"format": FORMAT} | dataclasses.asdict(about), ensure_ascii=False)
    return head[:-1].encode() + b', "images": ['
