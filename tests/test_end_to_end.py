"""The whole chain with its real parts: demo study from the shipped weights, simulated people, the report."""

import csv
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CIFAR10 = ROOT.parent / "shared" / "data" / "cifar-10-batches-bin-1017"


@pytest.fixture
def run(tmp_path: Path):
    clean = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    environment = clean | {"TACHISTO_DATA": str(tmp_path / "var")}

    def run(*command: str, expect: int = 0, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment | more,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def assert_replay(run, folder: Path, *dataset: str) -> None:
    """Demo, bots and report; the report shows the cells that the bots planted, and says they are simulated."""
    run("manage.py", "demo", *dataset, "--no-serve")
    truth, report = folder / "truth.csv", folder / "report"
    run("manage.py", "bots", "demo", "--participants", "5", "--seed", "1", "--truth", str(truth))
    said = run("analysis/report.py", "--out", str(report)).stdout
    assert str(report / "report.html") in said
    cells, planted = rows_of(report / "cells.csv"), rows_of(truth)
    assert len(cells) == len(planted) == 44
    assert {(c["source"], c["exposure_ms"]) for c in cells} == {
        (p["source"], p["exposure_ms"]) for p in planted
    }
    assert sum(int(cell["n_trials"]) for cell in cells) == 5 * 220
    assert {cell["n_people"] for cell in cells} == {"5"}
    assert "simulated" in (report / "report.html").read_text().lower()


def test_the_replay_on_photographs(run, tmp_path):
    assert_replay(run, tmp_path)


def test_the_replay_on_cifar10_warns_that_the_files_are_not_the_official_ones(run, tmp_path):
    if not CIFAR10.is_dir():
        pytest.skip(f"no CIFAR-10 binary files at {CIFAR10}")
    assert_replay(run, tmp_path, "--dataset", "cifar10", "--data", str(CIFAR10))


def test_the_second_start_finds_the_study_and_refuses_another_data_set(run):
    first = run("manage.py", "demo", "--no-serve").stdout
    second = run("manage.py", "demo", "--no-serve").stdout
    assert "making" in first
    assert "making" not in second
    assert first.splitlines()[-1] == second.splitlines()[-1]
    refused = run("manage.py", "demo", "--no-serve", "--dataset", "cifar10", expect=1)
    assert "shows photos" in refused.stderr
    assert "TACHISTO_DATA=var-cifar10" in refused.stderr


def test_a_port_in_use_is_said_before_anything_is_made(run, tmp_path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        refused = run("manage.py", "demo", "--port", str(port), expect=1)
    assert f"port {port} is not free" in refused.stderr
    assert not (tmp_path / "var" / "db.sqlite3").exists()


def test_a_broker_that_does_not_answer_is_said_before_anything_is_made(run, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    broker = f"redis://:hidden@127.0.0.1:{port}/0"
    refused = run("manage.py", "demo", "--port", port, expect=1, BROKER_URL=broker)
    assert f"expected an answer from the broker at 127.0.0.1:{port}/0" in refused.stderr
    assert "hidden" not in refused.stderr
    assert not (tmp_path / "var" / "db.sqlite3").exists()


def truncated_cifar10(folder: Path) -> None:
    """The official layout with two records a file, the last file cut short."""
    folder.mkdir()
    classes = "airplane automobile bird cat deer dog frog horse ship truck"
    (folder / "batches.meta.txt").write_text("\n".join(classes.split()) + "\n")
    for name in (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"):
        (folder / f"{name}.bin").write_bytes(bytes(2 * 3073 if name != "test_batch" else 100))


@pytest.mark.parametrize(
    ("make", "words"),
    [(Path.mkdir, "expected the binary files of CIFAR-10"), (truncated_cifar10, "test_batch.bin")],
)
def test_a_data_folder_without_the_data_is_refused_and_no_study_is_made(run, tmp_path, make, words):
    make(tmp_path / "data")
    refused = run(
        "manage.py", "demo", "--no-serve", "--dataset", "cifar10", "--data", str(tmp_path / "data"), expect=1
    )
    assert words in refused.stderr + refused.stdout
    listed = run(
        "manage.py",
        "shell",
        "-v",
        "0",
        "-c",
        "from studyapp.models import Study; print(Study.objects.count())",
    )
    assert listed.stdout.split()[-1] == "0"
