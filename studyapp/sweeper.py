"""The worker's rounds: each half-minute it says that it is there, and sends again what a killed worker held or an
emptied broker lost; every six hours it deletes what studies promised to keep no longer.
"""

import socket

from celery import shared_task
from django.utils import timezone

from studyapp.jobs import send_overdue
from studyapp.models import Heartbeat
from studyapp.retention import keep_promises


@shared_task(name="studyapp.sweep")
def sweep() -> None:
    Heartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"seen_utc": timezone.now()})
    send_overdue()


@shared_task(name="studyapp.keep_promises")
def keep_promises_of_today() -> list[str]:
    return keep_promises(timezone.now().date())
