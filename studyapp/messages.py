"""What a browser may say about a trial: the shape and ranges of one response message, checked field by field.

Pure: no database, no clock. What a well-formed message does to the tables is in `sittings`.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

# Of what the test's page and the server say to each other. A higher number sends pages of a lower one to be loaded
# again before their next block; their answers are taken for ever: see LATER.
VERSION = 1
MAX_BATCH = 50
ONE_DAY_MS = 86_400_000.0
FLAGS = frozenset({"late_onset", "wrong_duration", "hidden", "blurred", "resized", "slept", "unwitnessed"})


class MalformedMessage(ValueError):
    """A message that cannot be understood; `index` is its place in the batch, None for the batch itself."""

    def __init__(self, sentence: str, index: int | None = None) -> None:
        super().__init__(sentence)
        self.index = index


class UnknownFields(MalformedMessage):
    """A message of a page that is newer than this server: to be kept and sent again, not to be thrown away."""


@dataclass(frozen=True)
class ResponseMessage:
    """One checked response. Fields are those of `models.Response`; `digest` is the SHA-256 of the message."""

    trial: str
    digest: str
    fields: dict[str, Any]


def number(low: float, high: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"a number of {low:g} to {high:g}")
        # Comparing holds for whole numbers of any length (no float does), and is false for NaN.
        if not low <= value <= high:
            raise ValueError(f"a number of {low:g} to {high:g}")
        return float(value)

    return check


def whole(low: int, high: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number of {low} to {high}")
        return value

    return check


def one_of(*words: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError(f"one of {', '.join(words)}")
        return value

    return check


def or_null(check: Callable[[Any], Any], empty: Any = None) -> Callable[[Any], Any]:
    return lambda value: empty if value is None else check(value)


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def flags(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(flag, str) and flag in FLAGS for flag in value):
        raise ValueError(f"a list out of {', '.join(sorted(FLAGS))}")
    return sorted(set(value))


def token(value: Any) -> str:
    # NUL and half characters are JSON, and no database takes them.
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= 64
        or not (value.isascii() and value.isprintable())
    ):
        raise ValueError("the trial's name, 1 to 64 letters, digits, - and _")
    return value


def utc(value: Any) -> datetime:
    refusal = "a time in ISO 8601 with its zone"
    # Python takes any character between date and time, even some that no database stores.
    if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
        raise ValueError(refusal)
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(refusal)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # a zone can lead out of the years 1 to 9999
        raise ValueError(refusal) from None


FIELDS: dict[str, Callable[[Any], Any]] = {
    "status": one_of("answered", "timed_out", "interrupted"),
    "answer": or_null(one_of("real", "generated"), ""),
    "reaction_ms": or_null(number(0, ONE_DAY_MS)),
    "reaction_origin": or_null(one_of("element_timing", "frame"), ""),
    "input_kind": or_null(one_of("key", "mouse", "touch", "pen"), ""),
    # Null: the picture stayed until the answer, which may take as long as any reaction.
    "planned_frames": or_null(whole(1, 100_000)),
    "measured_frames": or_null(whole(0, 100_000_000)),
    "measured_ms": or_null(number(0, ONE_DAY_MS)),
    "frame_ms": number(1, 1000),
    "timing_ok": or_null(boolean),
    "timing_witness": one_of("element_timing", "callback"),
    "flags": flags,
    "lost_focus": boolean,
    "shown_utc": or_null(utc),
}
KEYS = frozenset(FIELDS) | {"trial"}
# Fields that messages did not have from the beginning, with what stands for them in an older page's message. A field
# that was ever required is never taken away: answers wait in browsers for as long as their owners are offline.
LATER: dict[str, Any] = {}


def digest(body: dict[str, Any]) -> str:
    """SHA-256 of the message in canonical form, so that the same values are the same message."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def response_message(body: Any, index: int) -> ResponseMessage:
    """The checked message number `index` of a batch. Raises MalformedMessage naming the field."""
    if not isinstance(body, dict):
        raise MalformedMessage(f"response {index}: expected an object, got {type(body).__name__}", index)
    for keys, what, refusal in (
        (KEYS - set(body) - set(LATER), "missing", MalformedMessage),
        (set(body) - KEYS, "unknown", UnknownFields),
    ):
        if keys:
            raise refusal(
                f"response {index}: expected exactly the fields {', '.join(sorted(KEYS))}; "
                f"{what}: {', '.join(sorted(map(str, keys)))[:200]}",
                index,
            )
    sent = {**LATER, **body}
    fields: dict[str, Any] = {}
    for name, check in {"trial": token, **FIELDS}.items():
        try:
            fields[name] = check(sent[name])
        except ValueError as error:
            raise MalformedMessage(
                f"response {index}: {name}: expected {error}, got {str(sent[name])[:80]!r}", index
            ) from None
    if (fields["status"] == "answered") != bool(fields["answer"]):
        raise MalformedMessage(
            f"response {index}: answer: expected one exactly when status is answered, "
            f"got {body['answer']!r} with {fields['status']}",
            index,
        )
    return ResponseMessage(trial=fields.pop("trial"), digest=digest(body), fields=fields)


def response_batch(body: Any) -> list[tuple[ResponseMessage, dict[str, Any]]]:
    """The 1 to 50 checked messages of a POST with their bodies. Raises MalformedMessage; then none is taken."""
    responses = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(responses, list) or not 1 <= len(responses) <= MAX_BATCH:
        raise MalformedMessage(f"responses: expected a list of 1 to {MAX_BATCH} responses")
    return [(response_message(response, index), response) for index, response in enumerate(responses)]
