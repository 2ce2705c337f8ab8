"""How often pictures were judged real while a study runs, for whoever has ended their blindness: by source, exposure.

Counted sitting by sitting once it has ended, kept, and summed: the answers of a sitting are looked at once. The
path of participants takes no part in it, for it does not read the sources of pictures.
"""

from collections import defaultdict
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet

from studyapp import audit
from studyapp.models import Sitting, SittingCells, Study, Trial, TrialStimulus, Unblinding

TESTED = (Trial.Kind.MAIN, Trial.Kind.REPEAT)
SITTINGS_AT_ONCE = 100
ENDED = (Sitting.Status.FINISHED, Sitting.Status.WITHDRAWN)
# source -> exposure in ms, None where pictures stay until the answer -> (answers, judged real)
Cells = dict[str, dict[int | None, tuple[int, int]]]


def is_unblinded(study: Study, user: User) -> bool:
    return Unblinding.objects.filter(study=study, user=user).exists()


def unblind(study: Study, user: User, *, how: str) -> bool:
    """End a person's blindness to the results of a study, for good; whether they were blind until now.

    It stands in the audit log or did not happen; `how` says what they did.
    """
    with transaction.atomic():
        _, is_new = Unblinding.objects.get_or_create(study=study, user=user)
        if is_new:
            audit.note(user.get_username(), "unblinded", study=study.slug, how=how)
    return is_new


def judged_real(study: Study, *, is_simulated: bool = False, is_pilot: bool = False) -> Cells:
    """The table of all ended sittings of people, or of simulated ones; of the pilot alone, or of all others."""
    count_ended(study)
    kept = _kept(study.pk, is_simulated, is_pilot)
    state = kept.aggregate(n=Count("pk"), last=Max("counted_utc"))
    return _summed(study.pk, is_simulated, is_pilot, state["n"], str(state["last"]))


def _kept(study_pk: int, is_simulated: bool, is_pilot: bool) -> QuerySet[SittingCells]:
    return SittingCells.objects.filter(
        sitting__study=study_pk, sitting__is_simulated=is_simulated, sitting__is_pilot=is_pilot
    )


@lru_cache(maxsize=32)
def _summed(study_pk: int, is_simulated: bool, is_pilot: bool, n: int, last: str) -> Cells:
    """The sum of what is kept; `n` and `last` say which state of it, so that it is worked out once."""
    sums: dict[str, dict[int | None, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    kept = _kept(study_pk, is_simulated, is_pilot)
    for cells in kept.values_list("cells", flat=True).iterator(chunk_size=500):
        for source, exposure_ms, n_answers, n_real in cells:
            cell = sums[source][exposure_ms]
            cell[0] += n_answers
            cell[1] += n_real
    return {
        source: {ms: (by_ms[ms][0], by_ms[ms][1]) for ms in sorted(by_ms, key=lambda ms: ms or 0)}
        for source, by_ms in sorted(sums.items())
    }


def count_ended(study: Study) -> int:
    """Count the sittings that ended since the last time; how many."""
    waiting = list(
        study.sittings.filter(status__in=ENDED, cells__isnull=True)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    for first in range(0, len(waiting), SITTINGS_AT_ONCE):
        some = waiting[first : first + SITTINGS_AT_ONCE]
        found = cells_of(some)
        SittingCells.objects.bulk_create(
            [SittingCells(sitting_id=pk, cells=found.get(pk, [])) for pk in some], ignore_conflicts=True
        )
    return len(waiting)


def cells_of(sitting_pks: list[int]) -> dict[int, list[list[Any]]]:
    """Sitting -> [source, exposure in ms, answers, judged real] from its trials of the test."""
    rows = (
        TrialStimulus.objects.filter(
            sitting__in=sitting_pks,
            position=0,
            trial__status=Trial.Status.ANSWERED,
            trial__kind__in=TESTED,
        )
        .order_by()
        .values_list("sitting", "stimulus__source__name", "trial__exposure_ms")
        .annotate(n=Count("pk"), n_real=Count("pk", filter=Q(trial__response__answer="real")))
    )
    found: dict[int, list[list[Any]]] = defaultdict(list)
    for sitting, *cell in rows:
        found[sitting].append(cell)
    return found
