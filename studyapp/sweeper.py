"""The worker's rounds: each half-minute it says that it is there, sends again what a killed worker held or an emptied
broker lost, and deletes reports with answers that were erased and files that no row accounts for; every six hours it
deletes what studies promised to keep no longer.
"""

from celery import shared_task
from django.utils import timezone

from studyapp.jobs import note_alive, send_overdue
from studyapp.products import keep_true
from studyapp.retention import keep_promises


@shared_task(name="studyapp.sweep")
def sweep() -> None:
    note_alive()
    send_overdue()
    keep_true(timezone.now())


@shared_task(name="studyapp.keep_promises")
def keep_promises_of_today() -> list[str]:
    return keep_promises(timezone.now().date())
