"""One picture for one of several exposures, then "real or generated?" (Denton et al. 2015, section 5).

Sources and exposures are balanced over the whole sitting and shuffled as a whole, never within short
runs, so that nobody can count down what is left. The cell of a spoilt trial is asked again at the end.
Catch trials, whose answer is obvious, come now and then among the others (as in Zhang et al. 2016,
arXiv:1603.08511, section 3.1): who misses them did not look.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from studyapp.protocols.trial import Outcome, Settings, Trial

BLOCK_TRIALS = 50
IS_TIMED = True


def shares(weights: Sequence[float], total: int, rng: random.Random) -> list[int]:
    """Whole numbers that sum to `total`, in proportion to `weights`; what is left over is drawn at random."""
    exact = [weight * total / sum(weights) for weight in weights]
    counts = [int(share) for share in exact]
    rest = sorted(range(len(weights)), key=lambda i: (counts[i] - exact[i], rng.random()))
    for i in rest[: total - sum(counts)]:
        counts[i] += 1
    return counts


def balanced_cells(settings: Settings, n_trials: int, rng: random.Random) -> list[tuple[str, int | None]]:
    """`n_trials` pairs (source, exposure_ms): sources by weight, exposures equal within a source, shuffled."""
    cells: list[tuple[str, int | None]] = []
    names = sorted(settings.source_weights)
    per_source = shares([settings.source_weights[name] for name in names], n_trials, rng)
    for name, n_source in zip(names, per_source, strict=True):
        per_exposure = shares([1.0] * len(settings.exposures), n_source, rng)
        for exposure_ms, n_cell in zip(settings.exposures, per_exposure, strict=True):
            cells += [(name, exposure_ms)] * n_cell
    rng.shuffle(cells)
    return cells


def repeats(settings: Settings, history: Sequence[Outcome]) -> list[Trial]:
    """The repeats still owed while the share lasts: one for each spoilt main trial, repeats included."""
    given = Counter(outcome.trial for outcome in history if outcome.trial.kind == "repeat")
    room = int(settings.repeat_share * settings.n_trials) - given.total()
    owed = []
    for outcome in history:
        if outcome.trial.kind not in ("main", "repeat") or not outcome.is_spoilt:
            continue
        repeat = outcome.trial._replace(kind="repeat")
        if given[repeat]:
            given[repeat] -= 1
        else:
            owed.append(repeat)
    return owed[: max(0, room)]


def with_catch_trials(main: Sequence[Trial], settings: Settings, rng: random.Random) -> list[Trial]:
    """The main part with one catch trial, at the longest exposure, somewhere in each of as many equal stretches."""
    n_catch, n_main = settings.catch_trials, len(main)
    if not n_catch:
        return list(main)
    per_source = shares([1.0] * len(settings.catch_sources), n_catch, rng)
    names = [
        name
        for name, n_source in zip(settings.catch_sources, per_source, strict=True)
        for _ in range(n_source)
    ]
    rng.shuffle(names)
    plan: list[Trial] = []
    for stretch, name in enumerate(names):
        part = list(main[n_main * stretch // n_catch : n_main * (stretch + 1) // n_catch])
        # Never the first of all: people learn what the test is like from a usual trial.
        place = rng.randint(1, len(part))
        longest_ms = max(settings.exposures_ms, default=None)
        plan += [*part[:place], Trial((name,), longest_ms, "catch"), *part[place:]]
    return plan


def next_trials(settings: Settings, history: Sequence[Outcome], rng: random.Random) -> list[Trial]:
    """The next block of at most 50 trials: practice, the test, then repeats; empty when enough were planned.

    `rng` must be seeded alike at every call of a sitting: the whole plan follows from it, and
    `history` (every trial planned so far, in order) only says how far the sitting is.
    """
    practice = planned_as("practice", balanced_cells(settings, settings.practice_trials, rng))
    main = planned_as("main", balanced_cells(settings, settings.n_trials, rng))
    main = with_catch_trials(main, settings, rng)
    # Practice that was interrupted comes again, but never amid the test.
    has_begun = any(outcome.trial.kind != "practice" for outcome in history)
    used = Counter(o.trial for o in history if not (o.is_lost and o.trial.kind == "practice"))
    # A block never mixes practice with the test: the page says in between that the test begins.
    for plan in ([] if has_begun else practice, main):
        if missing := list(islice(without(plan, used), BLOCK_TRIALS)):
            return missing
    return repeats(settings, history)[:BLOCK_TRIALS]


def planned_as(kind: str, cells: Sequence[tuple[str, int | None]]) -> list[Trial]:
    """The trials of these cells (source, exposure_ms); those of one cell are one object."""
    trials = {
        (source, exposure_ms): Trial((source,), exposure_ms, kind) for source, exposure_ms in set(cells)
    }
    return [trials[cell] for cell in cells]


def without(plan: Sequence[Trial], used: Counter[Trial]) -> Iterator[Trial]:
    """The trials of a plan, in its order, that were not used yet."""
    left = Counter(used)
    for trial in plan:
        if left[trial]:
            left[trial] -= 1
        else:
            yield trial
