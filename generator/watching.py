"""The measurements of one part's alarms: always the same true images and the same noise, so that moments compare."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from generator.alarms import WATCHED, Classify, Measures, measures
from generator.batches import Pool
from generator.datasets import LabelledImages
from generator.families.family import PartTrainer
from generator.features.described import Classifier, read_classifier
from generator.looks import look
from generator.noise import image_keys


class Watcher:
    """Looks at what a trainer draws beside some images of a pool, the ones that the seed draws."""

    def __init__(self, trainer: PartTrainer, images: LabelledImages, pool: Pool, seed: int) -> None:
        self._trainer, self._images = trainer, images
        order = np.random.default_rng(seed).permutation(len(pool))[:WATCHED]
        device = pool.pixels.device
        self._true, self._labels = pool.chosen(torch.from_numpy(order).to(device))
        self._keys = image_keys(seed, 0, len(order)).to(device)

    def measures(self, discriminator_loss: float | None) -> Measures:
        """What alarms listen to, now."""
        shown = look(self._trainer, self._true, self._labels, self._keys)
        return measures(shown, discriminator_loss, self._classify())

    def _classify(self) -> Classify | None:
        """What names the images' classes, where the classifier that ships was taught these classes."""
        classifier = _classifier()
        if self._images.channels != 3 or self._images.class_names != classifier.class_names:
            return None

        def classes(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
            return classifier.describe(pixels).predicted

        return classes


@cache
def _classifier() -> Classifier:
    # Making a network draws its first weights from torch's random numbers, which belong to the training.
    with torch.random.fork_rng(devices=[]):
        return read_classifier()
