"""The fields of a study's design in plain words, in the order in which people read them, and how a value reads."""

from typing import Any

from studyapp.exclusions import sentences

# Frozen fields without a line here name the study and are no part of what it does.
FIELD_NAMES: dict[str, str] = {
    "title": "title",
    "description": "description",
    "eligibility": "who can take part",
    "organiser": "who runs it",
    "contact": "contact",
    "protocol": "protocol",
    "exposures_ms": "exposures (ms)",
    "n_trials": "trials a sitting",
    "practice_trials": "practice trials",
    "practice_feedback": "feedback in practice",
    "catch_trials": "catch trials",
    "keys": "key for real photos",
    "n_examples": "real examples",
    "break_every": "trials between breaks",
    "repeat_percent": "repeats at most (%)",
    "size_css_px": "picture size (CSS px)",
    "size_deg": "picture size (degrees)",
    "smoothing": "smooth enlargement",
    "mask_kind": "mask",
    "mask_ms": "mask for (ms)",
    "mask_gray": "gray of the mask",
    "fixation_ms": "fixation cross (ms)",
    "blank_ms": "blank before the picture (ms)",
    "least_refresh_hz": "slowest screen (Hz)",
    "most_refresh_hz": "fastest screen (Hz)",
    "most_jank_percent": "frames missed at most (%)",
    "least_width_px": "narrowest window (CSS px)",
    "least_height_px": "lowest window (CSS px)",
    "shows_score": "own result at the end",
    "language": "language of the texts",
    "consent_text": "consent text",
    "debrief_text": "debrief text",
    "translations": "texts in other languages",
    "panels": "recruiting panels",
    "quota": "sittings wanted",
    "exclusions": "sittings left out",
    "sample_size_rule": "sample size rule",
    "analysis_plan": "analysis plan",
    "code_version": "version of the program",
}


def said(name: str, value: Any) -> str:
    """A value of a field as people read it."""
    if name == "exposures_ms" and not value:
        return "none: a picture stays until the answer"
    if value is None or value in ("", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "exclusions":
        return "; ".join(sentences(value))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return "\n".join(f"{key}: {said('', part)}" for key, part in value.items())
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)
