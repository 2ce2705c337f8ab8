"""The state to go on from after a kill, beside a checkpoint: full-precision weights, optimisers, random state.

Never shipped. Written whole after the checkpoint, so a kill between the two costs work and no truth.
"""

import pickle  # nosec B403 (for the name of its error; nothing is unpickled but by torch's weights_only)
from pathlib import Path
from typing import Any

import torch
from torch import nn

from generator.errors import TrainingError
from generator.families.family import PartTrainer
from generator.whole_file import whole_file

SUFFIX = ".resume"

TrainerState = dict[str, Any]


def state_file(checkpoint: Path) -> Path:
    """Where the state of a checkpoint's training lies."""
    return checkpoint.with_name(checkpoint.name + SUFFIX)


def trainer_state(trainer: PartTrainer) -> TrainerState:
    """All that decides how a part's training goes on, torch's random numbers included."""
    return {
        "steps_done": trainer.steps_done,
        "random": torch.get_rng_state(),
        "networks": {name: network.state_dict() for name, network in trainer.networks.items()},
        "optimisers": {name: optimiser.state_dict() for name, optimiser in trainer.optimisers.items()},
    }


def restore_trainer(trainer: PartTrainer, state: TrainerState) -> None:
    """Make a new trainer, and torch's random numbers, what they were."""
    for name, network in trainer.networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimiser in trainer.optimisers.items():
        optimiser.load_state_dict(state["optimisers"][name])
    trainer.steps_done = state["steps_done"]
    torch.set_rng_state(state["random"])


def write_state(checkpoint: Path, belongs_to: str, model: nn.Module, progress: dict[str, Any]) -> None:
    """Write the state whole or not at all; `belongs_to` says what must be equal to go on from it."""
    state = {"belongs_to": belongs_to, "model": model.state_dict(), "progress": progress}
    with whole_file(state_file(checkpoint)) as file:
        torch.save(state, file)


def read_state(checkpoint: Path, belongs_to: str, model: nn.Module) -> dict[str, Any] | None:
    """The progress that was written, its weights put into the model; None where there is no state yet.

    Raises TrainingError if the file is something else or belongs to another run.
    """
    path = state_file(checkpoint)
    if not path.is_file():
        return None
    try:
        state = torch.load(path, weights_only=True)  # nosec B614
        found = state["belongs_to"]
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path}: expected the state of a training run, found something else ({error})"
        ) from None
    if found != belongs_to:
        raise TrainingError(
            f"{path}: belongs to another model or data set; train without --resume or to another --out"
        )
    model.load_state_dict(state["model"])
    return state["progress"]
