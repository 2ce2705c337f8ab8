"""The site's settings for tests: a data folder of their own, files without hashed names, a fast password hash.

The database and the broker come from the environment as everywhere, so that the same suite runs on each.
"""

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="tachisto-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ["TACHISTO_DATA"] = _folder

from studyapp.settings import *  # noqa: E402, F403

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # A file, not memory: a live server answers from other threads, as the real one does.
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder}/test.sqlite3"}  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
