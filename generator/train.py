"""Training: owns time. Which images come when, how fast to learn, when to save, when to stop.

Parts of a model train one after the other, or each alone and in pieces (`train_part`), for the recipe's
budget. After every `checkpoint_every` images the checkpoint and, beside it, the state to go on from are
written whole; a killed run goes on from there and ends with the same weights as one that was never killed.
When memory runs out the batch is halved. Now and then alarms are measured, which changes no weight.
What is written of a run is `generator.run`'s, what a step does the family's; joining parts that were trained
apart is `generator.parts`'.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch

from generator.adversarial import Losses
from generator.alarms import AlarmLog
from generator.averaging import average_in
from generator.datasets import LabelledImages
from generator.errors import TrainingError
from generator.families.family import PartTrainer
from generator.losses import EVERY, LossLog
from generator.memory import is_out_of_memory
from generator.recipe import Recipe
from generator.run import Run, begun, require_turn, save, take_over, trainer_of
from generator.selection import NEAREST_DRAW, Best, mean_nearest_distance
from generator.watching import Watcher

# Called with the part's name, the share of its budget that is used, and the mean losses of late.
Progress = Callable[[str, float, dict[str, float]], None]
# Asked before every step, with the images seen by the part and the share of its budget: shall it be done?
GoesOn = Callable[[int, float], bool]
# Hears in a sentence what a researcher should know of at once: an alarm, a batch that was halved.
Told = Callable[[str], None]

CPU = torch.device("cpu")


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
    run = begun(recipe, images, out, device, resume=resume)
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
    run = begun(recipe, images, out, device, resume=True)
    if not run.trainers:
        take_over(run, after)
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


def _train_part(run: Run, part: str, logs: Logs, goes_on: GoesOn, cpu_clock: Callable[[], float]) -> None:
    if run.share_done(part) >= 1:
        return
    require_turn(run, part)
    training, unsaved, trainer = run.recipe.training, 0, trainer_of(run, part)
    watcher = Watcher(trainer, run.images, run.apart if len(run.apart) else run.pool, run.recipe.seed)
    began = cpu_clock() - run.cpu_seconds[part]
    while (share := run.share_done(part)) < 1 and goes_on(run.images_seen[part], share):
        trainer.set_rates(training.rate_factor(share))
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
            save(run, trainer, part)
            unsaved = 0
    logs.losses.require_finite(part)
    if run.share_done(part) >= 1:
        _consider(run, trainer, part)
    save(run, trainer, part)
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
    memory = run.recipe.training.averaging
    if memory and part in run.recipe.stages[-1]:
        network = trainer.networks["generator"]
        average_in(run.averages.setdefault(part, {}), network, memory, trainer.steps_done)


def _consider(run: Run, trainer: PartTrainer, part: str) -> None:
    """Remember this moment of a part if the recipe chooses among moments and this is the best so far."""
    if run.recipe.training.select != NEAREST_DRAW:
        return
    distance = mean_nearest_distance(trainer, run.apart, run.recipe.seed)
    if part not in run.best or distance < run.best[part].distance:
        run.best[part] = Best.now(trainer, run.images_seen[part], distance)
