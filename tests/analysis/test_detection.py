"""Sensitivity and bias: planted observers come back, intervals hold them, edges stay finite."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri

from analysis.counts import count_tables
from analysis.coverage import design, studies
from analysis.detection import by_person, cell_pairs, own_sensitivity, sensitivity, t_interval, yes_no
from analysis.intervals import covariance
from analysis.observers import Observers, simulate, true_proportions


def of_rates(hit: float, alarm: float, n_people: int = 400, n_each: int = 50) -> pd.DataFrame:
    """People alike who call real pictures real at one rate and generated ones at another."""
    rng = np.random.default_rng(1)
    n = n_people * n_each * 2
    is_real = np.tile(np.repeat([True, False], n_each), n_people)
    return pd.DataFrame(
        {
            "participant": np.repeat([f"p{i}" for i in range(n_people)], 2 * n_each),
            "image": [f"i{i}" for i in range(n)],
            "source": np.where(is_real, "real", "gan"),
            "exposure_ms": 50.0,
            "judged_real": rng.random(n) < np.where(is_real, hit, alarm),
        }
    )


def test_an_observer_s_d_prime_and_criterion_come_back():
    """d' 1.2 and c -0.3, 20,000 trials of each kind: within four standard errors."""
    d_prime, criterion = 1.2, -0.3
    tables = count_tables(of_rates(ndtr(d_prime / 2 - criterion), ndtr(-d_prime / 2 - criterion)))
    row = sensitivity(tables, covariance(tables)).iloc[0]
    assert row["d_prime"] == pytest.approx(d_prime, abs=4 * row["d_prime_se"])
    assert row["criterion"] == pytest.approx(criterion, abs=4 * row["criterion_se"])
    assert row["d_prime_se"] < 0.02


def test_the_delta_method_is_gourevitch_and_galanter_s_where_trials_are_independent():
    """One image a trial, people alike: the variance of d' is H(1-H)/(n phi(zH)^2) + F(1-F)/(n phi(zF)^2)."""
    tables = count_tables(of_rates(0.8, 0.4))
    se = sensitivity(tables, covariance(tables)).iloc[0]["d_prime_se"]
    n = 400 * 50

    def part(p: float) -> float:
        return p * (1 - p) / (n * (np.exp(-(ndtri(p) ** 2) / 2) / np.sqrt(2 * np.pi)) ** 2)

    assert se == pytest.approx(
        np.sqrt(part(0.8) + part(0.4)), rel=0.12
    )  # of 400 people: 3.5 % standard error


def test_intervals_hold_the_true_pooled_d_prime():
    """80 studies of the paper's size: points and means over times are covered in about 95 %."""
    observers = design(15, 670, person=0.5, both=0.3, image=1.0, images=250)
    z = ndtri(true_proportions(observers))
    inside, means = [], []
    for tables in studies(observers, 80, seed=9):
        table = sensitivity(tables, covariance(tables))
        own = table[table["source"] == "cc-lapgan"]
        truth = np.append(z[0] - z[3], (z[0] - z[3]).mean())
        held = (own["d_prime_low"] <= truth) & (truth <= own["d_prime_high"])
        inside.append(held[:-1].mean())
        means.append(held.iloc[-1])
    assert 0.92 <= np.mean(inside) <= 0.98
    assert np.mean(means) >= 0.88


def test_pooled_d_prime_is_below_the_mean_of_people_s_own_where_criteria_differ():
    alike = of_rates(ndtr(1.0), ndtr(-0.5), n_people=20, n_each=400)
    other = of_rates(ndtr(0.0), ndtr(-1.5), n_people=20, n_each=400)
    both = pd.concat(
        [alike, other.assign(participant="q" + other["participant"], image="j" + other["image"])]
    )
    tables = count_tables(both)
    own = own_sensitivity(tables).iloc[0]
    assert own["d_prime"] == pytest.approx(1.5, abs=0.05)
    assert sensitivity(tables, covariance(tables)).iloc[0]["d_prime"] < own["d_prime"] - 0.1


def test_people_s_own_mean_over_times_is_the_mean_of_each_one_s_measures():
    tables = count_tables(simulate(Observers(n_people=5, n_trials=220, images_per_source=150), seed=2))
    table = own_sensitivity(tables)
    for _, own in table.groupby("source"):
        over, at = own[own["exposure_ms"].isna()].iloc[0], own[own["exposure_ms"].notna()]
        assert len(at) == 11
        assert over["d_prime"] == pytest.approx(at["d_prime"].mean())
        assert over["n_people"] == 5
        assert over["d_prime_high"] - over["d_prime_low"] < (at["d_prime_high"] - at["d_prime_low"]).mean()


def test_perfect_observers_stay_finite_and_one_person_has_no_interval():
    tables = count_tables(of_rates(1.0, 0.0, n_people=1))
    table = sensitivity(tables, covariance(tables))
    assert np.isfinite(table["d_prime"]).all()
    assert np.isinf(table["d_prime_high"]).all()
    assert np.isinf(own_sensitivity(tables)["d_prime_high"]).all()


def test_only_times_at_which_real_pictures_were_shown_count():
    rows = simulate(Observers(n_people=4, n_trials=88, images_per_source=60), seed=2)
    tables = count_tables(rows[~((rows["source"] == "real") & (rows["exposure_ms"] == 50)).to_numpy(bool)])
    assert all(ms > 50 for pairs in cell_pairs(tables).values() for ms, *_ in pairs)
    assert sensitivity(tables, covariance(tables))["exposure_ms"].min() == 75


def test_a_person_who_saw_one_kind_only_has_no_measures():
    rows = of_rates(0.8, 0.3, n_people=3)
    kept = rows[~((rows["participant"] == "p0") & (rows["source"] == "gan"))]
    each = by_person(count_tables(kept))
    assert np.isnan(each.d_prime).tolist() == [True, False, False]


def test_a_guesser_has_area_one_half_and_the_measures_turn_with_the_answers():
    n = np.asarray([100.0])
    assert yes_no(np.asarray([50.0]), n, np.asarray([50.0]), n).a_prime[0] == 0.5
    there, back = (
        yes_no(np.asarray([hit]), n, np.asarray([alarm]), n) for hit, alarm in ((80.0, 30.0), (30.0, 80.0))
    )
    assert there.d_prime == -back.d_prime
    assert there.a_prime[0] - 0.5 == pytest.approx(0.5 - back.a_prime[0])


def test_the_t_interval_is_that_of_scipy():
    from scipy.stats import t

    values = np.asarray([1.0, 2.0, 4.0, 4.5])
    expected = t.interval(0.95, 3, values.mean(), values.std(ddof=1) / 2)
    assert t_interval(values)[1:] == pytest.approx(expected)
    assert t_interval(np.asarray([2.0])) == (2.0, -np.inf, np.inf)
