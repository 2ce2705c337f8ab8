"""Training: owns time. Which images come when, how fast to learn, when to save, when to stop.

Parts of a model train one after the other, each for the recipe's budget. After every `checkpoint_every`
images the checkpoint and, beside it, the state to go on from (`.resume`) are written whole; a killed run
goes on from there and ends with the same weights as one that was never killed. Losses go to a `.losses`
file, a line of JSON every thousand images or so. What a step does is the family's.
"""

import dataclasses
import json
import math
import pickle
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generator.checkpoint import Origin, write_checkpoint
from generator.datasets import LabelledImages
from generator.errors import TrainingError
from generator.families import FAMILIES
from generator.families.family import Losses, PartTrainer
from generator.pixels import unit_from_bytes
from generator.provenance import commit, now_utc
from generator.recipe import Recipe, Training
from generator.whole_file import whole_file, write_errors

RESUME_SUFFIX = ".resume"
LOSSES_SUFFIX = ".losses"
LOSSES_EVERY = 1000  # images

# Called with the part's name, the share of its budget that is used, and the mean losses of late.
Progress = Callable[[str, float, dict[str, float]], None]


@dataclass
class Run:
    """A training run at one moment: the model, and how far each part is."""

    recipe: Recipe
    images: LabelledImages
    out: Path
    model: Any
    dataset_sha256: str
    images_seen: dict[str, int]
    cpu_seconds: dict[str, float]
    trainers: dict[str, dict[str, Any]] = field(default_factory=dict)  # state of each part's, once saved
    late_losses: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def share_done(self, part: str) -> float:
        """How much of the part's budget is used, 0 to 1."""
        return self.recipe.training.share_done(self.images_seen[part], self.cpu_seconds[part])


