"""What is to be measured: samples, the real images beside them, and what the classifier says of each.

Reads checkpoints, image sets and folders of anybody's pictures into one shape. Measures nothing.
"""

import dataclasses
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generator.checkpoint import Checkpoint, read_checkpoint
from generator.datasets import DATASETS, LabelledImages, Request, load
from generator.datasets.labelled import COLOURS
from generator.device import chosen_device
from generator.errors import DataError, EvaluationError
from generator.evaluation.cost import generator_weights, multiply_adds
from generator.evaluation.inception import PoolNetwork
from generator.features.described import Classifier, Description
from generator.image_set import MANIFEST
from generator.noise import balanced_labels
from generator.pixels import bytes_from_unit, unit_from_bytes
from generator.pyramid import low_pass
from generator.sampler import Sampler, usual_sampler
from generator.sampling import LARGEST_SEED, require_trained, sampled_pixels

SLICE = 512  # samples drawn between two words of progress
SMALLEST_PX = 8  # below, neither a pyramid nor a search that moves pictures has room
MOST_IMAGES = 50_000  # real images, or training images, that are held in memory and looked at
COME_ALONG = ("photos",)  # data sets whose training images are always there

Told = Callable[[str, int, int], None]  # what is being done, how many are done, of how many


# Another set of as many samples, by its number from 1 on: its name and its pixels, or None where there is none.
Another = Callable[[int], tuple[str, NDArray[np.uint8]] | None]


@dataclass(frozen=True)
class Samples:
    """Generated images and who made them; `checkpoint` only where they were drawn from one here."""

    name: str
    images: LabelledImages
    made_by: dict[str, Any]
    checkpoint: Checkpoint | None = None
    another: Another = lambda number: None


def read_samples(named: str, count: int, seed: int, told: Told) -> Samples:
    """`count` samples of a checkpoint, image set, folder or zip of pictures; all where there are fewer.

    Raises GeneratorError in one sentence for anything that is none of them.
    """
    path = Path(named)
    if not 0 <= seed <= LARGEST_SEED:
        raise EvaluationError(f"expected a seed in 0..2^63-1, got {seed}")
    if path.is_dir() or zipfile.is_zipfile(path):
        images = read_pictures(path)
        chosen = images.drawn(min(count, len(images)), seed)
        made_by = {"pictures": path.name, "images_there": len(images), "pixels_sha256": chosen.sha256()}

        def another(number: int) -> tuple[str, NDArray[np.uint8]] | None:
            """Pictures that no set of a smaller number holds, as many as in the first, or None."""
            at = slice(number * count, (number + 1) * count)
            is_whole = at.stop <= len(images)
            return (f"part {number + 1}", images.drawn(at.stop, seed).pixels[at]) if is_whole else None

        return Samples(path.stem, chosen, made_by, another=another)
    return _drawn(named, count, seed, told)


def read_pictures(path: Path) -> LabelledImages:
    """An image set, or a folder or zip of pictures with or without class folders."""
    kind = "image-set" if _is_image_set(path) else "folder"
    return load(kind, Request(path=path))


def read_real(dataset: str, request: Request) -> LabelledImages:
    """Real images: the data set that samples are of if it is known, else the pictures at the request's path.

    Raises DataError where there is neither.
    """
    known = dataset in DATASETS and dataset not in ("folder", "image-set")
    if known and not (request.path and _is_image_set(request.path)):
        return load(dataset, request)
    if request.path is None:
        raise DataError("these samples do not say what they are of: name real pictures with --data")
    return read_pictures(request.path)


def read_training(dataset: str, path: Path | None, like: Request) -> LabelledImages | None:
    """The images that were trained on: those at the path, those that come with Tachisto, or None.

    They are brought to the size of the real images that `like` asked for.
    """
    if path is None and dataset not in COME_ALONG:
        return None
    return read_real(dataset, replace(like, split="train", path=path, may_download=False))


def looked_at(images: LabelledImages, seed: int) -> LabelledImages:
    """The images in an order drawn by the seed, at most 50,000 of them, with a note if there are more."""
    if len(images) <= MOST_IMAGES:
        return images.drawn(None, seed)
    note = (
        f"Only {MOST_IMAGES} of the {len(images)} images of {images.name} were looked at, drawn at random: copies of "
        "others would not be found"
    )
    return replace(images.drawn(MOST_IMAGES, seed), notes=(*images.notes, note))


