"""Real images as image sets: what a data set holds, written in the format that generators write."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from generator.datasets import LabelledImages
from generator.image_set import About, EncodedImage, encoded, write_image_set
from generator.provenance import commit, now_utc, software

BLOCK = 64  # images encoded in one call


def write_real_set(images: LabelledImages, seed: int | None, out: Path) -> Path:
    """Write real images in their order as an image set; its path. seed: of the order they were drawn in."""
    _, height_px, width_px, _ = images.pixels.shape
    about = About(
        source="real",
        is_real=True,
        family=None,
        dataset=images.name,
        class_names=list(images.class_names),
        width_px=width_px,
        height_px=height_px,
        checkpoint=None,
        seed=seed,
        sampler={},
        software=software("numpy", "pillow"),
        commit=commit(),
        credits=[dataclasses.asdict(credit) for credit in images.credits],
        notes=list(images.notes),
        created_utc=now_utc(),
    )
    return write_image_set(out, about, _encoded(images))


def _encoded(images: LabelledImages) -> Iterator[EncodedImage]:
    labels = [None] * len(images) if images.labels is None else images.labels.tolist()
    for start in range(0, len(images), BLOCK):
        here = slice(start, start + BLOCK)
        yield from encoded(start, images.pixels[here], labels[here], [None] * BLOCK)
