"""Whether a site's surroundings are fit for people's answers: what is fine, what is doubtful, what has to be mended."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from studyapp.live import WORKER_LATE_S
from studyapp.serving import BrokerUnreachable, require_broker
from studyapp.system_checks import WAL_RESET_FIXED

FINE, DOUBT, FAULT = "fine", "doubt", "fault"
LEAST_PYTHON = (3, 11)
LOW_DISK_BYTES, NO_DISK_BYTES = 5 * 10**9, 5 * 10**8
SLOW_SYNC_MS = 50
# Folders that a program copies to elsewhere while we write tear databases apart; on these a lock may be no lock.
SYNCED = ("dropbox", "onedrive", "google drive", "nextcloud", "icloud")
NETWORK_FILE_SYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p")


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do where it is not fine."""

    name: str
    state: str
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.state:<5}  {self.name}: {self.found}" + (
            f"\n       {self.remedy}" if self.remedy else ""
        )


def findings() -> list[Finding]:
    """Every check of CHECKS, in its order; one that itself fails is a fault with its reason."""
    found = []
    for name, check in CHECKS.items():
        try:
            state, words, *remedy = check()
        except Exception as error:  # a check must never keep the others from being made
            state, words, remedy = FAULT, f"could not be looked at ({error})", []
        found.append(Finding(name, state, words, *remedy))
    return found


Result = tuple[str, ...]


def python() -> Result:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return FAULT, version, "install Python 3.11 or newer and make the virtual environment again"
    return FINE, version


def data_folder() -> Result:
    folder = settings.DATA_DIR
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        begin_s = time.perf_counter()
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())
        sync_ms = 1000 * (time.perf_counter() - begin_s)
    if any(word in str(folder).lower() for word in SYNCED):
        return (
            FAULT,
            str(folder),
            "a folder that is copied elsewhere while we write loses data: set TACHISTO_DATA to another",
        )
    kind = file_system(folder)
    if kind in NETWORK_FILE_SYSTEMS and connection.vendor == "sqlite":
        return (
            FAULT,
            f"{folder} on {kind}",
            "SQLite needs a disk of this machine: set TACHISTO_DATA, or use PostgreSQL",
        )
    if sync_ms > SLOW_SYNC_MS:
        return (
            DOUBT,
            f"{folder}, {sync_ms:.0f} ms to be on disk",
            "answers wait for the disk: use a faster one",
        )
    return FINE, f"{folder}, {sync_ms:.1f} ms to be on disk"


def file_system(folder: Path) -> str:
    """Kind of the file system that a folder is on, by Linux' table of mounts; empty elsewhere."""
    table = Path("/proc/mounts")
    if not table.is_file():
        return ""
    mounts = [line.split()[1:3] for line in table.read_text().splitlines()]
    around = [(place, kind) for place, kind in mounts if folder.is_relative_to(place.replace("\\040", " "))]
    return max(around, key=lambda mount: len(mount[0]), default=("", ""))[1]


def disk() -> Result:
    used = shutil.disk_usage(settings.DATA_DIR)
    told = f"{used.free / 1e9:.1f} GB of {used.total / 1e9:.0f} GB free"
    if used.free < NO_DISK_BYTES:
        return FAULT, told, "free some space now: without it no answer can be stored"
    if used.free < LOW_DISK_BYTES:
        return DOUBT, told, "image sets and backups need room: free some space"
    return FINE, told


def permissions() -> Result:
    if os.name == "nt":
        return FINE, "not looked at on Windows"
    open_to_others = [
        path
        for path in (settings.DATA_DIR, settings.DATA_DIR / "secret_key", settings.DATA_DIR / "db.sqlite3")
        if path.exists() and path.stat().st_mode & 0o077 and (path.is_dir() or path.stat().st_mode & 0o007)
    ]
    secret = [path for path in open_to_others if path.name == "secret_key"]
    if secret:
        return (
            FAULT,
            f"{secret[0]} can be read by others",
            f"chmod 600 {secret[0]}; better make a new key, too",
        )
    if settings.DATA_DIR in open_to_others:
        return DOUBT, f"{settings.DATA_DIR} can be entered by others", f"chmod 700 {settings.DATA_DIR}"
    return FINE, "the data folder is its owner's alone"


