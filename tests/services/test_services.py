"""The same product on PostgreSQL, Redis and RabbitMQ, chosen by environment alone; and jobs on real workers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studyapp.serving import worker_command

pytestmark = pytest.mark.services
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


def test_the_sites_tests_hold_on_postgresql_and_redis(service):
    environment = os.environ | {"DATABASE_URL": service("postgresql"), "BROKER_URL": service("redis")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "tests/studyapp"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


JOBS = """
import json
from studyapp.models import Job, JobSlice, ImageSet
print(json.dumps({
    "jobs": list(Job.objects.values_list("status", "error")),
    "attempts": list(JobSlice.objects.order_by("first").values_list("attempts", flat=True)),
    "sets": list(ImageSet.objects.values_list("source", "n_images")),
}))
"""


def state(environment: dict[str, str]) -> dict:
    return json.loads(manage(environment, "shell", "--verbosity", "0", "-c", JOBS).splitlines()[-1])


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as `demo` starts it, with all its children in one group."""
    process = subprocess.Popen(worker_command(), cwd=ROOT, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DJANGO_SETTINGS_MODULE", "BROKER_URL", "DATABASE_URL")
    }
    environment = clean | {"TACHISTO_DATA": str(tmp_path / "var")}
    manage(environment, "migrate", "--verbosity", "0")
    return environment


@pytest.mark.parametrize("broker", ["filesystem", "redis", "rabbitmq"])
def test_a_queued_generation_ends_in_the_catalogue(environment, service, broker):
    if broker != "filesystem":
        environment["BROKER_URL"] = service(broker)
    with worker(environment):
        said = manage(environment, "generate", "--checkpoint", "gan-photos", "--count", "20", "--wait")
    assert "is in the catalogue" in said
    assert state(environment)["sets"] == [["gan", 20]]


def test_a_slice_whose_worker_is_killed_is_made_by_the_next_one(environment):
    """The queue has lost the message with the worker; the lease in the database brings the work back."""
    manage(environment, "generate", "--checkpoint", "lapgan-photos", "--count", "1000")
    with worker(environment):
        wait_until(environment, lambda now: now["attempts"] == [1])
    # Two minutes of lease are over at once.
    manage(
        environment,
        "shell",
        "-c",
        "from studyapp.models import JobSlice; from django.utils import timezone; "
        "JobSlice.objects.filter(status='running').update(lease_until_utc=timezone.now())",
    )
    with worker(environment):
        wait_until(environment, lambda now: now["jobs"][0][0] == "done")
    assert state(environment)["sets"] == [["lapgan", 1000]]


def wait_until(environment: dict[str, str], holds) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds(now := state(environment)):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE_S} s: {now}")
        time.sleep(0.5)
