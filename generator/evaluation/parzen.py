"""Log-likelihood of real images under Gaussian Parzen windows round samples, in nats an image.

Each sample is the centre of a Gaussian of one width; the density of a real image is their mean. Densities are
per unit of pixels in 0..1, in all D = 3 S^2 dimensions. Figures as in Denton et al. 2015, table 1; they say
little about how samples look: in so many dimensions they follow blur, the width and the count of samples, and a
model that stores training images beats the truth (Theis, van den Oord, Bethge 2016, arXiv:1511.01844, sec. 3.2).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from generator.errors import EvaluationError

# From a step of 8 bits to beyond the spread of the pixels of photographs, evenly in logarithm.
WIDTHS = tuple(0.01 * 50 ** (step / 19) for step in range(20))


@dataclass(frozen=True)
class LogLikelihood:
    """Mean and standard deviation over images, nats an image, and the window's width in units of 0..1 pixels."""

    mean: float
    spread: float
    width: float


def parzen_log_likelihood(
    samples: Tensor, validation: Tensor, held_out: Tensor, widths: Sequence[float] = WIDTHS
) -> LogLikelihood:
    """Of held_out (M, D), the width being the likeliest for validation (V, D), with samples (N, D); all in 0..1.

    Raises EvaluationError if there are no images on a side.
    """
    if min(len(samples), len(validation), len(held_out)) < 1:
        raise EvaluationError("Parzen windows need samples, validation and held-out images: none came")
    squared = _squared_distances(validation, samples)
    dimensions = samples.shape[1]
    width = max(widths, key=lambda width: float(_log_densities(squared, width, dimensions).mean()))
    found = _log_densities(_squared_distances(held_out, samples), width, dimensions)
    return LogLikelihood(float(found.mean()), float(found.std(correction=0)), width)


def _squared_distances(points: Tensor, centres: Tensor) -> Tensor:
    return torch.cdist(points.double(), centres.double()).square()


def _log_densities(squared: Tensor, width: float, dimensions: int) -> Tensor:
    """Log of the mean Gaussian density, (M,), of squared distances (M, N)."""
    kernels = torch.logsumexp(-squared / (2 * width**2), dim=1) - math.log(squared.shape[1])
    return kernels - dimensions * math.log(width * math.sqrt(2 * math.pi))
