"""Freezing a study: check its images, write its pack, compute its version; so it is piloted or opened."""

import hashlib
import json
import math
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.utils import timezone

from studyapp import __version__
from studyapp.catalogue import decoded_pixels
from studyapp.files import sha256_of
from studyapp.flashes import flash_fault
from studyapp.models import Image, Stimulus, Study, StudySource
from studyapp.packs import write_pack
from studyapp.products import forget
from studyapp.protocols import DesignError, Settings
from studyapp.protocols.trial import REAL
from studyapp.texts import UNTIMED

ADVISED_IMAGES = 1000
FROZEN_FIELDS = (
    "slug",
    "title",
    "description",
    "eligibility",
    "organiser",
    "contact",
    "protocol",
    "exposures_ms",
    "n_trials",
    "practice_trials",
    "practice_feedback",
    "catch_trials",
    "keys",
    "n_examples",
    "break_every",
    "size_css_px",
    "size_deg",
    "smoothing",
    "mask_kind",
    "mask_ms",
    "mask_gray",
    "fixation_ms",
    "blank_ms",
    "repeat_percent",
    "least_refresh_hz",
    "most_refresh_hz",
    "most_jank_percent",
    "least_width_px",
    "least_height_px",
    "shows_score",
    "consent_text",
    "debrief_text",
    "language",
    "translations",
    "panels",
    "quota",
    "exclusions",
    "sample_size_rule",
    "analysis_plan",
)


class OpeningError(ValueError):
    """A step that a study cannot take; the message names what is missing and the remedy."""


def images_needed(settings: Settings, n_examples: int) -> dict[str, int]:
    """Source -> pictures one participant may need: for main, practice and catch trials, and for examples of real.

    One more for what rounding adds, and the share of repeats kept back for spoilt trials.
    """
    total = sum(settings.source_weights.values())
    trials = settings.n_trials + settings.practice_trials
    shares = {
        name: math.ceil(trials * weight / total) + 1 for name, weight in settings.source_weights.items()
    }
    needed = {
        name: share + math.ceil(share * settings.repeat_share) + (n_examples if name == REAL else 0)
        for name, share in shares.items()
    }
    n_catch = len(settings.catch_sources)
    return needed | {name: math.ceil(settings.catch_trials / n_catch) for name in settings.catch_sources}


def advice(study: Study) -> list[str]:
    """What a researcher should know before opening: too few images for narrow intervals, texts that are not true."""
    few_images = [
        f"source {source.name} has {source.image_set.n_images} images; {ADVISED_IMAGES} or more make the "
        "intervals for new images narrower"
        for source in study.sources.select_related("image_set")
        if source.image_set.n_images < ADVISED_IMAGES and not source.is_catch
    ]
    return few_images + untrue_ratio(study)


def untrue_ratio(study: Study) -> list[str]:
    """A sentence where people read our words that half of the pictures are real, and other weights were chosen."""
    weights = dict(study.sources.filter(is_catch=False).values_list("name", "weight"))
    real_share = weights.get(REAL, 0.0) / (sum(weights.values()) or 1)
    told_half = [
        language
        for language in study.languages
        if {study.texts_in(language).description, study.texts_in(language).debrief_text}
        & {UNTIMED[language].description, UNTIMED[language].debrief_text}
    ]
    if math.isclose(real_share, 0.5) or not told_half:
        return []
    return [
        f"the description or the debrief ({', '.join(told_half)}) says that half of the pictures are real photos, "
        f"but by the weights of the sources {100 * real_share:.0f} % of them are: change the texts or the weights"
    ]


def _checked_sources(study: Study) -> list[StudySource]:
    sources = list(study.sources.select_related("image_set"))
    try:
        needed = images_needed(study.protocol_settings(), study.n_examples)
    except DesignError as error:
        raise OpeningError(f"study {study.slug}: {error}") from error
    for source in sources:
        # A generator that has collapsed draws the same picture again: it counts once, as it is shown once.
        n_different = source.image_set.images.order_by().values("sha256").distinct().count()
        if n_different < needed[source.name]:
            raise OpeningError(
                f"study {study.slug}, source {source.name}: expected at least {needed[source.name]} images "
                f"(each person sees one at most once), image set {source.image_set} has {n_different} different "
                f"ones among {source.image_set.n_images}; import or generate more, or ask fewer trials"
            )
    sizes = {(s.image_set.width_px, s.image_set.height_px) for s in sources}
    if len(sizes) != 1:
        raise OpeningError(
            f"study {study.slug}: expected images of one size, got "
            + ", ".join(f"{s.name} {s.image_set.width_px}x{s.image_set.height_px}" for s in sources)
        )
    ((width_px, height_px),) = sizes
    if fault := flash_fault(study, width_px, height_px):
        raise OpeningError(f"study {study.slug}: {fault}")
    for source in sources:
        if source.is_catch and source.image_set.is_real:
            raise OpeningError(
                f"study {study.slug}: expected pictures that are plainly no photos in the catch source {source.name}, "
                f"{source.image_set} holds real images"
            )
    real = next(s for s in sources if s.name == REAL)
    if not real.image_set.is_real:
        raise OpeningError(
            f"study {study.slug}: source real uses {real.image_set}, which holds generated images"
        )
    return sources


