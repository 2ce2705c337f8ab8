"""Training: owns time. Which images come when, how fast to learn, when to save, when to stop.

Parts of a model train one after the other, or each alone and in pieces (`train_part`), for the recipe's
budget. After every `checkpoint_every` images the checkpoint and, beside it, the state to go on from are
written whole; a killed run goes on from there and ends with the same weights as one that was never killed.
What a step does is the family's; joining parts that were trained apart is `generator.parts`'.
"""

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from generator.batches import Pool, pools
from generator.checkpoint import Origin, write_checkpoint
from generator.datasets import LabelledImages
from generator.datasets.labelled import COLOURS
from generator.errors import TrainingError
from generator.families import FAMILIES, taught_network
from generator.families.family import PartTrainer
from generator.losses import EVERY, LossLog
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

# Called with the part's name, the share of its budget that is used, and the mean losses of late.
Progress = Callable[[str, float, dict[str, float]], None]
# Asked before every step, with the images seen by the part and the share of its budget: shall it be done?
GoesOn = Callable[[int, float], bool]

CPU = torch.device("cpu")


@dataclass
class Run:
    """A training run at one moment: the model, and how far each part is."""

    recipe: Recipe
    images: LabelledImages
    out: Path
    device: torch.device
    pool: Pool
    model: Any
    dataset_sha256: str
    images_seen: dict[str, int]
    cpu_seconds: dict[str, float]
    trainers: dict[str, TrainerState] = field(default_factory=dict)  # of each part, once saved

    def share_done(self, part: str) -> float:
        """How much of the part's budget is used, 0 to 1."""
        return self.recipe.training.share_done(self.images_seen[part], self.cpu_seconds[part])

    def identity(self) -> str:
        """What must be equal to go on: the model and the images, not the budget."""
        config = dataclasses.asdict(self.recipe.config)
        return json.dumps([self.recipe.family, config, self.recipe.seed, self.dataset_sha256])


def train(
    recipe: Recipe,
    images: LabelledImages,
    out: Path,
    *,
    resume: bool = False,
    device: torch.device = CPU,
    progress: Progress = lambda part, share, losses: None,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Path:
    """Train all parts of a recipe on images, on a device; the checkpoint's path.

    Raises TrainingError if the data set does not fit the model, losses are no longer finite (the checkpoint
    of before is kept), or `resume` finds a state that belongs to another run.
    """
    run = _begun(recipe, images, out, device, resume=resume)
    log = LossLog(out, run.images_seen)
    for part in run.images_seen:
        _train_part(run, part, log, progress, lambda seen, share: True, cpu_clock)
    return out


def train_part(
    recipe: Recipe,
    images: LabelledImages,
    out: Path,
    part: str,
    *,
    goes_on: GoesOn,
    after: Mapping[str, Path] = MappingProxyType({}),
    device: torch.device = CPU,
    cpu_clock: Callable[[], float] = time.process_time,
) -> tuple[int, float]:
    """Train one part alone from where it stands, as long as `goes_on`; images seen, share of its budget used.

    `out` becomes a checkpoint in which the other parts are untrained, but for those of earlier stages: `after`
    names their checkpoints, each with its state beside it. However the part is cut into pieces, its weights end
    as those of one run. Raises TrainingError as `train` does, and if a part of an earlier stage is not done.
    """
    run = _begun(recipe, images, out, device, resume=True)
    if not run.trainers:
        _take_over(run, after)
    log = LossLog(out, run.images_seen)
    _train_part(run, part, log, lambda part, share, losses: None, goes_on, cpu_clock)
    return run.images_seen[part], run.share_done(part)


def _begun(recipe: Recipe, images: LabelledImages, out: Path, device: torch.device, *, resume: bool) -> Run:
    """The run with its model as the seed makes it, or as it was left. Raises TrainingError."""
    _require_fit(recipe, images)
    family = FAMILIES[recipe.family]
    parts = family.parts(recipe.config)
    torch.manual_seed(recipe.seed)
    model = family.build(recipe.config).train().to(device)
    pool, _ = pools(images, 0, recipe.seed, device)
    zeros = dict.fromkeys(parts, 0)
    run = Run(recipe, images, out, device, pool, model, images.sha256(), zeros, dict.fromkeys(parts, 0.0))
    if not (resume and _go_on(run)):
        learn_pixels(model, pool.in_order())
    return run


def _trainer(run: Run, part: str) -> PartTrainer:
    """The part's trainer, and torch's random numbers, new or as they were left."""
    # A part is the same whether it trains after the others, alone or elsewhere.
    torch.manual_seed(run.recipe.seed * 1000 + list(run.images_seen).index(part))
    trainer = FAMILIES[run.recipe.family].Trainer(run.model, run.recipe.config, part)
    if part in run.trainers:
        restore_trainer(trainer, run.trainers[part])
    return trainer


def _train_part(
    run: Run,
    part: str,
    log: LossLog,
    progress: Progress,
    goes_on: GoesOn,
    cpu_clock: Callable[[], float],
) -> None:
    if run.share_done(part) >= 1:
        return
    _require_turn(run, part)
    training, unsaved, trainer = run.recipe.training, 0, _trainer(run, part)
    began = cpu_clock() - run.cpu_seconds[part]
    while (share := run.share_done(part)) < 1 and goes_on(run.images_seen[part], share):
        _set_rates(trainer, run.recipe.config.learning_rate * training.rate_factor(share))
        losses = trainer.step(*run.pool.batch(training.batch_size, flip=training.flip))
        trainer.steps_done += 1
        run.images_seen[part] += training.batch_size
        unsaved += training.batch_size
        run.cpu_seconds[part] = cpu_clock() - began
        log.note(run.images_seen[part], losses)
        if run.images_seen[part] % EVERY < training.batch_size:
            progress(part, share, log.write(part, run.images_seen[part]))
        if unsaved >= training.checkpoint_every:
            log.require_finite(part)
            _save(run, trainer, part)
            unsaved = 0
    log.require_finite(part)
    _save(run, trainer, part)
    progress(part, run.share_done(part), {})


def _take_over(run: Run, finished: Mapping[str, Path]) -> None:
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


def _require_turn(run: Run, part: str) -> None:
    """Raises TrainingError unless earlier stages are done and later ones have not begun."""
    stages = FAMILIES[run.recipe.family].stages(run.recipe.config)
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


def _set_rates(trainer: PartTrainer, rate: float) -> None:
    for optimiser in trainer.optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = rate


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


def _save(run: Run, trainer: PartTrainer, part: str) -> None:
    """Write the checkpoint, then the state to go on from."""
    origin = Origin(
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
    )
    write_checkpoint(run.out, run.recipe.family, run.recipe.config, origin, run.model)
    run.trainers[part] = trainer_state(trainer)
    write_state(
        run.out,
        run.identity(),
        run.model,
        {"images_seen": run.images_seen, "cpu_seconds": run.cpu_seconds, "trainers": run.trainers},
    )


def _go_on(run: Run) -> bool:
    """Put the state beside the checkpoint into the run; whether there is one yet."""
    progress = read_state(run.out, run.identity(), run.model)
    if progress is not None:
        run.images_seen |= progress["images_seen"]
        run.cpu_seconds |= progress["cpu_seconds"]
        run.trainers = progress["trainers"]
    return progress is not None
