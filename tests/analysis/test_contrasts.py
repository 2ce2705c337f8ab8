"""Contrasts find what was planted, bands hold whole lines, Holm keeps its promise, equivalence counts both sides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.contrasts import at_each_time, band_quantile, distance_to_real, holm, over_times, planned_pairs
from analysis.counts import count_tables
from analysis.coverage import design, studies
from analysis.equivalence import beside_published
from analysis.intervals import cells, covariance, differences, source_means
from analysis.observers import Observers, simulate, true_proportions


@pytest.fixture(scope="module")
def tables():
    return count_tables(simulate(Observers(n_people=12, n_trials=220, images_per_source=200), seed=3))


def test_the_paper_s_sources_are_compared_in_its_order_and_others_in_pairs():
    assert planned_pairs(["real", "gan", "lapgan", "cc-lapgan"]) == [
        ("real", "cc-lapgan"),
        ("cc-lapgan", "lapgan"),
        ("lapgan", "gan"),
    ]
    assert planned_pairs(["gan", "real"]) == [("real", "gan")]
    assert len(planned_pairs(["real", "flow", "vae", "gan"])) == 6


def test_a_contrast_is_the_difference_of_means_and_its_p_value_agrees_with_its_interval(tables):
    cov = covariance(tables)
    means = source_means(tables).set_index("source")["p"]
    table = over_times(tables, cov, planned_pairs(list(means.index)))
    for row in table.itertuples():
        assert row.difference == pytest.approx(means[row.higher] - means[row.lower])
        assert (row.p < 0.05) == (row.low > 0 or row.high < 0)
        assert row.p <= row.p_holm <= 1


def test_sources_are_compared_only_at_times_that_both_had():
    rows = simulate(Observers(n_people=6, n_trials=220, images_per_source=100), seed=3)
    kept = rows[~((rows["source"] == "gan") & (rows["exposure_ms"] > 300)).to_numpy(bool)]
    some = count_tables(kept)
    row = over_times(some, covariance(some), [("lapgan", "gan")]).iloc[0]
    table = cells(some)
    table = table[table["exposure_ms"] <= 300].groupby("source")["p"].mean()
    assert row["n_exposures"] == 6
    assert row["difference"] == pytest.approx(table["lapgan"] - table["gan"])


def test_one_person_has_no_p_value_and_an_interval_that_says_nothing():
    one = count_tables(simulate(Observers(n_people=1, n_trials=88, images_per_source=60), seed=3))
    row = over_times(one, covariance(one), [("real", "gan")]).iloc[0]
    assert np.isnan(row["p"])
    assert np.isnan(row["p_holm"])
    assert (row["low"], row["high"]) == (-1, 1)


def test_the_band_is_wider_than_single_bars_and_narrower_than_bonferroni_s(tables):
    from scipy.stats import t

    table = at_each_time(tables, covariance(tables), "cc-lapgan", "lapgan", seed=1)
    quantile, df = table["band_quantile"].iloc[0], table["df"].min()
    assert t.ppf(0.975, df) < quantile < t.ppf(1 - 0.025 / 11, df) + 0.02
    assert (table["band_low"] <= table["low"]).all()
    assert (table["band_high"] >= table["high"]).all()


def test_the_same_seed_gives_the_same_band_and_another_nearly_the_same(tables):
    cov = covariance(tables)
    first, again, other = (
        at_each_time(tables, cov, "real", "gan", seed=seed)["band_quantile"].iloc[0] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert first == pytest.approx(other, abs=0.03)


def test_the_band_holds_the_whole_true_line():
    """60 studies of the paper's size: the whole line of differences lies inside in 95 % (standard error 2.8)."""
    observers = design(15, 670, person=0.5, both=0.3, image=1.0, images=250)
    truth = true_proportions(observers)
    inside = []
    for tables in studies(observers, 60, seed=77):
        table = at_each_time(tables, covariance(tables), "cc-lapgan", "lapgan", seed=1)
        line = truth[3] - truth[2]
        inside.append(((table["band_low"] <= line) & (line <= table["band_high"])).all())
    assert np.mean(inside) >= 0.90


def test_the_distance_to_real_is_real_minus_the_source_at_the_same_time(tables):
    table = distance_to_real(tables, covariance(tables), seed=1)
    p = cells(tables).set_index(["source", "exposure_ms"])["p"]
    for row in table.itertuples():
        assert row.difference == pytest.approx(p["real", row.exposure_ms] - p[row.lower, row.exposure_ms])
    assert len(table) == 33


