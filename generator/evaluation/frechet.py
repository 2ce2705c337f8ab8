"""The Frechet distance between two sets of features, each taken for a Gaussian (Dowson and Landau 1982).

    |mean_a - mean_b|^2 + trace(cov_a + cov_b - 2 (cov_a cov_b)^(1/2))

It shrinks with the number of images (the covariance of few images is too narrow), so distances compare only at
equal counts. On features that are not Inception's it is no FID (Heusel et al. 2017, arXiv:1706.08500).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from generator.errors import EvaluationError


@dataclass(frozen=True)
class Gaussian:
    """Mean (C,) and covariance (C, C) of features, float64."""

    mean: Tensor
    covariance: Tensor


def gaussian_fit(features: Tensor) -> Gaussian:
    """Mean and unbiased covariance of features (N, C). Raises EvaluationError for fewer than 2 images."""
    if len(features) < 2:
        raise EvaluationError(f"a Gaussian needs at least 2 images, got {len(features)}: draw more")
    values = features.double()
    return Gaussian(values.mean(0), torch.cov(values.T).reshape(values.shape[1], values.shape[1]))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """The squared distance of two Gaussians, at least 0, in the features' own squared unit."""
    root = _matrix_root(a.covariance)
    # cov_a cov_b has the eigenvalues of this symmetric matrix, whose roots are real and stable.
    cross = _eigenvalues_from_zero(root @ b.covariance @ root).sqrt().sum()
    apart = (a.mean - b.mean).square().sum()
    return max(float(apart + a.covariance.trace() + b.covariance.trace() - 2 * cross), 0.0)


def _matrix_root(covariance: Tensor) -> Tensor:
    """The symmetric square root of a covariance."""
    values, vectors = torch.linalg.eigh(covariance)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def _eigenvalues_from_zero(symmetric: Tensor) -> Tensor:
    """Eigenvalues, those that rounding made negative set to zero."""
    return torch.linalg.eigvalsh((symmetric + symmetric.T) / 2).clamp(min=0)
