"""A real site with a database of its own: prepared once, copied for a run, served by gunicorn, killed with -9."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from studyapp.serving import gunicorn_command

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_S = 90.0
ANSWERS = """
    SELECT trial.token, response.answer, response.reaction_ms, response.planned_frames, response.receipt
    FROM studyapp_response AS response JOIN studyapp_trial AS trial ON trial.id = response.trial_id
"""
CONFLICTS = "SELECT count(*) FROM studyapp_conflictingresponse"


def free_port() -> int:
    with socket.create_server((HOST, 0)) as free:
        return free.getsockname()[1]


def own_environment(folder: Path, database_url: str = "") -> dict[str, str]:
    """The environment of a site in this folder: nothing of the tests' own, only the database that is named."""
    ours = ("DJANGO_SETTINGS_MODULE", "BROKER_URL", "DATABASE_URL", "TACHISTO_DATA", "SECRET_KEY")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"TACHISTO_DATA": str(folder)} | ({"DATABASE_URL": database_url} if database_url else {})


def run_module(environment: dict[str, str], module: str, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]


def prepared_folder(folder: Path, n_trials: int, database_url: str = "") -> Path:
    """A data folder with an open study named `crash` of so many trials, on SQLite unless a database is named."""
    run_module(own_environment(folder, database_url), "tests.crashes.prepare", "--trials", str(n_trials))
    return folder


@dataclass
class Site:
    """A prepared data folder and the web server on it; `application` is what gunicorn loads."""

    folder: Path
    database_url: str = ""
    application: str = "studyapp.wsgi"
    n_kills: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.port = free_port()
        self.log = self.folder / "web.log"

    @classmethod
    def copied(cls, prepared: Path, folder: Path, **options: Any) -> "Site":
        shutil.copytree(prepared, folder)
        return cls(folder, **options)

    @property
    def environment(self) -> dict[str, str]:
        return own_environment(self.folder, self.database_url)

    def start(self) -> None:
        """Start the server and wait until it listens."""
        command = gunicorn_command(f"{HOST}:{self.port}")
        command[command.index("studyapp.wsgi")] = self.application
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline_s = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection((HOST, self.port), 1).close()
                return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()[-3000:]
                assert time.monotonic() < deadline_s, "the web server does not listen"
                time.sleep(0.05)

    def kill(self) -> None:
        """End the server and all its workers as a power switch would."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.n_kills += 1

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database itself holds, asked without any code of the site."""
        if self.database_url:
            import psycopg

            with psycopg.connect(self.database_url) as connection:
                return connection.execute(query.encode()).fetchall()
        with sqlite3.connect(self.folder / "db.sqlite3") as connection:
            found = connection.execute(query).fetchall()
        connection.close()
        return found


def created_database(server_url: str, name: str) -> str:
    """An empty PostgreSQL database of this name at the server; its URL."""
    dropped_database(server_url, name)
    _administer(server_url, f'CREATE DATABASE "{name}"')
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


def dropped_database(server_url: str, name: str) -> None:
    _administer(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(server_url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement.encode())
