"""The web process: `gunicorn studyapp.wsgi`."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from studyapp.addresses import keep_out_of_logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
keep_out_of_logs()
application = get_wsgi_application()
import_module(settings.ROOT_URLCONF)
# What is loaded by now stays for ever: to look at it for garbage held all threads up for some 50 ms, again and again.
gc.freeze()
