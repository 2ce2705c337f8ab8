"""The worker's half-minute round: it says that it is there, and sends again what was lost.

Lost is what a killed worker held, or an emptied broker.
"""

import socket

from celery import shared_task
from django.utils import timezone

from studyapp.jobs import send_overdue
from studyapp.models import Heartbeat


@shared_task(name="studyapp.sweep")
def sweep() -> None:
    Heartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"seen_utc": timezone.now()})
    send_overdue()
