"""A study as a preregistration text: Markdown with design, sample size rule, exclusions, analysis and version hash.

Written from the frozen definition, so that what is registered is what runs; of a draft it says that it is one.
"""

from collections.abc import Iterator
from typing import Any

from studyapp.exclusions import sentences
from studyapp.field_names import FIELD_NAMES, said
from studyapp.models import Study
from studyapp.protocols.trial import REAL
from studyapp.versions import design_of

ELSEWHERE = (
    *(
        "title",
        "description",
        "eligibility",
        "organiser",
        "contact",
        "language",
        "consent_text",
        "debrief_text",
        "translations",
    ),
    *("panels", "quota", "exclusions", "sample_size_rule", "analysis_plan", "code_version"),
)
USUAL_ANALYSIS = """\
The share of pictures judged real, by source and exposure, over the main trials of people; a repeat stands in for the \
trial that was shown for a wrong time. Intervals are 95 % and two-way on the logit scale: people and pictures are both \
random, so that they hold for new people and new pictures (Satterthwaite degrees of freedom). Practice and catch \
trials, pilot sittings and simulated ones are in no result. Tool: `python analysis/report.py`, of the version below."""
UNTIMED_ANALYSIS = """\
The error rate of each generated source (HYPE-infinity, Zhou et al. 2019): the mean of the share of its pictures \
judged real and the share of real ones judged generated, over the main trials of people; a repeat stands in for a \
trial that was interrupted. Intervals are 95 % and two-way: people and pictures are both random, so that they hold for \
new people and new pictures; beside them stands the bootstrap over people of the method's authors. Practice and catch \
trials, pilot sittings and simulated ones are in no result. Tool: `python analysis/report.py`, of the version below."""


def preregistration(study: Study) -> str:
    """The whole text, for a file of its own."""
    return "\n".join(_lines(study, design_of(study))).rstrip() + "\n"


def _lines(study: Study, told: dict[str, Any]) -> Iterator[str]:
    yield f"# Preregistration: {one_line(told['title'])}"
    yield ""
    yield from _version(study)
    yield from _section("What is asked", told["description"])
    if told.get("eligibility"):
        yield from _section("Who can take part", told["eligibility"])
    yield from _section("Design", "")
    yield "| what | value |"
    yield "|---|---|"
    for name, what in FIELD_NAMES.items():
        if name not in ELSEWHERE and name in told:
            yield f"| {what} | {cell(said(name, told[name]))} |"
    yield ""
    yield from _sources(told["sources"])
    yield from _section("Sample size", told.get("sample_size_rule") or _usual_rule(told["quota"]))
    yield from _section("Sittings that are left out", "")
    rules = sentences(told.get("exclusions") or {})
    yield from (
        (f"- {rule}" for rule in rules) if rules else ("None: every sitting of a person is analysed.",)
    )
    yield ""
    yield (
        f"Screens slower than {told['least_refresh_hz']} Hz or faster than {told['most_refresh_hz']} Hz, that miss "
        f"more than {told['most_jank_percent']} % of their frames in two seconds, or with a window smaller than "
        f"{told['least_width_px']} x {told['least_height_px']} CSS px do not take part."
    )
    yield ""
    usual_analysis = USUAL_ANALYSIS if study.is_timed else UNTIMED_ANALYSIS
    yield from _section("Analysis", told.get("analysis_plan") or usual_analysis)
    if rules:
        yield "`python analysis/report.py` reads these rules from the export and applies them by itself."
        yield ""
    for language, consent in _consents(told).items():
        yield from _section(f"Consent text ({language})", consent)


def _version(study: Study) -> Iterator[str]:
    if not study.version:
        yield "This is a draft: it has no version yet and can still change. Piloting or opening it freezes it."
    else:
        yield f"- version: `{study.version}` (SHA-256 of the design, texts, pictures and program version)"
        yield f"- pictures: `{study.pack_sha256}` (SHA-256 of the pack that participants see)"
        yield (
            f"- frozen: {study.frozen_utc:%Y-%m-%d %H:%M} UTC"
            if study.frozen_utc
            else "- frozen: before 2026-11"
        )
        n_sittings = study.sittings.filter(is_simulated=False, is_pilot=False).count()
        yield f"- sittings of people when this text was written: {n_sittings}"
    yield ""


def _section(title: str, text: str) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    if text:
        yield text.strip()
        yield ""


def _sources(sources: list[dict[str, Any]]) -> Iterator[str]:
    yield "| source | share of the trials | image set | SHA-256 of the set |"
    yield "|---|---|---|---|"
    total = sum(source["weight"] for source in sources if not source["is_catch"])
    for source in sources:
        share = "catch trials only" if source["is_catch"] else f"{100 * source['weight'] / total:.1f} %"
        name = f"{source['name']} (photographs)" if source["name"] == REAL else source["name"]
        yield f"| {cell(name)} | {share} | {cell(source['image_set'])} | `{source['sha256']}` |"
    yield ""


def _usual_rule(quota: int | None) -> str:
    if quota is None:
        return "No rule was declared."
    return f"Recruiting ends with {quota} finished sittings of people."


def _consents(told: dict[str, Any]) -> dict[str, str]:
    others = {language: texts["consent_text"] for language, texts in told["translations"].items()}
    return {told["language"]: told["consent_text"], **others}


def one_line(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text that stays within its cell of a Markdown table."""
    return one_line(text).replace("|", "\\|")
