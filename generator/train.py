"""Training: owns time. Which images come when, how fast to learn, when to save, when to stop.

Parts of a model train one after the other, or each alone and in pieces (`train_part`), for the recipe's
budget. After every `checkpoint_every` images the checkpoint and, beside it, the state to go on from are
written whole; a killed run goes on from there and ends with the same weights as one that was never killed.
When memory runs out the batch is halved. Now and then alarms are measured, which changes no weight.
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

from generator.adversarial import Losses
from generator.alarms import AlarmLog
from generator.averaging import Weights, average_in
from generator.batches import Pool, pools
from generator.checkpoint import Origin, write_checkpoint
from generator.datasets import LabelledImages
from generator.datasets.labelled import COLOURS
from generator.device import compiles, device_name, precision_of
from generator.errors import TrainingError
from generator.families import FAMILIES, taught_network
from generator.families.family import PartTrainer
from generator.losses import EVERY, LossLog
from generator.memory import is_out_of_memory
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
from generator.selection import NEAREST_DRAW, Best, mean_nearest_distance
from generator.watching import Watcher

# Called with the part's name, the share of its budget that is used, and the mean losses of late.
Progress = Callable[[str, float, dict[str, float]], None]
# Asked before every step, with the images seen by the part and the share of its budget: shall it be done?
GoesOn = Callable[[int, float], bool]
# Hears in a sentence what a researcher should know of at once: an alarm, a batch that was halved.
Told = Callable[[str], None]

CPU = torch.device("cpu")
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
        return self.recipe.training.share_done(self.images_seen[part], self.cpu_seconds[part])

    def batch_size(self, part: str) -> int:
        """Images in a batch of the part: the recipe's, halved for as often as memory ran out."""
        return self.recipe.training.batch_size >> self.halvings.get(part, 0)

    def identity(self) -> str:
        """What must be equal to go on: the model and the images to train on, not the budget."""
        config, held_out = dataclasses.asdict(self.recipe.config), self.recipe.training.validation
        apart = [held_out] if held_out else []
        return json.dumps([self.recipe.family, config, self.recipe.seed, self.dataset_sha256, *apart])


