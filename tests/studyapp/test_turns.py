"""Who writes on the participants' path waits for a turn: behind whoever has it, not behind the dead, not for ever."""

import subprocess
import sys
import threading

import pytest
from django.db import OperationalError, connection

from studyapp.turns import in_turn
from tests.conftest import Person

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "sqlite" or sys.platform == "win32",
        reason="the queue is SQLite's, by POSIX locks",
    ),
]
HOLDER = """
import fcntl, sys
queue = open(sys.argv[1], "ab")
fcntl.flock(queue, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_turn_comes_when_whoever_had_it_is_killed_and_not_before(db):
    command = [sys.executable, "-c", HOLDER, f"{connection.settings_dict['NAME']}-queue"]
    entered = threading.Event()

    def enter() -> None:
        with in_turn():
            entered.set()
        connection.close()

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        waiting = threading.Thread(target=enter)
        waiting.start()
        assert not entered.wait(0.2)
        holder.kill()
    waiting.join(30)
    assert entered.is_set()


def test_who_waits_too_long_is_told_so_and_loses_nothing(person: Person, monkeypatch: pytest.MonkeyPatch):
    trial = person.block()["trials"][0]
    with monkeypatch.context() as patched:
        patched.setitem(connection.settings_dict["OPTIONS"], "timeout", -1)
        with pytest.raises(OperationalError, match="expected a turn to write within -1 s"), in_turn():
            pass
        busy = person.post("responses", {"responses": [person.message(trial)]})
        assert (busy.status_code, busy.json()["error"]) == (503, "busy")
    assert person.answer([trial])[0]["status"] == "stored"
