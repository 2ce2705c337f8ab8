"""Versions of a study that follow each other, copies, and what is different between two designs.

An opened study stays as it is. Its next version is a draft of its own that knows the one before; once that opens,
the earlier one closes, and its link leads on to the newer. Which version a sitting saw stands in the sitting.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from studyapp import __version__, roles
from studyapp.field_names import FIELD_NAMES, said
from studyapp.models import Study, StudySource
from studyapp.opening import FROZEN_FIELDS, OpeningError, design
from studyapp.recruiting import carry_over

Status = Study.Status
VERSION_AT_END = re.compile(r"-v\d+$")
LONGEST_SLUG = 60


def successor(study: Study) -> Study | None:
    """The open version that has taken over from a study which takes nobody any more, None if there is none."""
    if study.status not in (Status.CLOSED, Status.ARCHIVED):
        return None
    found, newer = None, _following(study)
    while newer is not None:
        found, newer = newer if newer.status == Status.OPEN else found, _following(newer)
    return found


def _following(study: Study) -> Study | None:
    return Study.objects.filter(previous=study.pk).only("slug", "status").first()


def lineage(study: Study) -> list[Study]:
    """All versions of a study, the first one first."""
    first = study
    while first.previous is not None:
        first = first.previous
    found = [first]
    while (later := Study.objects.filter(previous=found[-1].pk).first()) is not None:
        found.append(later)
    return found


def next_version(study: Study) -> Study:
    """The draft that follows an opened study: a new one with the same design, or the one that is there already.

    Raises OpeningError for a study that can still be edited, or whose next version has been opened already.
    """
    if study.status in (Status.DRAFT, Status.PILOTING):
        how = "edit it as it is" if study.status == Status.DRAFT else "take it back to a draft and edit it"
        raise OpeningError(f"study {study.slug} is {study.status}: {how}; it needs no next version")
    with transaction.atomic():
        Study.objects.select_for_update().get(pk=study.pk)  # of two people who ask at once, one makes it
        there = Study.objects.filter(previous=study.pk).first()
        if there is not None and there.status != Status.DRAFT:
            raise OpeningError(
                f"study {study.slug} has been followed by {there.slug} already: make the next version of that one"
            )
        if there is not None:
            return there
        number = study.version_number + 1
        ending = f"-v{number}"
        base = VERSION_AT_END.sub("", study.slug)[: LONGEST_SLUG - len(ending)]
        draft = _copy(study, _free_slug(base + ending), previous=study, version_number=number)
        carry_over(study, draft)
        roles.carry_over(study, draft)
        return draft


def copy_study(study: Study, slug: str) -> Study:
    """A draft with the same design and the same image sets under another short name, and no tie to the first.

    Raises OpeningError for a short name that is taken or cannot be one.
    """
    if Study.objects.filter(slug=slug).exists():
        raise OpeningError(f"study {slug} already exists: choose another short name (slug)")
    try:
        Study._meta.get_field("slug").clean(slug, None)
    except ValidationError as error:
        raise OpeningError(f"short name {slug[:80]!r}: {' '.join(error.messages)}") from error
    return _copy(study, slug)


def _free_slug(wanted: str) -> str:
    slug, number = wanted, 2
    while Study.objects.filter(slug=slug).exists():
        slug, number = f"{wanted[: LONGEST_SLUG - 4]}-{number}", number + 1
    return slug


def _copy(study: Study, slug: str, **more: Any) -> Study:
    fields = {name: getattr(study, name) for name in FROZEN_FIELDS if name != "slug"}
    with transaction.atomic():
        copied = Study.objects.create(slug=slug, **fields, **more)
        StudySource.objects.bulk_create(
            StudySource(
                study=copied,
                name=source.name,
                image_set=source.image_set,
                weight=source.weight,
                is_catch=source.is_catch,
            )
            for source in study.sources.all()
        )
    return copied


# ---- what is different ----


@dataclass(frozen=True)
class Change:
    """One difference between two designs, in words: what, from what, to what."""

    what: str
    was: str
    now: str


def design_of(study: Study) -> dict[str, Any]:
    """The frozen definition, or what would be frozen of a draft."""
    if study.definition:
        return study.definition
    return {**design(study, list(study.sources.select_related("image_set"))), "code_version": __version__}


def fingerprint(study: Study) -> str:
    """What tells one state of a draft from another: whether somebody has edited it since it was shown."""
    told = design_of(study)
    in_order = {**told, "sources": sorted(told["sources"], key=lambda source: source["name"])}
    return hashlib.sha256(json.dumps(in_order, sort_keys=True, default=str).encode()).hexdigest()[:16]


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """What differs between two designs, field by field and source by source; what has no name is no design."""
    return [
        *(
            Change(what, said(name, before.get(name)), said(name, after.get(name)))
            for name, what in FIELD_NAMES.items()
            if before.get(name) != after.get(name)
        ),
        *_changed_sources(before["sources"], after["sources"]),
    ]


SOURCE_NAMES = {"weight": "share of the trials", "is_catch": "in catch trials only", "image_set": "image set"}


def _changed_sources(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Change]:
    was, now = ({source["name"]: source for source in sources} for sources in (before, after))
    for name in sorted(was.keys() | now.keys()):
        old, new = was.get(name), now.get(name)
        if old is None or new is None:
            there, gone = "there", "not there"
            yield Change(f"source {name}", there if old else gone, there if new else gone)
            continue
        for field, what in SOURCE_NAMES.items():
            if old.get(field) != new.get(field):
                yield Change(
                    f"source {name}, {what}", said(field, old.get(field)), said(field, new.get(field))
                )
        if old["sha256"] != new["sha256"] and old["image_set"] == new["image_set"]:
            yield Change(f"source {name}, pictures", old["sha256"][:12], new["sha256"][:12])
