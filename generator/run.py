"""A training run at one moment: how it begins, what is written of it, how it goes on after a kill.

Knows the parts' order and what goes together; when to do which is `generator.train`'s.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from generator.averaging import Weights
from generator.batches import Pool, pools
from generator.checkpoint import Origin, write_checkpoint
from generator.datasets import LabelledImages
from generator.datasets.labelled import COLOURS
from generator.device import compiles, device_name, precision_of
from generator.errors import TrainingError
from generator.families import FAMILIES, taught_network
from generator.families.family import PartTrainer
from generator.networks.pixel_scale import learn_pixels
from generator.provenance import commit, now_utc
from generator.recipe import Recipe
from generator.resume import (
    TrainerState,
    read_state,
    restore_trainer,
    state_file,
    trainer_state,
    write_state,
)
from generator.selection import Best

# What a run's state keeps of it beside the model and the best moments.
KEPT = ("images_seen", "cpu_seconds", "trainers", "averages", "halvings", "outcome")


@dataclass
class Run:
    """A training run at one moment: the model, and how far each part is."""

    recipe: Recipe
    images: LabelledImages
    out: Path
    device: torch.device
    pool: Pool
    apart: Pool  # held out
    model: Any
    dataset_sha256: str
    images_seen: dict[str, int]
    cpu_seconds: dict[str, float]
    trainers: dict[str, TrainerState] = field(default_factory=dict)  # of each part, once saved
    averages: dict[str, Weights] = field(default_factory=dict)  # of each part that is averaged
    best: dict[str, Best] = field(default_factory=dict)  # of each part, once looked at
    halvings: dict[str, int] = field(default_factory=dict)  # of each part's batch, for want of memory
    outcome: dict[str, dict[str, Any]] = field(default_factory=dict)  # what its checkpoint says of each part

    def share_done(self, part: str) -> float:
        """How much of the part's budget is used, 0 to 1."""
        return self.recipe.training.share_done(
            self.images_seen[part], self.cpu_seconds[part], self.recipe.budgets(part)
        )

    def batch_size(self, part: str) -> int:
        """Images in a batch of the part: the recipe's, halved for as often as memory ran out."""
        return self.recipe.training.batch_size >> self.halvings.get(part, 0)

    def identity(self) -> str:
        """What must be equal to go on: the model and the images to train on, not the budget."""
        config, held_out = dataclasses.asdict(self.recipe.config), self.recipe.training.validation
        apart = [held_out] if held_out else []
        return json.dumps([self.recipe.family, config, self.recipe.seed, self.dataset_sha256, *apart])


def begun(recipe: Recipe, images: LabelledImages, out: Path, device: torch.device, *, resume: bool) -> Run:
    """The run with its model as the seed makes it, or as it was left. Raises TrainingError."""
    _require_fit(recipe, images)
    family = FAMILIES[recipe.family]
    parts = family.parts(recipe.config)
    torch.manual_seed(recipe.seed)
    model = family.build(recipe.config).train().to(device)
    pool, apart = pools(images, recipe.training.validation, recipe.seed, device)
    zeros = dict.fromkeys(parts, 0)
    sha256, seconds = images.sha256(), dict.fromkeys(parts, 0.0)
    run = Run(recipe, images, out, device, pool, apart, model, sha256, zeros, seconds)
    if not (resume and _go_on(run)):
        learn_pixels(model, pool.in_order())
    return run


def trainer_of(run: Run, part: str) -> PartTrainer:
    """The part's trainer, and torch's random numbers, new or as they were left."""
    # A part is the same whether it trains after the others, alone or elsewhere.
    torch.manual_seed(run.recipe.seed * 1000 + list(run.images_seen).index(part))
    trainer = FAMILIES[run.recipe.family].Trainer(run.model, run.recipe.config, part)
    if part in run.trainers:
        restore_trainer(trainer, run.trainers[part])
    if compiles(run.device):
        for network in trainer.networks.values():
            network.compile()
    return trainer