def _is_image_set(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return MANIFEST in archive.namelist()


def _drawn_pixels(
    checkpoint: Checkpoint, sampler: Sampler, count: int, seed: int, told: Told
) -> NDArray[np.uint8]:
    """The first `count` samples of a seed, (N, H, W, C)."""
    doing, slices = f"drawing samples of seed {seed}", []
    for first in range(0, count, SLICE):
        told(doing, first, count)
        slices.append(sampled_pixels(checkpoint, seed, first, min(SLICE, count - first), sampler))
    told(doing, count, count)
    return np.concatenate(slices)


def _drawn(named: str, count: int, seed: int, told: Told) -> Samples:
    checkpoint = read_checkpoint(named)
    require_trained(checkpoint, named)
    sampler = usual_sampler(chosen_device())
    pixels = _drawn_pixels(checkpoint, sampler, count, seed, told)
    classes, origin = checkpoint.config.classes, checkpoint.origin
    labels = balanced_labels(seed, 0, count, classes).numpy() if classes else None
    images = LabelledImages(origin.dataset, pixels, labels, origin.class_names, origin.credits, origin.notes)
    made_by = {
        "checkpoint_sha256": checkpoint.sha256,
        "source": origin.source,
        "family": checkpoint.family,
        "config": dataclasses.asdict(checkpoint.config),
        "generator_weights": generator_weights(checkpoint),
        "sampler": dataclasses.asdict(sampler),
        "multiply_adds": multiply_adds(checkpoint),
        "images_seen": dict(origin.images_seen),
        "cpu_minutes": dict(origin.cpu_minutes),
        "dataset_sha256": origin.dataset_sha256,
        "pixels_sha256": images.sha256(),
    }

    def another(number: int) -> tuple[str, NDArray[np.uint8]]:
        return f"seed {seed + number}", _drawn_pixels(checkpoint, sampler, count, seed + number, told)

    return Samples(Path(named).stem, images, made_by, checkpoint, another)


@dataclass(frozen=True)
class Material:
    """All that checks look at. Real and training images come in a drawn order. Raises EvaluationError.

    What the classifier says is worked out once, when a check first asks. `sets` and `pool` say how much more is
    asked for than the classifier's word on one set of samples.
    """

    samples: Samples
    real: LabelledImages
    training: LabelledImages | None
    classifier: Classifier
    seed: int
    shows_real: bool
    told: Told
    sets: int = 1  # of samples at most, for the spread of the distance
    pool: PoolNetwork | None = None

    def __post_init__(self) -> None:
        wanted = self.samples.images.pixels.shape[1:]
        if wanted[0] != wanted[1]:
            raise EvaluationError(f"expected square samples, got {wanted[1]}x{wanted[0]} pixels")
        if wanted[0] < SMALLEST_PX:
            raise EvaluationError(
                f"expected samples of at least {SMALLEST_PX} pixels a side, got {wanted[0]}"
            )
        for kind, images in (("real", self.real), ("training", self.training)):
            if images is not None and images.pixels.shape[1:] != wanted:
                raise EvaluationError(
                    f"the samples have {_form(self.samples.images)}, the {kind} images {_form(images)}: bring them "
                    "to one size and one mode"
                )

    @property
    def pixels(self) -> NDArray[np.uint8]:
        return self.samples.images.pixels

    @property
    def count(self) -> int:
        return len(self.pixels)

    @cached_property
    def generated_seen(self) -> Description:
        """What the classifier says of the samples."""
        return self.describe("samples", self.pixels)

    @cached_property
    def real_seen(self) -> Description:
        """What it says of the real images."""
        return self.describe("real images", self.real.pixels)

    @cached_property
    def blurred_seen(self) -> Description:
        """What it says of the real images shrunk to half their size and enlarged again."""
        return self.describe("shrunk images", shrunk_and_enlarged(self.real.pixels))

    @cached_property
    def training_seen(self) -> Description:
        """What it says of the training images. Raises EvaluationError where there are none."""
        if self.training is None:
            raise EvaluationError("expected training images, got none: name them with --train")
        return self.describe("training images", self.training.pixels)

    def describe(self, what: str, pixels: NDArray[np.uint8]) -> Description:
        """What the classifier says of other pixels (N, S, S, C)."""
        return self.classifier.describe(
            pixels, lambda done: self.told(f"looking at {what}", done, len(pixels))
        )


def _form(images: LabelledImages) -> str:
    _, height, width, channels = images.pixels.shape
    return f"{width}x{height} {COLOURS[channels]} pixels"


def shrunk_and_enlarged(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pictures (N, S, S, C) with only what survives at half their size, in 8 bits again."""
    blocks = []
    for start in range(0, len(pixels), 1024):
        images = unit_from_bytes(torch.from_numpy(pixels[start : start + 1024])).permute(0, 3, 1, 2)
        blurred = low_pass(images, pixels.shape[1] // 2)
        blocks.append(bytes_from_unit(blurred).permute(0, 2, 3, 1).numpy())
    return np.concatenate(blocks)
