#!/usr/bin/env python3
"""How fast and how safely simulated people get through a study: `python benchmarks/bots.py [--participants 15]`.

Runs in a data folder of its own that is deleted afterwards, with random pictures, on whatever DATABASE_URL
names (default: the embedded SQLite). Measures the whole path: pages, blocks, pictures, answers, the debrief.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("real", "gan", "lapgan", "cc-lapgan")


@dataclass(frozen=True)
class Usage:
    """What a process has used so far."""

    resident_mb: float
    cpu_s: float


def usage(pid: int) -> Usage:
    """Resident memory and processor time of a process, by Linux' /proc."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    after_name = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = int(after_name[11]) + int(after_name[12])  # utime and stime
    return Usage(int(status["VmRSS"].split()[0]) / 1024, ticks / os.sysconf("SC_CLK_TCK"))


def children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield from map(int, (task / "children").read_text().split())


def prepared_study(folder: Path, n_trials: int, n_images: int) -> str:
    """An open study of 32x32 random pictures in the paper's form; its name."""
    from django.core.management import call_command

    from studyapp.catalogue import import_images
    from studyapp.life import open_study
    from studyapp.presets import create_study
    from tests.image_sets import write_image_set

    call_command("migrate", verbosity=0)
    for source in SOURCES:
        path = folder / f"{source}.zip"
        import_images(write_image_set(path, source=source, n_images=n_images, width=32, height=32))
    return open_study(create_study("lapgan", "bench", n_trials=n_trials)).slug


def measure(folder: Path, n_people: int, n_trials: int, n_images: int, seed: int) -> dict[str, str]:
    """The table, as name -> value with its unit."""
    from studyapp.bots.crowd import Crowd
    from studyapp.bots.web_server import own_web_server
    from studyapp.models import Study

    study = Study.objects.get(slug=prepared_study(folder, n_trials, n_images))
    with own_web_server() as server:
        crowd = Crowd(study, server.url, n_people=n_people, seed=seed)
        bots_before = os.times()
        outcome = crowd.run()
        bots_after = os.times()
        workers = [usage(pid) for pid in children(server.process.pid)]
    bots_cpu_s = bots_after.user + bots_after.system - bots_before.user - bots_before.system
    return {
        "participants x trials": f"{n_people} x {n_trials}",
        "sittings finished": f"{outcome.finished}",
        "answers stored": f"{outcome.stored.answers}",
        "lost": f"{outcome.stored.lost}",
        "doubled": f"{outcome.stored.doubled}",
        "requests tried again": f"{outcome.retries}",
        "wall time": f"{outcome.seconds:.1f} s",
        "responses a second": f"{outcome.responses_per_second:.0f}",
        "processor time of the site": f"{1000 * sum(w.cpu_s for w in workers) / outcome.sent:.2f} ms a response",
        "processor time of the bots": f"{1000 * bots_cpu_s / outcome.sent:.2f} ms a response",
        "web processes": f"{len(workers)}",
        "largest web process": f"{max(w.resident_mb for w in workers):.0f} MB resident",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--participants", type=int, default=15)
    parser.add_argument("--trials", type=int, default=660)
    parser.add_argument("--images", type=int, default=1000, help="images a source")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tachisto-bench-") as folder:
        os.environ["TACHISTO_DATA"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
        sys.path.insert(0, str(ROOT))
        import django

        django.setup()
        table = measure(
            Path(folder), arguments.participants, arguments.trials, arguments.images, arguments.seed
        )
        for name, value in table.items():
            print(f"| {name} | {value} |")
    return 0 if table["lost"] == table["doubled"] == "0" else 1


if __name__ == "__main__":
    sys.exit(main())