def test_without_differences_holm_keeps_the_family_wise_error():
    """Four sources of one curve, 300 studies: some planned contrast is called significant in at most 7 %."""
    from analysis.coverage import draw, tabulate

    curve = (0.5, 0.45)
    observers = Observers(
        n_people=15,
        n_trials=220,
        images_per_source=200,
        person_sd=0.5,
        curves=dict.fromkeys(("real", "gan", "lapgan", "cc-lapgan"), curve),
    )
    names = list(observers.curves)
    frame = pd.DataFrame(
        {"source": np.repeat(names, 11), "exposure_ms": np.tile(observers.exposures_ms, 4).astype(float)}
    )
    wrong = 0
    for rng in np.random.default_rng(5).spawn(300):
        tables = tabulate(frame, *draw(observers, rng), n_people=15, n_images=800)
        wrong += bool((over_times(tables, covariance(tables), planned_pairs(names))["p_holm"] <= 0.05).any())
    assert wrong / 300 <= 0.07


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_value_nor_changes_the_order(p):
    adjusted = holm(np.asarray(p))
    assert (adjusted >= np.asarray(p) - 1e-15).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15).all()
    assert adjusted.max() <= 1


def test_independent_quantities_have_the_quantile_of_the_largest_of_independent_ones():
    """Cells of their own people and images: for k independent normals the quantile is that of |z| at .95^(1/k)."""
    from scipy.special import ndtri

    n, k = 400, 4
    rows = pd.DataFrame(
        {
            "participant": [f"p{i}" for i in range(n * k)],
            "image": [f"i{i}" for i in range(n * k)],
            "source": np.repeat(["real", "gan", "lapgan", "cc-lapgan"], n),
            "exposure_ms": 50.0,
            "judged_real": np.random.default_rng(1).random(n * k) < 0.4,
        }
    )
    cov = covariance(count_tables(rows))
    quantile = band_quantile(cov, np.eye(k), np.full(k, 1e6), seed=2)
    assert quantile == pytest.approx(ndtri((1 + 0.95 ** (1 / k)) / 2), abs=0.02)


# Two-sided, 5 %, several means against one control of as many cases (Dunnett 1964, Biometrics 20:482-491): by degrees
# of freedom and number of means.
DUNNETT = {(10, 2): 2.57, (10, 3): 2.76, (10, 4): 2.89, (20, 2): 2.38, (20, 3): 2.54, (20, 4): 2.65}


@pytest.mark.parametrize(("freedom_and_means", "printed"), DUNNETT.items(), ids=str)
def test_sources_against_one_control_have_the_quantile_of_dunnett_s_table(freedom_and_means, printed):
    freedom, n_means = freedom_and_means
    n = 50
    rows = pd.DataFrame(
        {
            "participant": [f"p{i}" for i in range(n * (n_means + 1))],
            "image": [f"i{i}" for i in range(n * (n_means + 1))],
            "source": np.repeat(["real", "gan", "lapgan", "cc-lapgan", "other"][: n_means + 1], n),
            "exposure_ms": 50.0,
            "judged_real": np.tile(np.arange(n) < 20, n_means + 1),
        }
    )
    against = np.column_stack([np.ones(n_means), -np.eye(n_means)])
    quantile = band_quantile(
        covariance(count_tables(rows)), against, np.full(n_means, float(freedom)), seed=2
    )
    assert quantile == pytest.approx(printed, abs=0.05)  # 50,000 draws know it to about 0.015


# Equivalence


def level(p: float, se: float, df: float = 14) -> pd.DataFrame:
    return pd.DataFrame({"source": ["lapgan"], "p": [p], "se": [se], "df": [df]})


def test_equivalence_holds_from_its_smallest_margin_on():
    spread = pd.Series({"lapgan": 0.12})
    row = beside_published(level(0.43, 0.03), spread).iloc[0]
    for margin, holds in ((row["smallest_margin"] * 1.001, True), (row["smallest_margin"] * 0.999, False)):
        assert bool(beside_published(level(0.43, 0.03), spread, margin).iloc[0]["is_equivalent"]) is holds
    assert (row["low"], row["high"]) == pytest.approx(
        (row["difference"] - (row["smallest_margin"] - 0.03), row["smallest_margin"])
    )


def test_however_many_people_we_ask_the_paper_s_own_doubt_stays():
    """Our error gone, what is left is its 15 people and the reading of its figure: 11 points at best."""
    row = beside_published(level(0.40, 1e-9, 1e6), pd.Series({"lapgan": 0.12})).iloc[0]
    assert row["se"] == pytest.approx(np.sqrt(0.12**2 / 15 + 0.10**2 / 3), rel=1e-6)
    assert row["smallest_margin"] > 0.10


def test_sources_that_the_paper_did_not_have_are_not_compared():
    assert beside_published(level(0.4, 0.03).assign(source="flow"), pd.Series({"flow": 0.1})).empty


def test_differences_is_the_vector_form_of_a_contrast(tables):
    from analysis.intervals import contrast

    cov = covariance(tables)
    weights = np.random.default_rng(1).normal(size=(3, 44))
    table = differences(cov, weights)
    for number in range(3):
        row = table.iloc[number]
        assert contrast(cov, weights[number]) == pytest.approx((row["difference"], row["low"], row["high"]))
