"""How often a design may flash: WCAG 2.3.1, at most three flashes in any second unless the area is small.

A flash is a pair of opposing changes of light. With a plain mask a trial has two changes, the picture comes and
goes; behind a pattern it has three. The page keeps onsets 400 ms apart whatever the design says.
"""

import math

from studyapp.models import Mask, Study

MOST_FLASHES = 3
PAGE_GAP_MS = 400  # MIN_ONSET_GAP_MS in timeline.js
CHANGES = {Mask.GRAY: 2, Mask.NOISE: 3, Mask.TEXTURE: 3}
# A quarter of any 10 degrees of the visual field: 341 x 256 px at 1024 x 768 by the guideline, or 0.006 steradian.
SMALL_PX2 = 341 * 256 / 4
SMALL_DEG2 = 0.006 * math.degrees(1) ** 2


def onset_gap_ms(study: Study) -> int:
    """Shortest time between two onsets, in ms, when every answer comes at once."""
    return max(PAGE_GAP_MS, study.fixation_ms + study.blank_ms + min(study.exposures_ms, default=0))


def flashes_a_second(study: Study) -> float:
    """Most pairs of changes in any one second; a second that begins amid a trial counts whole trials."""
    return CHANGES[Mask(study.mask_kind)] * math.ceil(1000 / onset_gap_ms(study)) / 2


def is_small(study: Study, width_px: int, height_px: int) -> bool:
    """Whether a picture of these proportions covers too little of the visual field to count."""
    share = min(width_px, height_px) / max(width_px, height_px)
    if study.size_deg:
        return study.size_deg**2 * share <= SMALL_DEG2
    return study.size_css_px**2 * share <= SMALL_PX2


def flash_fault(study: Study, width_px: int, height_px: int) -> str:
    """What is wrong with how often a design may flash, and the remedy; empty if nothing is."""
    if flashes_a_second(study) <= MOST_FLASHES or is_small(study, width_px, height_px):
        return ""
    # Three changes a trial: two trials a second make three flashes.
    missing_ms = 1000 // (2 * MOST_FLASHES // CHANGES[Mask(study.mask_kind)]) - onset_gap_ms(study)
    return (
        f"expected at most {MOST_FLASHES} flashes in any second (WCAG 2.3.1), got up to "
        f"{flashes_a_second(study):g} behind a mask of {study.mask_kind}: make cross, blank or the shortest exposure "
        f"{missing_ms} ms longer in all, choose a plain gray mask, or show smaller pictures"
    )
