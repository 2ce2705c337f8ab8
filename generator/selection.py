"""Which moment of a part's training becomes the checkpoint: the last one, or the one whose draws come nearest.

The rule of the paper (Denton et al. 2015, arXiv:1506.05751, section 4): the smallest mean, over images that were
not trained on, of the distance from the true image to the nearest of many draws for its low-pass image. A part
that is told no image (a plain GAN, the coarsest level) has no draws for one: there every image is compared with
all draws. The distance is the root mean square difference of pixels, images in [-1, 1]. It favours safe, somewhat
blurred draws: a small distance is no proof of good pictures.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from generator.batches import Pool
from generator.families.family import PartTrainer
from generator.looks import look
from generator.noise import image_keys

LAST, NEAREST_DRAW = "last", "nearest-draw"
RULES = (LAST, NEAREST_DRAW)
COMPARED = 500  # validation images, the first ones of a random order
DRAWS = 16  # for each of them


@dataclass
class Best:
    """The best moment of a part so far: images seen, the mean distance, and the generator's weights then."""

    images_seen: int
    distance: float
    weights: dict[str, Tensor]

    @classmethod
    def now(cls, trainer: PartTrainer, images_seen: int, distance: float) -> "Best":
        """This moment, with its own copy of the weights."""
        weights = trainer.networks["generator"].state_dict()
        return cls(images_seen, distance, {name: value.clone() for name, value in weights.items()})

    def told(self) -> dict[str, Any]:
        """What a checkpoint's header says of it."""
        return {"chosen_at_images": self.images_seen, "nearest_draw": round(self.distance, 6)}


def mean_nearest_distance(trainer: PartTrainer, apart: Pool, seed: int) -> float:
    """Mean distance from images held out to the nearest draw, in units of pixels in [-1, 1].

    The same images and the same noise at every moment of a training, so that moments compare.
    """
    count = min(len(apart), COMPARED)
    images, labels = apart.chosen(torch.arange(count, device=apart.pixels.device))
    nearest = torch.full((count,), torch.inf, device=images.device)
    for draw in range(DRAWS):
        keys = image_keys(seed, draw * count, count).to(images.device)
        shown = look(trainer, images, labels, keys)
        distances = own_distances if shown.is_told_the_image else smallest_distances
        nearest = torch.minimum(nearest, distances(shown.true, shown.drawn))
    return float(nearest.mean())


def own_distances(true: Tensor, drawn: Tensor) -> Tensor:
    """Root mean square difference of every image (N, C, S, S) and the draw at the same place: (N,)."""
    return (true - drawn).square().flatten(1).mean(1).sqrt()


def smallest_distances(true: Tensor, drawn: Tensor) -> Tensor:
    """Root mean square difference of every image (N, C, S, S) and the nearest of all draws (M, C, S, S): (N,)."""
    values = true[0].numel()
    return torch.cdist(true.flatten(1), drawn.flatten(1)).amin(1) / values**0.5
