"""The losses of a training run: read from the device a thousand images at a time, kept beside the checkpoint.

Knows when a loss is read and that it has to be finite; what a loss means is the family's.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from generator.errors import TrainingError
from generator.part_lines import PartLines, read_lines

SUFFIX = ".losses"
EVERY = 1000  # images
LAST_LINES = 5  # that `last_losses` averages


class LossLog:
    """The losses of one training run, on their way to `checkpoint`'s file of losses."""

    def __init__(self, checkpoint: Path, images_seen: Mapping[str, int]) -> None:
        self.checkpoint = checkpoint
        self._lines = PartLines(losses_file(checkpoint), images_seen)
        self._unread: list[tuple[int, Mapping[str, Tensor]]] = []
        self._late: dict[str, list[float]] = defaultdict(list)

    def note(self, images_seen: int, losses: Mapping[str, Tensor]) -> None:
        """Remember one step's losses, where they are: reading each would make a GPU wait for us every step."""
        self._unread.append((images_seen, losses))

    def require_finite(self, part: str) -> None:
        """Read what was noted. Raises TrainingError that names the first loss that is not finite."""
        names = [(seen, name) for seen, losses in self._unread for name in losses]
        values = [loss for _, losses in self._unread for loss in losses.values()]
        self._unread = []
        read = torch.stack([value.float() for value in values]).tolist() if values else []
        for (seen, name), value in zip(names, read, strict=True):
            if not math.isfinite(value):
                raise TrainingError(
                    f"{part}: the loss {name} became {value} at image {seen}; the last good checkpoint "
                    f"is kept in {self.checkpoint}: lower model.learning_rate or go on with another seed"
                )
            self._late[name].append(value)

    def write(self, part: str, images_seen: int) -> dict[str, float]:
        """Append a line with the means since the last one; the means. Raises TrainingError, WriteError."""
        self.require_finite(part)
        means = {name: sum(values) / len(values) for name, values in self._late.items()}
        self._late.clear()
        line = {"part": part, "images_seen": images_seen}
        self._lines.append(line | {name: round(mean, 5) for name, mean in means.items()})
        return means

    def mean_since(self, part: str, images_seen: int) -> dict[str, float]:
        """Means of a part's losses over the lines after that many images; nothing where there are none."""
        return _means(
            [line for line in self._lines.known if line["part"] == part and line["images_seen"] > images_seen]
        )


def losses_file(checkpoint: Path) -> Path:
    """Where the losses of a checkpoint lie."""
    return checkpoint.with_name(checkpoint.name + SUFFIX)


def last_losses(checkpoint: Path) -> dict[str, dict[str, float]]:
    """Mean losses of each part over the last lines; nothing where the file is gone."""
    by_part = defaultdict(list)
    for line in read_lines(losses_file(checkpoint)):
        by_part[line["part"]].append(line)
    return {part: _means(lines[-LAST_LINES:]) for part, lines in by_part.items()}


def _means(lines: list[dict]) -> dict[str, float]:
    """The mean of every loss over the lines that tell it."""
    names = dict.fromkeys(name for line in lines for name in line if name not in ("part", "images_seen"))
    return {name: float(np.mean([line[name] for line in lines if name in line])) for name in names}
