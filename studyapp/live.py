"""How a study is doing at this moment, from the counters kept with the writes: no answer is looked at.

Nothing here says how often pictures were judged real; that is `results`, for whoever has ended their blindness.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import CharField, Count, F, Max, Min, Q, QuerySet
from django.db.models.functions import Cast, Substr
from django.utils import timezone

from studyapp import tallies
from studyapp.models import Heartbeat, Job, JobSlice, Sitting, Stimulus, Study

# A worker makes its round every half minute.
WORKER_LATE_S = 90
# Whoever began this long ago and has not ended counts as gone.
GONE_AFTER = timedelta(hours=2)
MOST_BARS = 72
TRIALS = ("answered", "timed_out", "interrupted", "withdrawn", "open")


def live_figures(study: Study) -> dict[str, Any]:
    """All figures of the live page, ready for JSON: people's, or simulated ones where nobody else has come.

    While a study is piloted they are the pilot's, afterwards all but those.
    """
    is_pilot = study.status == Study.Status.PILOTING
    rows = [row for row in tallies.totals(study) if row["is_pilot"] == is_pilot]
    is_simulated = bool(rows) and all(row["is_simulated"] for row in rows)
    rows = [row for row in rows if row["is_simulated"] == is_simulated]
    sittings = study.sittings.filter(is_simulated=is_simulated, is_pilot=is_pilot).order_by()
    return {
        "study": study.slug,
        "status": study.status,
        "version": study.version,
        "quota": study.quota,
        "is_simulated": is_simulated,
        "is_pilot": is_pilot,
        "funnel": funnel(study, rows, is_simulated),
        "sittings_over_time": sittings_over_time(sittings),
        "left_after": left_after(sittings),
        "trials": trials(rows),
        "timing": {name: total(rows, f"n_{name}") for name in (*tallies.TIMINGS.values(), "by_callback")},
        "refresh_hz": [
            [hz, n]
            for hz, n in sittings.exclude(tally__refresh_hz=None)
            .values_list("tally__refresh_hz")
            .annotate(n=Count("pk"))
            .order_by("tally__refresh_hz")
        ],
        "reactions": [
            [name, total(rows, f"n_{column}")]
            for name, column in zip(reaction_names(), tallies.REACTIONS, strict=True)
        ],
        "pools": pools(study),
        "work": work(),
    }


def total(rows: Iterable[dict[str, Any]], name: str) -> int:
    return sum(row[name] for row in rows)


def funnel(study: Study, rows: Sequence[dict[str, Any]], is_simulated: bool) -> dict[str, int]:
    """How many came how far. Landings are counted by a script of the welcome page, which bots do not run."""
    by_status = Counter({row["status"]: row["sittings"] for row in rows})
    return {
        "landed": 0 if is_simulated else study.n_landed,
        "declined": 0 if is_simulated else study.n_declined,
        "consented": by_status.total(),
        "screened": total(rows, "screened"),
        "begun": total(rows, "begun"),
        "finished": by_status[Sitting.Status.FINISHED],
        "withdrawn": by_status[Sitting.Status.WITHDRAWN],
        "erased": by_status[Sitting.Status.ERASED],
    }


def trials(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """What became of all trials, practice included: planned = answered + timed out + interrupted + withdrawn + open.

    Withdrawn are those whose answers were erased at their person's wish.
    """
    kept = [row for row in rows if row["status"] != Sitting.Status.ERASED]
    counts = {str(status): total(kept, f"n_{status}") for status in tallies.CLOSED}
    planned = total(rows, "n_planned")
    withdrawn = planned - total(kept, "n_planned")
    left = planned - withdrawn - sum(counts.values())
    return {"planned": planned, **counts, "withdrawn": withdrawn, "open": left}


def sittings_over_time(sittings: QuerySet[Sitting]) -> list[list[Any]]:
    """[hour or day in UTC, consents, finished among them], hours as long as they fit, days after that."""
    # Both databases write a time as 2026-11-20 10:...; a cast is cheaper than SQLite's time functions in Python.
    hours = (
        sittings.annotate(hour=Substr(Cast("consent_utc", CharField()), 1, 13))
        .values_list("hour")
        .annotate(n=Count("pk"), finished=Count("pk", filter=Q(status=Sitting.Status.FINISHED)))
        .order_by("hour")
    )
    bars = [list(row) for row in hours]
    if len(bars) <= MOST_BARS:
        return [[f"{hour}:00", n, finished] for hour, n, finished in bars]
    days: dict[str, list[Any]] = {}
    for hour, n, finished in bars:
        day = days.setdefault(hour[:10], [hour[:10], 0, 0])
        day[1] += n
        day[2] += finished
    return list(days.values())[-MOST_BARS:]


def left_after(sittings: QuerySet[Sitting]) -> list[list[int]]:
    """[trials done, sittings that stopped there], of those that began and did not finish: drop-out by trial.

    Whoever may still be at it is left out.
    """
    ended = ~Q(status=Sitting.Status.STARTED) | Q(consent_utc__lt=timezone.now() - GONE_AFTER)
    rows = (
        sittings.filter(ended, tally__planned__gt=0)
        .exclude(status__in=(Sitting.Status.FINISHED, Sitting.Status.ERASED))
        .annotate(done=F("tally__answered") + F("tally__timed_out") + F("tally__interrupted"))
        .values_list("done")
        .annotate(n=Count("pk"))
        .order_by("done")
    )
    return [list(row) for row in rows]


def reaction_names() -> list[str]:
    """The classes of reaction times, in milliseconds."""
    ends = tallies.REACTION_MS
    between = [f"{low}–{high}" for low, high in pairwise(ends)]
    return [f"under {ends[0]}", *between, f"{ends[-1]} and more"]


def pools(study: Study) -> list[dict[str, Any]]:
    """By source: its images, how often the least and the most used were planned, and how many never were."""
    names = dict(study.sources.values_list("pk", "name"))
    # By their sources, for there is an index that holds all that is asked; the study's own would lead to each row.
    rows: Any = (
        Stimulus.objects.filter(source__in=list(names), is_example=False)
        .order_by("source_id")
        .values("source_id")
        .annotate(
            images=Count("pk"),
            least=Min("times_planned"),
            most=Max("times_planned"),
            never=Count("pk", filter=Q(times_planned=0)),
        )
    )
    return [{"source_name": names[row.pop("source_id")], **row} for row in rows]


def work() -> dict[str, Any]:
    """Whether a worker makes its rounds, what waits for one, and how much room the disk has."""
    now = timezone.now()
    seen = Heartbeat.objects.aggregate(last=Max("seen_utc"))["last"]
    slices = dict(
        JobSlice.objects.filter(job__status__in=Job.OPEN)
        .order_by()
        .values_list("status")
        .annotate(n=Count("pk"))
    )
    disk = shutil.disk_usage(settings.DATA_DIR)
    return {
        # In steps of half a minute: what a page shows should not change just because time goes by.
        "worker_seen_s": None if seen is None else int((now - seen).total_seconds()) // 30 * 30,
        "worker_is_late": seen is None or (now - seen).total_seconds() > WORKER_LATE_S,
        "slices_waiting": slices.get(JobSlice.Status.WAITING, 0),
        "slices_running": slices.get(JobSlice.Status.RUNNING, 0),
        "jobs_failed": Job.objects.filter(status=Job.Status.FAILED).count(),
        "disk_free_gb": round(disk.free / 1e9),
        "disk_free_share": round(disk.free / disk.total, 2),
    }
