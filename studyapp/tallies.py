"""What has come of each sitting, counted as it is written: the figures of a live page without a look at the answers.

Called by `sittings` inside the transaction of the write that is counted, so that a count is on disk when, and only
when, what it counts is. `recounted` says what the rows themselves give, for whoever wants to see that both agree.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from studyapp.models import Response, Sitting, SittingTally, Study, Trial

# Upper ends of the classes of reaction times, in milliseconds; what is slower is `reaction_more`.
REACTION_MS = (150, 300, 450, 600, 800, 1000, 1500, 2500)
REACTIONS = (*(f"reaction_{end}" for end in REACTION_MS), "reaction_more")
TIMINGS: dict[bool | None, str] = {True: "timing_ok", False: "timing_wrong", None: "timing_unknown"}
WITNESS = "element_timing"
CLOSED = (Trial.Status.ANSWERED, Trial.Status.TIMED_OUT, Trial.Status.INTERRUPTED)
COUNTED = (
    *("planned", "answered", "timed_out", "interrupted"),
    *("main_planned", "main_answered", "main_timed_out", "main_interrupted"),
    *TIMINGS.values(),
    "by_callback",
    *REACTIONS,
)


@dataclass(frozen=True)
class Stored:
    """A response on its way to the disk: its trial's kind, and whether it closes the trial or comes too late for it."""

    kind: str
    closes: bool
    response: Response


def reaction_class(reaction_ms: float) -> str:
    """The counter that a reaction time belongs to: the first whose end lies above it."""
    return next(
        (name for end, name in zip(REACTION_MS, REACTIONS, strict=False) if reaction_ms < end), REACTIONS[-1]
    )


def add(sitting_pk: int, counts: Mapping[str, int]) -> None:
    """Add to a sitting's counters (names of COUNTED), in one statement.

    It comes with every response, so its SQL is written here: the same through the ORM takes twenty times as long.
    """
    changes = {name: n for name, n in counts.items() if n}
    if changes:
        added = ", ".join(f'"{name}" = "{name}" + %s' for name in changes)
        table = SittingTally._meta.db_table
        statement = f'UPDATE "{table}" SET {added} WHERE "sitting_id" = %s'  # noqa: S608  # nosec B608
        with connection.cursor() as cursor:
            cursor.execute(statement, [*changes.values(), sitting_pk])


def begin(sitting: Sitting) -> None:
    """All counters of a new sitting at nought."""
    SittingTally.objects.create(sitting=sitting)


def note_screen(sitting_pk: int, frame_ms: float) -> None:
    SittingTally.objects.filter(pk=sitting_pk).update(refresh_hz=round(1000 / frame_ms))


def note_trials(sitting_pk: int, what: str, kinds: Iterable[str]) -> None:
    """Trials of these kinds that were `planned`, or that were closed as `interrupted` without a response."""
    n_of_kind = Counter(kinds)
    add(sitting_pk, {what: n_of_kind.total(), f"main_{what}": n_of_kind[Trial.Kind.MAIN]})


def note_responses(sitting_pk: int, stored: Iterable[Stored]) -> None:
    """Responses that were stored for the first time; replays and refused second answers are none."""
    counts: Counter[str] = Counter()
    for each in stored:
        response = each.response
        counts[TIMINGS[response.timing_ok]] += 1
        counts["by_callback"] += response.timing_witness != WITNESS
        if not each.closes:
            continue
        counts[response.status] += 1
        if each.kind == Trial.Kind.MAIN:
            counts[f"main_{response.status}"] += 1
        if response.status == Trial.Status.ANSWERED and response.reaction_ms is not None:
            counts[reaction_class(response.reaction_ms)] += 1
    add(sitting_pk, counts)


def note_erasure(sitting_pk: int) -> None:
    """What was answered is forgotten; how many trials there were is not, so that counts still add up."""
    forgotten = {name: 0 for name in COUNTED if name != "planned"}
    SittingTally.objects.filter(pk=sitting_pk).update(**forgotten, refresh_hz=None)


# ---- what the rows themselves give ----


