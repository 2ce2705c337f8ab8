"""The queue: `celery -A studyapp.celery worker -B` runs what the web asks for by task name.

The worker alone imports `generator.tasks` (setting CELERY_IMPORTS); a web process only sends names.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
app = Celery("tachisto")
app.config_from_object("django.conf:settings", namespace="CELERY")
