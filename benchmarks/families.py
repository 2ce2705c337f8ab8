#!/usr/bin/env python3
"""What each shipped model cost and reached: `python benchmarks/families.py [--dataset cifar10]`.

Prints a Markdown table for each data set: weights of the generator, millions of multiply-adds an image, thousands of
images seen by each part, CPU minutes of training in all, and the Frechet distance in yardsticks out of docs/models,
with its standard deviation over sets of samples where it was measured. Below it, models side by side: the pairs whose
weights or whose minutes differ by a factor of at most 1.5, which is as equal as what ships can be. A distance is told
only if it was measured on the very weights that ship.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

# Run as a script: the project's packages come first, not the neighbours of this file.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from generator.checkpoint import Checkpoint, read_checkpoint, shipped_names
from generator.evaluation.cost import generator_weights, multiply_adds

MODELS = Path(__file__).resolve().parents[1] / "docs/models"
EQUAL = 1.5  # largest ratio of two costs that are called equal
HEAD = (
    "model",
    "weights, M",
    "multiply-adds an image, M",
    "images seen, thousands",
    "CPU minutes",
    "distance, yardsticks",
)


@dataclass(frozen=True)
class Model:
    """What one model cost and reached; `distance` is (yardsticks, SD over sets), either None where not measured."""

    name: str
    dataset: str
    weights: int
    multiply_adds: int
    images_seen: tuple[int, ...]
    cpu_minutes: float
    distance: tuple[float | None, float | None]

    def row(self) -> str:
        """Its line of the table."""
        cells = (
            f"`{self.name}`",
            f"{self.weights / 1e6:.2f}",
            f"{self.multiply_adds / 1e6:.1f}",
            " + ".join(f"{seen / 1000:.0f}" for seen in self.images_seen),
            f"{self.cpu_minutes:.1f}",
            _distance_text(self.distance),
        )
        return table_row(cells)


def shipped_model(name: str) -> Model:
    """One that ships."""
    checkpoint = read_checkpoint(name)
    origin = checkpoint.origin
    return Model(
        name,
        origin.dataset,
        generator_weights(checkpoint),
        multiply_adds(checkpoint),
        tuple(origin.images_seen.values()),
        sum(origin.cpu_minutes.values()),
        measured_distance(name, checkpoint),
    )


def measured_distance(name: str, checkpoint: Checkpoint) -> tuple[float | None, float | None]:
    """The distance and its SD over sets of samples, as the page of these very weights has them."""
    path = MODELS / name / "evaluation.json"
    if not path.is_file():
        return None, None
    page = json.loads(path.read_text(encoding="utf-8"))
    if page["made_from"]["samples"]["checkpoint_sha256"] != checkpoint.sha256:
        return None, None
    found = page["measures"]
    mean = found.get("frechet_mean", found["frechet_yardsticks"])["value"]
    return mean, found["frechet_sd"]["value"] if "frechet_sd" in found else None


def side_by_side(models: list[Model]) -> list[str]:
    """Sentences on pairs of about equal weights or equal minutes whose distances are known."""
    sentences = []
    costs = {"weights": lambda model: model.weights, "CPU minutes": lambda model: model.cpu_minutes}
    for what, cost in costs.items():
        for one, other in combinations(models, 2):
            if not (cost(one) and cost(other) and one.distance[0] and other.distance[0]):
                continue
            if max(cost(one), cost(other)) <= EQUAL * min(cost(one), cost(other)):
                near, far = sorted((one, other), key=lambda model: model.distance[0] or 0)
                share = (near.distance[0] or 0) / (far.distance[0] or 1)
                sentences.append(
                    f"- At about equal {what}, `{near.name}` lies at {share:.2f} of the distance of `{far.name}`."
                )
    return sentences


def _distance_text(distance: tuple[float | None, float | None]) -> str:
    value, spread = distance
    if value is None:
        return "not measured"
    return f"{value:.3f}" if spread is None else f"{value:.3f} ± {spread:.3f}"


def table_row(cells: tuple[str, ...]) -> str:
    """A line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset", help="only models of this data set")
    given = parser.parse_args()
    models = [shipped_model(name) for name in shipped_names()]
    for dataset in sorted({model.dataset for model in models}):
        if given.dataset not in (None, dataset):
            continue
        of_one = sorted((model for model in models if model.dataset == dataset), key=lambda model: model.name)
        print(f"### {dataset}\n")
        print(
            table_row(HEAD),
            table_row(("---",) * len(HEAD)),
            *(model.row() for model in of_one),
            sep="\n",
            end="\n\n",
        )
        if sentences := side_by_side(of_one):
            print(*sentences, sep="\n", end="\n\n")


if __name__ == "__main__":
    main()
