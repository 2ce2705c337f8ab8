"""Ready designs: what a preset sets in a new study, and how one is made from it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from studyapp.models import ImageSet, Study, StudySource
from studyapp.noise import SOURCE as NOISE
from studyapp.noise import noise_set
from studyapp.protocols.trial import REAL
from studyapp.study_file import faults
from studyapp.texts import DEFAULTS, usual


class PresetError(ValueError):
    """A study that cannot be made from a preset; the message says what is missing."""


@dataclass(frozen=True)
class Preset:
    """A design by name: its sources, and the fields of `models.Study` that differ from the default.

    is_half_real: real pictures get half of the trials, not as many as each other source.
    """

    summary: str
    fields: dict[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = (REAL, "gan", "lapgan", "cc-lapgan")
    is_half_real: bool = False

    def weights(self, names: Collection[str]) -> dict[str, float]:
        """Shares of the trials for these sources, one of them real."""
        n_real = max(1.0, len(names) - 1.0) if self.is_half_real else 1.0
        return dict.fromkeys(names, 1.0) | {REAL: n_real}


PRESETS: dict[str, Preset] = {
    "lapgan": Preset(
        summary="the timed test of Denton et al. 2015: four sources, 11 exposures, gray mask until the answer",
    ),
    "lapgan-short": Preset(
        summary="the same in about seven minutes: five exposures, 120 trials, for trying out and for panels",
        fields={
            "exposures_ms": [50, 100, 200, 400, 1000],
            "n_trials": 120,
            "practice_trials": 6,
            "break_every": 60,
            "n_examples": 16,
        },
    ),
    "untimed": Preset(
        summary="HYPE-infinity (Zhou et al. 2019): 100 pictures, half of them real, each there until the answer",
        is_half_real=True,
        fields={
            "protocol": "untimed-yes-no",
            "exposures_ms": [],
            "n_trials": 100,
            "practice_trials": 6,
            "break_every": 50,
            # No screen shows a picture for a wrong time here.
            "least_refresh_hz": 10,
            "most_jank_percent": 100,
        },
    ),
}


def newest_set(source: str) -> ImageSet:
    """The image set of this source that came last. Raises PresetError if there is none."""
    image_set = ImageSet.objects.filter(source=source).order_by("-imported_utc", "-pk").first()
    if image_set is None:
        raise PresetError(
            f"expected an image set of source {source}, the catalogue has none: "
            f"`python manage.py import_images PATH --source {source}` brings one in"
        )
    return image_set


def _as_sources(image_sets: Sequence[ImageSet]) -> dict[str, ImageSet]:
    """Image sets by the name of their source. Raises PresetError for two of one source, or none that is real."""
    named: dict[str, ImageSet] = {}
    for image_set in image_sets:
        name = REAL if image_set.is_real else image_set.source
        if name in named:
            raise PresetError(f"expected one image set of source {name}, got {named[name]} and {image_set}")
        named[name] = image_set
    if REAL not in named:
        raise PresetError(
            f"expected a set of real pictures among {', '.join(map(str, image_sets))}, got generated ones only"
        )
    return named


def create_study(
    preset: str,
    slug: str,
    *,
    image_sets: dict[str, ImageSet] | None = None,
    only: Sequence[ImageSet] = (),
    languages: Sequence[str] = ("en",),
    **overrides: Any,
) -> Study:
    """A draft study from a preset; each source uses the image set given, else the newest of its name.

    With `only`, the preset's design is asked of these sets alone, each a source under its own name; as many trials of
    each, or of the real one as of all others where the preset has it so. One of them holds the real pictures.
    It offers these languages in our default texts; the first is that of the study's own fields. With catch trials
    it gets a source of plain noise for them.

    Raises PresetError for an unknown preset, a missing image set, a taken slug, or values that the study refuses.
    """
    if preset not in PRESETS:
        raise PresetError(f"expected one of the presets {', '.join(PRESETS)}, got {preset!r}")
    given = _as_sources(only) if only else image_sets or {}
    sources = PRESETS[preset].weights(list(given) if only else PRESETS[preset].sources)
    if unknown := sorted(set(given) - set(sources)):
        raise PresetError(f"preset {preset} has the sources {', '.join(sources)}, not {', '.join(unknown)}")
    chosen = {name: given.get(name) or newest_set(name) for name in sources}
    if Study.objects.filter(slug=slug).exists():
        raise PresetError(f"study {slug} already exists: choose another short name (slug)")
    if unknown := sorted(set(languages) - set(DEFAULTS)):
        raise PresetError(f"expected languages among {', '.join(DEFAULTS)}, got {', '.join(unknown)}")
    own, *others = languages
    fields = PRESETS[preset].fields | overrides
    texts = usual(is_timed=Study(**fields).is_timed)
    said = {
        **asdict(texts[own]),
        "language": own,
        "translations": {language: asdict(texts[language]) for language in others},
    }
    study = Study(slug=slug, **(said | fields))
    try:
        study.full_clean()
    except ValidationError as error:
        raise PresetError(f"study {slug}: {faults(error)}") from error
    with transaction.atomic():
        study.save()
        StudySource.objects.bulk_create(
            StudySource(study=study, name=name, image_set=chosen[name], weight=weight)
            for name, weight in sources.items()
        )
        if study.catch_trials:
            size = chosen[REAL].width_px, chosen[REAL].height_px
            StudySource.objects.create(study=study, name=NOISE, image_set=noise_set(*size), is_catch=True)
    return study
