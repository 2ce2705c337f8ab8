"""A web server of our own for the bots: gunicorn as a child process on a free port, gone when they are done.

The port is bound here and handed down, so that nobody can take it in between and no output is parsed.
"""

import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

from studyapp.bots.browser import BotError
from studyapp.serving import gunicorn_command

HOST = "127.0.0.1"
START_S = 60
GRACE_S = 10


@dataclass(frozen=True)
class WebServer:
    """Where it listens, its main process, and the file that has its complaints."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "nothing"


@contextmanager
def own_web_server() -> Iterator[WebServer]:
    """A web server on this installation's data for as long as the block lasts. Raises BotError if it does not start."""
    if sys.platform == "win32":
        raise BotError("gunicorn does not run on Windows: start the site yourself and give --server URL")
    call_command("collectstatic", interactive=False, verbosity=0)
    log = settings.LOGS_DIR / "bots-web.log"
    with socket.create_server((HOST, 0), backlog=128) as listening, log.open("wb") as errors:
        descriptor = listening.fileno()
        process = subprocess.Popen(
            gunicorn_command(f"fd://{descriptor}"),
            # The outside names and TLS of the site do not matter on the loopback.
            env={**os.environ, "ALLOWED_HOSTS": HOST, "HTTPS": "false"},
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            start_new_session=True,  # Ctrl-C reaches the bots first; they stop the server
        )
        port = listening.getsockname()[1]
    # Our copy of the socket is closed now: when the server dies, its connections are refused at once.
    server = WebServer(f"http://{HOST}:{port}", process, log)
    try:
        _require_answer(server)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _require_answer(server: WebServer) -> None:
    """Wait for the first answer, which may take as long as the site takes to load. Raises BotError."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=START_S)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        raise BotError(
            f"expected the web server for the bots to answer within {START_S} seconds, got {error} and in "
            f"{server.log}: {server.last_words()}"
        ) from error
    finally:
        connection.close()