def _stimuli(study: Study, sources: list[StudySource]) -> list[Stimulus]:
    """One stimulus an image, in a secret random order; a picture that two sources share is refused."""
    stimuli: list[Stimulus] = []
    owner: dict[str, str] = {}
    for source in sources:
        for image in Image.objects.filter(image_set=source.image_set).only("id", "sha256", "file"):
            if image.sha256 in owner:
                if owner[image.sha256] == source.name:
                    continue  # the same picture twice in one set: one stimulus
                raise OpeningError(
                    f"study {study.slug}: sources {owner[image.sha256]} and {source.name} share a picture "
                    f"({source.image_set}, {image.file}); its truth would be ambiguous: use other image sets"
                )
            owner[image.sha256] = source.name
            stimuli.append(Stimulus(study=study, source=source, image=image))
    secrets.SystemRandom().shuffle(stimuli)
    examples = study.n_examples
    for position, stimulus in enumerate(stimuli):
        stimulus.position = position
        if stimulus.source.name == REAL and examples:
            stimulus.is_example, examples = True, examples - 1
    return stimuli


def _placed_records(sources: list[StudySource], stimuli: list[Stimulus]) -> Iterator[tuple[int, bytes]]:
    """(place in the pack, pixels) of every stimulus, set by set as the files have them, one at a time."""
    places = {stimulus.image_id: stimulus.position for stimulus in stimuli}
    for source in sources:
        for image_id, pixels in decoded_pixels(source.image_set):
            if image_id in places:  # the second of two equal pictures has none
                yield places[image_id], pixels


def design(study: Study, sources: list[StudySource]) -> dict[str, Any]:
    """What a researcher has written: the fields and the sources, without what opening adds."""
    return {
        **{name: getattr(study, name) for name in FROZEN_FIELDS},
        "sources": [
            {
                "name": s.name,
                "weight": s.weight,
                "is_catch": s.is_catch,
                "image_set": s.image_set.name,
                "sha256": s.image_set.file_sha256,
            }
            for s in sources
        ],
    }


def _require_unchanged(study: Study, sources: list[StudySource]) -> None:
    """Refuse to open another design than the one that was checked: writing the pack takes seconds."""
    now = Study.objects.select_for_update().filter(pk=study.pk).first()
    if now is None or now.status != Study.Status.DRAFT:
        done = "deleted" if now is None else "opened"
        raise OpeningError(f"study {study.slug}: somebody else has just {done} it")
    now_sources = list(now.sources.select_related("image_set"))
    if now_sources != sources or design(now, now_sources) != design(study, sources):
        raise OpeningError(
            f"study {study.slug}: somebody edited it while it was being opened; look at it and open it again"
        )


def freeze(study: Study, begin: Callable[[Study], None]) -> Study:
    """Freeze a draft under its version and let it `begin` its new state, in one transaction; all of it or nothing.

    Raises OpeningError for too few images, mixed sizes, shared pictures, or a draft that somebody edits
    meanwhile; CatalogueError if a file no longer holds what was catalogued.
    """
    sources = _checked_sources(study)
    stimuli = _stimuli(study, sources)
    building = study.pack_path.with_name(f"building-{secrets.token_hex(8)}.raw")
    try:
        write_pack(building, _placed_records(sources, stimuli))
        study.pack_sha256 = sha256_of(building)
        building.replace(study.pack_path)
    finally:
        building.unlink(missing_ok=True)
    study.width_px, study.height_px = sources[0].image_set.width_px, sources[0].image_set.height_px
    study.definition = {
        **design(study, sources),
        "pack_sha256": study.pack_sha256,
        "code_version": __version__,
    }
    study.version = hashlib.sha256(json.dumps(study.definition, sort_keys=True).encode()).hexdigest()
    study.frozen_utc = timezone.now()
    with transaction.atomic():
        _require_unchanged(study, sources)
        Stimulus.objects.bulk_create(stimuli, batch_size=1000)
        begin(study)
        study.save()
    return study


def thaw(study: Study) -> None:
    """Make a study that was only piloted editable again: its pilot sittings, stimuli and pack are gone for good."""
    study.sittings.all().delete()
    forget(study)
    study.freezes.all().delete()  # exports of the pilot: what they list is gone
    study.participants.all().delete()
    study.stimuli.all().delete()
    pack = study.pack_path
    transaction.on_commit(lambda: pack.unlink(missing_ok=True))
    study.definition = study.frozen_utc = study.width_px = study.height_px = None
    study.version = study.pack_sha256 = ""
