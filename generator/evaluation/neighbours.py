"""The nearest training images of a sample: in pixels, in features, and in pixels when it may be moved.

A copy has distance 0 in pixels; a copy that was mirrored or moved by a few pixels is found by the search that
moves; one that was recoloured or redrawn, if at all, in features.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generator.errors import EvaluationError

LARGEST_SHIFT_PX = 2
CENTRED = 1000  # training images whose mean is taken off: products of small numbers round less
VALUES = 15_000_000  # of training images compared at a time: 60 MB in float32, 120 in float64


@dataclass(frozen=True)
class Nearest:
    """For each of N queries the training image's index (N,) and the distance to it (N,), root mean square.

    Distances are in 8-bit steps for pixels, in the features' unit for features.
    """

    index: NDArray[np.int64]
    distance: NDArray[np.float64]


def nearest_in_pixels(queries: NDArray[np.uint8], training: NDArray[np.uint8]) -> Nearest:
    """The nearest training images, pixel by pixel; both (., S, S, C) uint8."""
    return _nearest(_flat(queries), training.reshape(len(training), -1))


def nearest_in_features(queries: Tensor, training: Tensor) -> Nearest:
    """The nearest training images by their features, (N, C) and (M, C)."""
    return _nearest(queries.double().numpy(), training.double().numpy())


def nearest_when_moved(
    queries: NDArray[np.uint8], training: NDArray[np.uint8], shift_px: int = LARGEST_SHIFT_PX
) -> Nearest:
    """The nearest training images when a query may be mirrored and moved by up to shift_px each way.

    Compared is what both pictures show for certain: the training image without a margin of shift_px.
    Raises EvaluationError if nothing would be left.
    """
    size = queries.shape[1]
    if 2 * shift_px >= size:
        raise EvaluationError(f"expected a shift below half of {size} pixels, got {shift_px}")
    inner = size - 2 * shift_px
    targets = training[:, shift_px : size - shift_px, shift_px : size - shift_px]
    places = [(top, left) for top in range(2 * shift_px + 1) for left in range(2 * shift_px + 1)]
    moved = np.stack(
        [
            image[:, top : top + inner, left : left + inner]
            for image in (queries, queries[:, :, ::-1])
            for top, left in places
        ],
        axis=1,
    )  # -> (N, variants, inner, inner, C)
    found = _nearest(
        _flat(moved.reshape(-1, inner, inner, queries.shape[-1])), targets.reshape(len(targets), -1)
    )
    by_query = found.distance.reshape(len(queries), -1)
    best = by_query.argmin(1)
    rows = np.arange(len(queries))
    return Nearest(found.index.reshape(by_query.shape)[rows, best], by_query[rows, best])


def share_too_near(samples: NDArray[np.float64], held_out: NDArray[np.float64], of_held_out: float) -> float:
    """The share of samples nearer to training than the nearest `of_held_out` of real held-out images are.

    Where nothing is memorised it is about `of_held_out`; blurred samples raise it too.
    """
    return float(np.mean(samples < np.quantile(held_out, of_held_out)))


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), -1).astype(np.float64)


def _nearest(queries: NDArray[np.float64], training: NDArray[np.generic]) -> Nearest:
    """Search by products in float32, then the exact distance of the winner in float64."""
    if training.shape[1:] != queries.shape[1:] or not len(training):
        raise EvaluationError(
            f"expected training images of {queries.shape[1]} values, got {training.shape}: the sizes differ"
        )
    centre = training[:CENTRED].mean(0, dtype=np.float64)
    wanted = torch.from_numpy((queries - centre).astype(np.float32))
    best = torch.full((len(queries),), torch.inf)
    index = torch.zeros(len(queries), dtype=torch.int64)
    rows = max(VALUES // queries.shape[1], 1)
    for start in range(0, len(training), rows):
        block = torch.from_numpy((training[start : start + rows] - centre).astype(np.float32))
        squared = block.square().sum(1) - 2 * wanted @ block.T  # without the query's own length
        nearest, at = squared.min(1)
        index = torch.where(nearest < best, at + start, index)
        best = torch.minimum(nearest, best)
    differences = queries - training[index.numpy()].astype(np.float64)
    return Nearest(index.numpy(), np.sqrt(np.mean(differences**2, axis=1)))
