"""Each alert speaks when its line is crossed, and only then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.alerts import alerts
from analysis.observers import Observers, simulate
from analysis.provenance import provenance
from analysis.responses import select
from analysis.results import analyse
from analysis.rules import declared

HERE = Path(__file__)


def people(n_people: int = 12, n_trials: int = 132, images: int = 100, seed: int = 6) -> pd.DataFrame:
    """A simulated study whose rows claim to come from people."""
    rows = simulate(Observers(n_people=n_people, n_trials=n_trials, images_per_source=images), seed)
    return rows.assign(is_simulated=pd.array(np.zeros(len(rows), dtype=bool), dtype="boolean"))


def said(rows: pd.DataFrame, *, simulated: bool = False) -> list[str]:
    return alerts(analyse(select(rows, simulated=simulated), provenance(HERE)))


def flags(values: np.ndarray | None, n: int) -> pd.api.extensions.ExtensionArray:
    return pd.array([None] * n if values is None else values, dtype="boolean")


def at(rows: pd.DataFrame, source: str, exposure_ms: float) -> np.ndarray:
    return ((rows["source"] == source) & (rows["exposure_ms"] == exposure_ms)).to_numpy(bool)


def test_a_sound_study_raises_no_alert():
    assert said(people()) == []


def test_planned_practice_is_no_news_but_lost_trials_are():
    rows = people()
    kind, status = rows["kind"].astype(object), rows["status"].astype(object)
    kind.iloc[:40] = "practice"
    assert said(rows.assign(kind=kind)) == []
    status.iloc[50:53] = "interrupted"
    (sentence,) = said(rows.assign(kind=kind, status=status))
    assert "3 (interrupted before the answer), of 1,584" in sentence
    assert "practice trial" not in sentence


def with_catch_trials(rows: pd.DataFrame, missed: dict[str, int]) -> pd.DataFrame:
    """The rows and 8 catch trials a person, of which so many were called real."""
    catch = rows.groupby("participant", observed=True).head(8).copy()
    place = catch.groupby("participant", observed=True).cumcount()
    is_missed = (place < catch["participant"].astype(str).map(missed).fillna(0)).to_numpy(bool)
    judged = {
        "kind": "catch",
        "source": "noise",
        "trial": [f"catch-{n}" for n in range(len(catch))],
        "judged_real": flags(is_missed, len(catch)),
        "response": np.where(is_missed, "real", "generated"),
    }
    return pd.concat([rows.astype(object), catch.astype(object).assign(**judged)], ignore_index=True).astype(
        {"judged_real": "boolean", "timing_ok": "boolean", "is_simulated": "boolean", "exposure_ms": float}
    )


def test_people_who_miss_catch_trials_are_named_and_slips_are_not():
    rows = people()
    assert said(with_catch_trials(rows, {"p0002": 2})) == []
    (sentence,) = said(with_catch_trials(rows, {"p0002": 2, "p0003": 3, "p0007": 8}))
    assert "p0003 (3 of 8) and p0007 (8 of 8)" in sentence
    assert "p0002" not in sentence


def test_people_who_are_left_out_for_missed_catch_trials_are_not_said_to_be_in_the_figure():
    rows = with_catch_trials(people(), {"p0007": 8})
    selection = select(rows, exclude=[declared("catch")])
    assert not any("p0007" in sentence for sentence in alerts(analyse(selection, provenance(HERE))))


def test_simulated_people_are_said_first_and_counted():
    rows = people()
    mixed = rows.assign(is_simulated=flags((rows["participant"] == "p0003").to_numpy(bool), len(rows)))
    assert said(mixed, simulated=True)[0].startswith("132 of 1,584 answers come from simulated people")
    (left_out,) = said(mixed)
    assert "132 (simulated participant, not asked for), of 1,584" in left_out


def test_thin_points_are_named_and_counted():
    sentences = " ".join(said(people(n_people=4)))
    assert (
        "44 of 44 points rest on fewer than 5 people or 30 trials: real at 50 ms (4 people, 12 trials)"
        in (sentences.replace("\u00a0", " "))
    )
    assert "and 40 more" in sentences


def test_a_point_without_answers_is_named():
    rows = people()
    (sentence,) = said(rows[~at(rows, "gan", 75)])
    assert sentence.startswith("No answers at all for GAN at 75")


def test_a_bar_by_another_rule_says_which():
    rows = people()
    judged = rows["judged_real"].to_numpy(bool) | at(rows, "real", 2000)
    (sentence,) = said(rows.assign(judged_real=flags(judged, len(rows))))
    assert "all answers alike: Wilson" in sentence
    assert "real at 2000" in sentence


def test_a_dominant_person_is_named_and_a_handful_is_called_one():
    rows, one = people(), people(n_trials=300, seed=7)
    more = one[one["participant"] == "p0000"].assign(trial=lambda extra: "x" + extra["trial"].astype(object))
    both = pd.concat([rows, more], ignore_index=True)
    (sentence,) = said(both)
    assert "p0000 (23" in sentence  # (132 + 300) / (1584 + 300)
    few = said(people(n_people=5, n_trials=440, images=200))
    assert "Only 5\u00a0people took part, each with more than 15\u00a0% of the trials." in few


def test_a_dominant_image_is_said_in_a_cell_big_enough_to_judge():
    for n_people, n_alerts in ((40, 1), (30, 0)):  # 120 and 90 trials a cell
        rows = people(n_people=n_people, images=400)
        first_nine = np.flatnonzero(at(rows, "lapgan", 400))[:9]
        image = rows["image"].astype(object)
        image.iloc[first_nine] = "the same"
        sentences = said(rows.assign(image=image))
        assert len(sentences) == n_alerts
        assert all("more than 5\u00a0% of the trials of LAPGAN at 400" in sentence for sentence in sentences)


@pytest.mark.parametrize(("n_late", "n_alerts"), [(79, 0), (80, 1)])
def test_more_than_five_percent_mistimed_is_said(n_late, n_alerts):
    rows = people()  # 1584 trials: 5 % is 79.2
    timing_ok = np.arange(len(rows)) >= n_late
    sentences = said(rows.assign(timing_ok=flags(timing_ok, len(rows))))
    assert len(sentences) == n_alerts
    assert all("another time than planned" in sentence for sentence in sentences)


def test_trials_that_nobody_timed_are_said():
    rows = people()
    (sentence,) = said(rows.assign(timing_ok=flags(None, len(rows))))
    assert "100\u00a0% of the trials nobody knows" in sentence


def test_large_design_effects_are_named_with_their_size():
    """People who always give one answer: each is one observation, however many trials they have."""
    rows = people(n_people=12, n_trials=440, images=150)
    always = rows["participant"].isin([f"p{i:04d}" for i in range(0, 12, 2)]).to_numpy(bool)
    response = np.where(always, "real", "generated")
    judged = pd.array(always, dtype="boolean")
    (sentence,) = [
        each for each in said(rows.assign(judged_real=judged, response=response)) if "Design effects" in each
    ]
    assert "above 10: the mean of real (" in sentence
