"""Ratings from 1 (surely generated) to 5 (surely real): their mean by source, and how far people agree.

Knows the mean with its two-way interval and Krippendorff's alpha (Krippendorff 2011, Computing Krippendorff's
alpha-reliability), which is 1 where people agree and 0 where they agree as strangers answering at random would.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from analysis.columns import Kind, Number, Text
from analysis.counts import source_order
from analysis.designs.dots import dots, dots_inches
from analysis.designs.told import Told, limits
from analysis.intervals import CONFIDENCE, Covariance
from analysis.section import Figure, Section, Table
from analysis.wording import NBSP, count, label

NEEDED: dict[str, Kind] = {name: Text() for name in ("participant", "image", "source")} | {
    "rating": Number(1, 5, "the scale", is_whole=True)
}
OPTIONAL: dict[str, Kind] = {}
SCALE = np.arange(1, 6)
ESTIMAND = "mean rating from 1, surely generated, to 5, surely real, for new people and new images"
METHOD = "two-way cluster variance over people and images, t quantile with Satterthwaite degrees of freedom"


def rating_covariance(rows: pd.DataFrame) -> tuple[list[str], Covariance]:
    """The sources in listing order, and the two-way covariance of their mean ratings (`p` holds the means)."""
    sources = source_order([str(name) for name in rows["source"].unique()])
    source = rows["source"].astype(str).map({name: place for place, name in enumerate(sources)}).to_numpy()
    rating = rows["rating"].to_numpy(float)
    n = np.bincount(source, minlength=len(sources)).astype(float)
    mean = np.bincount(source, rating) / n
    residual = rating - mean[source]
    scale = np.outer(1 / n, 1 / n)
    person, people = pd.factorize(rows["participant"])
    image, images = pd.factorize(rows["image"])
    pair, _ = pd.factorize(person.astype(np.int64) * len(images) + image)
    parts, shown = [], []
    for cluster, n_clusters in ((person, len(people)), (image, len(images)), (pair, int(pair.max()) + 1)):
        where, size = cluster * len(sources) + source, n_clusters * len(sources)
        total = np.bincount(where, residual, size).reshape(n_clusters, -1)
        parts.append(total.T @ total * scale)
        shown.append((np.bincount(where, minlength=size) > 0).reshape(n_clusters, -1).astype(float))
    return sources, Covariance(mean, n, parts[0], parts[1], parts[2], shown[0], shown[1])


def mean_ratings(rows: pd.DataFrame, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row a source: columns source, n_trials, n_people, n_images, mean, low, high, alpha, alpha_ordinal.

    Intervals are held within the scale, and are all of it where one person alone has rated.
    """
    sources, cov = rating_covariance(rows)
    parts = cov.parts(np.eye(len(sources)))
    half = stdtrit(parts.degrees_of_freedom, (1 + confidence) / 2) * np.sqrt(parts.variance)
    half = np.where(parts.n_people < 2, np.inf, half)
    agreement = [rows[rows["source"].astype(str) == name] for name in sources]
    return pd.DataFrame(
        {
            "source": sources,
            "n_trials": parts.n_trials.astype(int),
            "n_people": parts.n_people,
            "n_images": parts.n_images,
            "mean": parts.estimate,
            "low": np.maximum(parts.estimate - half, SCALE[0]),
            "high": np.minimum(parts.estimate + half, SCALE[-1]),
            "alpha": [alpha(each, "interval") for each in agreement],
            "alpha_ordinal": [alpha(each, "ordinal") for each in agreement],
        }
    )


def alpha(rows: pd.DataFrame, metric: str = "interval") -> float:
    """Krippendorff's alpha of ratings of the same images (columns image, rating); NaN where nothing can differ.

    metric: nominal, ordinal or interval. Images that one person alone has rated tell nothing of agreement.
    """
    values, value = np.unique(rows["rating"].to_numpy(float), return_inverse=True)
    image, images = pd.factorize(rows["image"])
    counts = np.bincount(image * len(values) + value, minlength=len(images) * len(values))
    counts = counts.reshape(len(images), len(values)).astype(float)
    ratings = counts.sum(axis=1)
    counts, ratings = counts[ratings > 1], ratings[ratings > 1]
    # Pairs of ratings of one image, each image weighing as many pairs as it has ratings.
    coincidence = (counts.T / (ratings - 1)) @ counts - np.diag((counts.T / (ratings - 1)).sum(axis=1))
    total = coincidence.sum(axis=1)
    apart = DISTANCES[metric](values, total)
    expected = (np.outer(total, total) * apart).sum() / max(total.sum() - 1, 1)
    return float(1 - (coincidence * apart).sum() / expected) if expected > 0 else np.nan


def ordinal_distance(values: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Squared number of ratings between two values, half of the values' own included."""
    middle = np.cumsum(total) - total / 2
    return (middle[:, None] - middle) ** 2


DISTANCES = {
    "nominal": lambda values, total: 1.0 - np.eye(len(values)),
    "ordinal": ordinal_distance,
    "interval": lambda values, total: (values[:, None] - values) ** 2,
}


def order_said(table: pd.DataFrame) -> str:
    ordered = table.sort_values("mean", ascending=False, kind="stable")
    return ", ".join(
        f"{label(row.source)} {row.mean:.2f} ({limits(row, 2, 1)})" for row in ordered.itertuples()
    )


def told(rows: pd.DataFrame, rng: np.random.Generator, where: str) -> Told:
    table = mean_ratings(rows)
    whole = alpha(rows, "ordinal")
    sentences = [
        f"Mean ratings with 95{NBSP}% intervals for new people and new images: {order_said(table)}.",
        "People cannot be compared: no image was rated twice, or all ratings are alike."
        if np.isnan(whole)
        else f"Agreement between people about an image, over all sources: Krippendorff's alpha {whole:.2f} (ordinal).",
    ]
    caption = (
        f"Mean rating, 1 surely generated to 5 surely real, with 95{NBSP}% intervals for new people and new images "
        "(two-way cluster variance). Alpha: Krippendorff's, of interval and of ordinal distances; within one it is "
        "small where its pictures are alike."
    )
    figure = Figure(
        "figure1", partial(dots, table=table.assign(value=table["mean"]), axis="mean rating, 1 to 5", factor=1),
        dots_inches(len(table)), sentences[0], caption,
    )  # fmt: skip
    head = ["source", "ratings", "people", "images", "mean", "95 % interval", "alpha", "ordinal"]
    body = [
        [
            label(row.source), count(row.n_trials), count(row.n_people), count(row.n_images), f"{row.mean:.2f}",
            limits(row, 2, 1), *("–" if np.isnan(each) else f"{each:.2f}" for each in (row.alpha, row.alpha_ordinal)),
        ]
        for row in table.itertuples()
    ]  # fmt: skip
    section = Section("Ratings", sentences, Table(caption, head, body), figure)
    return Told([section], {"ratings": table}, {"ratings": (ESTIMAND, METHOD)})