def train(
    recipe: Recipe,
    images: LabelledImages,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress = lambda part, share, losses: None,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Path:
    """Train all parts of a recipe on images; the checkpoint's path.

    Raises TrainingError if the data set does not fit the model, losses are no longer finite (the checkpoint
    of before is kept), or `resume` finds a state that belongs to another run.
    """
    _require_fit(recipe, images)
    family = FAMILIES[recipe.family]
    parts = family.parts(recipe.config)
    torch.manual_seed(recipe.seed)
    model = family.build(recipe.config).train()
    zeros = dict.fromkeys(parts, 0)
    run = Run(recipe, images, out, model, images.sha256(), zeros, dict.fromkeys(parts, 0.0))
    if resume:
        _go_on(run)
    _begin_losses(run)
    for at, part in enumerate(parts):
        if run.share_done(part) < 1:
            # A part is the same whether it trains after the others, alone or elsewhere.
            torch.manual_seed(recipe.seed * 1000 + at)
            trainer = family.Trainer(model, recipe.config, part)
            if part in run.trainers:
                _restore(trainer, run.trainers[part])
            _train_part(run, trainer, part, progress, cpu_clock)
    return out


def _train_part(
    run: Run, trainer: PartTrainer, part: str, progress: Progress, cpu_clock: Callable[[], float]
) -> None:
    training, unsaved = run.recipe.training, 0
    began = cpu_clock() - run.cpu_seconds[part]
    while (share := run.share_done(part)) < 1:
        _set_rates(trainer, run.recipe.config.learning_rate * training.rate_factor(share))
        losses = trainer.step(*_batch(run.images, training))
        trainer.steps_done += 1
        run.images_seen[part] += training.batch_size
        unsaved += training.batch_size
        run.cpu_seconds[part] = cpu_clock() - began
        _note_losses(run, part, losses)
        if run.images_seen[part] % LOSSES_EVERY < training.batch_size:
            progress(part, share, _report_losses(run, part))
        if unsaved >= training.checkpoint_every:
            _save(run, trainer, part)
            unsaved = 0
    _save(run, trainer, part)
    progress(part, 1.0, {})


def _set_rates(trainer: PartTrainer, rate: float) -> None:
    for optimiser in trainer.optimisers.values():
        for group in optimiser.param_groups:
            group["lr"] = rate


def _batch(images: LabelledImages, training: Training) -> tuple[Tensor, Tensor | None]:
    """A random batch (N, 3, S, S) in [-1, 1] with its labels; half of the images are mirrored."""
    chosen = torch.randint(len(images), (training.batch_size,))
    pixels = torch.from_numpy(images.pixels[chosen.numpy()]).permute(0, 3, 1, 2)
    batch = unit_from_bytes(pixels)
    if training.flip:
        mirrored = torch.rand(len(batch)) < 0.5
        batch = torch.where(mirrored[:, None, None, None], batch.flip(3), batch)
    labels = None if images.labels is None else torch.from_numpy(images.labels[chosen.numpy()])
    return batch, labels


def _require_fit(recipe: Recipe, images: LabelledImages) -> None:
    size, classes = recipe.config.size_px, recipe.config.classes
    if images.pixels.shape[1:3] != (size, size):
        raise TrainingError(
            f"the model draws {size}x{size} pixels, expected such images in {images.name}, "
            f"found {images.pixels.shape[2]}x{images.pixels.shape[1]}"
        )
    if classes and images.labels is None:
        raise TrainingError(f"the model has {classes} classes, but {images.name} has no labels")
    if classes and len(images.class_names) != classes:
        raise TrainingError(
            f"the model has {classes} classes, but {images.name} has {len(images.class_names)}: "
            f"set model.classes={len(images.class_names)}"
        )


def _note_losses(run: Run, part: str, losses: Losses) -> None:
    for name, loss in losses.items():
        value = float(loss)
        if not math.isfinite(value):
            raise TrainingError(
                f"{part}: the loss {name} became {value} at image {run.images_seen[part]}; the last good "
                f"checkpoint is kept in {run.out}: lower model.learning_rate or go on with another seed"
            )
        run.late_losses[name].append(value)


def _report_losses(run: Run, part: str) -> dict[str, float]:
    """Means of the losses since the last report, also appended to the losses file."""
    means = {name: sum(values) / len(values) for name, values in run.late_losses.items()}
    run.late_losses.clear()
    line = {"part": part, "images_seen": run.images_seen[part]}
    line |= {name: round(mean, 5) for name, mean in means.items()}
    path = beside(run.out, LOSSES_SUFFIX)
    with write_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return means


def _begin_losses(run: Run) -> None:
    """Make the losses file, with the lines that this run will not write again if it goes on.

    Also the proof, before any work, that files can be written there.
    """
    path = beside(run.out, LOSSES_SUFFIX)
    texts = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    # A killed run may leave half a line at the end.
    lines = [json.loads(text) for text in texts if text.endswith("\n")]
    known = [line for line in lines if line["images_seen"] <= run.images_seen.get(line["part"], 0)]
    with whole_file(path) as file:
        file.write("".join(json.dumps(line) + "\n" for line in known).encode())


def beside(out: Path, suffix: str) -> Path:
    """The file that accompanies a checkpoint while it trains."""
    return out.with_name(out.name + suffix)


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
    run.trainers[part] = {
        "steps_done": trainer.steps_done,
        "random": torch.get_rng_state(),
        "networks": {name: network.state_dict() for name, network in trainer.networks.items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in trainer.optimisers.items()},
    }
    state = {
        "belongs_to": _identity(run),
        "images_seen": run.images_seen,
        "cpu_seconds": run.cpu_seconds,
        "model": run.model.state_dict(),
        "trainers": run.trainers,
    }
    with whole_file(beside(run.out, RESUME_SUFFIX)) as file:
        torch.save(state, file)


def _identity(run: Run) -> str:
    """What must be equal for a state to go on: the model and the images, not the budget."""
    config = dataclasses.asdict(run.recipe.config)
    return json.dumps([run.recipe.family, config, run.recipe.seed, run.dataset_sha256])


def _go_on(run: Run) -> None:
    """Put the state beside the checkpoint into the run, if there is one yet."""
    path = beside(run.out, RESUME_SUFFIX)
    if not path.is_file():
        return
    try:
        state = torch.load(path, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise TrainingError(
            f"{path}: expected the state of a training run, found something else ({error})"
        ) from None
    if state["belongs_to"] != _identity(run):
        raise TrainingError(
            f"{path}: belongs to another model or data set; train without --resume or to another --out"
        )
    run.model.load_state_dict(state["model"])
    run.images_seen |= state["images_seen"]
    run.cpu_seconds |= state["cpu_seconds"]
    run.trainers = state["trainers"]


def _restore(trainer: PartTrainer, state: dict[str, Any]) -> None:
    for name, network in trainer.networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimiser in trainer.optimisers.items():
        optimiser.load_state_dict(state["optimisers"][name])
    trainer.steps_done = state["steps_done"]
    torch.set_rng_state(state["random"])
