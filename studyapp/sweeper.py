"""The worker's half-minute round: what a killed worker or an emptied broker lost is sent again."""

from celery import shared_task

from studyapp.jobs import send_overdue


@shared_task(name="studyapp.sweep")
def sweep() -> None:
    send_overdue()