def database() -> Result:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        return FAULT, f"no answer ({str(error).strip()})", "start it, or correct DATABASE_URL"
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return (
            FAULT,
            "its tables are not those of this version",
            "make a backup, then `python manage.py migrate`",
        )
    if connection.vendor != "sqlite":
        return FINE, f"PostgreSQL {connection.cursor().connection.info.server_version // 10000}"
    told = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < WAL_RESET_FIXED:
        return (
            DOUBT,
            f"{told}, which has a rare race that damages data",
            "for a study that matters use PostgreSQL (DATABASE_URL), or a Python with SQLite 3.51.3 or newer",
        )
    return FINE, told


def clock() -> Result:
    """Against the database's clock where that is another machine's, and against the system's own word."""
    now = timezone.now()
    if now.year < 2026 or now.year > 2100:
        return FAULT, f"{now:%Y-%m-%d %H:%M} UTC", "set the clock: times of consents and answers come from it"
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            apart_s = abs((cursor.fetchone()[0] - timezone.now()).total_seconds())
        if apart_s > 2:
            return DOUBT, f"{apart_s:.0f} s apart from the database's", "let both follow a time server (NTP)"
    if shutil.which("timedatectl"):
        done = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            check=False,
            timeout=5,
        )
        if done.stdout.strip() == "no":
            return DOUBT, f"{now:%Y-%m-%d %H:%M} UTC, follows no time server", "timedatectl set-ntp true"
    return FINE, f"{now:%Y-%m-%d %H:%M} UTC"


def broker() -> Result:
    try:
        require_broker()
    except BrokerUnreachable as error:
        return FAULT, str(error)
    return FINE, settings.CELERY_BROKER_URL.split("@")[-1]


def worker() -> Result:
    from studyapp.models import Heartbeat

    newest = Heartbeat.objects.order_by("-seen_utc").first()
    remedy = (
        "start one: `python -m celery -A studyapp.celery worker --pool solo --beat` (`make demo` runs one)"
    )
    if newest is None:
        return DOUBT, "never seen: nothing is generated or trained", remedy
    seconds = (timezone.now() - newest.seen_utc).total_seconds()
    if seconds > WORKER_LATE_S:
        return DOUBT, f"{newest.worker} was last seen {seconds / 60:.0f} minutes ago", remedy
    return FINE, f"{newest.worker}, seen {seconds:.0f} s ago"


def gpu() -> Result:
    """By the driver's own program: the web process loads no torch."""
    wanted = settings.CELERY_TASK_ROUTES["generator.train_slice"]["queue"] != "celery"
    if shutil.which("nvidia-smi") is None:
        if wanted:
            return (
                DOUBT,
                "none seen on this machine",
                "a worker of the queue TRAIN_QUEUE must run where one is",
            )
        return FINE, "none seen; models train and draw on the processor"
    done = subprocess.run(
        ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    if done.returncode != 0:
        return DOUBT, f"the driver says: {done.stdout.strip() or done.stderr.strip()}", "mend the driver"
    return FINE, done.stdout.strip().replace("\n", "; ")


def security() -> Result:
    if settings.DEBUG:
        return FAULT, "DEBUG is on: errors show the site's inside to everybody", "take DEBUG away"
    hosts = set(settings.ALLOWED_HOSTS) - {"localhost", "127.0.0.1", "[::1]"}
    if "*" in hosts:
        return FAULT, "ALLOWED_HOSTS takes every name", "name the site's own"
    if hosts and not settings.HTTPS:
        return DOUBT, "open to others without TLS", "put a web server with TLS in front, and set HTTPS=true"
    return FINE, "TLS" if settings.HTTPS else "answers to this machine only"


def promises() -> Result:
    from studyapp.retention import overdue

    late = list(overdue(timezone.now().date()))
    if late:
        return (
            DOUBT,
            "; ".join(late),
            "close the study: a worker then deletes them, or `manage.py retention --apply`",
        )
    return FINE, "nothing is kept longer than was said"


CHECKS: dict[str, Callable[[], Result]] = {
    "Python": python,
    "data folder": data_folder,
    "disk": disk,
    "permissions": permissions,
    "database": database,
    "clock": clock,
    "broker": broker,
    "worker": worker,
    "GPU": gpu,
    "security": security,
    "retention": promises,
}
