"""The command line's edge: what people read when disks, files and the keyboard are in the way."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import OperationalError

from studyapp.edge import refusal
from tests.studyapp.test_settings import CLEAN, ROOT, manage


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
        OperationalError("database or disk is full"),
    ],
)
def test_a_full_disk_is_called_so_by_files_and_database_alike(error):
    assert "no space left to write" in refusal(error)


def test_a_database_that_does_not_answer_is_no_full_disk():
    assert "expected an answer from the" in refusal(OperationalError("connection refused"))


def test_a_defect_of_ours_keeps_its_traceback():
    assert refusal(KeyError("source")) is None


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A data folder with its tables."""
    assert manage("migrate", TACHISTO_DATA=str(tmp_path)).returncode == 0
    return tmp_path


def test_a_file_that_cannot_be_read_is_named_in_a_sentence(ready):
    name = "n" * 300
    done = manage("import_images", name, TACHISTO_DATA=str(ready))
    assert done.returncode == 1
    assert f"{name}: cannot be read or written (File name too long)" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_a_command_that_waits_with_a_word(ready):
    waiting = subprocess.Popen(
        [sys.executable, "manage.py", "generate", "--checkpoint", "gan-photos", "--count", "1", "--wait"],
        cwd=ROOT,
        env=CLEAN | {"TACHISTO_DATA": str(ready)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As at a terminal: a shell that starts us in the background has Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert waiting.stdout.readline() == "job 1 is queued: 1 images of gan-photos, seed 0\n"
    os.kill(waiting.pid, signal.SIGINT)
    _, complaints = waiting.communicate(timeout=60)
    assert waiting.returncode == 130
    assert complaints.splitlines()[-1] == "stopped"
    assert "Traceback" not in complaints
