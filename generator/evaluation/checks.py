"""The checks that any set of samples can stand: each makes a section of the page, or none where it has no ground.

A check reads the material, calls a measure, and says in words what came out; the measures know the mathematics.
"""

from statistics import fmean, stdev

import numpy as np
import torch
from numpy.typing import NDArray

from generator.evaluation.detail import halvings, level_variances
from generator.evaluation.frechet import Gaussian, frechet_distance, gaussian_fit
from generator.evaluation.inception import FEATURES
from generator.evaluation.manifold import NEIGHBOURS, precision_recall
from generator.evaluation.material import Material
from generator.evaluation.neighbours import (
    LARGEST_SHIFT_PX,
    Nearest,
    nearest_in_features,
    nearest_in_pixels,
    nearest_when_moved,
    share_too_near,
)
from generator.evaluation.parzen import parzen_log_likelihood
from generator.evaluation.section import Measure, Picture, Section, Table, grid
from generator.features.described import Description

SHEET_ROWS, SHEET_COLUMNS = 10, 10
SHOWN, SEARCHED = 8, 500
NEAR_SHARE = 0.01
VALIDATION, HELD_OUT = 200, 1000
YARDSTICK = "real images shrunk to half their size and enlarged again"


def yardsticks(material: Material, seen: Description) -> float:
    """The Frechet distance of images to the real ones, in units of the yardstick's."""
    real = gaussian_fit(material.real_seen.features)
    unit = frechet_distance(gaussian_fit(material.blurred_seen.features), real)
    return frechet_distance(gaussian_fit(seen.features), real) / unit


def distances(material: Material) -> Section:
    """Frechet distance, precision and recall on the classifier's features."""
    real = gaussian_fit(material.real_seen.features)
    raw = frechet_distance(gaussian_fit(material.generated_seen.features), real)
    unit = frechet_distance(gaussian_fit(material.blurred_seen.features), real)
    count = min(material.count, len(material.real))
    inside = precision_recall(material.real_seen[:count].features, material.generated_seen[:count].features)
    floor = ideal = None
    if material.training is not None:
        trained = material.training_seen[: material.count]
        floor = yardsticks(material, trained)
        ideal = precision_recall(material.real_seen[:count].features, trained[:count].features)
    measures = (
        Measure(
            "frechet_yardsticks",
            "Frechet distance on Tachisto's features",
            raw / unit,
            "yardsticks",
            "Squared distance of two Gaussians fitted to the classifier's features, samples against real images, "
            f"over the same distance of {YARDSTICK}. Lower is better. No FID: the features are not Inception's.",
            floor,
            "training images",
        ),
        Measure(
            "precision",
            "Precision",
            inside.precision,
            "share",
            f"Samples inside the real images' manifold, {NEIGHBOURS} neighbours, {count} images a side "
            "(Kynkaanniemi et al. 2019). Higher is better.",
            ideal.precision if ideal else None,
            "training images",
        ),
        Measure(
            "recall",
            "Recall",
            inside.recall,
            "share",
            "Real images inside the samples' manifold, counted in the same way. Higher is better.",
            ideal.recall if ideal else None,
            "training images",
        ),
        Measure("frechet_raw", "The distance itself", raw, "squared features", "Before it is divided."),
        Measure("yardstick_raw", "The yardstick", unit, "squared features", f"The distance of {YARDSTICK}."),
    )
    text = (
        f"The samples lie {raw / unit:.3f} yardsticks from real images, where 1 is the distance of {YARDSTICK}; "
        f"{100 * inside.precision:.0f} % of them look like real ones to the classifier, and they cover "
        f"{100 * inside.recall:.0f} % of the real variety.",
        "The features are those of a small classifier that ships with Tachisto: this is no FID.",
    )
    return Section("distance", "How far from real", text, measures)


