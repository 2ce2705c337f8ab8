#!/usr/bin/env python3
"""What a study of a million responses costs its researcher: `python benchmarks/researcher.py`.

Fills a data folder of its own (SQLite, deleted afterwards) by bulk insert, then measures the export as a process of
its own (time, largest memory), the live page, and every list of the admin, asked as a browser asks; and how long
people wait for their receipts while the export runs beside them, and while nothing else does.
"""

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bots import prepared_study  # noqa: E402
from benchmarks.responses import SIZES, Bench, told  # noqa: E402

EXPOSURES_MS = (50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000)
ROUNDS = 20
PEOPLE, ALONE_S = 100, 40.0  # at human pace, beside the export


def insert(model: Any, rows: Iterator[dict[str, Any]]) -> None:
    """Rows as the database has them, past the models: a million of them in seconds."""
    from django.db import connection

    first = next(rows)
    given = set(first) | {model._meta.pk.column}
    # Columns that this file does not know of get what the model would give them.
    rest = {
        field.column: "{}" if (value := field.get_default()) == {} else value
        for field in model._meta.concrete_fields
        if field.column not in given and not field.null
    }
    names = [*first, *rest]
    table, columns = model._meta.db_table, ", ".join(f'"{name}"' for name in names)
    marks = ", ".join("?" * len(names))
    raw = connection.connection
    statement = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608  names of our own tables
    raw.execute(statement, [*first.values(), *rest.values()])
    raw.executemany(statement, ([*row.values(), *rest.values()] for row in rows))


def fill(slug: str, n_sittings: int, n_trials: int) -> None:
    """Finished sittings of people with an answer to every trial, as a real study would have left them."""
    from django.db import transaction

    from studyapp import tallies
    from studyapp.models import Participant, Response, Sitting, SittingTally, Study, Trial, TrialStimulus

    rng = random.Random(1)
    study = Study.objects.get(slug=slug)
    stimuli = list(study.stimuli.filter(is_example=False).values_list("pk", flat=True))
    begin = datetime(2026, 11, 1, tzinfo=UTC)

    def name(length: int = 22) -> str:
        return f"{rng.getrandbits(4 * length):0{length}x}"

    def when(sitting: int, trial: int = 0) -> str:
        moment = begin + timedelta(minutes=10 * sitting, seconds=2.5 * trial)
        return moment.replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")

    sittings, trials = range(1, n_sittings + 1), range(1, n_trials + 1)
    with transaction.atomic():
        insert(
            Participant,
            ({"id": s, "study_id": study.pk, "pseudonym": name(), "is_simulated": 0} for s in sittings),
        )
        insert(
            Sitting,
            (
                {
                    "id": s,
                    "participant_id": s,
                    "study_id": study.pk,
                    "public_id": name(),
                    "secret_sha256": name(64),
                    "status": "finished",
                    "study_version": study.version,
                    "language": "en",
                    "consent_sha256": "ab" * 32,
                    "consent_utc": when(s),
                    "finished_utc": when(s, n_trials),
                    "design_seed": s,
                    "real_key": rng.choice("fj"),
                    "screen": '{"frame_ms": 16.667, "jitter_ms": 0.2, "width_px": 1440, "height_px": 900, '
                    '"pixel_ratio": 2.0, "witness": "element_timing", "jank_share": 0.01}',
                    "completion_code": name(8),
                    "receipt_sha256": name(64),
                    "is_simulated": 0,
                    "is_pilot": 0,
                    "bucket_full_s": 0,
                }
                for s in sittings
            ),
        )

        def numbered() -> Iterator[tuple[int, int, int]]:
            for s in sittings:
                for t in trials:
                    yield (s - 1) * n_trials + t, s, t

        insert(
            Trial,
            (
                {
                    "id": pk,
                    "sitting_id": s,
                    "ordinal": t,
                    "token": name(),
                    "kind": "main",
                    "exposure_ms": EXPOSURES_MS[pk % len(EXPOSURES_MS)],
                    "status": "answered",
                }
                for pk, s, t in numbered()
            ),
        )

        def shown() -> Iterator[dict[str, Any]]:
            for s in sittings:
                chosen = rng.sample(stimuli, n_trials)
                for t in trials:
                    yield {
                        "trial_id": (s - 1) * n_trials + t,
                        "sitting_id": s,
                        "stimulus_id": chosen[t - 1],
                        "position": 0,
                    }

        insert(TrialStimulus, shown())
        insert(
            Response,
            (
                {
                    "trial_id": pk,
                    "body_sha256": "cd" * 32,
                    "receipt": name(),
                    "received_utc": when(s, t),
                    "status": "answered",
                    "answer": rng.choice(("real", "generated")),
                    "reaction_ms": rng.lognormvariate(6.3, 0.4),
                    "reaction_origin": "element_timing",
                    "input_kind": "key",
                    "planned_frames": 4,
                    "measured_frames": 4,
                    "measured_ms": 66.67,
                    "frame_ms": 16.6667,
                    "timing_ok": 0 if pk % 50 == 0 else 1,
                    "timing_witness": "element_timing",
                    "flags": "[]",
                    "lost_focus": 0,
                    "shown_utc": when(s, t),
                }
                for pk, s, t in numbered()
            ),
        )
        rows = (
            SittingTally(sitting_id=pk, refresh_hz=60, **counts)
            for pk, counts in tallies.recounted(study.sittings.all())
        )
        SittingTally.objects.bulk_create(rows, batch_size=500)


