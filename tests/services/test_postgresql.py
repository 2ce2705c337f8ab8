"""The same product on PostgreSQL, chosen by environment alone."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.services
ROOT = Path(__file__).resolve().parents[2]


def test_the_sites_tests_hold_on_postgresql_and_redis(service):
    # A database of Redis to itself: real workers are tested on the other one at the same time.
    own_redis = urlsplit(service("redis"))._replace(path="/8").geturl()
    environment = os.environ | {"DATABASE_URL": service("postgresql"), "BROKER_URL": own_redis}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "tests/studyapp"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
