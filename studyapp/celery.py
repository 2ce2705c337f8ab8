"""The queue: `celery -A studyapp.celery worker -B` runs what the web asks for by task name.

The worker alone imports `generator.tasks` (setting CELERY_IMPORTS); a web process only sends names.
"""

import os

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
app = Celery("tachisto")
app.config_from_object("django.conf:settings", namespace="CELERY")


@signals.worker_init.connect
def step_back(**_: object) -> None:
    """Leave the machine to the web server beside this worker: low priority, and no more threads than allowed.

    The variable is read by what computes (torch) when a task first loads it, in this process or a child of it.
    """
    from django.conf import settings

    if hasattr(os, "nice"):  # not on Windows
        os.nice(max(settings.WORKER_NICE - os.nice(0), 0))
    os.environ["OMP_NUM_THREADS"] = str(settings.WORKER_THREADS)
