"""What an export's tables hold: every column with its source in the database, unit, range and meaning.

The files and their codebook are written from this one list, so they cannot disagree. How a value is
written is in `export_files`; which rows are exported, and when, is in `export`.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Case, CharField, F, Value, When
from django.db.models.functions import Concat

from studyapp.messages import FLAGS
from studyapp.models import Trial
from studyapp.quality import MEANINGS


@dataclass(frozen=True)
class Column:
    """A column: `kind` is a key of `export_files.KINDS`, `value` where the database has it."""

    name: str
    kind: str
    value: Any
    meaning: str
    example: str
    values: str
    unit: str = ""


# Not in the database: `export.judged_sittings` puts it in.
WORKED_OUT = Value(None, output_field=CharField())
ANSWERED = Trial.Status.ANSWERED
RANDOM_ID = "22 characters of A-Z a-z 0-9 - _, written as they are even where they begin with -"
SHA256 = "64 hexadecimal digits"


def image_id(image: str) -> Concat:
    """Name of a picture that no other has: its image set, a slash, its file there."""
    return Concat(f"{image}__image_set__name", Value("/"), f"{image}__file", output_field=CharField())


def if_answered(lookup: str) -> Case:
    """The value of answered trials alone: an answer that came after the trial was closed does not count."""
    return Case(When(status=ANSWERED, then=F(lookup)), default=Value(None))


JUDGED_REAL = Case(
    When(status=ANSWERED, response__answer="real", then=Value(True)),
    When(status=ANSWERED, response__answer="generated", then=Value(False)),
    default=Value(None),
    output_field=BooleanField(),
)

# One row a closed trial. `asked` is the trial's picture at position 0: see `export.closed_trials`.
RESPONSES = (
    Column("study", "id", F("sitting__study__slug"), "the study's short name", "demo", "text"),
    Column(
        "study_version",
        "id",
        F("sitting__study_version"),
        "hash of the frozen design, texts and pictures that this sitting saw",
        "5f0c" * 16,
        SHA256,
    ),
    Column(
        "participant",
        "id",
        F("sitting__participant__pseudonym"),
        "the person, under a random name that holds in this study only",
        "k3Jd9-2lQmXw0aVbT7eYhg",
        RANDOM_ID,
    ),
    Column(
        "sitting",
        "id",
        F("sitting__public_id"),
        "the sitting; key of sittings",
        "Zp4_tR8sNq1Lw6yUe0BvXA",
        RANDOM_ID,
    ),
    Column("trial", "id", F("token"), "the trial; key of stimuli", "h7GxPz3mKd5cVn9Jr2TqLw", RANDOM_ID),
    Column(
        "ordinal",
        "whole",
        F("ordinal"),
        "place in the sitting, practice included",
        "11",
        "1 and up",
        "trials",
    ),
    Column(
        "kind",
        "choice",
        F("kind"),
        "part of the sitting; a repeat stands in for a mistimed trial",
        "main",
        "practice | main | catch | repeat",
    ),
    Column(
        "protocol", "id", F("sitting__study__protocol"), "rule that chose the trial", "timed-yes-no", "text"
    ),
    Column(
        "source",
        "id",
        F("asked__stimulus__source__name"),
        "where the picture (at position 0) comes from",
        "lapgan",
        "text; real is the real one",
    ),
    Column(
        "image",
        "id",
        image_id("asked__stimulus__image"),
        "the picture (at position 0): its image set, a slash, its file there",
        "lapgan-photos-1a2b3c4d/images/000017.png",
        "text, another for every picture",
    ),
    Column(
        "exposure_ms",
        "whole",
        F("exposure_ms"),
        "how long the picture should be on screen",
        "75",
        "10 to 10000; empty: until the answer",
        "ms",
    ),
    Column(
        "planned_frames",
        "whole",
        F("response__planned_frames"),
        "whole screen refreshes nearest to exposure_ms at frame_ms, halves down",
        "4",
        "1 to 100000; empty: until the answer, or the browser never reported",
        "screen refreshes",
    ),
    Column(
        "measured_ms",
        "number",
        F("response__measured_ms"),
        "how long the picture was on screen, by the witness",
        "66.67",
        "0 to 86400000; empty: not measured",
        "ms",
    ),
    Column(
        "measured_frames",
        "whole",
        F("response__measured_frames"),
        "the same in screen refreshes",
        "4",
        "0 to 100000000; empty: not measured",
        "screen refreshes",
    ),
    Column(
        "frame_ms",
        "number",
        F("response__frame_ms"),
        "length of one screen refresh",
        "16.6667",
        "1 to 1000; empty: the browser never reported",
        "ms",
    ),
    Column(
        "timing_ok",
        "flag",
        F("response__timing_ok"),
        "whether the picture was on screen for its planned time, on a machine that did not sleep",
        "1",
        "1 | 0; empty: unknown",
    ),
    Column(
        "timing_witness",
        "choice",
        F("response__timing_witness"),
        "who measured: the compositor's own times, or only the lateness of callbacks",
        "element_timing",
        "element_timing | callback; empty: the browser never reported",
    ),
    Column(
        "response",
        "choice",
        if_answered("response__answer"),
        "what the person said",
        "generated",
        "real | generated; empty: not answered, or too late",
    ),
    Column(
        "judged_real", "flag", JUDGED_REAL, "whether the person said real", "0", "1 | 0; empty: no response"
    ),
    Column(
        "reaction_ms",
        "number",
        if_answered("response__reaction_ms"),
        "from the onset of the mask to the answer; of the picture where exposure_ms is empty",
        "612.4",
        "0 to 86400000; empty: no response",
        "ms",
    ),
    Column(
        "lost_focus",
        "flag",
        F("response__lost_focus"),
        "whether the page was hidden or lost the keyboard during the trial",
        "0",
        "1 | 0; empty: unknown",
    ),
    Column(
        "status",
        "choice",
        F("status"),
        "what became of the trial",
        "answered",
        "answered | timed_out | interrupted",
    ),
    Column(
        "is_simulated", "flag", F("sitting__is_simulated"), "whether a bot answered, no person", "0", "1 | 0"
    ),
    Column(
        "shown_utc",
        "time",
        F("response__shown_utc"),
        "when the picture appeared, by the browser's clock",
        "2026-11-20T10:30:00.123Z",
        "ISO 8601, UTC, milliseconds; empty: never shown, or not reported",
        "UTC",
    ),
)

# One row a picture of a closed trial. class_name is looked up by `export.class_name`.
STIMULI = (
    Column(
        "trial", "id", F("trial__token"), "the trial; key of responses", "h7GxPz3mKd5cVn9Jr2TqLw", RANDOM_ID
    ),
    Column("position", "whole", F("position"), "place of the picture in the trial", "0", "0 and up"),
    Column(
        "image",
        "id",
        image_id("stimulus__image"),
        "the picture: its image set, a slash, its file there",
        "lapgan-photos-1a2b3c4d/images/000017.png",
        "text, another for every picture",
    ),
    Column(
        "source",
        "id",
        F("stimulus__source__name"),
        "where the picture comes from",
        "lapgan",
        "text; real is the real one",
    ),
    Column(
        "is_real",
        "flag",
        F("stimulus__image__image_set__is_real"),
        "whether it is a real photo",
        "0",
        "1 | 0",
    ),
    Column(
        "family",
        "text",
        F("stimulus__image__image_set__family"),
        "kind of generator",
        "lapgan",
        "text; empty: real or unknown",
    ),
    Column(
        "dataset",
        "text",
        F("stimulus__image__image_set__dataset"),
        "data set of the photos, or that the generator learned from",
        "photos",
        "text; empty: unknown",
    ),
    Column(
        "class_name",
        "text",
        F("stimulus__image__class_index"),
        "what the picture shows, by its data set",
        "coffee",
        "text; empty: no classes",
    ),
    Column(
        "image_sha256",
        "id",
        F("stimulus__image__sha256"),
        "of the pixels, RGB8, row by row",
        "9b1e" * 16,
        SHA256,
    ),
    Column(
        "checkpoint_sha256",
        "id",
        F("stimulus__image__image_set__checkpoint_sha256"),
        "of the weights that made it",
        "c07d" * 16,
        f"{SHA256}; empty: real or unknown",
    ),
    Column(
        "seed",
        "whole",
        F("stimulus__image__seed"),
        "the random seed it was drawn with",
        "1017",
        "-2**63 to 2**63 - 1; empty: real or unknown",
    ),
)

# An outcome comes with the end: a sitting that ended after the freeze has none in it.
OUTCOME = Case(When(finished_utc__isnull=False, then=F("sitting__outcome")), default=Value(""))
# One row a frozen sitting, also those that ended early; an erased one has lost everything but its times.
SITTINGS = (
    Column("study", "id", F("sitting__study__slug"), "the study's short name", "demo", "text"),
    Column(
        "study_version",
        "id",
        F("sitting__study_version"),
        "hash of the frozen design, texts and pictures",
        "5f0c" * 16,
        SHA256,
    ),
    Column(
        "participant",
        "id",
        F("sitting__participant__pseudonym"),
        "the person, under a random name that holds in this study only",
        "k3Jd9-2lQmXw0aVbT7eYhg",
        RANDOM_ID,
    ),
    Column(
        "sitting",
        "id",
        F("sitting__public_id"),
        "the sitting; key of responses",
        "Zp4_tR8sNq1Lw6yUe0BvXA",
        RANDOM_ID,
    ),
    Column(
        "status",
        "choice",
        F("status"),
        "how far it came; screened: its screen would not do; erased: the person had the answers deleted",
        "finished",
        "started | finished | screened | withdrawn | erased",
    ),
    Column(
        "outcome",
        "choice",
        OUTCOME,
        "what the panel's code said; failed_check: finished, but a declared rule of attention was broken",
        "complete",
        "complete | failed_check | screened_out; empty: not at an end, or withdrawn",
    ),
    Column("is_simulated", "flag", F("sitting__is_simulated"), "whether a bot sat, no person", "0", "1 | 0"),
    Column(
        "is_pilot",
        "flag",
        F("sitting__is_pilot"),
        "whether it belongs to the pilot; never in one export with others",
        "0",
        "1 | 0",
    ),
    Column(
        "language",
        "id",
        F("language"),
        "language of the pages, and of the text that was agreed to",
        "de",
        "a code of ISO 639-1, such as en or de",
    ),
    Column(
        "consent_version",
        "id",
        F("consent_sha256"),
        "hash of the text that was agreed to, in that language",
        "e3b0" * 16,
        SHA256,
    ),
    Column(
        "consent_utc",
        "time",
        F("sitting__consent_utc"),
        "when it was agreed to",
        "2026-11-20T10:28:41.007Z",
        "ISO 8601, UTC, milliseconds",
        "UTC",
    ),
    Column(
        "finished_utc",
        "time",
        F("finished_utc"),
        "when the last answer was in, or the person withdrew",
        "2026-11-20T10:52:03.950Z",
        "ISO 8601, UTC, milliseconds; empty: not ended",
        "UTC",
    ),
    Column(
        "real_key",
        "choice",
        F("sitting__real_key"),
        "key that meant real photo; the other of f and j meant generated",
        "f",
        "f | j",
    ),
    Column(
        "frame_ms",
        "number",
        F("screen__frame_ms"),
        "length of one screen refresh, as measured before the test",
        "16.667",
        "1 to 1000; empty: not measured",
        "ms",
    ),
    Column(
        "jitter_ms",
        "number",
        F("screen__jitter_ms"),
        "how much that varied",
        "0.2",
        "0 to 10000; empty: not measured",
        "ms",
    ),
    Column(
        "width_px",
        "whole",
        F("screen__width_px"),
        "width of the window",
        "1440",
        "1 to 100000; empty: not measured",
        "CSS px",
    ),
    Column(
        "height_px",
        "whole",
        F("screen__height_px"),
        "height of the window",
        "900",
        "1 to 100000; empty: not measured",
        "CSS px",
    ),
    Column(
        "pixel_ratio",
        "number",
        F("screen__pixel_ratio"),
        "device pixels in a CSS pixel",
        "2.0",
        "0.1 to 20; empty: not measured",
        "device px / CSS px",
    ),
    Column(
        "timing_witness",
        "choice",
        F("screen__witness"),
        "who can measure exposures on this screen",
        "element_timing",
        "element_timing | callback; empty: not measured",
    ),
    Column(
        "jank_share",
        "number",
        F("screen__jank_share"),
        "share of frames that were missed while the screen was measured",
        "0.01",
        "0 to 1; empty: not measured",
    ),
    Column(
        "card_device_px",
        "number",
        F("screen__card_device_px"),
        "width of a bank card (85.6 mm) held to the screen",
        "672",
        "50 to 20000; empty: not measured",
        "device px",
    ),
    Column(
        "distance_mm",
        "number",
        F("screen__distance_mm"),
        "from the eyes to the screen, as the person said",
        "600",
        "100 to 5000; empty: not measured",
        "mm",
    ),
    Column(
        "size_device_px",
        "number",
        F("screen__size_device_px"),
        "longer side of a picture of the study's size in degrees, by card and distance",
        "411.2",
        "1 to 20000; empty: size in CSS px",
        "device px",
    ),
    Column(
        "answers",
        "whole",
        WORKED_OUT,
        "answered trials but for practice; what follows is counted among them",
        "240",
        "0 and up",
        "trials",
    ),
    Column(
        "too_fast",
        "whole",
        WORKED_OUT,
        "answers less than 150 ms after the picture came",
        "0",
        "0 to answers",
        "trials",
    ),
    Column(
        "longest_run", "whole", WORKED_OUT, "longest row of the same answer", "9", "0 to answers", "trials"
    ),
    Column(
        "switches",
        "whole",
        WORKED_OUT,
        "how often the other answer followed",
        "101",
        "0 to answers - 1",
        "trials",
    ),
    Column(
        "catch_missed",
        "whole",
        WORKED_OUT,
        "catch trials answered with real, though plainly no photo",
        "0",
        "0 to answers",
        "trials",
    ),
    Column(
        "quality_flags",
        "text",
        WORKED_OUT,
        "; ".join(f"{flag}: {meaning}" for flag, meaning in MEANINGS.items()),
        "too_fast one_answer",
        f"any of {' '.join(MEANINGS)}, with spaces between them; empty: none",
    ),
)

# One row a closed trial that the browser told of.
TIMING = (
    Column(
        "trial", "id", F("trial__token"), "the trial; key of responses", "h7GxPz3mKd5cVn9Jr2TqLw", RANDOM_ID
    ),
    Column(
        "flags",
        "words",
        F("flags"),
        "what was not as planned: shown late (which alone spoils nothing), for another time, with the page hidden, "
        "out of focus, resized or asleep; no witness of the frames; late: answered after the trial had been closed",
        "late_onset wrong_duration",
        " | ".join(sorted({*FLAGS, "late"})) + ", parted by spaces; empty: nothing",
    ),
    Column(
        "reaction_origin",
        "choice",
        F("reaction_origin"),
        "how what the reaction time counts from is known: by its own time on screen, or the frame it was drawn for",
        "element_timing",
        "element_timing | frame; empty: no answer",
    ),
    Column(
        "reaction_from",
        "choice",
        Case(When(trial__exposure_ms__isnull=True, then=Value("picture")), default=Value("mask")),
        "whose onset the reaction time counts from",
        "mask",
        "mask | picture, where it stays until the answer",
    ),
    Column(
        "input_kind",
        "choice",
        F("input_kind"),
        "what the answer was given with",
        "key",
        "key | mouse | touch | pen; empty: no answer",
    ),
)

CODEBOOK = ("file", "column", "type", "unit", "values", "meaning", "example")
TABLES: dict[str, tuple[Column, ...]] = {
    "responses": RESPONSES,
    "stimuli": STIMULI,
    "timing": TIMING,
    "sittings": SITTINGS,
}