def export(slug: str, *where: str, nice: int = 0) -> tuple[float, Any]:
    """The export as a process of its own: its wall time in seconds, and what it used."""
    command = [sys.executable, str(ROOT / "manage.py"), "export_responses", slug, *where]
    begin_s = time.monotonic()
    process = subprocess.Popen(["nice", "-n", str(nice), *command], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the export ended with {status}")
    return time.monotonic() - begin_s, used


def cost_of_export(slug: str, folder: Path, file_format: str) -> dict[str, str]:
    """Wall and processor time of the export, and its largest memory."""
    wall_s, used = export(slug, "--out", str(folder), "--format", file_format)
    size_mb = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    name = f"export, {file_format} ({size_mb:,.0f} MB)"
    return {
        f"{name}: time": f"{wall_s:.1f} s",
        f"{name}: processor time": f"{used.ru_utime + used.ru_stime:.1f} s",
        f"{name}: largest memory": f"{used.ru_maxrss / 1024:.0f} MB resident",
    }


def waits_beside_the_export(slug: str, folder: Path) -> Iterator[tuple[str, str]]:
    """How long people wait for their receipts: alone, and while the export runs as a command and as a worker's job."""
    from studyapp.bots.web_server import own_web_server

    beside: dict[str, Callable[[], object]] = {
        "alone": lambda: time.sleep(ALONE_S),
        "beside the command": lambda: export(slug, "--out", str(folder / "beside")),
        # What a worker builds for the admin, and how far it steps back.
        "beside a worker's zip": lambda: export(slug, "--zip", str(folder / "beside.zip"), nice=10),
        "alone again": lambda: time.sleep(ALONE_S),
    }
    with own_web_server() as server, ThreadPoolExecutor(1) as side:
        bench = Bench(server.url, [], SIZES["short"])
        bench.warm_up()
        for name, work in beside.items():
            visitors = bench.people(PEOPLE)
            waits_s = bench.human_waits(visitors, side.submit(work).done)
            yield from told(f"{PEOPLE} people, {name}", waits_s).items()


def pages(slug: str) -> dict[str, str]:
    """Processor time of the pages that a researcher looks at, the median of several."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    from studyapp.admin.registry import ADMINS
    from studyapp.models import Study

    user = User.objects.create_superuser("ann", password="a quiet instrument")  # noqa: S106  for this run
    client = Client()
    client.force_login(user)
    study = Study.objects.get(slug=slug)

    def cost(url: str, **headers: str) -> str:
        spent_ms = []
        for _ in range(ROUNDS):
            begin_s = time.process_time()
            answer = client.get(url, headers=headers)
            spent_ms.append(1000 * (time.process_time() - begin_s))
            assert answer.status_code in (200, 304), (url, answer.status_code)
        return f"{statistics.median(spent_ms):.1f} ms"

    def own(name: str) -> str:
        return reverse(f"admin:studyapp_study_{name}", args=[study.pk])

    etag = client.get(own("live"), headers={"X-Part": "live"}).headers["ETag"]
    table = {
        "live page, nothing new": cost(own("live"), **{"X-Part": "live", "If-None-Match": etag}),
        "live page, its changing part drawn": cost(own("live"), **{"X-Part": "live"}),
        "live page, whole": cost(own("live")),
    }
    client.post(own("unblind"))
    table["live page with results, drawn"] = cost(own("live"), **{"X-Part": "live"})
    table |= {"first page of the admin": cost(reverse("admin:index")), "a study's page": cost(own("change"))}
    for model in ADMINS:
        meta = model._meta
        table[f"list of {meta.verbose_name_plural}"] = cost(
            reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
        )
    for name, query in (
        (
            "trials of the study that were answered",
            f"trial/?sitting__study__id__exact={study.pk}&status__exact=answered",
        ),
        ("mistimed responses", f"response/?trial__sitting__study__id__exact={study.pk}&timing_ok__exact=0"),
        ("responses not measured (none)", "response/?timing_ok__isnull=True"),
        ("responses out of focus (none)", "response/?lost_focus__exact=1"),
        ("responses to main trials (all)", "response/?kind=main"),
        ("trials that were timed out (none)", "trial/?status__exact=timed_out"),
        ("responses of one sitting", "response/?trial__sitting__id__exact=7"),
    ):
        table[f"list: {name}"] = cost(f"/admin/studyapp/{query}")
    return table


def measure(folder: Path, n_sittings: int, n_trials: int) -> Iterator[tuple[str, str]]:
    from django.core.management import call_command

    slug = prepared_study(folder, 100, 1000)
    call_command("collectstatic", interactive=False, verbosity=0)
    begin_s = time.monotonic()
    fill(slug, n_sittings, n_trials)
    print(f"filled in {time.monotonic() - begin_s:.0f} s", file=sys.stderr)
    yield from {"sittings x trials": f"{n_sittings} x {n_trials}"}.items()
    yield from cost_of_export(slug, folder / "csv", "csv").items()
    yield from pages(slug).items()
    yield from waits_beside_the_export(slug, folder)
    largest_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "this process, all pages", f"{largest_mb:.0f} MB resident"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sittings", type=int, default=1000)
    parser.add_argument("--trials", type=int, default=1000, help="trials of each sitting")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tachisto-bench-") as folder:
        os.environ["TACHISTO_DATA"] = folder
        os.environ["ALLOWED_HOSTS"] = "testserver"
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
        import django

        django.setup()
        for name, value in measure(Path(folder), arguments.sittings, arguments.trials):
            print(f"| {name} | {value} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
