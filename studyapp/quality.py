"""How plausible a sitting's answers are, for whoever judges the data: counts, and flags with their meaning.

Worked out from the stored answers whenever somebody asks. No participant sees it, no trial depends on it, and
nothing is refused for it. Rules are cautious: an honest person should meet one in less than one sitting of a hundred.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from studyapp.models import Trial
from studyapp.protocols.trial import REAL

# Nobody sees, decides and presses in less: choices between two sights take people 200 ms and more.
FASTEST_MS = 150
MOST_TOO_FAST = 0.05
# Fewer answers than this say nothing about a pattern.
ENOUGH = 40
# A real share of a quarter leaves careful people far from this, however poor the pictures are.
SAME_SHARE = 0.98
RARE = 0.001
BRIEF_MS = 60
BEST_BRIEF_ACCURACY = 0.9
# As in the alert of the report.
MOST_MISSED_CATCH = 0.25


@dataclass(frozen=True)
class Given:
    """One answer, in the order of the trials; `is_right` is None where there is nothing to be right about.

    `is_catch`: of a catch trial, whose answer is plain. `exposure_ms`: None for a picture that stayed until the answer.
    """

    answer: str
    reaction_ms: float | None
    exposure_ms: int | None
    is_right: bool | None = None
    is_catch: bool = False


@dataclass(frozen=True)
class Quality:
    """`too_fast`: less than 150 ms after the picture came; `longest_run`: of one answer; `switches`: to the other.

    `catch`: answered catch trials, of which `catch_missed` were answered wrongly.
    """

    answers: int
    too_fast: int
    longest_run: int
    switches: int
    catch: int
    catch_missed: int
    flags: tuple[str, ...]


MEANINGS = {
    "too_fast": "more than one answer in twenty came before anybody could have seen the picture",
    "one_answer": "nearly every answer was the same",
    "long_run": "the same answer came more often in a row than chance gives in a thousand sittings",
    "alternating": "the two answers took turns more often than chance gives in a thousand sittings",
    "too_accurate": "pictures shown for a blink were told apart better than people can",
    "missed_catch": "of the catch trials more than one, and more than a quarter, were answered with real",
}


def quality(answers: Sequence[Given]) -> Quality:
    """The counts of a sitting and the flags that they raise, in the order of MEANINGS."""
    runs = [len(list(run)) for _, run in groupby(answers, key=lambda given: given.answer)]
    too_fast = sum(_is_too_fast(given) for given in answers)
    longest_run, switches = max(runs, default=0), max(0, len(runs) - 1)
    n_real = sum(given.answer == "real" for given in answers)
    catch = [given for given in answers if given.is_catch]
    catch_missed = sum(given.is_right is False for given in catch)
    raised = {
        "too_fast": len(answers) >= ENOUGH and too_fast > MOST_TOO_FAST * len(answers),
        "one_answer": len(answers) >= ENOUGH
        and max(n_real, len(answers) - n_real) >= SAME_SHARE * len(answers),
        "long_run": longest_run > longest_run_by_chance(len(answers), n_real),
        "alternating": len(answers) >= ENOUGH and switches > most_switches_by_chance(len(answers), n_real),
        "too_accurate": accuracy_at_least(
            [g for g in answers if (g.exposure_ms or math.inf) <= BRIEF_MS and not g.is_catch]
        )
        > BEST_BRIEF_ACCURACY,
        "missed_catch": catch_missed > 1 and catch_missed > MOST_MISSED_CATCH * len(catch),
    }
    return Quality(
        answers=len(answers),
        too_fast=too_fast,
        longest_run=longest_run,
        switches=switches,
        catch=len(catch),
        catch_missed=catch_missed,
        flags=tuple(flag for flag in MEANINGS if raised[flag]),
    )


def _is_too_fast(given: Given) -> bool:
    """Counted from the picture's onset: after a long look a quick press at the mask is nothing unusual."""
    return given.reaction_ms is not None and (given.exposure_ms or 0) + given.reaction_ms < FASTEST_MS


def longest_run_by_chance(n_answers: int, n_real: int) -> float:
    """Length of a run that independent answers with this share of real exceed in one sitting of a thousand.

    Runs begin at about n (1 - p) places, and each goes on for r answers with probability p ** r; p is the commoner
    answer's share, with a margin of two answers so that the bound is finite. At least ENOUGH.
    """
    if n_answers < ENOUGH:
        return math.inf
    share = min(max(n_real, n_answers - n_real) + 2, n_answers + 1) / (n_answers + 2)
    return max(ENOUGH, math.log(RARE / (n_answers * (1 - share))) / math.log(share))


