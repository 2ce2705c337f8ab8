"""One run from recipe to a shipped classifier: taught, stored, measured as stored, described in words."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from generator.datasets import LabelledImages
from generator.features.described import read_classifier, write_classifier
from generator.features.training import FeatureRecipe, Progress, trained_network
from generator.provenance import commit, now_utc, software
from generator.whole_file import whole_file

LEADS = {
    "ruler": "whose {width} features every distance of Tachisto is measured on.",
    "critic": "through which discriminators look at images; no distance is measured with it.",
}
WARNINGS = {
    "ruler": '"Frechet distance on Tachisto\'s features" is the distance between two Gaussians fitted to these '
    "features. It is no FID, which is defined on Inception's, and compares with nothing measured on other features. "
    "The features are blind to what the classifier did not need: they were taught ten classes of 32x32 pictures, and "
    "mirrored and slightly shifted pictures look the same to them.",
    "critic": "Models taught with it lie nearer to real on the ruler's features than their looks alone "
    "would bring them, for both classifiers were taught the same classes on the same images: look at such "
    "a model's samples, too.",
}


def ship_classifier(
    recipe: FeatureRecipe,
    images: LabelledImages,
    held_out: LabelledImages,
    out: Path,
    progress: Progress = lambda share, loss: None,
) -> Path:
    """Train on images, measure on held_out, write the classifier and its card (.md) beside it; its path."""
    network, cpu_minutes = trained_network(recipe, images, progress)
    about: dict[str, Any] = {
        "dataset": recipe.dataset,
        "class_names": list(images.class_names),
        "images_seen": recipe.teaching.images,
        "cpu_minutes": round(cpu_minutes, 2),
        "dataset_sha256": images.sha256(),
        "held_out_sha256": held_out.sha256(),
        "seed": recipe.seed,
        "training": dataclasses.asdict(recipe.teaching),
        "software": software("torch"),
        "commit": commit(),
        "created_utc": now_utc(),
        "notes": sorted({*images.notes, *held_out.notes}),
        "credits": [dataclasses.asdict(credit) for credit in images.credits],
    }
    write_classifier(out, network, recipe.config, about)
    stored = read_classifier(out)
    right = stored.describe(held_out.pixels).predicted == held_out.labels
    about["accuracy"] = round(float(np.mean(right)), 4)
    write_classifier(out, network, recipe.config, about)
    with whole_file(out.with_suffix(".md")) as file:
        file.write(card_text(out, recipe, about, network_weights(network), len(held_out)).encode())
    return out


def network_weights(network: Any) -> int:
    """How many weights a network has."""
    return sum(value.numel() for value in network.parameters())


def card_text(out: Path, recipe: FeatureRecipe, about: dict[str, Any], weights: int, held_out: int) -> str:
    """The model card in Markdown."""
    settings = dataclasses.asdict(recipe.config) | about["training"]
    return "\n".join(
        [
            f"# {out.stem}",
            "",
            f"A classifier of {about['dataset']} {LEADS[recipe.use].format(width=recipe.config.widths[-1])} "
            f"{weights / 1e6:.2f} million weights, {out.stat().st_size / 1e6:.1f} MB (float16).",
            "",
            f"It names the class of {100 * about['accuracy']:.1f} % of {held_out} held-out images, looked at "
            "once, after training.",
            "",
            WARNINGS[recipe.use],
            "",
            "## Data",
            "",
            f"Classes: {', '.join(about['class_names'])}. SHA-256 of the training images "
            f"`{about['dataset_sha256'][:16]}`, of the held-out ones `{about['held_out_sha256'][:16]}`.",
            "",
            *(f"- {note}" for note in about["notes"]),
            *(
                f"- {credit['title']}: {credit['author']} ({credit['licence']}), {credit['origin']}"
                for credit in about["credits"]
            ),
            "",
            "## Training",
            "",
            f"{about['images_seen']} images, {about['cpu_minutes']:.1f} CPU minutes on one thread, bfloat16. "
            f"Code {(about['commit'] or 'unknown')[:12]}, {about['created_utc']}.",
            "",
            "Settings: "
            + ", ".join(f"`{key} = {json.dumps(value)}`" for key, value in settings.items())
            + f", `seed = {recipe.seed}`.",
            "",
        ]
    )
