"""The web server and the worker of one machine: they come and go with the program that serves."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.studyapp.test_settings import CLEAN, ROOT, manage

SERVE = "import sys, django; django.setup(); from studyapp.serving import serve; serve(int(sys.argv[1]))"


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def as_at_a_terminal() -> None:
    """No signal is ignored, whatever started the tests (`nohup`, a shell in the background)."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def serving(tmp_path):
    """A program that serves an empty site on a free port, and the port."""
    environment = CLEAN | {"TACHISTO_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "studyapp.settings"}
    assert manage("migrate", TACHISTO_DATA=str(tmp_path)).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port)], cwd=ROOT, env=environment, preexec_fn=as_at_a_terminal
    )
    deadline_s = time.monotonic() + 60
    while not listens(port):
        assert program.poll() is None
        assert time.monotonic() < deadline_s, "the web server does not listen"
        time.sleep(0.1)
    yield program, port
    if program.poll() is None:
        program.terminate()
        program.wait(60)


@pytest.mark.skipif(os.name == "nt", reason="no such signal on Windows")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_asked_to_end_or_left_by_its_terminal_it_leaves_nothing_running(serving, name):
    program, port = serving
    program.send_signal(getattr(signal, name))
    assert program.wait(60) == 0
    assert not listens(port)