def recounted(sittings: QuerySet[Sitting]) -> Iterator[tuple[int, dict[str, int]]]:
    """(sitting, every counter as its trials and responses give it); of an erased sitting nothing is known."""
    by_trial: dict[int, Any] = {
        row["sitting"]: row
        for row in Trial.objects.filter(sitting__in=sittings.order_by())
        .order_by()
        .values("sitting")
        .annotate(**_trial_counts())
    }
    by_response: dict[int, Any] = {
        row["trial__sitting"]: row
        for row in Response.objects.filter(trial__sitting__in=sittings.order_by())
        .order_by()
        .values("trial__sitting")
        .annotate(**_response_counts())
    }
    kept = sittings.exclude(status=Sitting.Status.ERASED).order_by("pk").values_list("pk", flat=True)
    for pk in kept:
        found = {**by_trial.get(pk, {}), **by_response.get(pk, {})}
        yield pk, {name: found.get(f"n_{name}", 0) for name in COUNTED}


def _trial_counts() -> dict[str, Count]:
    """By the name of the counter with n_ before it: the bare names are fields, too, which SQL would mix up."""
    main = Q(kind=Trial.Kind.MAIN)
    counts = {"n_planned": Count("pk"), "n_main_planned": Count("pk", filter=main)}
    for status in CLOSED:
        counts[f"n_{status}"] = Count("pk", filter=Q(status=status))
        counts[f"n_main_{status}"] = Count("pk", filter=main & Q(status=status))
    return counts


def _response_counts() -> dict[str, Count]:
    counts = {
        f"n_{name}": Count("pk", filter=Q(timing_ok__isnull=True) if ok is None else Q(timing_ok=ok))
        for ok, name in TIMINGS.items()
    }
    counts["n_by_callback"] = Count("pk", filter=~Q(timing_witness=WITNESS))
    answered = Q(trial__status=Trial.Status.ANSWERED, reaction_ms__isnull=False)
    low = None
    for end, name in zip((*REACTION_MS, None), REACTIONS, strict=True):
        within = answered if low is None else answered & Q(reaction_ms__gte=low)
        counts[f"n_{name}"] = Count("pk", filter=within if end is None else within & Q(reaction_ms__lt=end))
        low = end
    return counts


@dataclass(frozen=True)
class Difference:
    """A counter that does not say what the rows give."""

    sitting: str
    name: str
    counted: int
    found: int

    def __str__(self) -> str:
        return f"sitting {self.sitting}, {self.name}: counted {self.counted}, found {self.found}"


def differences(study: Study, *, mend: bool = False) -> list[Difference]:
    """The counters of a study that do not agree with its rows; with `mend` they are set right.

    To be read at one moment (see `export.one_moment`), or while nobody sits.
    """
    stored: dict[int, Any] = {
        row["sitting_id"]: row for row in SittingTally.objects.filter(sitting__study=study).values()
    }
    names = dict(study.sittings.values_list("pk", "public_id"))
    found = []
    for pk, counts in recounted(study.sittings.all()):
        row: dict[str, int] = stored.get(pk, {})
        wrong = {name: n for name, n in counts.items() if row.get(name, 0) != n}
        found += [Difference(names[pk], name, row.get(name, 0), n) for name, n in wrong.items()]
        if mend and (wrong or pk not in stored):
            SittingTally.objects.update_or_create(pk=pk, defaults=wrong)
    return found


def totals(study: Study) -> list[dict[str, Any]]:
    """One row for each (is_simulated, is_pilot, status) of a study's sittings: how many, and all counters.

    Pages ask for it every few seconds, so its SQL is written here, too: the ORM takes longer to write it than the
    database to answer.
    """
    sums = {
        "sittings": "COUNT(*)",
        "screened": 'COUNT(t."refresh_hz")',
        "begun": 'SUM(CASE WHEN t."planned" > 0 THEN 1 ELSE 0 END)',
        **{f"n_{name}": f'COALESCE(SUM(t."{name}"), 0)' for name in COUNTED},
    }
    groups = 's."is_simulated", s."is_pilot", s."status"'
    statement = (
        f"SELECT {groups}, {', '.join(sums.values())} "  # noqa: S608  # nosec B608  names of our own columns
        f'FROM "{Sitting._meta.db_table}" s LEFT JOIN "{SittingTally._meta.db_table}" t ON t."sitting_id" = s."id" '
        f'WHERE s."study_id" = %s GROUP BY {groups}'
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [study.pk])
        return [
            {
                "is_simulated": bool(simulated),
                "is_pilot": bool(pilot),
                "status": status,
                **dict(zip(sums, map(int, numbers), strict=True)),
            }
            for simulated, pilot, status, *numbers in cursor.fetchall()
        ]
