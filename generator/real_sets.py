"""Real images as image sets: what a data set holds, written in the format that generators write."""

import dataclasses
from pathlib import Path

from generator.datasets import LabelledImages
from generator.image_set import About, encode, write_image_set
from generator.provenance import commit, now_utc, software


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
    labels = [None] * len(images) if images.labels is None else images.labels.tolist()
    encoded = (
        encode(at, pixels, label, seed=None)
        for at, (pixels, label) in enumerate(zip(images.pixels, labels, strict=True))
    )
    return write_image_set(out, about, encoded)
