"""The state to go on from after a kill, beside a checkpoint: full-precision weights, optimisers, random state.

Never shipped. Written whole after the checkpoint, so a kill between the two costs work and no truth. The file
is safetensors like the checkpoint: its tensors are numbered, its header holds the structure they stand in as JSON.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from generator.errors import TrainingError
from generator.families.family import PartTrainer
from generator.whole_file import whole_file

SUFFIX = ".resume"

TrainerState = dict[str, Any]


def state_file(checkpoint: Path) -> Path:
    """Where the state of a checkpoint's training lies."""
    return checkpoint.with_name(checkpoint.name + SUFFIX)


def trainer_state(trainer: PartTrainer) -> TrainerState:
    """All that decides how a part's training goes on, torch's random numbers included.

    The networks' tensors are copies: other weights may be put into the model before the state is written.
    """
    state = {
        "steps_done": trainer.steps_done,
        "random": torch.get_rng_state(),
        "networks": {
            name: {key: value.clone() for key, value in network.state_dict().items()}
            for name, network in trainer.networks.items()
        },
        "optimisers": {name: optimiser.state_dict() for name, optimiser in trainer.optimisers.items()},
    }
    device = _device(trainer)
    if device.type == "cuda":
        state["random of the GPU"] = torch.cuda.get_rng_state(device)
    return state


def restore_trainer(trainer: PartTrainer, state: TrainerState) -> None:
    """Make a new trainer, and torch's random numbers, what they were."""
    for name, network in trainer.networks.items():
        network.load_state_dict(state["networks"][name])
    for name, optimiser in trainer.optimisers.items():
        optimiser.load_state_dict(state["optimisers"][name])
        _lay_out_as_weights(optimiser)
    trainer.steps_done = state["steps_done"]
    torch.set_rng_state(state["random"])
    device = _device(trainer)
    if device.type == "cuda" and "random of the GPU" in state:
        torch.cuda.set_rng_state(state["random of the GPU"], device)


def _device(trainer: PartTrainer) -> torch.device:
    return next(trainer.networks["generator"].parameters()).device


def _lay_out_as_weights(optimiser: Optimizer) -> None:
    """Give what an optimiser remembers of a weight the weight's own order in memory, which files do not keep.

    A fused optimiser runs through both side by side and takes them to be in one order.
    """
    for weight, remembered in optimiser.state.items():
        for name, value in remembered.items():
            if isinstance(value, Tensor) and value.shape == weight.shape:
                remembered[name] = torch.empty_like(weight).copy_(value)


def write_state(checkpoint: Path, belongs_to: str, model: nn.Module, progress: dict[str, Any]) -> None:
    """Write the state whole or not at all; `belongs_to` says what must be equal to go on from it."""
    tensors: dict[str, Tensor] = {}
    state = {"belongs_to": belongs_to, "model": model.state_dict(), "progress": progress}
    structure = json.dumps(_without_tensors(state, tensors))
    with whole_file(state_file(checkpoint)) as file:
        file.write(save(tensors, {"structure": structure}))


def _without_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The value as JSON can hold it: tensors go into `tensors` under a number that takes their place."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # Copied: what the model and a trainer share may not lie in one file twice at one place.
        tensors[name] = value.detach().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, dict):
        # As pairs: the keys of an optimiser's state are numbers, which JSON would turn into text.
        return {"pairs": [[key, _without_tensors(inner, tensors)] for key, inner in value.items()]}
    if isinstance(value, list | tuple):
        return [_without_tensors(inner, tensors) for inner in value]
    return value


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    """What `_without_tensors` was given; tuples come back as lists."""
    if isinstance(value, dict) and "tensor" in value:
        return tensors[value["tensor"]]
    if isinstance(value, dict):
        return {key: _with_tensors(inner, tensors) for key, inner in value["pairs"]}
    if isinstance(value, list):
        return [_with_tensors(inner, tensors) for inner in value]
    return value


def read_state(checkpoint: Path, belongs_to: str, model: nn.Module) -> dict[str, Any] | None:
    """The progress that was written, its weights put into the model; None where there is no state yet.

    Raises TrainingError if the file is something else or belongs to another run.
    """
    path = state_file(checkpoint)
    if not path.is_file():
        return None
    try:
        state = stored_state(path)
        found = state["belongs_to"]
    except (SafetensorError, ValueError, OSError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{path}: expected the state of a training run, found something else ({error})"
        ) from None
    if found != belongs_to:
        raise TrainingError(
            f"{path}: belongs to another model or data set; train without --resume or to another --out"
        )
    model.load_state_dict(state["model"])
    return state["progress"]


def stored_state(path: Path) -> Any:
    """All that a state file holds. Raises SafetensorError, ValueError, KeyError or TypeError for other files."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
        return _with_tensors(json.loads(file.metadata()["structure"]), tensors)
