"""A backup of everything a site is made of, taken while it runs, and the way back: one zip, whole or not at all.

In it: the database as it was at one moment, image sets, packs, trained checkpoints, reports, and a list of all files
with their hashes. The secret key is in it only if asked for: whoever has it can forge sessions, so that it is better
kept apart.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection
from django.utils import timezone

from studyapp import __version__, audit
from studyapp.files import write_whole
from studyapp.models import ImageSet, Sitting, Study

FORMAT = "tachisto-backup/1"
MANIFEST, KEY = "backup.json", "secret_key"
DATABASE_FILES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
# Files of these folders never change once they are there; their rows come after them. Reports may go at any time.
FOLDERS = {
    "image_sets": settings.IMAGE_SETS_DIR,
    "packs": settings.PACKS_DIR,
    "checkpoints": settings.CHECKPOINTS_DIR,
    "reports": settings.REPORTS_DIR,
}


class BackupError(ValueError):
    """A backup that cannot be made or taken back; nothing was changed. The message says what to do."""


@dataclass(frozen=True)
class Contents:
    """What a backup holds, as its manifest says."""

    created_utc: str
    code_version: str
    database: str
    counts: dict[str, int]
    audit_head: str
    has_key: bool
    files: dict[str, dict[str, Any]]

    @property
    def n_bytes(self) -> int:
        return sum(file["bytes"] for file in self.files.values())


# ---- taking one ----


def back_up(path: Path, *, with_key: bool = False) -> Contents:
    """Write a backup to `path`. Participants and workers go on meanwhile. Raises BackupError, OSError."""
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=_folder_of(path)) as name:
        copy = Path(name) / DATABASE_FILES[connection.vendor]
        DUMPERS[connection.vendor](copy)
        sources = {copy.name: copy, **dict(_files())}
        if with_key:
            sources[KEY] = _key_file()
        with write_whole(path) as target, zipfile.ZipFile(target, "w") as archive:
            files: dict[str, dict[str, Any]] = {}
            for name, source in sorted(sources.items()):
                try:
                    file = source.open("rb")
                except FileNotFoundError:
                    continue  # a report that was deleted a moment ago: the backup has its row alone
                with file:
                    files[name] = _added(archive, name, file, is_packed=source == copy)
            contents = Contents(
                created_utc=timezone.now().isoformat(),
                code_version=__version__,
                database=connection.vendor,
                counts=_counts(),
                audit_head=str(audit.head()),
                has_key=with_key,
                files=files,
            )
            told = {"format": FORMAT, **contents.__dict__}
            archive.writestr(MANIFEST, json.dumps(told, indent=1))
    return contents


def _folder_of(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.parent


def _files() -> Iterator[tuple[str, Path]]:
    for name, folder in FOLDERS.items():
        for path in sorted(folder.rglob("*")):
            # Files under way begin with a dot, or are packs that are being built.
            if path.is_file() and not path.name.startswith((".", "building-")):
                yield f"{name}/{path.relative_to(folder)}", path


def _key_file() -> Path:
    path = settings.DATA_DIR / KEY
    if not path.is_file():
        raise BackupError(
            "the secret key comes from the environment (SECRET_KEY): keep it where you keep that"
        )
    return path


def _added(archive: zipfile.ZipFile, name: str, file: BinaryIO, *, is_packed: bool) -> dict[str, Any]:
    """Put a file into the archive; its length and hash as they were read."""
    digest, n_bytes = hashlib.sha256(), 0
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED if is_packed else zipfile.ZIP_STORED
    entry.file_size = os.fstat(file.fileno()).st_size
    with archive.open(entry, "w") as target:
        while block := file.read(2**20):
            digest.update(block)
            n_bytes += len(block)
            target.write(block)
    return {"bytes": n_bytes, "sha256": digest.hexdigest()}


def _counts() -> dict[str, int]:
    return {
        "studies": Study.objects.count(),
        "image_sets": ImageSet.objects.count(),
        "sittings": Sitting.objects.count(),
    }


def _dump_sqlite(copy: Path) -> None:
    """SQLite's own online backup: one moment of the database, while others write."""
    source = sqlite3.connect(f"file:{settings.DATABASES['default']['NAME']}?mode=ro", uri=True)
    with closing(source), closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
        (fault,) = target.execute("PRAGMA integrity_check").fetchone()
        if fault != "ok":
            raise BackupError(f"the database is damaged ({fault}): bring back the last good backup")


