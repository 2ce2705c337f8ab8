"""The whole story: samples and real images in, one HTML page and one JSON file out."""

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.datasets import LabelledImages
from generator.errors import EvaluationError
from generator.evaluation import checks, level_checks
from generator.evaluation.material import Material
from generator.evaluation.page import page
from generator.evaluation.section import Section
from generator.provenance import commit, now_utc, software
from generator.whole_file import whole_file

FORMAT = 1
PAGE_FILE, NUMBERS_FILE = "evaluation.html", "evaluation.json"
ENOUGH = 2000  # images below which a Gaussian of 144 features is visibly too narrow

# In the order of the page. A check that has no ground to stand on answers None.
CHECKS: tuple[Callable[[Material], Section | None], ...] = (
    checks.distances,
    checks.other_sets,
    checks.inception_distance,
    checks.sheet,
    checks.detail,
    checks.classes,
    level_checks.chains,
    level_checks.draws_of_one,
    level_checks.propagation,
    checks.neighbours,
    checks.likelihood,
    level_checks.likelihood_by_level,
)


@dataclass(frozen=True)
class Evaluation:
    """Sections of the page, what to be careful of, and everything needed to do it again."""

    title: str
    about: str
    alerts: tuple[str, ...]
    sections: tuple[Section, ...]
    made_from: dict[str, Any]

    def numbers(self) -> dict[str, Any]:
        """What goes into the JSON file."""
        measures = {
            measure.key: dataclasses.asdict(measure)
            for section in self.sections
            for measure in section.measures
        }
        tables = {
            section.key: [dataclasses.asdict(table) for table in section.tables]
            for section in self.sections
            if section.tables
        }
        return {
            "format": FORMAT,
            "title": self.title,
            "alerts": list(self.alerts),
            "measures": measures,
            "tables": tables,
            "made_from": self.made_from,
        }


def require_folder(out: Path) -> None:
    """Raise EvaluationError if the page could not be written there, before any work is done."""
    if out.exists() and not out.is_dir():
        raise EvaluationError(
            f"{out}: expected a folder to write the page to, found a file: name another --out"
        )


def evaluation_of(material: Material) -> Evaluation:
    """All checks that apply to the material. Raises EvaluationError if a number came out that is none."""
    sections = tuple(section for check in CHECKS if (section := check(material)) is not None)
    for section in sections:
        for measure in section.measures:
            if not math.isfinite(measure.value):
                raise EvaluationError(
                    f"{measure.key}: expected a finite number, got {measure.value}: are all images the same?"
                )
    samples, real = material.samples, material.real
    about = f"{material.count} samples against {len(real)} real images of {real.name}"
    about += "." if material.training is None else f"; {len(material.training)} training images searched."
    return Evaluation(
        f"Evaluation of {samples.name}", about, _alerts(material), sections, _made_from(material)
    )


def write_evaluation(evaluation: Evaluation, out: Path) -> tuple[Path, Path]:
    """Write the page and the numbers into the folder, both or neither; their paths."""
    html = page(
        evaluation.title,
        evaluation.about,
        evaluation.alerts,
        evaluation.sections,
        _provenance(evaluation.made_from),
    ).encode()
    numbers = json.dumps(evaluation.numbers(), indent=1, ensure_ascii=False, allow_nan=False).encode()
    targets = out / PAGE_FILE, out / NUMBERS_FILE
    with whole_file(targets[0]) as page_file, whole_file(targets[1]) as numbers_file:
        page_file.write(html)
        page_file.flush()  # a full disk shows here, before either file is renamed
        numbers_file.write(numbers + b"\n")
    return targets


def _alerts(material: Material) -> tuple[str, ...]:
    notes = {*material.samples.images.notes, *material.real.notes}
    if material.training is not None:
        notes |= {*material.training.notes}
    alerts = sorted(notes)
    if material.count < ENOUGH:
        alerts.append(
            f"Only {material.count} samples: Frechet distances come out too large below {ENOUGH}; compare only at "
            "equal counts."
        )
    if (taught_on := material.classifier.about.get("dataset")) != material.real.name:
        alerts.append(
            f"The classifier was taught on {taught_on}: what sets {material.real.name} "
            "apart may not show in its features."
        )
    if material.training is None:
        alerts.append(
            "No training images were named: nothing was searched for copies, and there is no floor."
        )
    return tuple(alerts)


def _made_from(material: Material) -> dict[str, Any]:
    classifier, pool = material.classifier, material.pool
    return {
        "samples": {"name": material.samples.name, "count": material.count, **material.samples.made_by},
        "real": _fingerprint(material.real),
        "training": None if material.training is None else _fingerprint(material.training),
        "features": {
            "sha256": classifier.sha256,
            "dataset": classifier.about.get("dataset"),
            "accuracy": classifier.about.get("accuracy"),
        },
        "inception": None if pool is None else {"file": pool.file, "sha256": pool.sha256},
        "credits": [dataclasses.asdict(credit) for credit in material.real.credits],
        "seed": material.seed,
        "sets": material.sets,
        "software": software("torch", "numpy", "pillow"),
        "commit": commit(),
        "created_utc": now_utc(),
    }


def _fingerprint(images: LabelledImages) -> dict[str, Any]:
    return {"name": images.name, "count": len(images), "sha256_as_drawn": images.sha256()}


def _provenance(made_from: dict[str, Any]) -> Sequence[str]:
    samples, features = made_from["samples"], made_from["features"]
    where = samples.get("checkpoint_sha256")
    made_by = f"checkpoint {where[:16]}" if where else f"pictures {samples['pixels_sha256'][:16]}"
    versions = ", ".join(f"{name} {version}" for name, version in made_from["software"].items())
    accuracy = features["accuracy"]
    credits = "; ".join(
        f"{credit['title']}, {credit['author']} ({credit['licence']})" for credit in made_from["credits"]
    )
    return (
        f"{samples['count']} samples of {samples['name']} ({made_by}), seed {made_from['seed']}; real images "
        f"{made_from['real']['sha256_as_drawn'][:16]}. Features: the classifier {features['sha256'][:16]}, taught on "
        f"{features['dataset']}"
        + (f", {100 * accuracy:.1f} % right on held-out images." if accuracy is not None else "."),
        f"{versions}; code {(made_from['commit'] or 'unknown')[:12]}; {made_from['created_utc']}. The same numbers, "
        "with their definitions, are in evaluation.json.",
        *((f"Real images: {credits}.",) if credits else ()),
    )
