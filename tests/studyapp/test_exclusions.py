"""Rules by which sittings are left out: what breaks them, and how they are said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studyapp.exclusions import RULES, RuleError, broken_rules, checked_rules, sentences
from studyapp.models import Trial
from studyapp.quality import Asked, shares

RULE_SETS = st.dictionaries(st.sampled_from(list(RULES)), st.floats(0, 100))
SHARES = st.fixed_dictionaries({name: st.none() | st.floats(0, 1) for name in RULES})
ASKED = st.builds(
    Asked,
    kind=st.sampled_from(["main", "catch", "repeat"]),
    status=st.sampled_from(["answered", "timed_out", "interrupted", "planned"]),
    exposure_ms=st.sampled_from([50, 400]),
    answer=st.sampled_from(["real", "generated"]),
    reaction_ms=st.none() | st.floats(0, 3000),
    timing_ok=st.none() | st.booleans(),
    lost_focus=st.none() | st.booleans(),
)


def asked(status: str = "answered", *, kind: str = "main", **more: object) -> Asked:
    usual = {
        "exposure_ms": 100,
        "answer": "real",
        "reaction_ms": 500.0,
        "timing_ok": True,
        "lost_focus": False,
    }
    return Asked(kind=kind, status=status, **(usual | more))  # type: ignore[arg-type]


@given(RULE_SETS, SHARES)
def test_a_sitting_without_shares_breaks_nothing_and_only_declared_rules_are_broken(rules, found):
    broken = broken_rules(rules, found)
    assert set(broken) <= {name for name in rules if found[name] is not None}
    assert broken_rules(rules, dict.fromkeys(RULES)) == ()
    assert len(sentences(rules)) == len(rules)


@given(st.lists(ASKED, max_size=30), st.integers(0, 40))
def test_shares_are_shares(trials, n_planned):
    assert all(share is None or 0 <= share <= 1 for share in shares(trials, n_planned).values())
    assert set(shares(trials, n_planned)) == set(RULES)


def test_a_share_counts_what_its_rule_says():
    trials = [
        *(asked() for _ in range(5)),
        asked(answer="generated", reaction_ms=20.0, timing_ok=False, lost_focus=True),
        asked(kind="catch"),
        asked(kind="catch", answer="generated"),
        asked("interrupted", timing_ok=None),
        asked(kind="repeat"),
        asked(kind="repeat"),
    ]
    told = shares(trials, 10)
    assert told == {
        "answered": 0.9,  # eight answers, and one repeat for the trial that was lost
        "catch_missed": 0.5,
        "too_fast": 0.1,
        "same_answer": 0.8,
        "mistimed": 0.1,
        "lost_focus": 0.1,
    }
    assert broken_rules({"answered": 95, "too_fast": 10, "catch_missed": 49}, told) == (
        "answered",
        "catch_missed",
    )


def test_a_repeat_of_an_answered_trial_stands_for_nothing_that_is_missing():
    trials = [asked(timing_ok=False), asked(kind="repeat"), asked(Trial.Status.PLANNED, timing_ok=None)]
    assert shares(trials, 4)["answered"] == 0.25


@pytest.mark.parametrize("rules", [[], {"ugly": 1}, {"too_fast": "5"}, {"too_fast": True}, {"too_fast": -1}])
def test_rules_that_cannot_be_are_refused(rules):
    with pytest.raises(RuleError, match="expected"):
        checked_rules(rules)
