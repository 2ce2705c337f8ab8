"""The checks of models that draw level by level: each makes a section of the page, or none for other models."""

import math
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
from generator.evaluation.parzen import block_details, likeliest_log_densities, squared_distances
from generator.evaluation.section import Measure, Picture, Section, grid
from generator.noise import balanced_labels, image_keys
from generator.pixels import bytes_from_unit, unit_from_bytes
from generator.pyramid import down, low_pass

SHOWN, DRAWS, MEASURED = 8, 8, 256
CENTRES, CONDITIONAL_DRAWS = 4096, 100
VALIDATION_IMAGES, HELD_OUT_IMAGES = 50, 100


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


def likelihood_by_level(material: Material) -> Section | None:
    """The log-likelihood of real images put together from the levels, each under its true coarser image."""
    levels = _levels(material)
    images = VALIDATION_IMAGES + HELD_OUT_IMAGES
    if levels is None or len(material.real) < images or not _halves(levels.sizes):
        return None
    found = _log_densities_by_level(material, levels, images)
    whole = torch.stack(list(found.values())).sum(0)
    measures = (
        Measure(
            "parzen_by_level_nats",
            "Log-likelihood, all levels together",
            float(whole.mean()),
            "nats an image",
            f"Mean over {HELD_OUT_IMAGES} real images. The coarsest size under windows round {CENTRES} samples; "
            f"each finer size, given the true coarser image, under windows round {CONDITIONAL_DRAWS} draws for it, in "
            "the details of 2x2 blocks; a width for each size, the likeliest for "
            f"{VALIDATION_IMAGES} other real images. Pixels in 0..1, turned axes accounted for.",
        ),
        Measure(
            "parzen_by_level_spread",
            "Its standard deviation",
            float(whole.std()),
            "nats",
            "Over real images.",
        ),
        *(
            Measure(
                f"parzen_{size}px",
                f"Of this, from {size} px",
                float(part.mean()),
                "nats",
                "One of the terms.",
            )
            for size, part in found.items()
        ),
    )
    text = (
        f"Level by level, each under the true coarser image, real images have {float(whole.mean()):.0f} nats; the "
        "caveat is the same as for the windows over whole images.",
    )
    return Section("likelihood-levels", "Log-likelihood by level", text, measures)


def _log_densities_by_level(material: Material, levels: Levels, images: int) -> dict[int, Tensor]:
    """By size: log densities (M,) of the held-out images' part of that size, which add up to the image's."""
    real, labels = _true_images(material, images), _true_labels(material, levels, images)
    asked = _asked(levels, material.seed, CENTRES)
    coarsest = levels.draw(0, None, image_keys(material.seed, 0, CENTRES), asked)
    smallest = down(real, levels.sizes[0])
    squared = squared_distances(_unit(smallest).flatten(1), _unit(coarsest).flatten(1))
    found = {levels.sizes[0]: _held_out(squared, smallest[0].numel())}
    for level, size in list(enumerate(levels.sizes))[1:]:
        material.told("Parzen windows by level", level, len(levels.sizes) - 1)
        squared = _squared_to_draws(levels, level, down(real, size), labels, material.seed)
        means = levels.config.channels * levels.sizes[level - 1] ** 2
        # The block means enter times 2, so their density is spread over 2^means as much room.
        found[size] = _held_out(squared, 3 * means) - means * math.log(2)
    return found


def _held_out(squared: Tensor, dimensions: int) -> Tensor:
    """Log densities of the held-out images, of squared distances of all images to their centres."""
    return likeliest_log_densities(squared[:VALIDATION_IMAGES], squared[VALIDATION_IMAGES:], dimensions)[0]


def _squared_to_draws(levels: Levels, level: int, fine: Tensor, labels: Tensor | None, seed: int) -> Tensor:
    """Squared distances (M, draws) of true block details to those of draws for the same coarser image."""
    coarser = down(fine, levels.sizes[level - 1])
    truth = block_details(_unit(fine))
    return torch.stack(
        [
            (
                block_details(
                    _unit(levels.draw(level, coarser, _other_keys(seed, number, len(fine)), labels))
                )
                - truth
            )
            .square()
            .sum(1)
            for number in range(CONDITIONAL_DRAWS)
        ],
        dim=1,
    )


def _halves(sizes: tuple[int, ...]) -> bool:
    """Whether each size is twice the one before: only then blocks and their means fit."""
    return all(fine == 2 * coarse for coarse, fine in pairwise(sizes))


def _unit(images: Tensor) -> Tensor:
    """Images in [-1, 1] as pixels in 0..1, float64, clipped like the 8-bit ones."""
    return ((images.double() + 1) / 2).clamp(0, 1)


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
