"""Model cards: what a checkpoint is, in words and one sheet of samples, beside its file.

The figures come out of the checkpoint's header and, where it still lies beside the checkpoint, the file of
losses; what is wrong with the samples by eye is told by whoever looked.
"""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generator.checkpoint import Checkpoint, read_checkpoint, resolve
from generator.losses import last_losses
from generator.noise import balanced_labels
from generator.sampling import require_trained, sampled_pixels
from generator.whole_file import whole_file

SHEET_ROWS, SHEET_COLUMNS = 8, 8
SHEET_SEED = 0


def write_card(name_or_path: str | Path, *, hardware: str, by_eye: str) -> Path:
    """Write CKPT.md and CKPT.png beside a checkpoint; the path of the text."""
    path = resolve(name_or_path)
    checkpoint = read_checkpoint(path)
    require_trained(checkpoint, name_or_path)
    sheet = Image.fromarray(sample_sheet(checkpoint))
    with whole_file(path.with_suffix(".png")) as file:
        sheet.save(file, "PNG", optimize=True)
    losses = last_losses(path)
    with whole_file(path.with_suffix(".md")) as file:
        file.write(card_text(checkpoint, path, losses, hardware, by_eye).encode())
    return path.with_suffix(".md")


def sample_sheet(checkpoint: Checkpoint) -> NDArray[np.uint8]:
    """The first samples of seed 0 in an RGB grid, none chosen; with classes a row for each, in their order."""
    classes = checkpoint.config.classes
    rows = classes or SHEET_ROWS
    # Labels are balanced in runs of `classes`, so the first rows x columns images fill every row.
    pixels = sampled_pixels(checkpoint, SHEET_SEED, 0, rows * SHEET_COLUMNS)
    if classes:
        labels = balanced_labels(SHEET_SEED, 0, len(pixels), classes).numpy()
        pixels = pixels[np.argsort(labels, kind="stable")]
    height, width = pixels.shape[1:3]
    pixels = np.broadcast_to(pixels, (*pixels.shape[:3], 3))
    grid = pixels.reshape(rows, SHEET_COLUMNS, height, width, 3).transpose(0, 2, 1, 3, 4)
    return grid.reshape(rows * height, SHEET_COLUMNS * width, 3)


def card_text(
    checkpoint: Checkpoint, path: Path, losses: dict[str, dict[str, float]], hardware: str, by_eye: str
) -> str:
    """The card in Markdown."""
    origin, name = checkpoint.origin, path.stem
    weights = sum(value.numel() for value in checkpoint.model.parameters())
    parts = [
        f"| {part} | {seen} | {origin.cpu_minutes[part]:.1f} | {_losses_text(losses.get(part, {}))} | "
        f"{_outcome_text(origin.outcome.get(part, {}))} |"
        for part, seen in origin.images_seen.items()
    ]
    settings = dataclasses.asdict(checkpoint.config) | dict(origin.training)
    return "\n".join(
        [
            f"# {name}",
            "",
            f"Source `{origin.source}`, family `{checkpoint.family}`, recipe `{checkpoint.recipe}`, "
            f"data set `{origin.dataset}`, {weights / 1e6:.2f} million generator weights, "
            f"{path.stat().st_size / 1e6:.1f} MB (float16). SHA-256 `{checkpoint.sha256}`.",
            "",
            f"![The first {SHEET_COLUMNS} samples a row of seed {SHEET_SEED}, none chosen]({name}.png)",
            "",
            "## By eye",
            "",
            by_eye,
            "",
            "## Data",
            "",
            f"{len(origin.class_names)} classes: {', '.join(origin.class_names)}. "
            f"SHA-256 of the training images `{origin.dataset_sha256[:16]}`.",
            "",
            *(f"- {note}" for note in origin.notes),
            *(
                f"- {credit.title}: {credit.author} ({credit.licence}), {credit.origin}"
                for credit in origin.credits
            ),
            "",
            "## Training",
            "",
            f"On {hardware}. Code {(origin.commit or 'unknown')[:12]}, {origin.created_utc}. "
            "Losses are means over the last thousands of images.",
            "",
            "| part | images seen | CPU minutes | losses at the end | how |",
            "|---|---|---|---|---|",
            *parts,
            "",
            "Settings: "
            + ", ".join(f"`{key} = {json.dumps(value)}`" for key, value in settings.items())
            + ".",
            "",
        ]
    )


def _outcome_text(outcome: Mapping[str, Any]) -> str:
    """How a part came about: precision, batches and the moment chosen; not kept by older checkpoints."""
    if not outcome:
        return "not kept"
    text = f"{outcome['precision']} on {outcome['device']}, batches of {outcome['batch_size']}"
    if "nearest_draw" not in outcome:
        return text
    return (
        f"{text}, weights of image {outcome['chosen_at_images']}, "
        f"when the nearest draws were {outcome['nearest_draw']:.4f} away"
    )


def _losses_text(losses: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in losses.items()) or "not kept"
