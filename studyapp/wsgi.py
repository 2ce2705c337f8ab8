"""The web process: `gunicorn studyapp.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

from studyapp.addresses import keep_out_of_logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
keep_out_of_logs()
application = get_wsgi_application()
