"""Precision and recall of a set of samples, by nearest neighbours (Kynkaanniemi et al. 2019, arXiv:1904.06991).

A set's manifold is the union of balls round its members, each as wide as the way to its k-th neighbour.
Precision is the share of samples inside the real manifold (are they plausible?), recall the share of real
images inside the manifold of samples (is all of the variety there?). Both depend on the counts: use equal ones.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from generator.errors import EvaluationError

NEIGHBOURS = 3  # as in the paper
ROWS = 1000  # of a matrix of distances in memory at a time


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares in 0..1."""

    precision: float
    recall: float


def precision_recall(real: Tensor, generated: Tensor, neighbours: int = NEIGHBOURS) -> PrecisionRecall:
    """Precision and recall of generated (N, C) for real (M, C) features. Raises EvaluationError if N or M <= k."""
    if min(len(real), len(generated)) <= neighbours:
        raise EvaluationError(
            f"precision and recall with {neighbours} neighbours need more than {neighbours} images a side, "
            f"got {len(real)} real and {len(generated)} generated"
        )
    return PrecisionRecall(
        precision=_share_inside(generated, real, _radii(real, neighbours)),
        recall=_share_inside(real, generated, _radii(generated, neighbours)),
    )


def _radii(members: Tensor, neighbours: int) -> Tensor:
    """The distance of each member to its k-th nearest other member: (N,)."""
    # The nearest of all is the member itself, at distance 0.
    return torch.cat(
        [_distances(rows, members).kthvalue(neighbours + 1, dim=1).values for rows in members.split(ROWS)]
    )


def _share_inside(points: Tensor, members: Tensor, radii: Tensor) -> float:
    """The share of points within the radius of at least one member."""
    inside = [(_distances(rows, members) <= radii).any(1) for rows in points.split(ROWS)]
    return float(torch.cat(inside).double().mean())


def _distances(rows: Tensor, members: Tensor) -> Tensor:
    # Exact differences: by products, a point would lie at a small distance from itself.
    return torch.cdist(rows, members, compute_mode="donot_use_mm_for_euclid_dist")
