"""Reliability, influence and time on task say what was planted, and count exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.counts import coded, count_tables
from analysis.intervals import covariance, mean_weights, source_means
from analysis.observers import Observers, simulate
from analysis.people import drift, leave_one_out, parts_of_sittings, people_table, split_half, time_on_task
from analysis.reactions import conditional_accuracy, medians, reaction_quantiles


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate(Observers(n_people=8, n_trials=220, images_per_source=150), seed=12)


def test_leaving_a_person_out_is_the_analysis_without_that_person(rows):
    codes = coded(rows)
    tables = codes.tables()
    cov = covariance(tables)
    weights = {name: mean_weights(tables, cov, name) for name in ("real", "gan")}
    table = leave_one_out(codes, tables, weights).set_index(["quantity", "participant"])
    for person in rows["participant"].unique()[:3]:
        others = source_means(count_tables(rows[(rows["participant"] != person).to_numpy(bool)])).set_index(
            "source"
        )
        for name in weights:
            assert table.loc[(name, person), "without"] == pytest.approx(others.loc[name, "p"])


def test_people_who_differ_are_told_apart_reliably_and_people_alike_are_not():
    different = count_tables(
        simulate(Observers(n_people=20, n_trials=440, person_sd=1.5, images_per_source=200), seed=1)
    )
    alike = count_tables(
        simulate(
            Observers(n_people=20, n_trials=440, person_sd=0, person_source_sd=0, images_per_source=200),
            seed=1,
        )
    )
    there, nowhere = (
        split_half(tables, seed=1).set_index("measure").loc["criterion"] for tables in (different, alike)
    )
    assert there["reliability"] > 0.9
    assert there["low"] < there["reliability"] < there["high"]
    assert abs(nowhere["reliability"]) < 0.5


def test_reliability_agrees_with_the_share_of_variance_that_is_true():
    """Two independent halves of the same length, drawn directly: Spearman-Brown is the correlation of whole tests."""
    observers = Observers(n_people=100, n_trials=176, person_sd=0.8, image_sd=0.0, images_per_source=100)
    tables = count_tables(simulate(observers, seed=4))
    found = split_half(tables, seed=1).set_index("measure").loc["criterion", "reliability"]
    each = people_table(coded(simulate(observers, seed=4)), tables)["criterion"].to_numpy()
    assert 0.6 < found < 0.98
    assert np.std(each) > 0.3


def test_two_people_have_no_reliability():
    tables = count_tables(simulate(Observers(n_people=2, n_trials=88, images_per_source=60), seed=1))
    assert split_half(tables, seed=1)["reliability"].isna().all()


def test_a_planted_fatigue_is_found_and_a_steady_person_has_none():
    """In the second half everybody answers at random: d' falls from about 1 to 0, the criterion too."""
    rows = simulate(Observers(n_people=25, n_trials=440, images_per_source=200), seed=2)
    late = (rows["ordinal"] >= 220).to_numpy(bool)
    rng = np.random.default_rng(1)
    tired = rows.assign(
        judged_real=pd.array(
            np.where(late, rng.random(len(rows)) < 0.5, rows["judged_real"].to_numpy(bool)), dtype="boolean"
        )
    )
    for study, fell in ((rows, False), (tired, True)):
        part = parts_of_sittings(study)
        codes = coded(study)
        change = drift(codes, part).set_index("measure").loc["d_prime"]
        assert (change["high"] < -0.5) == fell
        quarters = time_on_task(codes, part)
        assert quarters["n_people"].tolist() == [25] * 4
        assert (quarters["d_prime"].iloc[-1] < 0.2) == fell


def test_quarters_of_a_sitting_are_equal_and_in_order(rows):
    part = parts_of_sittings(rows)
    for _, own in rows.assign(part=part).groupby("sitting", observed=True):
        assert own["part"].value_counts().to_dict() == dict.fromkeys(range(4), 55)
        assert own.sort_values("ordinal")["part"].is_monotonic_increasing


# Reaction times


def test_reaction_quantiles_are_pandas_own_and_mistimed_trials_do_not_count(rows):
    table = reaction_quantiles(rows)
    good = rows[rows["timing_ok"].to_numpy(bool)]
    row = table.iloc[0]
    own = good[
        (good["source"] == row["source"])
        & (good["exposure_ms"] == row["exposure_ms"])
        & (good["response"] == row["response"])
    ]["reaction_ms"]
    assert row["n_trials"] == len(own)
    assert row[["q10_ms", "q50_ms", "q90_ms"]].tolist() == pytest.approx(
        own.quantile([0.1, 0.5, 0.9]).tolist()
    )
    assert table["n_trials"].sum() == len(good)


def test_medians_are_means_of_people_s_own(rows):
    row = medians(rows).iloc[0]
    good = rows[rows["timing_ok"].to_numpy(bool)]
    own = good[(good["source"] == row["source"]) & (good["exposure_ms"] == row["exposure_ms"])]
    assert row["median_ms"] == pytest.approx(
        own.groupby("participant", observed=True)["reaction_ms"].median().mean()
    )


def test_slow_answers_that_are_worse_are_seen_to_be(rows):
    """Answers slower than the median are turned round: the fastest fifth is then right more often."""
    slow = (rows["reaction_ms"] > rows["reaction_ms"].median()).to_numpy(bool)
    is_real = (rows["source"] == "real").to_numpy(bool)
    planted = rows.assign(judged_real=pd.array(is_real ^ slow, dtype="boolean"))
    table = conditional_accuracy(planted).set_index(["is_real", "fifth"])["accuracy"]
    for real in (True, False):
        assert table[real, 1] > 0.95
        assert table[real, 5] < 0.05


def test_without_reaction_times_there_is_nothing_to_say(rows):
    none = rows.assign(reaction_ms=np.nan)
    assert reaction_quantiles(none).empty
    assert conditional_accuracy(none).empty
