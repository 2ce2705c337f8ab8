"""Backup and restore by the commands, as processes of their own: what comes back is what was there."""

import json
import sqlite3
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from studyapp import sittings
from studyapp.backup import FOLDERS, BackupError, back_up, check, restore
from studyapp.models import Study
from tests.conftest import Person
from tests.studyapp.test_settings import manage

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="pg_dump and pg_restore are PostgreSQL's own"),
]
People = Callable[[Study], Person]


@pytest.fixture(autouse=True)
def only_files_of_this_test() -> None:
    for folder in (settings.IMAGE_SETS_DIR, settings.PACKS_DIR):
        for path in folder.iterdir():
            path.unlink()


@pytest.fixture
def saved(only_files_of_this_test: None, small_study: Study, people: People, tmp_path: Path) -> Path:
    """A backup of a study with one finished sitting."""
    people(small_study).begin().sit_through()
    path = tmp_path / "saved.zip"
    # The real file of the test's database, which is not the one of the settings' name.
    settings.DATABASES["default"]["NAME"] = str(connection.settings_dict["NAME"])
    back_up(path, with_key=False)
    return path


def elsewhere(tmp_path: Path) -> dict[str, str]:
    return {"TACHISTO_DATA": str(tmp_path / "other")}


def test_a_backup_comes_back_whole_in_another_folder(saved: Path, small_study: Study, tmp_path: Path) -> None:
    done = manage("restore", str(saved), **elsewhere(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "packs: 1 studies, all as it should be" in done.stdout
    assert "image-sets: 4 image sets, all as it should be" in done.stdout
    assert "counts: 1 studies, all as it should be" in done.stdout
    exported = manage("export_responses", "small", "--out", str(tmp_path / "there"), **elsewhere(tmp_path))
    assert exported.returncode == 0, exported.stderr
    call_command("export_responses", "small", "--out", str(tmp_path / "here"), verbosity=0)
    for name in ("responses.csv", "stimuli.csv", "sittings.csv", "timing.csv"):
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes()


def test_a_backup_is_taken_while_people_answer(small_study: Study, people: People, tmp_path: Path) -> None:
    """Each backup is one moment: whatever is acknowledged while it is taken is in it whole or not at all."""
    settings.DATABASES["default"]["NAME"] = str(connection.settings_dict["NAME"])
    stop = threading.Event()

    def answer() -> None:
        try:
            while not stop.is_set():
                people(small_study).begin().sit_through()
        finally:
            connections.close_all()

    busy = threading.Thread(target=answer)
    busy.start()
    try:
        for number in range(3):
            back_up(tmp_path / f"{number}.zip")
    finally:
        stop.set()
        busy.join()
    for number in range(3):
        with zipfile.ZipFile(tmp_path / f"{number}.zip") as archive:
            archive.extract("database.sqlite3", tmp_path / str(number))
        copy = sqlite3.connect(tmp_path / str(number) / "database.sqlite3")
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (answered,) = copy.execute("SELECT count(*) FROM studyapp_response").fetchone()
        (counted,) = copy.execute("SELECT coalesce(sum(answered), 0) FROM studyapp_sittingtally").fetchone()
        copy.close()
        assert answered == counted


def test_a_report_that_is_deleted_meanwhile_is_left_out(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there when the files were listed, and is gone before its turn to be read comes."""
    report, other = (settings.REPORTS_DIR / f"{number}.zip" for number in (900000001, 900000002))
    for path in (report, other):
        path.write_bytes(b"a report")
    opened = zipfile.ZipFile.open

    def deleted_meanwhile(archive: zipfile.ZipFile, *arguments: Any, **options: Any) -> Any:
        report.unlink(missing_ok=True)
        return opened(archive, *arguments, **options)

    monkeypatch.setattr(zipfile.ZipFile, "open", deleted_meanwhile)
    try:
        back_up(tmp_path / "without.zip")
    finally:
        other.unlink()
    monkeypatch.undo()
    names = set(check(tmp_path / "without.zip").files)
    assert names >= set(check(saved).files) | {f"reports/{other.name}"}
    assert f"reports/{report.name}" not in names


def test_the_key_is_in_it_only_when_asked_for(saved: Path, tmp_path: Path) -> None:
    assert not check(saved).has_key
    with zipfile.ZipFile(saved) as archive:
        assert "secret_key" not in archive.namelist()
        assert settings.SECRET_KEY.encode() not in b"".join(archive.read(name) for name in archive.namelist())
    assert check_with_key(tmp_path).has_key
    done = manage("restore", str(tmp_path / "key.zip"), **elsewhere(tmp_path))
    assert done.returncode == 0, done.stderr
    key = tmp_path / "other" / "secret_key"
    assert key.read_text().strip() == settings.SECRET_KEY
    assert key.stat().st_mode & 0o777 == 0o600


def check_with_key(tmp_path: Path) -> Any:
    back_up(tmp_path / "key.zip", with_key=True)
    return check(tmp_path / "key.zip")


def test_a_damaged_backup_is_refused_and_nothing_is_changed(saved: Path, tmp_path: Path) -> None:
    data = bytearray(saved.read_bytes())
    with zipfile.ZipFile(saved) as archive:
        pack = next(info for info in archive.infolist() if info.filename.startswith("packs/"))
    data[pack.header_offset + 200] ^= 1
    saved.write_bytes(data)
    with pytest.raises(BackupError, match=r"packs/.* (is damaged|cannot be read)"):
        check(saved)
    done = manage("restore", str(saved), **elsewhere(tmp_path))
    assert done.returncode == 1
    assert "use another backup" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "other" / "packs").iterdir())


def test_a_site_with_studies_is_not_overwritten(saved: Path, small_study: Study) -> None:
    with pytest.raises(BackupError, match="has studies or image sets: nothing was changed"):
        restore(saved)


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_backup_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.zip"
    path.write_bytes(content)
    with pytest.raises(BackupError, match=r"expected a backup that `manage.py backup` wrote"):
        check(path)


@pytest.mark.parametrize("name", ["packs/../../escaped", "/etc/escaped", "strange/file"])
def test_a_backup_that_lies_about_its_places_is_refused(saved: Path, name: str, tmp_path: Path) -> None:
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(evil, "w") as target:
        told = json.loads(source.read("backup.json"))
        told["files"][name] = {
            "bytes": 0,
            "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        }
        for entry in source.namelist():
            if entry != "backup.json":
                target.writestr(entry, source.read(entry))
        target.writestr(name, b"")
        target.writestr("backup.json", json.dumps(told))
    done = manage("restore", str(evil), **elsewhere(tmp_path))
    assert done.returncode == 1
    assert "only files of our own folders" in done.stderr
    assert not list(tmp_path.rglob("escaped"))


def test_every_stored_file_is_in_it(saved: Path) -> None:
    names = set(check(saved).files)
    assert names == {"database.sqlite3"} | {
        f"{name}/{path.name}" for name, folder in FOLDERS.items() for path in folder.iterdir()
    }


def test_an_erasure_after_the_backup_is_told_by_the_audit_head(saved: Path, small_study: Study) -> None:
    sitting = small_study.sittings.get()
    assert sittings.erase(small_study, sittings.receipt_code(sitting))
    assert check(saved).audit_head.startswith("0:")