def other_sets(material: Material) -> Section | None:
    """How far the distance moves from one set of samples to the next."""
    distances_by_set = {"the first": yardsticks(material, material.generated_seen)}
    for number in range(1, material.sets):
        if (other := material.samples.another(number)) is not None:
            name, pixels = other
            distances_by_set[name] = yardsticks(material, material.describe(f"samples of {name}", pixels))
    if len(distances_by_set) < 2:
        return None
    found = list(distances_by_set.values())
    mean, spread = fmean(found), stdev(found)
    measures = (
        Measure(
            "frechet_mean",
            "Frechet distance, mean over sets of samples",
            mean,
            "yardsticks",
            f"Over {len(found)} sets of {material.count} samples, of other seeds or of pictures that no other set "
            f"holds; all against the same {len(material.real)} real images.",
        ),
        Measure(
            "frechet_sd",
            "Its standard deviation from set to set",
            spread,
            "yardsticks",
            "With one less than the sets in the divisor. It says nothing of how another training of the same recipe "
            "would differ.",
        ),
    )
    table = Table(
        "The distance of each set.",
        ("set", "yardsticks"),
        tuple((name, round(value, 4)) for name, value in distances_by_set.items()),
    )
    text = (
        f"Over {len(found)} sets of samples the distance is {mean:.3f} yardsticks, with a standard deviation of "
        f"{spread:.3f} from set to set.",
    )
    return Section("sets", "The distance of other samples", text, measures, (table,))


def inception_distance(material: Material) -> Section | None:
    """The FID, where a network of Inception's features was named."""
    if material.pool is None:
        return None
    pool, real = material.pool, material.real

    def fit(what: str, pixels: NDArray[np.uint8]) -> Gaussian:
        return gaussian_fit(
            pool.features(pixels, lambda done: material.told(f"Inception looks at {what}", done, len(pixels)))
        )

    distance = frechet_distance(fit("samples", material.pixels), fit("real images", real.pixels))
    measure = Measure(
        "fid",
        "FID",
        distance,
        "squared features",
        f"Frechet inception distance (Heusel et al. 2017) of {material.count} samples against {len(real)} real images, "
        f"on {FEATURES} features by {pool.file}, SHA-256 {pool.sha256}. Compares with other FIDs only at these weights "
        "and counts.",
    )
    text = (
        f"FID {distance:.2f}: {material.count} samples, {len(real)} real images, weights {pool.file} (SHA-256 "
        f"{pool.sha256[:16]}), brought by whoever made this page.",
    )
    return Section("fid", "Frechet inception distance", text, (measure,))


def sheet(material: Material) -> Section:
    """The first samples, none chosen; a row for each class where there are classes."""
    labels, names = material.samples.images.labels, material.samples.images.class_names
    if labels is None:
        first = material.pixels[: SHEET_ROWS * SHEET_COLUMNS]
        rows = [first[at : at + SHEET_COLUMNS] for at in range(0, len(first), SHEET_COLUMNS)]
        caption = "The first samples in the order they were drawn, none chosen."
    else:
        present = np.unique(labels)
        rows = [material.pixels[labels == kind][:SHEET_COLUMNS] for kind in present]
        shown = ", ".join(names[kind] for kind in present)
        caption = f"The first samples of each class, none chosen. Rows: {shown}."
    return Section("sheet", "Samples", (), pictures=(Picture(caption, grid(rows)),))


