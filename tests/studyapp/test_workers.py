"""Workers step back for the web server, and jobs go to the queue that the deployment names."""

import subprocess
import sys

import pytest

from tests.studyapp.test_settings import CLEAN, ROOT, manage

ASK = """
import os, sys, django
django.setup()
from celery import signals
from studyapp.celery import app
signals.worker_init.send(sender=None)
print(os.nice(0), os.environ["OMP_NUM_THREADS"])
import torch
print(torch.get_num_threads())
for task in ("generator.train_slice", "generator.generate_slice", "studyapp.sweep"):
    print(app.amqp.router.route({}, task).get("queue", app.amqp.queues[app.conf.task_default_queue]).name)
"""


def answers(tmp_path, **environment):
    """What a fresh process says of its worker's priority, threads and queues."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=CLEAN
        | {"DJANGO_SETTINGS_MODULE": "studyapp.settings", "TACHISTO_DATA": str(tmp_path)}
        | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.skipif(sys.platform == "win32", reason="no priorities of this kind on Windows")
def test_a_worker_steps_back_and_sends_jobs_where_it_is_told(tmp_path):
    nice, threads, torch_threads, *queues = answers(
        tmp_path, WORKER_NICE="12", WORKER_THREADS="1", TRAIN_QUEUE="gpu"
    )
    assert int(nice) >= 12
    assert (threads, torch_threads) == ("1", "1")
    assert queues == ["gpu", "celery", "celery"]


@pytest.mark.parametrize("name", ["WORKER_NICE", "WORKER_THREADS"])
@pytest.mark.parametrize("value", ["-1", "many", "20000"])
def test_a_number_out_of_range_is_refused(tmp_path, name, value):
    done = manage("check", TACHISTO_DATA=str(tmp_path), **{name: value})
    assert done.returncode != 0
    assert f"{name}: expected a whole number from" in done.stderr
    assert "Traceback" not in done.stderr
