"""Sites with a planted bug, each a WSGI application of its own: what the crash loop must see.

The bug is put into the running process here; the product has no switch for it. `without_key` takes the database's
own guard away, which would stop two of the three. Only for processes of their own: importing this sets Django up.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
django.setup()
