"""The mixed model of a study, and its levels averaged over people and images.

Knows which rows and cells the model gets, and how its coefficients (of a typical person and a typical image)
become shares over the population, with their covariance. The model itself is in `mixed`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit, logit, stdtrit

from analysis import mixed
from analysis.counts import Codes
from analysis.intervals import CONFIDENCE
from analysis.mixed import LINKS, MixedModel

METHOD = (
    "mixed model with crossed effects of people, people by source and images, Laplace's approximation and its next "
    "term for images, shares averaged over the effects, delta method, t quantile with people - 1 degrees of freedom"
)
# Weak enough to move nothing, strong enough that a cell in which all answers are alike keeps a finite level.
RIDGE = 0.01
# Cost grows with the square of the people times the images: beyond this many a random part of them is fitted.
MOST_PEOPLE = 100
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)


@dataclass(frozen=True)
class FittedStudy:
    """A mixed model with the cells that its coefficients stand for (columns source, exposure_ms)."""

    model: MixedModel
    cells: pd.DataFrame
    n_people: int
    n_images: int
    is_part: bool


def fitted_study(
    codes: Codes, link: str = "logit", *, most_people: int = MOST_PEOPLE, seed: int = 0
) -> FittedStudy:
    """The mixed model of coded trials.

    Of more than `most_people` people a random part is fitted, drawn with the seed. Raises ValueError for fewer
    than 2 people or 2 images: no effect can be told from another then.
    """
    n_people, n_images = len(codes.people), len(codes.images)
    if min(n_people, n_images) < 2:
        raise ValueError(
            f"expected at least 2 people and 2 images, got {n_people} and {n_images}: collect more answers"
        )
    kept: slice | np.ndarray = slice(None)
    if is_part := n_people > most_people:
        by_name = np.argsort(codes.people.astype(str))  # whatever the order of the rows
        chosen = np.random.default_rng(seed).choice(n_people, most_people, replace=False)
        kept = np.isin(codes.person, by_name[chosen])
    shown, cell = np.unique(codes.cell[kept], return_inverse=True)
    people, person = np.unique(codes.person[kept], return_inverse=True)
    images, image = np.unique(codes.image[kept], return_inverse=True)
    cells = codes.cells.iloc[shown].reset_index(drop=True)
    group, sources = pd.factorize(cells["source"])
    model = mixed.fit(
        np.eye(len(cells)),
        cell,
        person,
        image,
        codes.judged_real[kept].astype(float),
        group=group if len(sources) > 1 else None,
        link=link,
        ridge=RIDGE,
        is_corrected=True,
    )
    return FittedStudy(model, cells, len(people), len(images), is_part)


def population_shares(model: MixedModel) -> tuple[np.ndarray, np.ndarray]:
    """Shares averaged over new people and new images, one a coefficient, and their covariance.

    The covariance holds that of the coefficients and that of the standard deviations, taken as independent.
    """
    link, spread = LINKS[model.link], model.total_sd
    at = model.coefficients[:, None] + spread * NODES
    weights = WEIGHTS / WEIGHTS.sum()
    p = link.share(at) @ weights
    by_coefficient = link.density(at) @ weights
    covariance = by_coefficient[:, None] * model.covariance * by_coefficient
    by_spread = link.density(at) @ (weights * NODES)
    by_log_sd = by_spread[:, None] * np.nan_to_num(model.sds**2) / max(spread, 1e-12)
    return p, covariance + by_log_sd @ np.nan_to_num(model.log_sd_covariance) @ by_log_sd.T


def levels(study: FittedStudy, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row a cell: columns source, exposure_ms, p, low, high."""
    p, covariance = population_shares(study.model)
    return study.cells.join(shares_with_intervals(p, np.diag(covariance), study.n_people, confidence))


def means(study: FittedStudy, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row a source, its shares averaged over the exposures: columns source, p, low, high."""
    p, covariance = population_shares(study.model)
    source = study.cells["source"].to_numpy(object)
    names = list(dict.fromkeys(source))
    weights = np.stack([(source == name) / (source == name).sum() for name in names])
    variance = np.einsum("qi,ij,qj->q", weights, covariance, weights)
    bars = shares_with_intervals(weights @ p, variance, study.n_people, confidence)
    return pd.DataFrame({"source": names}).join(bars)


def standard_deviations(model: MixedModel, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """One row an effect: columns effect, sd, low, high; low and high NaN where the curvature gives none."""
    table = pd.DataFrame({"effect": ["person", "person by source", "image"], "sd": model.sds})
    half = float(stdtrit(np.inf, (1 + confidence) / 2)) * np.sqrt(np.diag(model.log_sd_covariance))
    return table.assign(low=table["sd"] * np.exp(-half), high=table["sd"] * np.exp(half)).dropna(subset="sd")


def shares_with_intervals(
    p: np.ndarray, variance: np.ndarray, n_people: int, confidence: float
) -> pd.DataFrame:
    half = stdtrit(n_people - 1, (1 + confidence) / 2) * np.sqrt(variance) / (p * (1 - p))
    return pd.DataFrame({"p": p, "low": expit(logit(p) - half), "high": expit(logit(p) + half)})
