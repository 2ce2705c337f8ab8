"""The protocols plan what the design says: contracts over every registered protocol, properties of each."""

import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studyapp.protocols import PROTOCOLS, DesignError, Outcome, Settings
from studyapp.protocols.timed_yes_no import balanced_cells, shares

LAPGAN = Settings(
    source_weights={"real": 1, "gan": 1, "lapgan": 1, "cc-lapgan": 1},
    exposures_ms=(50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000),
    n_trials=660,
    practice_trials=10,
)
designs = st.builds(
    Settings,
    source_weights=st.dictionaries(
        st.sampled_from(["gan", "lapgan", "other"]), st.floats(0.1, 10), max_size=3
    ).map(lambda weights: {"real": 1.0} | weights),
    exposures_ms=st.lists(st.integers(10, 3000), min_size=1, max_size=11, unique=True).map(tuple),
    n_trials=st.integers(1, 200),
    practice_trials=st.integers(0, 12),
)


def sit(protocol, design: Settings, seed: int, lost: random.Random | None = None) -> list[Outcome]:
    """A whole sitting: block after block, each trial answered, or lost now and then."""
    history: list[Outcome] = []
    while block := protocol.next_trials(design, history, random.Random(seed)):
        for trial in block:
            is_lost = lost is not None and lost.random() < 0.1
            history.append(
                Outcome(trial, "interrupted" if is_lost else "answered", None if is_lost else "real")
            )
    return history


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
class TestEveryProtocol:
    @settings(max_examples=60, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_a_sitting_ends_with_the_trials_of_the_design(self, name, design, seed):
        history = sit(PROTOCOLS[name], design, seed)
        kinds = Counter(outcome.trial.kind for outcome in history)
        assert kinds["practice"] == design.practice_trials
        assert kinds["main"] == design.n_trials

    @settings(max_examples=60, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_interrupted_trials_are_asked_again_in_the_same_cells(self, name, design, seed):
        whole = Counter(outcome.trial for outcome in sit(PROTOCOLS[name], design, seed))
        with_losses = sit(PROTOCOLS[name], design, seed, lost=random.Random(seed))
        assert Counter(o.trial for o in with_losses if not o.is_lost) == whole

    @settings(max_examples=30, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_blocks_hold_at_most_50_trials_of_one_kind(self, name, design, seed):
        history: list[Outcome] = []
        while block := PROTOCOLS[name].next_trials(design, history, random.Random(seed)):
            assert len(block) <= 50
            assert len({trial.kind for trial in block}) == 1
            history += [Outcome(trial, "answered", "real") for trial in block]
        assert history


def test_the_papers_form_has_15_trials_in_each_of_44_cells():
    cells = Counter(balanced_cells(LAPGAN, 660, random.Random(1)))
    assert len(cells) == 44
    assert set(cells.values()) == {15}


def test_the_order_tells_nothing_about_what_comes_next():
    """Over many sittings a real trial is followed by a real one as often as chance has it (here 1 in 4)."""
    followed = Counter()
    for seed in range(40):
        cells = balanced_cells(LAPGAN, 660, random.Random(seed))
        for (source, _), (after, _) in itertools.pairwise(cells):
            followed[source == "real", after == "real"] += 1
    n_real = followed[True, True] + followed[True, False]
    share = followed[True, True] / n_real
    expected = 164 / 659  # the others of 165 real trials among the 659 that remain
    assert abs(share - expected) < 4 * (0.25 * 0.75 / n_real) ** 0.5


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8), st.integers(0, 1000), st.integers(0, 99))
def test_shares_sum_up_and_stay_within_one_of_the_exact_share(weights, total, seed):
    counts = shares(weights, total, random.Random(seed))
    assert sum(counts) == total
    for count, weight in zip(counts, weights, strict=True):
        assert abs(count - weight * total / sum(weights)) < 1 + 1e-6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source_weights": {"gan": 1.0}}, "expected a source named 'real'"),
        ({"source_weights": {"real": 0.0}}, "source real: expected a positive weight, got 0.0"),
        ({"exposures_ms": ()}, "at least one exposure"),
        ({"exposures_ms": (5,)}, "10 to 10000 whole milliseconds, got 5"),
        ({"exposures_ms": (50.5,)}, "10 to 10000 whole milliseconds, got 50.5"),
        ({"exposures_ms": (50, 50)}, "each exposure once"),
        ({"n_trials": 0}, "1 to 5000 trials a sitting, got 0"),
        ({"practice_trials": -1}, "0 to 100 practice trials, got -1"),
    ],
)
def test_a_design_that_cannot_be_run_is_refused(change, words):
    good = {"source_weights": {"real": 1.0}, "exposures_ms": (50,), "n_trials": 10}
    with pytest.raises(DesignError, match=words):
        Settings(**(good | change))