def _postgresql(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on our database, the password by environment and not by command line."""
    database = settings.DATABASES["default"]
    if shutil.which(program) is None:
        raise BackupError(
            f"expected the program {program} of PostgreSQL on this machine, found none: install it"
        )
    environment = {**os.environ, "PGPASSWORD": str(database.get("PASSWORD") or "")}
    place = ["--dbname", str(database["NAME"])]
    for option, key in (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER")):
        if database.get(key):
            place += [option, str(database[key])]
    done = subprocess.run(
        [program, *place, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupError(f"{program} ended with {done.returncode}: {done.stderr.strip()[-500:]}")


def _dump_postgresql(copy: Path) -> None:
    _postgresql("pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--file", str(copy))


DUMPERS = {"sqlite": _dump_sqlite, "postgresql": _dump_postgresql}


# ---- the way back ----


def contents_of(path: Path) -> Contents:
    """What a backup says it holds. Raises BackupError for a file that is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            told = json.loads(archive.read(MANIFEST))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise BackupError(f"{path}: expected a backup that `manage.py backup` wrote, got: {error}") from error
    if not isinstance(told, dict) or told.pop("format", None) != FORMAT:
        raise BackupError(f"{path}: expected a backup of the format {FORMAT}")
    try:
        return Contents(**told)
    except TypeError as error:
        raise BackupError(f"{path}: its list of contents is not one of ours ({error})") from error


def check(path: Path) -> Contents:
    """Read a backup from end to end. Raises BackupError naming the first file that is not what its list says."""
    contents = contents_of(path)
    with zipfile.ZipFile(path) as archive:
        for name, listed in contents.files.items():
            try:
                with archive.open(name) as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            except (KeyError, zipfile.BadZipFile, OSError) as error:
                raise BackupError(f"{path}: {name} cannot be read ({error}); use another backup") from error
            if found != listed["sha256"]:
                raise BackupError(
                    f"{path}: {name} is damaged: another SHA-256 than listed; use another backup"
                )
    return contents


def restore(path: Path) -> Contents:
    """Bring a backup back into an empty site: the data folder and the database that the settings name.

    Raises BackupError before anything is changed: for a damaged backup, a site that has studies or pictures, another
    kind of database.
    """
    contents = check(path)
    if contents.database != connection.vendor:
        raise BackupError(
            f"{path}: holds a {contents.database} database, DATABASE_URL names {connection.vendor}; "
            "restore with the same kind"
        )
    if "studyapp_study" in connection.introspection.table_names() and (
        Study.objects.exists() or ImageSet.objects.exists()
    ):
        raise BackupError(
            f"the site in {settings.DATA_DIR} has studies or image sets: nothing was changed. "
            "Restore into an empty data folder (TACHISTO_DATA) and an empty database"
        )
    with zipfile.ZipFile(path) as archive:
        for name in contents.files:
            if (place := _place_of(name)) is not None:
                with archive.open(name) as file:
                    _brought(file, place)
        _brought_database(archive, contents)
    return contents


def _place_of(name: str) -> Path | None:
    """Where a file of the backup belongs; None for the database. Raises BackupError for a name that is none of ours."""
    folder, _, file = name.partition("/")
    if name == KEY:
        return settings.DATA_DIR / KEY
    if not file and name in DATABASE_FILES.values():
        return None
    if folder not in FOLDERS or ".." in Path(file).parts or Path(file).is_absolute():
        raise BackupError(f"expected only files of our own folders in a backup, got {name!r:.100}")
    return FOLDERS[folder] / file


def _brought(file: Any, place: Path) -> None:
    with write_whole(place) as target:
        shutil.copyfileobj(file, target, 2**20)
    if place.name == KEY:
        place.chmod(0o600)


def _brought_database(archive: zipfile.ZipFile, contents: Contents) -> None:
    name = DATABASE_FILES[contents.database]
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.DATA_DIR) as folder:
        copy = Path(folder) / name
        with archive.open(name) as source, copy.open("wb") as target:
            shutil.copyfileobj(source, target, 2**20)
        LOADERS[contents.database](copy)


def _load_sqlite(copy: Path) -> None:
    """Through SQLite's backup, too: readers of the empty database never see half of it."""
    connection.close()
    place = settings.DATABASES["default"]["NAME"]
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(place)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=WAL")


def _load_postgresql(copy: Path) -> None:
    connection.close()
    _postgresql("pg_restore", "--clean", "--if-exists", "--no-owner", "--no-privileges", str(copy))


LOADERS = {"sqlite": _load_sqlite, "postgresql": _load_postgresql}
