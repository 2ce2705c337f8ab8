"""Parts of a model trained apart, each with its own files in one folder, and joined into one checkpoint.

Knows the files' names and what goes together; training a part is `generator.train`'s. Every file belongs to
one part, so that the parts of a stage can train in as many processes as there are. A part of a later stage begins
with what those of the earlier ones have learned.
"""

import dataclasses
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path

from PIL import Image

from generator.alarms import alarms_file
from generator.card import sample_sheet
from generator.checkpoint import SUFFIX, Checkpoint, read_checkpoint, write_checkpoint
from generator.errors import TrainingError
from generator.families import FAMILIES, taught_network
from generator.losses import losses_file
from generator.part_lines import read_lines, write_lines
from generator.recipe import Recipe
from generator.whole_file import whole_file


def part_file(folder: Path, part: str) -> Path:
    """The checkpoint of one part; beside it lie its losses and the state to go on from."""
    return folder / f"{part}{SUFFIX}"


def files_before(recipe: Recipe, folder: Path, part: str) -> dict[str, Path]:
    """The checkpoints of all parts of earlier stages, which the part begins with."""
    earlier = takewhile(lambda stage: part not in stage, recipe.stages)
    return {before: part_file(folder, before) for stage in earlier for before in stage}


def parts_begun(recipe: Recipe, folder: Path) -> tuple[str, ...]:
    """The parts of the first stages, up to one that still misses a checkpoint: what can be joined so far."""

    def is_there(stage: Sequence[str]) -> bool:
        return all(part_file(folder, part).is_file() for part in stage)

    return tuple(part for stage in takewhile(is_there, recipe.stages) for part in stage)


def join_parts(recipe: Recipe, folder: Path, out: Path, parts: Sequence[str] = ()) -> Path:
    """Write one checkpoint with every part's own weights, with losses and alarms of all beside it; its path.

    `parts` are those of the first stages, all where none is named; what a later stage has taught counts. The same
    parts give the same bytes. Raises TrainingError if a part has no checkpoint yet or was trained on other images,
    WriteError if the disk is full.
    """
    found = {part: _trained(folder, part) for part in parts or recipe.parts}
    origins = [checkpoint.origin for checkpoint in found.values()]
    if len({origin.dataset_sha256 for origin in origins}) > 1:
        raise TrainingError(
            f"{folder}: the parts were trained on different images; train them again on one data set"
        )
    model = FAMILIES[recipe.family].build(recipe.config)
    for part, checkpoint in found.items():
        own = taught_network(recipe.family, checkpoint.model, recipe.config, part)
        taught_network(recipe.family, model, recipe.config, part).load_state_dict(own.state_dict())
    newest = max(origins, key=lambda origin: origin.created_utc)
    origin = dataclasses.replace(
        newest,
        images_seen={part: checkpoint.origin.images_seen[part] for part, checkpoint in found.items()},
        cpu_minutes={part: checkpoint.origin.cpu_minutes[part] for part, checkpoint in found.items()},
        outcome={part: checkpoint.origin.outcome.get(part, {}) for part, checkpoint in found.items()},
    )
    write_checkpoint(out, recipe.family, recipe.config, origin, model)
    for lines_of in (losses_file, alarms_file):
        lines = [line for part in found for line in read_lines(lines_of(part_file(folder, part)))]
        write_lines(lines_of(out), lines)
    return out


def write_sheet(checkpoint: Path, out: Path) -> Path:
    """Write the first samples of a checkpoint as one PNG, none chosen; its path."""
    sheet = Image.fromarray(sample_sheet(read_checkpoint(checkpoint)))
    with whole_file(out) as file:
        sheet.save(file, "PNG", optimize=True)
    return out


def _trained(folder: Path, part: str) -> Checkpoint:
    path = part_file(folder, part)
    if not path.is_file():
        raise TrainingError(f"{path}: expected the trained part {part}, found no such file; train it first")
    return read_checkpoint(path)
