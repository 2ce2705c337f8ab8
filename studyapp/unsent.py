"""Answers that could not be sent: the file that a participant's browser saves as a last resort, taken in later.

Knows the form of the file and whose trials are in it; what becomes of an answer is `sittings.record`, as for every
other. Taking the same file in again changes nothing.
"""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from studyapp import sittings
from studyapp.messages import MAX_BATCH, MalformedMessage, ResponseMessage, response_message
from studyapp.models import Sitting, Study, Trial

FORMAT = "tachisto-unsent-answers/1"
KEYS = {"format", "study", "sitting", "responses"}
MAX_BYTES = 8 * 2**20
MAX_RESPONSES = 10_000


class UnsentError(ValueError):
    """A file that is refused as a whole; nothing of it was stored. The message says what was expected."""


@dataclass(frozen=True)
class TakenIn:
    """What became of a file's answers, by their receipts' status, and of the sittings that are complete with them."""

    study: str
    receipts: dict[str, int]
    completed: tuple[str, ...]

    def __str__(self) -> str:
        told = ", ".join(f"{self.receipts.get(status, 0)} {words}" for status, words in STATUSES.items())
        done = "".join(f"; sitting {public_id} is complete" for public_id in self.completed)
        return f"study {self.study}: {told}{done}"


STATUSES = {
    "stored": "stored",
    "replayed": "there already",
    "conflict": "refused (another answer is stored; these are kept aside)",
    "unknown": "of no trial that this study knows",
}


def take_in(data: bytes) -> TakenIn:
    """Store the answers of a file, each exactly once. Raises UnsentError for a file that is refused whole."""
    slug, public_id, batch = read(data)
    study = Study.objects.filter(slug=slug).exclude(status=Study.Status.DRAFT).first()
    if study is None:
        raise UnsentError(f"study: expected an open or closed study of this site, got {slug!r}")
    owners = _owners(study, public_id, [message.trial for message, _ in batch])
    for sitting in {owner.pk: owner for owner in owners.values()}.values():
        if sitting.status in (Sitting.Status.WITHDRAWN, Sitting.Status.ERASED):
            raise UnsentError(
                f"sitting {sitting.public_id}: expected one that takes answers, it was {sitting.status}"
            )
    receipts: Counter[str] = Counter({"unknown": sum(message.trial not in owners for message, _ in batch)})
    known = sorted(
        (item for item in batch if item[0].trial in owners), key=lambda item: owners[item[0].trial].pk
    )
    completed = []
    for sitting, items in ((s, list(i)) for s, i in groupby(known, key=lambda item: owners[item[0].trial])):
        for first in range(0, len(items), MAX_BATCH):
            for receipt in sittings.record(sitting, items[first : first + MAX_BATCH], is_counted=False):
                receipts[receipt.status] += 1
        if _is_complete(sitting):
            completed.append(sitting.public_id)
    return TakenIn(study.slug, dict(receipts), tuple(completed))


def read(data: bytes) -> tuple[str, str | None, list[tuple[ResponseMessage, Any]]]:
    """(study, sitting or None, its messages with their bodies). Raises UnsentError naming what is wrong where."""
    if len(data) > MAX_BYTES:
        raise UnsentError(f"expected a file of at most {MAX_BYTES} bytes, got {len(data)}")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnsentError(
            f"expected the JSON file that the test's page saves, got something else: {error}"
        ) from None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else type(body).__name__
        raise UnsentError(f"format: expected {FORMAT!r}, got {str(found)[:80]!r}")
    if keys := KEYS ^ set(body):
        raise UnsentError(
            f"expected exactly the fields {', '.join(sorted(KEYS))}; missing or unknown: {', '.join(sorted(keys))}"
        )
    for name, kinds in (("study", str), ("sitting", str | None)):
        if not isinstance(body[name], kinds) or "\0" in (body[name] or ""):
            raise UnsentError(f"{name}: expected a name, got {str(body[name])[:80]!r}")
    responses = body["responses"]
    if not isinstance(responses, list) or not 1 <= len(responses) <= MAX_RESPONSES:
        raise UnsentError(f"responses: expected a list of 1 to {MAX_RESPONSES} responses")
    try:
        batch = [(response_message(response, i), response) for i, response in enumerate(responses)]
    except MalformedMessage as error:
        raise UnsentError(str(error)) from None
    return body["study"], body["sitting"], batch


def _owners(study: Study, public_id: str | None, tokens: Sequence[str]) -> dict[str, Sitting]:
    """Trial -> its sitting, for the trials of this study (and of the sitting that the file names, if it names one)."""
    trials = Trial.objects.filter(sitting__study=study).select_related("sitting")
    if public_id is not None:
        if not study.sittings.filter(public_id=public_id).exists():
            raise UnsentError(f"sitting: study {study.slug} has none named {public_id[:80]!r}")
        trials = trials.filter(sitting__public_id=public_id)
    found: dict[str, Sitting] = {}
    for first in range(0, len(tokens), 500):
        for trial in trials.filter(token__in=tokens[first : first + 500]):
            trial.sitting.study = study
            found[trial.token] = trial.sitting
    return found


def _is_complete(sitting: Sitting) -> bool:
    """End a sitting whose last answers these were, so that its person can be told the code. Whether it has ended."""
    with suppress(sittings.SittingError):
        sittings.finish(sitting, is_counted=False)
        return True
    return False
