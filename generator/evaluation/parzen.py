"""Log-likelihood of real images under Gaussian Parzen windows round samples, in nats an image.

Each sample is the centre of a Gaussian of one width; the density of a real image is their mean. Densities are
per unit of pixels in 0..1, in all D = C S^2 dimensions (C = 3, gray 1). Figures as in Denton et al. 2015, table 1;
they say little about how samples look: in so many dimensions they follow blur, the width and the count of samples,
and a model that stores training images beats the truth (Theis, van den Oord, Bethge 2016, arXiv:1511.01844, sec. 3.2).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
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
    found, width = likeliest_log_densities(
        squared_distances(validation, samples), squared_distances(held_out, samples), samples.shape[1], widths
    )
    return LogLikelihood(float(found.mean()), float(found.std(correction=0)), width)


def likeliest_log_densities(
    validation: Tensor, held_out: Tensor, dimensions: int, widths: Sequence[float] = WIDTHS
) -> tuple[Tensor, float]:
    """Log densities (M,) of M held-out images in nats, and the width that V validation images like best.

    validation (V, N) and held_out (M, N) are squared distances to N centres in `dimensions` dimensions.
    """
    width = max(widths, key=lambda width: float(_log_densities(validation, width, dimensions).mean()))
    return _log_densities(held_out, width, dimensions), width


def squared_distances(points: Tensor, centres: Tensor) -> Tensor:
    """Squared distances (M, N) of points (M, D) to centres (N, D)."""
    return torch.cdist(points.double(), centres.double()).square()


def _log_densities(squared: Tensor, width: float, dimensions: int) -> Tensor:
    """Log of the mean Gaussian density, (M,), of squared distances (M, N)."""
    kernels = torch.logsumexp(-squared / (2 * width**2), dim=1) - math.log(squared.shape[1])
    return kernels - dimensions * math.log(width * math.sqrt(2 * math.pi))


# Rows: the mean of a 2x2 block times 2, then its detail from left to right, from above to below, and crosswise.
HAAR = ((1, 1, 1, 1), (1, -1, 1, -1), (1, 1, -1, -1), (1, -1, -1, 1))


def block_details(images: Tensor) -> Tensor:
    """What 2x2 blocks hold beside their means: (N, 3 C (S/2)^2) of images (N, C, S, S).

    Together with the means times 2 it is the image in turned axes, so densities multiply:
    p(image) = p(means) 2^-(C (S/2)^2) p(details | means).
    """
    blocks = F.pixel_unshuffle(images, 2).unflatten(1, (-1, 4))  # -> (N, C, 4, S/2, S/2)
    turn = torch.tensor(HAAR, dtype=images.dtype)[1:] / 2
    return torch.einsum("ij,ncjhw->ncihw", turn, blocks).flatten(1)
