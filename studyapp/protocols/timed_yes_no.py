"""One picture for one of several exposures, then "real or generated?" (Denton et al. 2015, section 5).

Sources and exposures are balanced over the whole sitting and shuffled as a whole, never within short
runs, so that nobody can count down what is left. The cell of a spoilt trial is asked again at the end.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from studyapp.protocols.trial import Outcome, Settings, Trial

BLOCK_TRIALS = 50


def shares(weights: Sequence[float], total: int, rng: random.Random) -> list[int]:
    """Whole numbers that sum to `total`, in proportion to `weights`; what is left over is drawn at random."""
    exact = [weight * total / sum(weights) for weight in weights]
    counts = [int(share) for share in exact]
    rest = sorted(range(len(weights)), key=lambda i: (counts[i] - exact[i], rng.random()))
    for i in rest[: total - sum(counts)]:
        counts[i] += 1
    return counts


def balanced_cells(settings: Settings, n_trials: int, rng: random.Random) -> list[tuple[str, int]]:
    """`n_trials` pairs (source, exposure_ms): sources by weight, exposures equal within a source, shuffled."""
    cells: list[tuple[str, int]] = []
    names = sorted(settings.source_weights)
    per_source = shares([settings.source_weights[name] for name in names], n_trials, rng)
    for name, n_source in zip(names, per_source, strict=True):
        per_exposure = shares([1.0] * len(settings.exposures_ms), n_source, rng)
        for exposure_ms, n_cell in zip(settings.exposures_ms, per_exposure, strict=True):
            cells += [(name, exposure_ms)] * n_cell
    rng.shuffle(cells)
    return cells


def repeats(settings: Settings, history: Sequence[Outcome]) -> list[Trial]:
    """The repeats still owed while the share lasts: one for each spoilt trial of the test, repeats included."""
    asked = [outcome for outcome in history if outcome.trial.kind != "practice"]
    given = Counter(outcome.trial for outcome in asked if outcome.trial.kind == "repeat")
    room = int(settings.repeat_share * settings.n_trials) - given.total()
    owed = []
    for outcome in asked:
        repeat = replace(outcome.trial, kind="repeat")
        if outcome.is_spoilt and given[repeat]:
            given[repeat] -= 1
        elif outcome.is_spoilt:
            owed.append(repeat)
    return owed[: max(0, room)]


def next_trials(settings: Settings, history: Sequence[Outcome], rng: random.Random) -> list[Trial]:
    """The next block of at most 50 trials: practice, the test, then repeats; empty when enough were planned.

    `rng` must be seeded alike at every call of a sitting: the whole plan follows from it, and
    `history` (every trial planned so far, in order) only says how far the sitting is.
    """
    practice, main = (
        [
            Trial((source,), exposure_ms, kind)
            for source, exposure_ms in balanced_cells(settings, n_trials, rng)
        ]
        for kind, n_trials in (("practice", settings.practice_trials), ("main", settings.n_trials))
    )
    # Practice that was interrupted comes again, but never amid the test.
    has_begun = any(outcome.trial.kind != "practice" for outcome in history)
    used = Counter(o.trial for o in history if not (o.is_lost and o.trial.kind == "practice"))
    # A block never mixes kinds: the page says in between that the test begins.
    for plan in ([] if has_begun else practice, main):
        if missing := without(plan, used):
            return missing[:BLOCK_TRIALS]
    return repeats(settings, history)[:BLOCK_TRIALS]


def without(plan: Sequence[Trial], used: Counter[Trial]) -> list[Trial]:
    """The trials of a plan, in its order, that were not used yet."""
    left = Counter(used)
    missing = []
    for trial in plan:
        if left[trial]:
            left[trial] -= 1
        else:
            missing.append(trial)
    return missing
