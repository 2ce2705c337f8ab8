"""The checks of models that draw level by level: each makes a section of the page, or none for other models."""

from collections.abc import Iterable
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generator.evaluation.checks import yardsticks
from generator.evaluation.levels import (
    STEPS_PER_UNIT,
    Levels,
    chain,
    finished_from,
    inconsistency,
    levels_of,
    spread_of_draws,
)
from generator.evaluation.material import Material
from generator.evaluation.section import Measure, Picture, Section, grid
from generator.noise import balanced_labels, image_keys
from generator.pixels import bytes_from_unit, unit_from_bytes
from generator.pyramid import down, low_pass

SHOWN, DRAWS, MEASURED = 8, 8, 256


def chains(material: Material) -> Section | None:
    """Samples from their coarsest image to the finest, and how well each level keeps what it was given."""
    levels = _levels(material)
    if levels is None:
        return None
    keys = image_keys(material.seed, 0, MEASURED)
    images = chain(levels, keys, _asked(levels, material.seed, MEASURED))
    size = levels.sizes[-1]
    rows = [_bytes(_enlarged(level[:SHOWN], size)) for level in images]
    measures = tuple(
        Measure(
            f"inconsistency_{after.shape[-1]}px",
            f"Inconsistency at {after.shape[-1]} px",
            inconsistency(before, after),
            "8-bit steps",
            f"Root mean square difference between the images of {after.shape[-1]} pixels, shrunk, and the coarser ones "
            "they were drawn for, over 256 samples. 0 keeps all that was given.",
            0.0,
            "real images",
        )
        for before, after in pairwise(images)
    )
    text = (
        "Each level adds detail to what the coarser one drew; shrunk again, its images differ from what it was given "
        "by "
        + ", ".join(f"{m.value:.1f} steps at {m.key.split('_')[1].replace('px', ' px')}" for m in measures)
        + ".",
    )
    caption = f"Samples at {', '.join(map(str, levels.sizes))} pixels, from above, all enlarged to one size."
    return Section("chains", "From coarse to fine", text, measures, pictures=(Picture(caption, grid(rows)),))


def draws_of_one(material: Material) -> Section | None:
    """Several fine images for one low-pass image."""
    levels = _levels(material)
    if levels is None or len(levels.sizes) < 2:
        return None
    finest = len(levels.sizes) - 1
    labels = _asked(levels, material.seed, SHOWN)
    coarser = chain(levels, image_keys(material.seed, 0, SHOWN), labels)[-2]
    drawn = [
        levels.draw(finest, coarser, _other_keys(material.seed, number, SHOWN), labels) for number in range(DRAWS - 1)
    ]  # fmt: skip
    rows = [
        _bytes(torch.stack([_enlarged(coarser[[at]], levels.sizes[-1])[0], *(image[at] for image in drawn)]))
        for at in range(SHOWN)
    ]
    measures = tuple(_spreads(material, levels))
    text = (
        "At the finest level the noise moves the pixels by "
        f"{measures[-1].value:.1f} steps where real detail has {measures[-1].reference:.1f}.",
    )
    caption = "Each row: an image of the coarser level (left), and fine images drawn for it with other noise."
    return Section(
        "draws", "Several fine images of one", text, measures, pictures=(Picture(caption, grid(rows)),)
    )


def _spreads(material: Material, levels: Levels) -> Iterable[Measure]:
    """How much of each finer level comes from noise, on true low-pass images."""
    real = _true_images(material, MEASURED)
    labels = _true_labels(material, levels, MEASURED)
    for level in range(1, len(levels.sizes)):
        size, coarse = levels.sizes[level], levels.sizes[level - 1]
        fine = down(real, size)
        condition = down(fine, coarse)
        band = fine - low_pass(fine, coarse)

        def draw(number: int, level: int = level, condition: Tensor = condition) -> Tensor:
            return levels.draw(level, condition, _other_keys(material.seed, number, len(condition)), labels)

        yield Measure(
            f"noise_spread_{size}px",
            f"Spread of draws at {size} px",
            spread_of_draws(draw, DRAWS),
            "8-bit steps",
            f"Standard deviation of {DRAWS} draws for the same true low-pass image, over {len(real)} real images. 0 "
            "means that the noise is not used. Beside it the standard deviation of the real band, part of which the "
            "low-pass image determines.",
            float(band.square().mean().sqrt()) * STEPS_PER_UNIT,
            "the real band",
        )


def propagation(material: Material) -> Section | None:
    """What is lost at each level: samples begun from true coarser images against fully generated ones."""
    levels = _levels(material)
    if levels is None:
        return None
    count = min(material.count, len(material.real))
    keys = image_keys(material.seed, 0, count)
    labels = _true_labels(material, levels, count)
    found = {"all levels generated": yardsticks(material, material.generated_seen[:count])}
    for level, size in enumerate(levels.sizes[:-1]):
        truth = down(_true_images(material, count), size)
        pixels = np.concatenate(
            [_bytes(block) for block in finished_from(levels, truth, level, keys, labels)]
        )
        seen = material.describe(f"samples from true {size} px", pixels)
        found[f"from true {size} px images"] = yardsticks(material, seen)
    measures = tuple(
        Measure(
            "frechet_" + name.replace(" ", "_"),
            f"Frechet distance, {name}",
            value,
            "yardsticks",
            f"On Tachisto's features, {count} samples. What one line has less than the line above comes from the "
            "levels that are taken from real images.",
        )
        for name, value in found.items()
    )
    text = (
        "Levels are taught on true coarser images and then draw on generated ones; this is what it costs.",
    )
    return Section("propagation", "Errors handed on", text, measures)


def _levels(material: Material) -> Levels | None:
    """The samples' levels, where the real images have what is needed to condition them."""
    checkpoint = material.samples.checkpoint
    levels = None if checkpoint is None else levels_of(checkpoint)
    if levels is None or checkpoint is None:
        return None
    knows_classes = material.real.labels is not None and (
        material.real.class_names == checkpoint.origin.class_names
    )
    return levels if knows_classes or not levels.config.classes else None


def _asked(levels: Levels, seed: int, count: int) -> Tensor | None:
    return balanced_labels(seed, 0, count, levels.config.classes) if levels.config.classes else None


def _true_images(material: Material, count: int) -> Tensor:
    return unit_from_bytes(torch.from_numpy(material.real.pixels[:count])).permute(0, 3, 1, 2)


def _true_labels(material: Material, levels: Levels, count: int) -> Tensor | None:
    if not levels.config.classes or material.real.labels is None:
        return None
    return torch.from_numpy(material.real.labels[:count])


def _other_keys(seed: int, number: int, count: int) -> Tensor:
    """Keys of draw `number`, all other than those of the samples' first million."""
    return image_keys(seed, 1_000_000 * (number + 1), count)


def _bytes(images: Tensor) -> NDArray[np.uint8]:
    return bytes_from_unit(images).permute(0, 2, 3, 1).contiguous().numpy()


_enlarged = partial(torch.nn.functional.interpolate, mode="nearest")
