"""The web server and the worker of one machine: how they are started, kept running and ended."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from kombu.exceptions import OperationalError as BrokerError

from studyapp.celery import app

LONGEST_PAUSE_S = 30.0
BROKER_PATIENCE_S = 5


class PortInUse(RuntimeError):
    """Another program listens where the web server should."""


class BrokerUnreachable(RuntimeError):
    """The broker that BROKER_URL names does not answer."""


def require_free(port: int) -> None:
    """Raises PortInUse, with the remedy, if nothing of ours can listen on this port."""
    if not 1 <= port <= 65535:
        raise PortInUse(f"port: expected 1 to 65535, got {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(
                f"port {port} is not free ({error.strerror}): choose another (`make demo PORT={port + 1}`, "
                f"`manage.py demo --port {port + 1}`) or end the program that uses it"
            ) from error


def require_broker() -> None:
    """Raises BrokerUnreachable, with the remedy, if no worker could be reached over BROKER_URL."""
    try:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_PATIENCE_S)
    except (BrokerError, OSError) as error:
        where = settings.CELERY_BROKER_URL.split("@")[-1]
        raise BrokerUnreachable(
            f"expected an answer from the broker at {where}, got: {error}. Nothing was changed. Start it, or "
            "correct BROKER_URL (without it the queue is files in the data folder)"
        ) from error


def web_command(port: int) -> list[str]:
    """gunicorn's threads, or waitress where gunicorn does not run (Windows); both on this machine only."""
    if os.name == "nt":
        return [
            sys.executable,
            "-m",
            "waitress",
            f"--listen=127.0.0.1:{port}",
            "--threads=8",
            "studyapp.wsgi:application",
        ]
    return gunicorn_command(f"127.0.0.1:{port}")


def gunicorn_command(bind: str) -> list[str]:
    """The web server listening at `bind`, an address or the descriptor of a socket (`fd://N`)."""
    return [
        *(sys.executable, "-m", "gunicorn", "studyapp.wsgi", "--pythonpath", str(settings.BASE_DIR)),
        *("--bind", bind, "--workers", "2", "--worker-class", "gthread", "--threads", "4"),
        # A participant thinks for seconds between two posts: the connection must outlast that.
        *("--keep-alive", "75", "--no-control-socket", "--log-level", "warning"),
    ]


def worker_command() -> list[str]:
    """One task at a time; the worker itself steps back for the web server (`studyapp.celery.step_back`)."""
    return [
        *(sys.executable, "-m", "celery", "-A", "studyapp.celery", "worker", "--pool", "solo", "--beat"),
        *("--schedule", str(settings.DATA_DIR / "beat"), "--loglevel", "warning", "--without-mingle"),
        *("--without-gossip", "--without-heartbeat"),
    ]


@dataclass
class Child:
    """A process that is started again, after a growing pause, when it ends by itself."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = 1.0
    due_s: float = field(default=0.0)

    @property
    def log(self) -> Path:
        return settings.LOGS_DIR / f"{self.name.replace(' ', '-')}.log"

    def tend(self, now_s: float, say: Callable[[str], None]) -> None:
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            say(
                f"the {self.name} ended with {self.process.returncode}, see {self.log}; "
                f"starting it again in {self.pause_s:.0f} s"
            )
            self.process, self.due_s = None, now_s + self.pause_s
            self.pause_s = min(2 * self.pause_s, LONGEST_PAUSE_S)
        elif now_s >= self.due_s:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command, cwd=settings.BASE_DIR, stdout=log, stderr=log, start_new_session=True
                )

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()


def stopping_signals() -> list[signal.Signals]:
    """What asks us to end. A closed terminal does, too, unless `nohup` has us outlive it."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    return numbers


def serve(port: int) -> None:
    """Run the web server and a worker until Ctrl-C, SIGTERM or a closed terminal; end both and wait for them."""
    children = [Child("web server", web_command(port)), Child("worker", worker_command())]
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in stopping_signals():
        signal.signal(number, stop)
    while not stopping:
        for child in children:
            child.tend(time.monotonic(), lambda sentence: print(sentence, file=sys.stderr, flush=True))
        time.sleep(0.2)
    for child in children:
        child.end()
    for child in children:
        if child.process is not None:
            try:
                child.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                child.process.kill()
