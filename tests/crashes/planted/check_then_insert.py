"""Planted: looks whether the trial has an answer, then stores one, with nothing to hold the two together."""

from collections.abc import Sequence
from typing import Any

from studyapp import sittings
from studyapp.messages import ResponseMessage
from studyapp.models import Response, Sitting
from studyapp.wsgi import application


def record(sitting: Sitting, batch: Sequence[tuple[ResponseMessage, Any]]) -> list[sittings.Receipt]:
    receipts = []
    for message, _ in batch:
        trial = sitting.trials.get(token=message.trial)
        before = Response.objects.filter(trial=trial).first()
        if before is None:
            response = Response.objects.create(trial=trial, body_sha256=message.digest, **message.fields)
            sitting.trials.filter(pk=trial.pk).update(status=response.status)
            receipts.append(sittings.Receipt(message.trial, "stored", response.receipt))
        else:
            receipts.append(sittings.Receipt(message.trial, "replayed", before.receipt))
    return receipts


sittings.record = record
__all__ = ["application"]