def most_switches_by_chance(n_answers: int, n_real: int) -> float:
    """Switches that answers in random order exceed in about one sitting of a thousand (Wald and Wolfowitz 1940)."""
    a, b = n_real, n_answers - n_real
    if min(a, b) == 0:
        return math.inf
    mean = 2 * a * b / n_answers
    variance = mean * (2 * a * b - n_answers) / (n_answers * (n_answers - 1))
    return mean + 3.1 * math.sqrt(max(variance, 0.0))


def accuracy_at_least(answers: Sequence[Given]) -> float:
    """Lower end of the one-sided 99 % interval (Wilson) of the share of right answers; 0 without answers."""
    judged = [given.is_right for given in answers if given.is_right is not None]
    n, z = len(judged), 2.33
    if n == 0:
        return 0.0
    share = sum(judged) / n
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (share + z * z / (2 * n) - half) / (1 + z * z / n)


def quality_of(sitting_pk: int) -> Quality:
    """The quality of one sitting, from its answered trials but for practice."""
    return qualities_of([sitting_pk])[sitting_pk]


def qualities_of(
    sitting_pks: Sequence[int], counts: Callable[[int, int], bool] = lambda sitting, ordinal: True
) -> dict[int, Quality]:
    """The quality of each of these sittings in one query; `counts(sitting, ordinal)` may leave trials out."""
    given: dict[int, list[Given]] = {pk: [] for pk in sitting_pks}
    rows: Any = (
        Trial.objects.filter(sitting__in=sitting_pks, status=Trial.Status.ANSWERED, shown__position=0)
        .exclude(kind=Trial.Kind.PRACTICE)
        .order_by("sitting_id", "ordinal")
        .values_list(
            "sitting_id",
            "ordinal",
            "response__answer",
            "response__reaction_ms",
            "exposure_ms",
            "kind",
            "shown__stimulus__source__name",
        )
    )
    for sitting, ordinal, answer, reaction_ms, exposure_ms, kind, source in rows:
        if counts(sitting, ordinal):
            is_right = (source == REAL) == (answer == "real")
            given[sitting].append(
                Given(answer, reaction_ms, exposure_ms, is_right, is_catch=kind == Trial.Kind.CATCH)
            )
    return {pk: quality(answers) for pk, answers in given.items()}


# ---- shares for the rules by which sittings are left out; `analysis/study_rules.py` counts the same in an export ----


@dataclass(frozen=True)
class Asked:
    """A trial of the test and what came back."""

    kind: str
    status: str
    exposure_ms: int | None
    answer: str | None
    reaction_ms: float | None
    timing_ok: bool | None
    lost_focus: bool | None


def shares(asked: Sequence[Asked], n_planned: int) -> dict[str, float | None]:
    """For each rule of `exclusions` its share, 0 to 1, None where there is nothing to count.

    A repeat stands in for a trial that was lost; more repeats than lost trials count nothing. Trials that are still
    open are not looked at.
    """
    asked = [trial for trial in asked if trial.status not in Trial.OPEN]
    answered = [trial for trial in asked if trial.status == Trial.Status.ANSWERED]
    n_lost = sum(trial.kind != Trial.Kind.REPEAT and trial.status != Trial.Status.ANSWERED for trial in asked)
    n_repeats = sum(trial.kind == Trial.Kind.REPEAT for trial in answered)
    n_answers = len(answered) - n_repeats + min(n_repeats, n_lost)
    catch = [trial.answer == "real" for trial in answered if trial.kind == Trial.Kind.CATCH]
    n_real = sum(trial.answer == "real" for trial in answered)
    measured = [trial.timing_ok is False for trial in asked if trial.timing_ok is not None]
    too_fast = [_is_too_fast(Given(t.answer or "", t.reaction_ms, t.exposure_ms)) for t in answered]
    return {
        "answered": min(1.0, n_answers / n_planned) if n_planned else None,
        "catch_missed": _share(catch),
        "too_fast": _share(too_fast),
        "same_answer": max(n_real, len(answered) - n_real) / len(answered) if answered else None,
        "mistimed": _share(measured),
        "lost_focus": _share([bool(trial.lost_focus) for trial in answered]),
    }


def _share(claims: Sequence[bool]) -> float | None:
    return sum(claims) / len(claims) if claims else None


def shares_of(sitting_pk: int, n_planned: int) -> dict[str, float | None]:
    """The shares of one sitting, from its stored trials but for practice."""
    rows = (
        Trial.objects.filter(sitting=sitting_pk)
        .exclude(kind=Trial.Kind.PRACTICE)
        .order_by("ordinal")
        .values_list(
            "kind",
            "status",
            "exposure_ms",
            "response__answer",
            "response__reaction_ms",
            "response__timing_ok",
            "response__lost_focus",
        )
    )
    return shares([Asked(*row) for row in rows], n_planned)