def detail(material: Material) -> Section:
    """Variance of the pyramid's bands, generated against real."""
    sizes = halvings(material.pixels.shape[1])
    generated = level_variances(material.pixels, sizes)
    real = level_variances(material.real.pixels, sizes)
    ratios = {
        found.size_px: found.variance / true.variance if true.variance else float("nan")
        for found, true in zip(generated, real, strict=True)
    }
    measures = tuple(
        Measure(
            f"detail_variance_{size}px",
            f"Detail variance at {size} px",
            ratio,
            "ratio",
            (
                f"Variance of the images shrunk to {size} pixels"
                if size == sizes[0]
                else f"Variance of the band that {size} pixels add to {size // 2}"
            )
            + ", generated over real. 1 is right: below, blurred; above, noisy.",
            1.0,
            "real images",
        )
        for size, ratio in ratios.items()
    )
    table = Table(
        "Standard deviation at each size, in 8-bit steps. The coarsest size holds the image itself, each finer one "
        "what it adds: also what is left to be drawn there once the coarser image is known.",
        ("size", "samples", "real images"),
        tuple(
            (f"{found.size_px} px", _steps(found.variance), _steps(true.variance))
            for found, true in zip(generated, real, strict=True)
        ),
    )
    finest = ratios[sizes[-1]]
    word = "as much as" if 0.85 <= finest <= 1.1 else "less than" if finest < 0.85 else "more than"
    text = (f"The finest detail varies {word} in real images: {finest:.2f} of their variance.",)
    return Section("detail", "Detail at each size", text, measures, (table,))


def classes(material: Material) -> Section | None:
    """Whether the classifier finds the class that was asked for, or which classes it finds at all."""
    names = material.classifier.class_names
    samples, real = material.samples.images, material.real
    if real.class_names != names or real.labels is None:
        return None
    real_right = np.asarray(material.real_seen.predicted == real.labels)
    if samples.labels is None or samples.class_names != names:
        return _class_shares(material, names)
    right = np.asarray(material.generated_seen.predicted == samples.labels)
    share, ideal = float(right.mean()), float(real_right.mean())
    measures = (
        Measure(
            "class_accuracy",
            "Class accuracy",
            share,
            "share",
            "Samples in which the classifier finds the class that was asked for.",
            ideal,
            "real images",
        ),
        Measure(
            "class_accuracy_ratio",
            "Class accuracy over that of real images",
            share / ideal,
            "ratio",
            "The same, over the classifier's own accuracy on the real images.",
            1.0,
            "real images",
        ),
    )
    rows = tuple(
        (name, _percent(right[samples.labels == at]), _percent(real_right[real.labels == at]))
        for at, name in enumerate(names)
    )
    table = Table(
        "Images in which the classifier finds the class they carry.",
        ("class", "generated, %", "real, %"),
        rows,
    )
    text = (
        f"The classifier finds the class asked for in {100 * share:.0f} % of the samples, and the true class in "
        f"{100 * ideal:.0f} % of real images.",
    )
    return Section("classes", "Classes", text, measures, (table,))


def _class_shares(material: Material, names: tuple[str, ...]) -> Section:
    generated, real = (
        np.bincount(seen.predicted, minlength=len(names)) / len(seen.predicted)
        for seen in (material.generated_seen, material.real_seen)
    )
    rows = tuple(
        (name, round(100 * g, 1), round(100 * r, 1))
        for name, g, r in zip(names, generated, real, strict=True)
    )
    measure = Measure(
        "class_share_difference",
        "Classes out of balance",
        float(np.abs(generated - real).sum() / 2),
        "share",
        "Half the sum of differences between the classes that the classifier finds in samples and in real images: "
        "0 where each is as frequent, near 1 where one kind is all there is.",
        0.0,
        "real images",
    )
    text = ("These samples carry no class; below is what the classifier takes them for.",)
    table = Table("How often the classifier finds each class.", ("class", "generated, %", "real, %"), rows)
    return Section("classes", "Classes", text, (measure,), (table,))


