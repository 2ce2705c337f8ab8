"""Each kind of bar is what its name says, and says for whom it holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.bars import KINDS, Study, all_bars, n_two_way_resamples, person_shares
from analysis.counts import coded
from analysis.intervals import cells, covariance
from analysis.observers import Observers, simulate


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate(Observers(n_people=10, n_trials=440, images_per_source=200), seed=8)


@pytest.fixture(scope="module")
def study(rows) -> Study:
    codes = coded(rows)
    return Study(codes, codes.tables(), covariance(codes.tables()), seed=1)


@pytest.fixture(scope="module")
def table(study) -> pd.DataFrame:
    return all_bars(study)


def of(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    return table[table["kind"] == kind].reset_index(drop=True)


def test_every_kind_has_a_bar_for_every_point_and_says_for_whom(table):
    assert table.groupby("kind").size().to_dict() == dict.fromkeys(KINDS, 44)
    assert table["holds_for"].str.len().min() > 10
    known = table[["low", "high"]].notna().all(axis=1)
    assert known.all()
    assert (table["low"] <= table["high"]).all()


def test_the_headline_bar_is_that_of_figure_1(table, study):
    figure = cells(study.tables)
    np.testing.assert_allclose(of(table, "two-way")[["low", "high"]], figure[["low", "high"]])
    np.testing.assert_allclose(of(table, "wilson")["low"], figure["wilson_low"])


def test_spread_and_error_of_people_are_those_of_plain_pandas(rows, table):
    own = (
        rows.assign(y=rows["judged_real"].astype(float))
        .groupby(["source", "exposure_ms", "participant"], observed=True)["y"]
        .mean()
    )
    by_cell = own.groupby(level=[0, 1], observed=True).agg(["mean", "std", "size"])
    for kind, scale in (("sd", 1.0), ("sem", 1 / np.sqrt(10))):
        bars = of(table, kind).set_index(["source", "exposure_ms"])
        expected = by_cell.loc[bars.index]
        np.testing.assert_allclose((bars["high"] - bars["low"]) / 2, scale * expected["std"])
        np.testing.assert_allclose((bars["high"] + bars["low"]) / 2, expected["mean"])


def test_resampled_people_have_the_variance_of_people(table, study):
    """Half-widths over 1.96 are near the cluster error of people, which they estimate, a little below (CR0)."""
    bars = of(table, "people-bootstrap")
    error = np.sqrt(np.diag(study.cov.people))
    ratio = ((bars["high"] - bars["low"]) / 2 / 1.96).to_numpy() / error
    assert 0.9 < np.median(ratio) < 1.05


def test_counting_and_resampling_rows_agree_under_the_same_weights(rows, study):
    """The count-table bootstrap is the naive one: people's rows repeated as often as each was drawn."""
    weights = np.random.default_rng(3).multinomial(10, np.full(10, 0.1), size=5)
    person = study.codes.person
    for drawn in weights:
        again = rows.iloc[np.repeat(np.arange(len(rows)), drawn[person])]
        naive = (
            again.assign(y=again["judged_real"].astype(float))
            .groupby(["source", "exposure_ms"], observed=True)["y"]
            .mean()
        )
        fast = (drawn @ study.tables.person_k) / (drawn @ study.tables.person_n)
        expected = [naive[tuple(cell)] for cell in study.tables.cells.itertuples(index=False)]
        np.testing.assert_allclose(fast, expected, rtol=1e-12)


def test_bars_for_new_images_are_longer_than_those_for_people_alone(table):
    width = (table["high"] - table["low"]).groupby(table["kind"]).mean()
    assert width["wilson"] < width["people"] < width["two-way"] < width["two-way-bootstrap"]
    assert width["sem"] < width["sd"]


def test_the_same_seed_gives_the_same_bars(study, table):
    pd.testing.assert_frame_equal(table, all_bars(study))


def test_large_studies_are_resampled_fewer_times():
    assert n_two_way_resamples(10_000) == 2000
    assert n_two_way_resamples(200_000) == 300
    assert n_two_way_resamples(10**9) == 200


def test_one_person_has_no_spread_and_the_cell_of_nobody_no_bar():
    rows = simulate(Observers(n_people=1, n_trials=88, images_per_source=60), seed=8)
    rows = rows[~((rows["source"] == "gan") & (rows["exposure_ms"] == 50)).to_numpy(bool)]
    codes = coded(rows)
    table = all_bars(Study(codes, codes.tables(), covariance(codes.tables()), seed=1))
    assert len(of(table, "sd")) == 43
    for kind in ("sd", "sem", "people"):
        assert of(table, kind)["low"].isna().all()
    assert of(table, "two-way")[["low", "high"]].notna().all(axis=None)
    mean, _, n_people = person_shares(codes.tables())
    assert np.isnan(mean[11])
    assert n_people[11] == 0
