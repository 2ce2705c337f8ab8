"""The file of losses beside a checkpoint: a line of JSON every thousand images of a part.

Knows how lines are gathered, written and read; what a loss means is the family's.
"""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from generator.errors import TrainingError
from generator.whole_file import whole_file, write_errors

SUFFIX = ".losses"
EVERY = 1000  # images
LAST_LINES = 5  # that `last_losses` averages


class LossLog:
    """The losses of one training run, on their way to `checkpoint`'s file of losses.

    Making one writes the file at once, with the lines that the run will not write again when it goes on
    after `images_seen` images of each part: the proof, before any work, that files can be written there.
    """

    def __init__(self, checkpoint: Path, images_seen: Mapping[str, int]) -> None:
        self.checkpoint = checkpoint
        self._late: dict[str, list[float]] = defaultdict(list)
        known = [line for line in _lines(checkpoint) if line["images_seen"] <= images_seen[line["part"]]]
        with whole_file(losses_file(checkpoint)) as file:
            file.write("".join(json.dumps(line) + "\n" for line in known).encode())

    def note(self, part: str, images_seen: int, losses: Mapping[str, Tensor]) -> None:
        """Remember one step's losses. Raises TrainingError if one is not finite."""
        for name, loss in losses.items():
            value = float(loss)
            if not math.isfinite(value):
                raise TrainingError(
                    f"{part}: the loss {name} became {value} at image {images_seen}; the last good checkpoint "
                    f"is kept in {self.checkpoint}: lower model.learning_rate or go on with another seed"
                )
            self._late[name].append(value)

    def write(self, part: str, images_seen: int) -> dict[str, float]:
        """Append a line with the means since the last one; the means."""
        means = {name: sum(values) / len(values) for name, values in self._late.items()}
        self._late.clear()
        line = {"part": part, "images_seen": images_seen}
        line |= {name: round(mean, 5) for name, mean in means.items()}
        path = losses_file(self.checkpoint)
        with write_errors(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return means


def losses_file(checkpoint: Path) -> Path:
    """Where the losses of a checkpoint lie."""
    return checkpoint.with_name(checkpoint.name + SUFFIX)


def last_losses(checkpoint: Path) -> dict[str, dict[str, float]]:
    """Mean losses of each part over the last lines; nothing where the file is gone."""
    by_part = defaultdict(list)
    for line in _lines(checkpoint):
        by_part[line["part"]].append(line)
    return {
        part: {
            name: float(np.mean([line[name] for line in lines[-LAST_LINES:] if name in line]))
            for name in lines[-1]
            if name not in ("part", "images_seen")
        }
        for part, lines in by_part.items()
    }


def _lines(checkpoint: Path) -> list[dict]:
    path = losses_file(checkpoint)
    texts = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    # A killed run may leave half a line at the end.
    return [json.loads(text) for text in texts if text.endswith("\n")]
