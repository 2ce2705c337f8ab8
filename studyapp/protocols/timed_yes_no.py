"""One picture for one of several exposures, then "real or generated?" (Denton et al. 2015, section 5).

Sources and exposures are balanced over the whole sitting and shuffled as a whole, never within short
runs, so that nobody can count down what is left. An interrupted trial's cell is asked again at the end.
"""

import random
from collections import Counter
from collections.abc import Sequence

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


def next_trials(settings: Settings, history: Sequence[Outcome], rng: random.Random) -> list[Trial]:
    """The next block of at most 50 trials, practice first; empty when enough were planned.

    `rng` must be seeded alike at every call of a sitting: the whole plan follows from it, and
    `history` (every trial planned so far, in order) only says how far the sitting is.
    """
    plan = [
        Trial((source,), exposure_ms, kind)
        for kind, n_trials in (("practice", settings.practice_trials), ("main", settings.n_trials))
        for source, exposure_ms in balanced_cells(settings, n_trials, rng)
    ]
    used = Counter(outcome.trial for outcome in history if not outcome.is_lost)
    open_trials = []
    for trial in plan:
        if used[trial]:
            used[trial] -= 1
        else:
            open_trials.append(trial)
    # A block never mixes practice with the test: the page says in between that the test begins.
    return [trial for trial in open_trials if trial.kind == open_trials[0].kind][:BLOCK_TRIALS]