def train(
    recipe: Recipe,
    images: LabelledImages,
    out: Path,
    *,
    resume: bool = False,
    device: torch.device = CPU,
    progress: Progress = lambda part, share, losses: None,
    told: Told = lambda sentence: None,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Path:
    """Train all parts of a recipe on images, on a device; the checkpoint's path.

    Raises TrainingError if the data set does not fit the model, losses are no longer finite (the checkpoint
    of before is kept), memory does not suffice for two images, or `resume` finds a state that belongs to another run.
    """
    run = _begun(recipe, images, out, device, resume=resume)
    logs = Logs.of(run, progress, told)
    for part in run.images_seen:
        _train_part(run, part, logs, lambda seen, share: True, cpu_clock)
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
    logs = Logs.of(run, lambda part, share, losses: None, lambda sentence: None)
    _train_part(run, part, logs, goes_on, cpu_clock)
    return run.images_seen[part], run.share_done(part)


@dataclass
class Logs:
    """Where a run says how it goes: files beside the checkpoint, and whoever listens."""

    losses: LossLog
    alarms: AlarmLog
    progress: Progress
    told: Told

    @classmethod
    def of(cls, run: Run, progress: Progress, told: Told) -> "Logs":
        """The files of a run, with the lines that it will not write again. Raises WriteError."""
        return cls(LossLog(run.out, run.images_seen), AlarmLog(run.out, run.images_seen), progress, told)

    def tell(self, part: str, images_seen: int, sentence: str) -> None:
        """Write down and say what happened to a part."""
        self.alarms.tell(part, images_seen, sentence)
        self.told(f"{part}, image {images_seen}: {sentence}")


def _begun(recipe: Recipe, images: LabelledImages, out: Path, device: torch.device, *, resume: bool) -> Run:
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


def _trainer(run: Run, part: str) -> PartTrainer:
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


def _train_part(run: Run, part: str, logs: Logs, goes_on: GoesOn, cpu_clock: Callable[[], float]) -> None:
    if run.share_done(part) >= 1:
        return
    _require_turn(run, part)
    training, unsaved, trainer = run.recipe.training, 0, _trainer(run, part)
    watcher = Watcher(trainer, run.images, run.apart if len(run.apart) else run.pool, run.recipe.seed)
    began = cpu_clock() - run.cpu_seconds[part]
    while (share := run.share_done(part)) < 1 and goes_on(run.images_seen[part], share):
        _set_rates(trainer, run.recipe.config.learning_rate * training.rate_factor(share))
        losses = _step(run, trainer, part, logs)
        count = run.batch_size(part)
        trainer.steps_done += 1
        _average(run, trainer, part)
        run.images_seen[part] += count
        unsaved += count
        run.cpu_seconds[part] = cpu_clock() - began
        seen = run.images_seen[part]
        logs.losses.note(seen, losses)
        if seen % EVERY < count:
            logs.progress(part, share, logs.losses.write(part, seen))
        if training.watch_every and seen % training.watch_every < count:
            late = logs.losses.mean_since(part, seen - training.watch_every)
            for alarm in logs.alarms.note(part, seen, watcher.measures(late.get("discriminator"))):
                logs.told(f"{part}, image {seen}: ALARM: {alarm}")
        if seen % training.select_every < count:
            _consider(run, trainer, part)
        if unsaved >= training.checkpoint_every and run.share_done(part) < 1:
            logs.losses.require_finite(part)
            _save(run, trainer, part)
            unsaved = 0
    logs.losses.require_finite(part)
    if run.share_done(part) >= 1:
        _consider(run, trainer, part)
    _save(run, trainer, part)
    logs.progress(part, run.share_done(part), {})


def _step(run: Run, trainer: PartTrainer, part: str, logs: Logs) -> Losses:
    """One step on a random batch, of half as many images as often as memory runs out. Raises TrainingError."""
    while True:
        count = run.batch_size(part)
        try:
            return trainer.step(*run.pool.batch(count, flip=run.recipe.training.flip))
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        # Out of the handler, so that nothing holds on to what the failed step had made.
        if count < 4:
            raise TrainingError(
                f"{part}: out of memory with batches of {count} images; the last good checkpoint is kept in "
                f"{run.out}: free memory, or take a narrower model (model.widths)"
            )
        run.halvings[part] = run.halvings.get(part, 0) + 1
        for optimiser in trainer.optimisers.values():
            optimiser.zero_grad(set_to_none=True)
        if run.device.type == "cuda":
            torch.cuda.empty_cache()
        logs.tell(
            part,
            run.images_seen[part],
            f"out of memory with batches of {count} images, goes on with {run.batch_size(part)}",
        )


def _average(run: Run, trainer: PartTrainer, part: str) -> None:
    """Take the weights of now into the part's mean, if the recipe wants one and nothing builds on the part."""
    memory, last_stage = (
        run.recipe.training.averaging,
        FAMILIES[run.recipe.family].stages(run.recipe.config)[-1],
    )
    if memory and part in last_stage:
        network = trainer.networks["generator"]
        average_in(run.averages.setdefault(part, {}), network, memory, trainer.steps_done)


def _consider(run: Run, trainer: PartTrainer, part: str) -> None:
    """Remember this moment of a part if the recipe chooses among moments and this is the best so far."""
    if run.recipe.training.select != NEAREST_DRAW:
        return
    distance = mean_nearest_distance(trainer, run.apart, run.recipe.seed)
    if part not in run.best or distance < run.best[part].distance:
        run.best[part] = Best.now(trainer, run.images_seen[part], distance)


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
    for name in KEPT:
        getattr(run, name).update(progress[name])
    run.best = {name: Best(**found) for name, found in progress["best"].items()}
    return True
