"""Who did what, and when: entries that are only ever added, each bound to the one before it by its hash.

An entry that is changed, taken out or put in later breaks the chain at its place, which `faults` finds. What is cut
off at the end shows against a head that was written down elsewhere: every export and every backup carries one.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from django.db import IntegrityError, models, transaction
from django.utils import timezone

BEGINNING = "0" * 64
ATTEMPTS = 20


class AuditEntry(models.Model):
    """One act. `detail` says what it was about, in plain values; it holds no answers and no panel's ids."""

    number = models.PositiveIntegerField(primary_key=True, help_text="1 and up, without gaps")
    moment_utc = models.DateTimeField()
    actor = models.CharField(max_length=200, help_text="a user, a command, or participant")
    action = models.CharField(max_length=60, db_index=True)
    study = models.CharField(max_length=60, blank=True, db_index=True, help_text="its short name")
    detail = models.JSONField(default=dict)
    previous_sha256 = models.CharField(max_length=64, unique=True)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["-number"]
        verbose_name = "entry of the audit log"
        verbose_name_plural = "audit log"

    def __str__(self) -> str:
        return f"{self.number}: {self.actor}, {self.action}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store a new entry. Raises TypeError for one that is stored already."""
        if not self._state.adding:
            self._refuse()
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError(
            f"expected entry {self.number} of the audit log to stay as it is: it is only added to"
        )

    def content_sha256(self) -> str:
        """The hash that this entry must bear, over all it says and the hash of the one before."""
        said = [
            self.number,
            self.moment_utc.astimezone(UTC).isoformat(timespec="microseconds"),
            self.actor,
            self.action,
            self.study,
            self.detail,
            self.previous_sha256,
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Head:
    """The newest entry: what somebody writes down to know later that nothing was cut off."""

    number: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.number}:{self.sha256}"

    @classmethod
    def read(cls, text: str) -> "Head":
        """A head as it was written down. Raises ValueError with what was expected."""
        number, _, sha256 = text.strip().partition(":")
        if not number.isdecimal() or len(sha256) != 64:
            raise ValueError(f"expected NUMBER:SHA256 as an export or a backup has it, got {text[:80]!r}")
        return cls(int(number), sha256)


def head() -> Head:
    """The newest entry, 0 and zeros where there is none."""
    newest = AuditEntry.objects.order_by("-number").values_list("number", "sha256").first()
    return Head(*newest) if newest else Head(0, BEGINNING)


def note(
    actor: str, action: str, *, study: str = "", moment_utc: datetime | None = None, **detail: Any
) -> AuditEntry:
    """Add an entry, in the transaction of what it tells of if there is one. `detail` are plain values."""
    detail = json.loads(json.dumps(detail, default=str))
    for attempt in range(ATTEMPTS):
        before = head()
        entry = AuditEntry(
            number=before.number + 1,
            moment_utc=moment_utc or timezone.now(),
            actor=actor[:200],
            action=action[:60],
            study=study[:60],
            detail=detail,
            previous_sha256=before.sha256,
        )
        entry.sha256 = entry.content_sha256()
        try:
            with transaction.atomic():
                entry.save(force_insert=True)
        except IntegrityError:
            # Somebody else was quicker: theirs is the one before ours.
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return entry
    raise AssertionError("unreachable")


@dataclass(frozen=True)
class Fault:
    """A place where the chain does not hold, and what was found there."""

    number: int
    found: str

    def __str__(self) -> str:
        return f"entry {self.number}: {self.found}"


def faults(expected: Head | None = None) -> Iterator[Fault]:
    """Every place where the chain is broken, in order; `expected` is a head that must be in it."""
    last = Head(0, BEGINNING)
    has_expected = expected is None or expected == last
    for entry in AuditEntry.objects.order_by("number").iterator(chunk_size=1000):
        if entry.number != last.number + 1:
            missing = f"{last.number + 1} to {entry.number - 1}"
            yield Fault(entry.number, f"entries {missing} are missing before it")
        elif entry.previous_sha256 != last.sha256:
            yield Fault(entry.number, "it does not follow from the entry before it: one of both was replaced")
        if entry.sha256 != entry.content_sha256():
            yield Fault(entry.number, "it was changed after it was written")
        last = Head(entry.number, entry.sha256)
        has_expected = has_expected or last == expected
    if expected is not None and not has_expected:
        why = (
            "the log ends before it" if expected.number > last.number else "another entry stands in its place"
        )
        yield Fault(expected.number, f"the head that was written down is not in the log: {why}")
