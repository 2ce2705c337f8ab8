"""Planted: the receipt goes out first, the answer to the disk a moment later."""

import threading
from collections.abc import Sequence
from typing import Any

from studyapp import sittings
from studyapp.messages import ResponseMessage
from studyapp.models import Sitting
from studyapp.wsgi import application

LATER_S = 0.3
stored = sittings.record


def record(sitting: Sitting, batch: Sequence[tuple[ResponseMessage, Any]]) -> list[sittings.Receipt]:
    threading.Timer(LATER_S, stored, (sitting, batch)).start()
    return [sittings.Receipt(message.trial, "stored", message.digest[:22]) for message, _ in batch]


sittings.record = record
__all__ = ["application"]
