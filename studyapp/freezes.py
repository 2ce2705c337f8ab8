"""What an export holds, fixed before it is written: which sittings, and how far each of them had come.

Rows are never changed once they are closed, so that a freeze need only know what was not there yet: trials that were
open, and closed ones whose answer came too late. The same freeze gives the same files whenever it is written, but for
people who had their answers erased since: those are gone from it, too.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from studyapp.models import ExportFreeze, FrozenSitting, Sitting, Study, Trial

ROWS_AT_ONCE = 5000
STATE = ("status", "language", "consent_sha256", "finished_utc", "screen")


def ranges(ordinals: Iterable[int]) -> str:
    """Whole numbers in rising order as ranges: 1, 2, 3, 7 is `1-3 7`."""
    runs: list[list[int]] = []
    for ordinal in ordinals:
        if runs and ordinal == runs[-1][1] + 1:
            runs[-1][1] = ordinal
        else:
            runs.append([ordinal, ordinal])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def ordinals_in(text: str) -> frozenset[int]:
    """The numbers that `ranges` wrote."""
    found: set[int] = set()
    for run in text.split():
        first, _, last = run.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


@dataclass(frozen=True)
class Then:
    """How far a sitting had come: whether a trial is in the freeze, and whether its browser had told of it."""

    planned: int
    open: frozenset[int]
    unreported: frozenset[int]

    def has(self, ordinal: int) -> bool:
        return ordinal <= self.planned and ordinal not in self.open


# Sittings by their key, in order.
Portion = dict[int, Then]


def portions(freeze: ExportFreeze, most_rows: int = ROWS_AT_ONCE) -> Iterator[Portion]:
    """The frozen sittings in their order, a few at a time: so many that they have about `most_rows` trials."""
    rows = list(
        freeze.sittings.order_by("sitting_id").values_list("sitting_id", "planned", "open", "unreported")
    )
    portion: Portion = {}
    n_rows = 0
    for sitting, planned, still_open, unreported in rows:
        portion[sitting] = Then(planned, ordinals_in(still_open), ordinals_in(unreported))
        n_rows += planned
        if n_rows >= most_rows:
            yield portion
            portion, n_rows = {}, 0
    if portion:
        yield portion


def frozen_rows(sittings: QuerySet[Sitting]) -> list[FrozenSitting]:
    """The state of these sittings, not yet stored. All reads must see one moment: see `export.one_moment`."""
    now = sittings.order_by("pk").values("pk", *STATE)
    # Both come from the index of sittings and ordinals, or are few: not a look at every row and its answer.
    planned = dict(
        Trial.objects.filter(sitting__in=sittings.order_by())
        .order_by()
        .values_list("sitting")
        .annotate(last=Max("ordinal"))
    )
    still_open: dict[int, list[int]] = defaultdict(list)
    unreported: dict[int, list[int]] = defaultdict(list)
    unusual = (
        Trial.objects.filter(sitting__in=sittings.order_by())
        .filter(status__in=(*Trial.OPEN, Trial.Status.INTERRUPTED))
        .order_by("sitting_id", "ordinal")
        .values_list("sitting_id", "ordinal", "status", "response__pk")
    )
    for sitting, ordinal, status, response in unusual:
        if status in Trial.OPEN:
            still_open[sitting].append(ordinal)
        elif response is None:
            unreported[sitting].append(ordinal)
    return [
        FrozenSitting(
            sitting_id=row.pop("pk"),
            **row,
            planned=planned.get(pk, 0),
            open=ranges(still_open[pk]),
            unreported=ranges(unreported[pk]),
        )
        for row in now
        for pk in [row["pk"]]
    ]


def rows_hash(version: str, rows: Iterable[FrozenSitting]) -> str:
    """SHA-256 over the frozen state of all sittings: two freezes with one hash hold the same rows."""
    digest = hashlib.sha256(version.encode())
    for row in rows:
        state: list[Any] = [row.sitting_id, *(getattr(row, name) for name in STATE)]
        state += [row.planned, row.open, row.unreported]
        digest.update(json.dumps(state, sort_keys=True, default=str).encode() + b"\n")
    return digest.hexdigest()


def stored(
    study: Study,
    rows: list[FrozenSitting],
    description: dict[str, Any],
    *,
    include_simulated: bool,
    is_pilot: bool,
    by: str,
) -> ExportFreeze:
    """The freeze with these rows: the newest one where it has the same, else a new one."""
    sha256 = rows_hash(study.version, rows)
    newest = study.freezes.filter(include_simulated=include_simulated, is_pilot=is_pilot).first()
    if newest is not None and newest.rows_sha256 == sha256 and newest.description["status"] == study.status:
        return newest
    with transaction.atomic():
        freeze = ExportFreeze.objects.create(
            study=study,
            created_by=by,
            include_simulated=include_simulated,
            is_pilot=is_pilot,
            rows_sha256=sha256,
            description=description,
        )
        for row in rows:
            row.freeze = freeze
        FrozenSitting.objects.bulk_create(rows, batch_size=1000)
    return freeze


def n_erased_since(freeze: ExportFreeze) -> int:
    """How many sittings of the freeze lost their answers after it was made."""
    erased_now: int | None = getattr(freeze, "erased_now", None)
    if erased_now is None:
        erased_now = freeze.sittings.filter(status=Sitting.Status.ERASED).count()
    return erased_now - freeze.description["counts"]["sittings"][Sitting.Status.ERASED]


def with_erased(freezes: QuerySet[ExportFreeze]) -> QuerySet[ExportFreeze]:
    """Freezes with the number of their sittings that are erased now, for `n_erased_since`."""
    erased = FrozenSitting.objects.filter(freeze=OuterRef("pk"), status=Sitting.Status.ERASED).order_by()
    n_erased = erased.values("freeze").annotate(n=Count("pk")).values("n")
    return freezes.annotate(erased_now=Coalesce(Subquery(n_erased), 0))
