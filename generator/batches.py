"""Training images where the model is, and random batches of them.

All pixels lie on the device as bytes; choosing, mirroring and scaling a batch are a few calls on whole tensors
there, none an image. Some images may be held out: no batch ever holds one of them.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from generator.datasets import LabelledImages
from generator.errors import TrainingError
from generator.pixels import unit_from_bytes

Labels = Tensor | None
BLOCK = 1000  # images that are looked at together when all are


@dataclass(frozen=True)
class Pool:
    """Images on a device: pixels (N, H, W, C) uint8, labels (N,) int64 or None.

    With `places` (M,) only the images there belong to it: gigabytes of pixels are not copied to leave a few out.
    """

    pixels: Tensor
    labels: Labels
    places: Tensor | None = None

    def __len__(self) -> int:
        return len(self.pixels if self.places is None else self.places)

    def chosen(self, at: Tensor) -> tuple[Tensor, Labels]:
        """The images at those places, (n, C, H, W) in [-1, 1], with their labels."""
        at = self._place(at)
        return _images(self.pixels.index_select(0, at)), self._labels(at)

    def batch(self, count: int, *, flip: bool) -> tuple[Tensor, Labels]:
        """`count` random images (n, C, H, W) in [-1, 1] with their labels; with `flip` half of them mirrored."""
        at = self._place(torch.randint(len(self), (count,), device=self.pixels.device))
        pixels = self.pixels.index_select(0, at)
        if flip:
            # The places are random: to mirror the first half is to mirror a random one, and costs least.
            pixels = torch.cat([pixels[: count // 2].flip(2), pixels[count // 2 :]])
        return _images(pixels), self._labels(at)

    def in_order(self) -> Iterator[Tensor]:
        """All images once, in blocks (n, C, H, W) in [-1, 1]."""
        for at in torch.arange(len(self), device=self.pixels.device).split(BLOCK):
            yield self.chosen(at)[0]

    def _place(self, at: Tensor) -> Tensor:
        return at if self.places is None else self.places.index_select(0, at)

    def _labels(self, at: Tensor) -> Labels:
        return None if self.labels is None else self.labels.index_select(0, at)


def pools(images: LabelledImages, held_out: int, seed: int, device: torch.device) -> tuple[Pool, Pool]:
    """The images to train on, in their order, and the `held_out` ones, drawn by the seed from all of them.

    Raises TrainingError if none is left to train on.
    """
    if held_out >= len(images):
        raise TrainingError(
            f"training.validation: expected fewer than the {len(images)} images of {images.name}, got {held_out}"
        )
    pixels, labels = _on(device, images.pixels), None
    if images.labels is not None:
        labels = _on(device, images.labels)
    if not held_out:
        return Pool(pixels, labels), Pool(pixels[:0], None if labels is None else labels[:0])
    # Data sets lie sorted by class: a permutation of all, not the first ones.
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(images))).to(device)
    apart, rest = order[:held_out], order[held_out:].sort().values
    return Pool(pixels, labels, rest), Pool(pixels[apart], None if labels is None else labels[apart])


def _images(pixels: Tensor) -> Tensor:
    """(N, H, W, C) uint8 -> (N, C, H, W) in [-1, 1]; colours stay last in memory, as convolutions read them fastest."""
    return unit_from_bytes(pixels.permute(0, 3, 1, 2))


def _on(device: torch.device, values: np.ndarray) -> Tensor:
    with warnings.catch_warnings():
        # Files that are mapped into memory may not be written to; nothing here writes.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(values).to(device)
