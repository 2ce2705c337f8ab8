"""The demo study: its image sets out of the shipped weights, made by the generator in child processes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from studyapp.catalogue import CatalogueError, ImageSetError, import_images
from studyapp.life import open_study
from studyapp.models import ImageSet, Study
from studyapp.opening import OpeningError
from studyapp.presets import PRESETS, PresetError, create_study
from studyapp.texts import DEFAULTS

SLUG = "demo"
PRESET = "lapgan"
DATASETS = ("photos", "cifar10")
# The advised thousand, and some for real examples and trials asked again.
IMAGES_PER_SOURCE = 1200
SEED = 1


class DemoError(RuntimeError):
    """The demo cannot be prepared; the message says why and what to do."""


def prepare(dataset: str, data: Path | None, *, say: Callable[[str], None]) -> Study:
    """The open study `demo` on this data set, made now unless it is there. Raises DemoError."""
    study = Study.objects.filter(slug=SLUG).first()
    if study is not None and study.status != Study.Status.DRAFT:
        _require_same(study, dataset)
        return study
    try:
        sets = {name: _image_set(name, dataset, data, say) for name in PRESETS[PRESET].sources}
        if study is not None:
            study.delete()  # a draft that an interrupted start left behind
        return open_study(create_study(PRESET, SLUG, image_sets=sets, languages=tuple(DEFAULTS)))
    except (CatalogueError, ImageSetError, OpeningError, PresetError) as error:
        raise DemoError(str(error)) from error


def _require_same(study: Study, dataset: str) -> None:
    shown = sorted(set(study.sources.values_list("image_set__dataset", flat=True)))
    if shown != [dataset]:
        raise DemoError(
            f"the study {study} in {settings.DATA_DIR} shows {', '.join(shown)}, and an opened study stays as it "
            f"is; for {dataset} use another data folder: TACHISTO_DATA=var-{dataset} python manage.py demo "
            f"--dataset {dataset}"
        )
    if study.status != Study.Status.OPEN:
        raise DemoError(f"the study {study} is closed; for a new one use another data folder (TACHISTO_DATA)")


def _image_set(source: str, dataset: str, data: Path | None, say: Callable[[str], None]) -> ImageSet:
    """The demo's image set of one source: from the catalogue, else made by the generator and taken in."""
    zip_path = settings.JOBS_DIR / f"demo-{source}-{dataset}.zip"
    known = ImageSet.objects.filter(imported_by="demo", source=source, dataset=dataset).first()
    if known is not None and known.path.is_file():
        return known
    say(f"making {IMAGES_PER_SOURCE} images of source {source} ({dataset})")
    if source == "real":
        arguments = ["dataset", dataset, "--split", "study"]
        arguments += ["--data", str(data.resolve())] if data else []
        # Where no folder is given, CIFAR-10 comes by download, which the generator asks to be told.
        arguments += ["--download"] if dataset == "cifar10" and data is None else []
    else:
        arguments = ["sample", f"{source}-{dataset}"]
    run_generator(
        [*arguments, "--count", str(IMAGES_PER_SOURCE), "--seed", str(SEED), "--out", str(zip_path)]
    )
    try:
        return import_images(zip_path, by="demo")
    finally:
        zip_path.unlink(missing_ok=True)


def run_generator(arguments: list[str]) -> None:
    """Run `python -m generator ...` beside us; its progress and its warnings go to the terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "generator", *arguments],
        cwd=settings.BASE_DIR,
        stdout=subprocess.DEVNULL,  # it prints the path of a file that is gone a moment later
        check=False,
    )
    if done.returncode != 0:
        raise DemoError(
            f"`python -m generator {' '.join(arguments)}` ended with {done.returncode}; its message is above"
        )
