"""Who writes on the participants' path waits for a turn: behind whoever has it, not behind the dead."""

import subprocess
import sys
import threading

import pytest
from django.db import OperationalError, connection
from django.test import Client

from studyapp.models import Sitting, Study
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


@pytest.mark.parametrize(
    ("method", "page", "form"),
    [
        ("get", "", {}),
        ("get", "consent/", {}),
        ("post", "consent/", {"decision": "agree"}),
        ("post", "consent/", {"decision": "decline"}),
        ("post", "landed/", {}),
        ("get", "declined/", {}),
        ("post", "withdraw/", {"data": "keep"}),
        ("post", "erase/", {"receipt_code": "AAAA-BBBB"}),
    ],
)
def test_a_page_that_cannot_have_its_turn_asks_for_a_moment_and_changes_nothing(
    person: Person,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    page: str,
    form: dict[str, str],
):
    browser = person.client if page == "withdraw/" else client
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", -1)
    answer = getattr(browser, method)(person.url(page), form)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "One moment, please" in answer.content.decode()
    assert person.sitting.status == "started"
    assert Sitting.objects.count() == 1
    assert not Study.objects.exclude(n_landed=0, n_declined=0).exists()


def test_the_end_of_a_sitting_waits_for_its_turn_too(person: Person, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setitem(connection.settings_dict["OPTIONS"], "timeout", -1)
        busy = person.post("finish", {})
        assert (busy.status_code, busy.json()["error"]) == (503, "busy")
    person.sit_through()
