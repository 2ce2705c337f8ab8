"""Settings come from the environment; a bad value is refused with a sentence, before anything is touched."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "SYSTEMROOT")}


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=CLEAN | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mongodb://x/y", "DATABASE_URL: expected sqlite:///PATH or postgresql://"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL: expected"),
        ("BROKER_URL", "http://x", "BROKER_URL: expected one of filesystem://"),
        ("SECRET_KEY", "short", "SECRET_KEY: expected at least 50 characters, got 5"),
        ("DEBUG", "maybe", "DEBUG: expected true or false, got 'maybe'"),
        ("CSRF_TRUSTED_ORIGINS", "study.example.org", "expected https://HOST"),
    ],
)
def test_a_bad_value_is_refused_with_a_sentence(tmp_path, name, value, words):
    done = manage("check", TACHISTO_DATA=str(tmp_path), **{name: value})
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    done = manage("check", TACHISTO_DATA=str(tmp_path / "file" / "var"))
    assert "TACHISTO_DATA: expected a folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unreachable_database_is_said_in_a_sentence_without_the_password(tmp_path):
    done = manage(
        "migrate", TACHISTO_DATA=str(tmp_path), DATABASE_URL="postgresql://me:hidden@127.0.0.1:1/nothing"
    )
    assert done.returncode != 0
    assert "expected an answer from the postgresql database nothing on 127.0.0.1:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert "hidden" not in done.stderr


def test_the_secret_key_is_made_once_and_only_for_its_owner(tmp_path):
    keys = set()
    for _ in range(2):
        assert manage("check", TACHISTO_DATA=str(tmp_path)).returncode == 0
        keys.add((tmp_path / "secret_key").read_text())
    assert len(keys) == 1
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert tmp_path.stat().st_mode & 0o077 == 0 or tmp_path.stat().st_uid == os.getuid()


def test_of_many_who_start_at_once_all_have_the_same_whole_key(tmp_path):
    from studyapp.settings import secret_key

    with ThreadPoolExecutor(8) as pool:
        for attempt in range(50):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            (key,) = set(pool.map(secret_key, [folder] * 8))
            assert len(key) >= 50
            assert [file.name for file in folder.iterdir()] == ["secret_key"]


def test_an_emptied_secret_key_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "secret_key").write_text("")
    done = manage("check", TACHISTO_DATA=str(tmp_path))
    assert done.returncode != 0
    assert "secret_key: expected a key of at least 50 characters, got 0" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="wants a folder that even root cannot write to")
def test_a_data_folder_that_cannot_be_written_is_refused():
    done = manage("check", TACHISTO_DATA="/proc")
    assert "TACHISTO_DATA: expected a folder that can be created and written, got /proc" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_state_lies_under_the_data_folder(tmp_path):
    """Migrating touches nothing in the checkout."""
    before = {path: path.stat().st_mtime_ns for path in ROOT.glob("*") if path.is_file()}
    assert manage("migrate", TACHISTO_DATA=str(tmp_path)).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in ROOT.glob("*") if path.is_file()} == before
    assert {"db.sqlite3", "secret_key", "image_sets", "packs"} <= {p.name for p in tmp_path.iterdir()}
