"""Declared rules leave out what they say, in the order declared; other universes are the same analysis again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.counts import coded, count_tables
from analysis.intervals import covariance, mean_weights, source_means
from analysis.multiverse import CLUSTERS, PEOPLE, REACTIONS, TIMING, all_universes
from analysis.observers import Observers, simulate
from analysis.responses import select
from analysis.rules import RULES, Declared, RuleError, declared


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate(Observers(n_people=6, n_trials=132, images_per_source=100), seed=21)


def changed(rows: pd.DataFrame, places: list[int] | np.ndarray, **values: object) -> pd.DataFrame:
    """Rows with other values at some places."""
    table = rows.copy()
    for name, value in values.items():
        column = (
            table[name].astype(object) if isinstance(table[name].dtype, pd.CategoricalDtype) else table[name]
        )
        column = column.copy()
        column.iloc[places] = value
        table[name] = (
            column.astype("category") if isinstance(table[name].dtype, pd.CategoricalDtype) else column
        )
    return table


def of_person(rows: pd.DataFrame, number: int) -> np.ndarray:
    return np.flatnonzero((rows["participant"] == f"p{number:04d}").to_numpy(bool))


def test_each_rule_leaves_out_its_own_rows_and_no_others(rows):
    """One broken row, or person, for each rule; everything else is kept by all of them."""
    clean = rows.assign(
        timing_ok=pd.array(np.ones(len(rows), dtype=bool), dtype="boolean"), reaction_ms=600.0
    )
    first, second = of_person(clean, 1), of_person(clean, 2)
    broken = {
        "fast": (changed(clean, [0], reaction_ms=150.0), [0]),
        "slow": (changed(clean, [1], reaction_ms=20_000.0), [1]),
        "mistimed": (changed(clean, [2], timing_ok=False), [2]),
        "unproven": (changed(clean, [3], timing_ok=pd.NA), [3]),
        "focus": (changed(clean, [4], lost_focus=True), [4]),
        "one-answer": (changed(clean, first, judged_real=True, response="real"), first),
        "lost": (
            changed(clean, second[:40], status="interrupted", judged_real=pd.NA, response=""),
            second,
        ),
    }
    for name, (table, expected) in broken.items():
        limit = RULES[name].limit
        for rule in (Declared(each, RULES[each].limit) for each in broken):
            got = np.flatnonzero(rule.fits(table))
            wanted = (
                list(expected)
                if rule.name == name or (name == "mistimed" and rule.name == "unproven")
                else []
            )
            assert got.tolist() == wanted, (name, rule.name)
        assert str(limit or "") in Declared(name, limit).reason or limit < 1


def test_people_who_call_catch_trials_real_are_left_out(rows):
    first = of_person(rows, 1)
    table = changed(rows, first[:4], kind="catch", judged_real=True, response="real")
    assert np.flatnonzero(Declared("catch", 0.25).fits(table)).tolist() == first.tolist()
    once = changed(rows, first[:1], kind="catch", judged_real=True, response="real")
    assert not Declared("catch", 0.25).fits(once).any()


def test_people_with_few_answers_are_left_out(rows):
    assert not Declared("few", 132).fits(rows).any()
    assert Declared("few", 133).fits(rows).all()


def test_the_flow_counts_each_row_once_and_people_as_they_go(rows):
    first = of_person(rows, 1)
    table = changed(rows, first, judged_real=True, response="real", reaction_ms=100.0)
    selection = select(table, exclude=[declared("fast"), declared("one-answer")])
    flow = selection.exclusions.set_index("reason")
    fast = flow.loc["answered in less than 200 ms"]
    assert fast["n_rows"] >= 132
    assert fast["n_people_left"] == 5
    assert flow["n_rows"].iloc[-1] == 0  # the same person's rows fell to the rule before
    assert flow["n_rows"].sum() + len(selection.rows) == len(table)
    assert selection.is_candidate.all()


def test_left_out_rows_are_named_as_a_spreadsheet_counts_them(rows):
    table = changed(rows, [7], kind="practice")
    table = changed(table, [9], reaction_ms=100.0)
    reaction = table["reaction_ms"].to_numpy(float)
    out = select(table, exclude=[declared("fast=150")]).left_out()
    assert out[out["reason"] == "practice trial"]["row"].tolist() == [9]
    assert set(out[out["reason"] == "answered in less than 150 ms"]["row"]) == set(
        np.flatnonzero(reaction < 150) + 2
    )
    assert out["trial"].tolist() == [table["trial"].iloc[row - 2] for row in out["row"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quick", "expected one of fast, slow"),
        ("fast=soon", "expected a number of at least 0 after fast=, got 'soon'"),
        ("fast=-1", "at least 0"),
        ("catch=25", r"expected a share in 0\.\.1 after catch="),
        ("mistimed=3", "has no limit to choose"),
        ("", "expected one of"),
    ],
)
def test_a_rule_that_is_none_is_refused(text, words):
    with pytest.raises(RuleError, match=words):
        declared(text)


def test_a_rule_is_declared_by_name_or_with_another_limit():
    assert declared("fast") == Declared("fast", 200)
    assert declared("fast=150") == Declared("fast", 150.0)
    assert declared("mistimed") == Declared("mistimed")


# Other universes


@pytest.fixture(scope="module")
def universes(rows) -> pd.DataFrame:
    tables = count_tables(rows)
    cov = covariance(tables)
    shares = {name: mean_weights(tables, cov, name) for name in ("real", "gan")}
    contrasts = {"real minus gan": shares["real"] - shares["gan"]}
    return all_universes(coded(rows), rows, np.ones(len(rows), dtype=bool), shares, contrasts).table


def test_there_are_as_many_universes_as_combinations(universes):
    assert universes["universe"].nunique() == len(REACTIONS) * len(TIMING) * len(PEOPLE) * len(CLUSTERS) == 54
    assert len(universes) == 54 * 3


def test_the_first_universe_is_the_main_analysis(rows, universes):
    main = universes[universes["universe"] == 0].set_index("quantity")
    means = source_means(count_tables(rows)).set_index("source")
    for name in ("real", "gan"):
        assert main.loc[name, ["estimate", "low", "high"]].tolist() == pytest.approx(
            means.loc[name, ["p", "low", "high"]].tolist()
        )


def test_a_universe_is_the_analysis_of_the_rows_that_its_rules_keep(rows, universes):
    chosen = universes[
        (universes["reactions"] == REACTIONS[2].words)
        & (universes["timing"] == TIMING[1].words)
        & (universes["people"] == PEOPLE[0].words)
        & (universes["clusters"] == "people and images")
    ].set_index("quantity")
    kept = rows[(rows["reaction_ms"].between(300, 5000) & rows["timing_ok"]).to_numpy(bool)]
    means = source_means(count_tables(kept)).set_index("source")
    assert chosen["n_trials"].iloc[0] == len(kept)
    assert chosen.loc["gan", "estimate"] == pytest.approx(means.loc["gan", "p"])


def test_people_alone_have_shorter_intervals(universes):
    width = (universes["high"] - universes["low"]).groupby(universes["clusters"]).mean()
    assert width["people alone"] < width["people and images"]


def test_universes_without_answers_are_counted_and_left_out(rows):
    never = rows.assign(timing_ok=pd.array(np.zeros(len(rows), dtype=bool), dtype="boolean"))
    tables = count_tables(never)
    weights = {"real": mean_weights(tables, covariance(tables), "real")}
    found = all_universes(
        coded(never), never, np.ones(len(never), dtype=bool), weights, {"real again": weights["real"]}
    )
    assert found.n_empty == 36
    assert found.table["universe"].nunique() == 18


def test_codes_keep_people_and_images_in_their_places_under_a_mask(rows):
    codes = coded(rows)
    kept = codes.person != 2
    tables = codes.tables(kept)
    assert tables.person_n.shape == codes.tables().person_n.shape
    assert tables.person_n[2].sum() == 0
    assert tables.n_trials.sum() == kept.sum()
