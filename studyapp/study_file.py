"""A study's definition as one file: JSON with the design and the texts, image sets named by their SHA-256.

Pictures travel on their own, as image sets; who takes the file in needs the same sets, and is told which are missing.
"""

import json
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction

from studyapp import __version__
from studyapp.models import TEXT_FIELDS, ImageSet, Study, StudySource
from studyapp.opening import FROZEN_FIELDS
from studyapp.versions import design_of

FORMAT = "tachisto-study"
FORMAT_VERSION = 1
MAX_BYTES = 1024 * 1024
# A file of an earlier program lacks what came later: the defaults stand in.
NEEDED = ("slug", "title", "exposures_ms", "n_trials", "consent_text", "debrief_text", "language")
# What may be unset, with a value of its kind.
UNSET: dict[str, Any] = {"quota": 1, "size_deg": 1.0, "mask_ms": 1}
USUAL = Study()
SOURCE_FIELDS: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "weight": (int, float),
    "is_catch": (bool,),
    "image_set": (str,),
    "sha256": (str,),
}


class StudyFileError(ValueError):
    """A file that is no study of ours, or one that cannot be taken in; the message says why and what to do."""


def study_file(study: Study) -> bytes:
    """The definition of a study, frozen or draft, as the content of a file."""
    design = design_of(study)
    told = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "program_version": __version__,
        "version": study.version,
        "study": {name: design[name] for name in FROZEN_FIELDS if name in design},
        "sources": design["sources"],
    }
    return json.dumps(told, indent=2, ensure_ascii=False).encode() + b"\n"


def load_study(content: bytes, slug: str = "") -> Study:
    """A draft out of the content of a file, under its own short name or another one; all of it or nothing.

    Raises StudyFileError for another kind of file, values that a study refuses, a taken short name, and image sets
    that are not in the catalogue, all of them named.
    """
    told = _parsed(content)
    fields = _checked_fields(told["study"]) | ({"slug": slug} if slug else {})
    sources = _checked_sources(told["sources"])
    if Study.objects.filter(slug=fields["slug"]).exists():
        raise StudyFileError(f"study {fields['slug']} already exists: give another short name (slug)")
    study = Study(**fields)
    try:
        study.full_clean()
    except ValidationError as error:
        raise StudyFileError(f"study {fields['slug']}: {faults(error)}") from error
    with transaction.atomic():
        study.save()
        StudySource.objects.bulk_create(StudySource(study=study, **source) for source in sources)
    return study


def faults(error: ValidationError) -> str:
    """What a model refuses, as one line: field and reason."""
    return "; ".join(
        " ".join(reasons) if name == NON_FIELD_ERRORS else f"{name}: {' '.join(reasons)}"
        for name, reasons in error.message_dict.items()
    )


def _parsed(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_BYTES:
        raise StudyFileError(
            f"expected a study's definition of at most {MAX_BYTES} bytes, got more: it holds no pictures"
        )
    try:
        told = json.loads(content.decode("utf-8-sig"), parse_constant=_no_constant)
        # What no database takes: NUL, and halves of characters.
        if "\\u0000" in json.dumps(told, ensure_ascii=False).encode().decode():
            raise ValueError("a NUL character")
    except (ValueError, RecursionError) as error:
        raise StudyFileError(f"expected JSON in UTF-8, as saved from a study's page; got: {error}") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise StudyFileError(f'expected a file with "format": "{FORMAT}", as saved from a study\'s page')
    if told.get("format_version") != FORMAT_VERSION:
        raise StudyFileError(
            f"expected format version {FORMAT_VERSION}, got {str(told.get('format_version'))[:20]!r}: the file is of "
            "another version of this program"
        )
    if not isinstance(told.get("study"), dict) or not isinstance(told.get("sources"), list):
        raise StudyFileError('expected an object "study" and a list "sources" in the file')
    return told


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _checked_fields(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of the study, each of its own kind. Raises StudyFileError."""
    if unknown := sorted(told.keys() - set(FROZEN_FIELDS)):
        raise StudyFileError(
            f"unknown in a study: {', '.join(unknown)[:200]}; the file is of a newer version of this program, or was "
            "edited"
        )
    if missing := [name for name in NEEDED if name not in told]:
        raise StudyFileError(f"missing in the study: {', '.join(missing)}")
    for name, value in told.items():
        usual = UNSET.get(name, getattr(USUAL, name))
        if not (_is_alike(value, usual) or (value is None and name in UNSET)):
            expected = f"{_kind(usual).__name__}{' or null' if name in UNSET else ''}"
            raise StudyFileError(
                f"{name}: expected {expected}, got {type(value).__name__} {str(value)[:60]!r}"
            )
    for language, texts in told.get("translations", {}).items():
        if not isinstance(texts, dict) or set(texts) - set(TEXT_FIELDS):
            raise StudyFileError(f"translations, {language}: expected {', '.join(TEXT_FIELDS)}")
    for panel, parameter in told.get("panels", {}).items():
        if not isinstance(parameter, str):
            raise StudyFileError(f"panels, {panel}: expected the name of a URL parameter")
    return told


def _is_alike(value: Any, usual: Any) -> bool:
    """Whether a value is of the kind of another: yes or no, whole number, number, text, list or object."""
    kind = _kind(usual)
    if bool in (kind, type(value)):
        return type(value) is kind
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _kind(usual: Any) -> type:
    """What JSON makes of a value: the choices of a field are texts there."""
    return next(kind for kind in (bool, int, float, str, list, dict) if isinstance(usual, kind))


def _checked_sources(told: list[Any]) -> list[dict[str, Any]]:
    """Name, weight, is_catch and image set of every source. Raises StudyFileError, naming every set that is missing."""
    for number, source in enumerate(told, start=1):
        is_right = isinstance(source, dict) and all(
            isinstance(source.get(name), kinds) and (bool in kinds or not isinstance(source[name], bool))
            for name, kinds in SOURCE_FIELDS.items()
        )
        if not is_right:
            raise StudyFileError(f"source {number}: expected {', '.join(SOURCE_FIELDS)}, each of its kind")
    names = [source["name"] for source in told]
    if len(set(names)) != len(names):
        raise StudyFileError(f"expected each source once, got {', '.join(sorted(names))[:200]}")
    sets = {s.file_sha256: s for s in ImageSet.objects.filter(file_sha256__in=[s["sha256"] for s in told])}
    if missing := [s for s in told if s["sha256"] not in sets]:
        raise StudyFileError(
            "these image sets are not in the catalogue: "
            + "; ".join(f"{s['image_set'][:80]} (SHA-256 {s['sha256'][:12]}...)" for s in missing)
            + ". Bring in the same zips first (python manage.py import_images PATH), then load the study again"
        )
    sources = [
        {
            "name": source["name"],
            "weight": source["weight"],
            "is_catch": source["is_catch"],
            "image_set": sets[source["sha256"]],
        }
        for source in told
    ]
    for source in sources:
        try:
            StudySource(**source).clean_fields(exclude=["study"])
        except ValidationError as error:
            raise StudyFileError(f"source {source['name'][:50]}: {faults(error)}") from error
    return sources
