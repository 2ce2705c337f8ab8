"""Alarms for collapse: what is measured of a part while it trains, and when that is a reason to look.

A small batch of draws is compared with true images every `watch_every` images. The measurements and the alarms that
stand are lines of JSON beside the losses. An alarm says where to look, not what is wrong: it never stops a training.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from generator.families.family import Shown
from generator.part_lines import PartLines
from generator.pixels import bytes_from_unit
from generator.pyramid import low_pass

SUFFIX = ".alarms"
WATCHED = 250  # images
BALANCE = 2 * math.log(2)  # the loss of a discriminator that tells nothing apart

Measures = dict[str, float]
# Classes (N,) of pixels (N, S, S, 3) uint8, and how many classes there are.
Classify = Callable[[NDArray[np.uint8]], NDArray[np.int64]]


@dataclass(frozen=True)
class Alarm:
    """A range of a measure that is a bad sign when that many measurements in a row lie in it."""

    measure: str
    low: float
    high: float
    in_a_row: int
    says: str  # formatted with `value`

    def sounds(self, value: float | None) -> bool:
        return value is not None and self.low <= value <= self.high


# A healthy discriminator may cross the balance, and has stayed 0.001 from it for a while; one that is dead stays on it.
ALARMS = (
    Alarm(
        "discriminator",
        0,
        0.05,
        2,
        "the discriminator wins: its loss is {value:.3f}, the generator learns no more",
    ),
    Alarm(
        "discriminator",
        BALANCE - 0.001,
        BALANCE + 0.001,
        5,
        "the discriminator learns nothing: its loss stays at 2 ln 2 ({value:.4f})",
    ),
    Alarm("detail", 0, 0.5, 2, "samples are blurred: {value:.2f} times the fine detail of real images"),
    Alarm("detail", 1.5, math.inf, 2, "samples are noisy: {value:.2f} times the fine detail of real images"),
    Alarm("pairwise", 0, 0.5, 2, "samples are alike: {value:.2f} times as far apart as real images"),
    Alarm("classes", 0.4, 1, 2, "classes are missing: {value:.0%} of the samples would have to be of others"),
)


def measures(shown: Shown, discriminator_loss: float | None, classify: Classify | None) -> Measures:
    """What alarms listen to; a measure whose real images give no scale is left out.

    detail and pairwise are ratios to the true images, classes a share. `classify` is None where no classifier knows
    the data set's classes.
    """
    found = {
        "discriminator": discriminator_loss,
        "detail": _ratio(detail_variance(shown.drawn), detail_variance(shown.true)),
        "pairwise": _ratio(mean_pairwise_distance(shown.drawn), mean_pairwise_distance(shown.true)),
    }
    if classify is not None:
        found["classes"] = class_difference(
            *(classify(_pixels(images)) for images in (shown.drawn, shown.true))
        )
    return {name: value for name, value in found.items() if value is not None}


def detail_variance(images: Tensor) -> float:
    """Variance of what an image (N, C, S, S) loses when it is shrunk to half its size, S at least 2."""
    return float((images - low_pass(images, images.shape[-1] // 2)).var())


def mean_pairwise_distance(images: Tensor) -> float:
    """Mean Euclidean distance of two different images out of (N, C, S, S), N at least 2."""
    return float(torch.pdist(images.flatten(1)).mean())


def class_difference(drawn: NDArray[np.int64], true: NDArray[np.int64]) -> float:
    """The share of samples that would have to be of another class to have the classes of the true ones, 0 to 1.

    Half the sum of the differences of the two histograms (their total variation distance). Chance alone makes it
    about 0.1 for 250 images of ten equal classes on either side.
    """
    classes = int(max(drawn.max(), true.max())) + 1
    shares = [np.bincount(found, minlength=classes) / len(found) for found in (drawn, true)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def standing(lines: Sequence[Mapping]) -> list[str]:
    """Sentences of the alarms that stand after a part's measurements, oldest first."""
    found = []
    for alarm in ALARMS:
        late = [line.get(alarm.measure) for line in lines[-alarm.in_a_row :]]
        if len(late) == alarm.in_a_row and all(map(alarm.sounds, late)):
            found.append(alarm.says.format(value=late[-1]))
    return found


class AlarmLog:
    """The measurements of one training run, on their way to `checkpoint`'s file of alarms."""

    def __init__(self, checkpoint: Path, images_seen: Mapping[str, int]) -> None:
        self._lines = PartLines(alarms_file(checkpoint), images_seen)

    def note(self, part: str, images_seen: int, measured: Measures) -> list[str]:
        """Write a line with the alarms that stand now; those among them that did not stand before."""
        before = [line for line in self._lines.known if line["part"] == part and "alarms" in line]
        rounded = {name: round(value, 4) for name, value in measured.items()}
        now = standing([*before, rounded])
        self._lines.append({"part": part, "images_seen": images_seen, **rounded, "alarms": now})
        were = {_kind(said) for said in (before[-1]["alarms"] if before else ())}
        return [said for said in now if _kind(said) not in were]

    def tell(self, part: str, images_seen: int, sentence: str) -> None:
        """Write down something else that happened to the training."""
        self._lines.append({"part": part, "images_seen": images_seen, "told": sentence})


def alarms_file(checkpoint: Path) -> Path:
    """Where the alarms of a checkpoint lie."""
    return checkpoint.with_name(checkpoint.name + SUFFIX)


def _kind(sentence: str) -> str:
    """An alarm's sentence up to the value in it."""
    return sentence.partition(":")[0]


def _ratio(drawn: float, true: float) -> float | None:
    return drawn / true if true > 0 else None


def _pixels(images: Tensor) -> NDArray[np.uint8]:
    return bytes_from_unit(images).permute(0, 2, 3, 1).cpu().numpy()
