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


def worker_ends() -> bool:
    """Whether this worker was asked to end (SIGTERM, Ctrl-C): what it has done is then saved first."""
    from celery.worker import state  # much that a web process has no need of

    asked = (state.should_stop, state.should_terminate)
    return any(exit_code is not None and exit_code is not False for exit_code in asked)