def take_over(run: Run, finished: Mapping[str, Path]) -> None:
    """Begin with what parts trained apart have learned, in full precision: as if they had trained in this run."""
    family, config = run.recipe.family, run.recipe.config
    for part, checkpoint in finished.items():
        other = FAMILIES[family].build(config)
        progress = read_state(checkpoint, run.identity(), other)
        if progress is None:
            raise TrainingError(
                f"{state_file(checkpoint)}: expected the state of the trained part {part}, found no such file; "
                "train it first"
            )
        own = taught_network(family, other, config, part)
        taught_network(family, run.model, config, part).load_state_dict(own.state_dict())
        run.images_seen[part] = progress["images_seen"][part]
        run.cpu_seconds[part] = progress["cpu_seconds"][part]


def require_turn(run: Run, part: str) -> None:
    """Raises TrainingError unless earlier stages are done and later ones have not begun."""
    stages = run.recipe.stages
    (at,) = (number for number, stage in enumerate(stages) if part in stage)
    unfinished = [before for stage in stages[:at] for before in stage if run.share_done(before) < 1]
    if unfinished:
        raise TrainingError(
            f"{part}: begins when {', '.join(unfinished)} is done; train it to its budget first"
        )
    begun = [later for stage in stages[at + 1 :] for later in stage if run.images_seen[later]]
    if begun:
        raise TrainingError(
            f"{part}: cannot go on, {', '.join(begun)} has begun with what it had learned; keep the budget that "
            "it had, or train without --resume to another --out"
        )


def _require_fit(recipe: Recipe, images: LabelledImages) -> None:
    size, classes, channels = recipe.config.size_px, recipe.config.classes, recipe.config.channels
    if images.pixels.shape[1:3] != (size, size):
        raise TrainingError(
            f"the model draws {size}x{size} pixels, expected such images in {images.name}, "
            f"found {images.pixels.shape[2]}x{images.pixels.shape[1]}"
        )
    if images.channels != channels:
        raise TrainingError(
            f"the model draws {COLOURS[channels]} pictures, those of {images.name} are "
            f"{COLOURS[images.channels]}: set model.channels={images.channels}"
        )
    if classes and images.labels is None:
        raise TrainingError(f"the model has {classes} classes, but {images.name} has no labels")
    if classes and len(images.class_names) != classes:
        raise TrainingError(
            f"the model has {classes} classes, but {images.name} has {len(images.class_names)}: "
            f"set model.classes={len(images.class_names)}"
        )


def save(run: Run, trainer: PartTrainer, part: str) -> None:
    """Write the checkpoint, then the state to go on from.

    The checkpoint has the part's mean weights or those of its best moment, where the recipe wants them; at the end of
    its budget the model has them, too, for whatever begins with it. To go on the newest weights are kept.
    """
    newest, best = trainer_state(trainer), run.best.get(part)
    generator = trainer.networks["generator"]
    chosen = run.averages.get(part) if best is None else best.weights
    if chosen is not None:
        generator.load_state_dict(chosen)
    run.outcome[part] = {
        "device": device_name(run.device),
        "precision": str(precision_of(run.device)).removeprefix("torch."),
        "batch_size": run.batch_size(part),
        **({} if best is None else best.told()),
    }
    write_checkpoint(run.out, run.recipe.family, run.recipe.config, _origin(run), run.model)
    if chosen is not None and run.share_done(part) < 1:
        generator.load_state_dict(newest["networks"]["generator"])
    run.trainers[part] = newest
    progress = {name: getattr(run, name) for name in KEPT}
    progress["best"] = {name: vars(found) for name, found in run.best.items()}
    write_state(run.out, run.identity(), run.model, progress)


def _origin(run: Run) -> Origin:
    return Origin(
        source=run.recipe.source,
        dataset=run.recipe.dataset,
        class_names=run.images.class_names,
        images_seen=run.images_seen,
        cpu_minutes={name: round(seconds / 60, 2) for name, seconds in run.cpu_seconds.items()},
        dataset_sha256=run.dataset_sha256,
        commit=commit(),
        created_utc=now_utc(),
        training=dataclasses.asdict(run.recipe.training) | {"seed": run.recipe.seed},
        notes=run.images.notes,
        credits=run.images.credits,
        outcome=run.outcome,
    )


def _go_on(run: Run) -> bool:
    """Put the state beside the checkpoint into the run; whether there is one yet."""
    progress = read_state(run.out, run.identity(), run.model)
    if progress is None:
        return False
    for name in KEPT:  # older states kept less
        getattr(run, name).update(progress.get(name, {}))
    run.best = {name: Best(**found) for name, found in progress.get("best", {}).items()}
    return True
