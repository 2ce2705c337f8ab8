"""Planted: every message is stored as it comes; nobody looks whether its trial has an answer."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from studyapp import sittings
from studyapp.messages import ResponseMessage
from studyapp.models import Response, Sitting
from studyapp.wsgi import application


def record(sitting: Sitting, batch: Sequence[tuple[ResponseMessage, Any]]) -> list[sittings.Receipt]:
    receipts = []
    with transaction.atomic(durable=True):
        for message, _ in batch:
            trial = sitting.trials.get(token=message.trial)
            response = Response.objects.create(trial=trial, body_sha256=message.digest, **message.fields)
            trial.status = response.status
            trial.save()
            receipts.append(sittings.Receipt(message.trial, "stored", response.receipt))
    return receipts


sittings.record = record
__all__ = ["application"]
