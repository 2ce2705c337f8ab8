"""The protocols plan what the design says: contracts over every registered protocol, properties of each."""

import itertools
import random
from collections import Counter
from dataclasses import replace

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
designs_without_catch = st.builds(
    Settings,
    source_weights=st.dictionaries(
        st.sampled_from(["gan", "lapgan", "other"]), st.floats(0.1, 10), max_size=3
    ).map(lambda weights: {"real": 1.0} | weights),
    exposures_ms=st.lists(st.integers(10, 3000), min_size=1, max_size=11, unique=True).map(tuple),
    n_trials=st.integers(1, 200),
    practice_trials=st.integers(0, 12),
    repeat_share=st.sampled_from([0.0, 0.1, 0.25, 1.0]),
)


def with_catch(design: Settings, n_catch: int) -> Settings:
    names = ("blank", "noise")[: min(n_catch, 2)]
    return replace(design, catch_trials=n_catch, catch_sources=names)


def untimed(design: Settings) -> Settings:
    return replace(design, exposures_ms=(), is_timed=False)


designs = designs_without_catch.flatmap(
    lambda design: st.integers(0, min(12, design.n_trials)).map(lambda n: with_catch(design, n))
).flatmap(lambda design: st.sampled_from([design, untimed(design)]))


def sit(
    protocol, design: Settings, seed: int, chance: random.Random | None = None, answer: str = "real"
) -> list[Outcome]:
    """A whole sitting: block after block, each trial answered; by chance one in ten is lost, one in ten mistimed."""
    history: list[Outcome] = []
    while block := protocol.next_trials(design, history, random.Random(seed)):
        for trial in block:
            draw = chance.random() if chance else 1.0
            if draw < 0.1:
                history.append(Outcome(trial, "interrupted"))
            else:
                history.append(Outcome(trial, "answered", answer, is_mistimed=draw < 0.2))
    return history


def cells_of(outcomes) -> Counter:
    """How often each source was asked for each exposure in the test, whether in its main part or in a repeat."""
    return Counter(
        (o.trial.sources, o.trial.exposure_ms) for o in outcomes if o.trial.kind in ("main", "repeat")
    )


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
class TestEveryProtocol:
    @settings(max_examples=60, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_a_sitting_ends_with_the_trials_of_the_design(self, name, design, seed):
        history = sit(PROTOCOLS[name], design, seed)
        kinds = Counter(outcome.trial.kind for outcome in history)
        assert kinds["practice"] == design.practice_trials
        assert kinds["main"] == design.n_trials
        assert kinds["catch"] == design.catch_trials

    @settings(max_examples=60, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_catch_trials_are_obvious_spread_out_and_change_nothing_else(self, name, design, seed):
        asked = [outcome.trial for outcome in sit(PROTOCOLS[name], design, seed)]
        plain = replace(design, catch_trials=0, catch_sources=())
        others = [outcome.trial for outcome in sit(PROTOCOLS[name], plain, seed)]
        assert [trial for trial in asked if trial.kind != "catch"] == others
        test = [trial for trial in asked if trial.kind != "practice"]
        n_before = [
            sum(earlier.kind == "main" for earlier in test[:place])
            for place, trial in enumerate(test)
            if trial.kind == "catch"
        ]
        for stretch, n_main in enumerate(n_before):
            bounds = [design.n_trials * part // design.catch_trials for part in (stretch, stretch + 1)]
            assert bounds[0] < n_main <= bounds[1]
        catch = [trial for trial in test if trial.kind == "catch"]
        assert {trial.exposure_ms for trial in catch} <= {max(design.exposures_ms, default=None)}
        per_source = Counter(trial.sources[0] for trial in catch)
        assert set(per_source) == set(design.catch_sources)
        assert max(per_source.values(), default=0) - min(per_source.values(), default=0) <= 1

    @settings(max_examples=60, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_spoilt_trials_are_asked_again_in_the_same_cells(self, name, design, seed):
        design = replace(design, repeat_share=1.0)
        whole = sit(PROTOCOLS[name], design, seed)
        spoilt = sit(PROTOCOLS[name], design, seed, random.Random(seed))
        if sum(o.trial.kind == "repeat" for o in spoilt) < design.n_trials:
            assert cells_of(o for o in spoilt if not o.is_spoilt) == cells_of(whole)

    @settings(max_examples=60, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_there_are_never_more_repeats_than_the_study_sets(self, name, design, seed):
        history = sit(PROTOCOLS[name], design, seed, random.Random(seed))
        n_repeats = sum(o.trial.kind == "repeat" for o in history)
        n_spoilt = sum(o.is_spoilt for o in history if o.trial.kind in ("main", "repeat"))
        assert n_repeats == min(n_spoilt, int(design.repeat_share * design.n_trials))

    @settings(max_examples=30, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_what_is_asked_next_never_depends_on_an_answer(self, name, design, seed):
        """Spoilt alike, two people who always say the opposite are asked the same."""
        one, other = (
            sit(PROTOCOLS[name], design, seed, random.Random(seed), answer)
            for answer in ("real", "generated")
        )
        assert [o.trial for o in one] == [o.trial for o in other]

    @settings(max_examples=30, deadline=None)
    @given(design=designs, seed=st.integers(0, 2**62))
    def test_blocks_hold_at_most_50_trials_and_no_practice_amid_the_test(self, name, design, seed):
        history: list[Outcome] = []
        while block := PROTOCOLS[name].next_trials(design, history, random.Random(seed)):
            assert len(block) <= 50
            assert len({trial.kind == "practice" for trial in block}) == 1
            history += [Outcome(trial, "answered", "real") for trial in block]
        assert history


def test_practice_is_asked_again_before_the_test_but_never_amid_it():
    protocol, rng = PROTOCOLS["timed-yes-no"], random.Random
    practice = protocol.next_trials(LAPGAN, [], rng(1))
    history = [
        Outcome(practice[0], "interrupted"),
        *(Outcome(trial, "answered", "real") for trial in practice[1:]),
    ]
    assert protocol.next_trials(LAPGAN, history, rng(1)) == practice[:1]
    main = protocol.next_trials(LAPGAN, [*history, Outcome(practice[0])], rng(1))
    late = [*history, Outcome(practice[0], "interrupted"), *(Outcome(trial) for trial in main)]
    assert {trial.kind for trial in protocol.next_trials(LAPGAN, late, rng(1))} == {"main"}


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
        ({"is_timed": False}, "no exposures with an untimed protocol, .* got 50: leave them empty"),
        ({"exposures_ms": (5,)}, "10 to 10000 whole milliseconds, got 5"),
        ({"exposures_ms": (50.5,)}, "10 to 10000 whole milliseconds, got 50.5"),
        ({"exposures_ms": (50, 50)}, "each exposure once"),
        ({"n_trials": 0}, "1 to 5000 trials a sitting, got 0"),
        ({"repeat_share": 1.5}, "repeats of 0 to 1 of the trials, got 1.5"),
        ({"practice_trials": -1}, "0 to 100 practice trials, got -1"),
        ({"catch_trials": 11, "catch_sources": ("noise",)}, "0 to 10 catch trials .*, got 11"),
        ({"catch_trials": 2}, "expected a source for the 2 catch trials, .* got none"),
        ({"catch_sources": ("noise",)}, "expected catch trials, since noise serves in them only, got 0"),
    ],
)
def test_a_design_that_cannot_be_run_is_refused(change, words):
    good = {"source_weights": {"real": 1.0}, "exposures_ms": (50,), "n_trials": 10}
    with pytest.raises(DesignError, match=words):
        Settings(**(good | change))