def neighbours(material: Material) -> Section | None:
    """The nearest training images, to see and to count."""
    if material.training is None:
        return None
    training, training_features = material.training.pixels, material.training_seen.features
    searched, shown = material.pixels[:SEARCHED], material.pixels[:SHOWN]
    material.told("searching for copies", 0, 3)
    near = nearest_in_pixels(searched, training)
    near_real = nearest_in_pixels(material.real.pixels[:SEARCHED], training)
    material.told("searching for copies", 1, 3)
    near_features = nearest_in_features(material.generated_seen[:SEARCHED].features, training_features)
    real_features = nearest_in_features(material.real_seen[:SEARCHED].features, training_features)
    material.told("searching for copies", 2, 3)
    moved = nearest_when_moved(shown, training)
    material.told("searching for copies", 3, 3)
    pairs = {"pixels": (near, near_real), "features": (near_features, real_features)}
    measures = tuple(
        Measure(
            f"near_training_{space}",
            f"Nearer to training than held-out images, in {space}",
            share_too_near(found.distance, true.distance, NEAR_SHARE),
            "share",
            f"Of {len(searched)} samples, those nearer to a training image in {space} than the nearest "
            f"{NEAR_SHARE:.0%} of as many held-out real images are. Copies raise it; so does blur.",
            NEAR_SHARE,
            "held-out images",
        )
        for space, (found, true) in pairs.items()
    )
    text = (
        f"Of {len(searched)} samples, {100 * measures[0].value:.1f} % in pixels and {100 * measures[1].value:.1f} % in "
        f"features are nearer to a training image than the nearest 1 % of held-out real images.",
    )
    pictures = (_neighbour_strip(shown, training, near, moved, near_features),) if material.shows_real else ()
    return Section("neighbours", "Nearest training images", text, measures, pictures=pictures)


def _neighbour_strip(
    shown: NDArray[np.uint8], training: NDArray[np.uint8], near: Nearest, moved: Nearest, features: Nearest
) -> Picture:
    rows = [shown, *(training[found.index[: len(shown)]] for found in (near, moved, features))]
    return Picture(
        "From above: samples; the nearest training image in pixels; the nearest when the sample may be mirrored and "
        f"moved by up to {LARGEST_SHIFT_PX} pixels; the nearest in features.",
        grid(rows),
    )


def likelihood(material: Material) -> Section | None:
    """Parzen-window log-likelihood, with its caveat."""
    if len(material.real) < VALIDATION + HELD_OUT:
        return None
    validation, held_out = (
        _unit_rows(part)
        for part in np.split(material.real.pixels[: VALIDATION + HELD_OUT], [VALIDATION])
    )  # fmt: skip
    material.told("Parzen windows", 0, 2)
    found = parzen_log_likelihood(_unit_rows(material.pixels), validation, held_out)
    material.told("Parzen windows", 1, 2)
    ideal = None
    if material.training is not None:
        ideal = parzen_log_likelihood(
            _unit_rows(material.training.pixels[: material.count]), validation, held_out
        )
    material.told("Parzen windows", 2, 2)
    measures = (
        Measure(
            "parzen_nats",
            "Parzen-window log-likelihood",
            found.mean,
            "nats an image",
            f"Mean over {HELD_OUT} real images of the log density under Gaussian windows round {material.count} "
            f"samples, pixels in 0..1, {validation.shape[1]} dimensions; the width is the likeliest for {VALIDATION} "
            "other real images. Higher is better, with the caveat in the text.",
            ideal.mean if ideal else None,
            "training images as samples",
        ),
        Measure("parzen_spread", "Its standard deviation", found.spread, "nats", "Over real images."),
        Measure(
            "parzen_width", "Width of the windows", found.width, "0..1 pixels", "Chosen on validation images."
        ),
    )
    text = (
        f"Real images have {found.mean:.0f} nats under windows of width {found.width:.3f} round the samples.",
        "This number is here because the paper has it. It says little about how samples look: blurred samples and "
        "stored training images do well (Theis, van den Oord, Bethge 2016, section 3.2).",
    )
    return Section("likelihood", "Log-likelihood", text, measures)


def _steps(variance: float) -> float:
    """A standard deviation in 8-bit steps, of a variance in [-1, 1]."""
    return round(127.5 * variance**0.5, 1)


def _unit_rows(pixels: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(pixels.reshape(len(pixels), -1)).double() / 255


def _percent(right: NDArray[np.bool_]) -> float | None:
    return round(100 * float(right.mean()), 1) if len(right) else None
