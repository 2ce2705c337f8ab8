"""Intervals keep their identities and survive every edge; see test_coverage and test_published for the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

from analysis.binomial import wilson
from analysis.counts import CountTables, count_tables
from analysis.intervals import (
    RULES,
    Covariance,
    cells,
    contrast,
    covariance,
    mean_weights,
    source_means,
)
from analysis.observers import Observers, simulate


def tables_of(*trials: tuple[str, str, bool]) -> CountTables:
    """Count tables of one cell from (person, image, judged real), beside a cell of real pictures of nobody's."""
    person, image, judged = zip(*trials, strict=True)
    rows = {"participant": person, "image": image, "judged_real": judged}
    return count_tables(pd.DataFrame(rows).assign(source="gan", exposure_ms=50.0))


# Identities


@pytest.fixture(scope="module")
def study() -> tuple[pd.DataFrame, CountTables, Covariance]:
    rows = simulate(Observers(n_people=8, n_trials=132, images_per_source=60), seed=11)
    tables = count_tables(rows)
    return rows, tables, covariance(tables)


def test_one_trial_a_person_and_one_an_image_is_the_binomial_variance():
    tables = tables_of(*((f"p{i}", f"i{i}", i < 13) for i in range(40)))
    cov = covariance(tables)
    binomial = 13 / 40 * 27 / 40 / 40
    assert cov.people[0, 0] == pytest.approx(binomial)
    assert cov.images[0, 0] == pytest.approx(binomial)
    assert cov.trial[0, 0] == pytest.approx(binomial)
    assert cells(tables)["design_effect"].iloc[0] == pytest.approx(
        40 / 39
    )  # P / (P - 1), nothing from images


def test_doubling_the_people_halves_their_variance_and_leaves_that_of_images(study):
    rows, _, cov = study
    twins = rows.assign(participant=rows["participant"].astype(object) + "'")
    doubled = covariance(count_tables(pd.concat([rows, twins], ignore_index=True)))
    np.testing.assert_allclose(doubled.p, cov.p)
    np.testing.assert_allclose(doubled.people, cov.people / 2, atol=1e-15)
    np.testing.assert_allclose(doubled.images, cov.images, atol=1e-15)
    np.testing.assert_allclose(doubled.trial, cov.trial / 2, atol=1e-15)


def test_residuals_of_people_and_of_images_sum_to_zero_in_every_cell(study):
    _, tables, cov = study
    for n, k in ((tables.person_n, tables.person_k), (tables.image_n, tables.image_k)):
        np.testing.assert_allclose((k - n * cov.p).sum(axis=0), 0, atol=1e-9)


def test_the_parts_of_the_covariance_are_positive_semidefinite(study):
    *_, cov = study
    for part in (cov.people, cov.images, cov.trial):
        np.testing.assert_allclose(part, part.T)
        assert np.linalg.eigvalsh(part).min() > -1e-15


def test_a_participant_bootstrap_has_the_variance_of_people(study):
    _, tables, cov = study
    rng = np.random.default_rng(4)
    weights = rng.multinomial(8, np.full(8, 1 / 8), size=4000).astype(float)
    gan = slice(11, 22)  # the second source's cells
    shares = (weights @ tables.person_k[:, gan].sum(axis=1)) / (weights @ tables.person_n[:, gan].sum(axis=1))
    n = cov.n[gan] / cov.n[gan].sum()
    # Of 4000 resamples the variance is known to 2.2 %; all people have 33 trials here, so p is no ratio.
    assert shares.var() == pytest.approx(n @ cov.people[gan, gan] @ n, rel=0.09)


def test_a_mean_over_equal_cells_is_their_mean_and_a_contrast_the_difference(study):
    _, tables, cov = study
    means = source_means(tables).set_index("source")
    table = cells(tables)
    for name, group in table.groupby("source"):
        assert means.loc[name, "p"] == pytest.approx(group["p"].mean())
    real, gan = mean_weights(tables, cov, "real"), mean_weights(tables, cov, "gan")
    value, low, high = contrast(cov, real - gan)
    assert value == pytest.approx(means.loc["real", "p"] - means.loc["gan", "p"])
    assert low < value < high
    turned = contrast(cov, gan - real)
    assert turned == pytest.approx((-value, -high, -low))


# Edges: never a NaN, never a bar without width, and the rule is named

EDGES = {
    "one trial": ([("a", "i", True)], "one person"),
    "one person": ([("a", f"i{n}", n % 3 == 0) for n in range(12)], "one person"),
    "one person, all alike": ([("a", f"i{n}", True) for n in range(12)], "one person"),
    "one image": ([(f"p{n}", "i", n % 3 == 0) for n in range(12)], "one image"),
    "all judged real": ([(f"p{n % 4}", f"i{n}", True) for n in range(12)], "all alike"),
    "none judged real": ([(f"p{n % 4}", f"i{n}", False) for n in range(12)], "all alike"),
    "people agree exactly": ([(f"p{n % 4}", f"i{n}", n < 4) for n in range(12)], "no spread"),
    "two people, opposite": ([("a", "i", True), ("b", "j", False)], "two-way"),
}


@pytest.mark.parametrize(("trials", "rule"), EDGES.values(), ids=EDGES.keys())
def test_every_edge_has_a_bar_with_width_and_a_named_rule(trials, rule):
    tables = tables_of(*trials)
    for table in (cells(tables), source_means(tables)):
        row = table.iloc[0]
        assert row["rule"] == rule
        assert rule in RULES
        assert 0 <= row["low"] <= row["p"] <= row["high"] <= 1
        assert row["high"] - row["low"] > 0.05


def test_a_cell_with_answers_all_alike_borrows_the_design_effect_of_its_source():
    """12 trials at 50 ms all real; at 100 ms people differ strongly, so 12 trials are worth fewer."""
    rows = pd.DataFrame(
        {
            "participant": [f"p{n % 4}" for n in range(24)],
            "image": [f"i{n}" for n in range(24)],
            "source": "gan",
            "exposure_ms": np.repeat([50.0, 100.0], 12),
            "judged_real": [True] * 12 + [n % 4 < 2 for n in range(12)],
        }
    )
    table = cells(count_tables(rows))
    effect = table["design_effect"].iloc[1]
    assert effect == pytest.approx(4)  # each of 4 people is one observation of 3 equal answers, times 4 / 3
    low, high = wilson(np.asarray([3.0]), np.asarray([3.0]))
    assert (table["low"].iloc[0], table["high"].iloc[0]) == pytest.approx((low[0], high[0]))


@settings(deadline=None)  # the first one pays for an import
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(0, 2), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
def test_no_data_at_all_make_a_nan_or_an_empty_bar(trials):
    person, image, exposure, judged = (list(column) for column in zip(*trials, strict=True))
    rows = pd.DataFrame(
        {"participant": person, "image": image, "exposure_ms": exposure, "judged_real": judged}
    )
    tables = count_tables(rows.assign(source=np.where(rows["image"] < 3, "real", "gan")))
    for table in (cells(tables), source_means(tables)):
        numbers = table[["p", "low", "high"]].to_numpy()
        assert np.isfinite(numbers).all()
        assert (table["low"] <= table["p"] + 1e-12).all()
        assert (table["p"] <= table["high"] + 1e-12).all()
        assert (table["high"] > table["low"]).all()
        assert table["low"].min() >= 0
        assert table["high"].max() <= 1


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_inverts_the_score_test(n, share):
    """Its ends are those p at which |k/n - p| is exactly z standard errors of p."""
    k = round(share * n)
    low, high = (float(end[0]) for end in wilson(np.asarray([k]), np.asarray([n])))
    assert 0 <= low <= k / n <= high <= 1
    z = ndtri(0.975)
    for end in {low, high} - {0.0, 1.0}:
        assert abs(k / n - end) == pytest.approx(z * np.sqrt(end * (1 - end) / n), rel=1e-6)


def test_where_people_agree_exactly_a_difference_is_put_together_from_both_sides():
    """Everybody right about everything: 100 points, from the two Wilson intervals of as many trials as people."""
    rows = pd.DataFrame(
        {
            "participant": [f"p{n % 4}" for n in range(48)],
            "image": [f"i{n}" for n in range(48)],
            "source": np.repeat(["real", "gan"], 24),
            "exposure_ms": 50.0,
            "judged_real": np.repeat([True, False], 24),
        }
    )
    cov = covariance(count_tables(rows))
    value, low, high = contrast(cov, np.asarray([1.0, -1.0]))
    end = float(wilson(np.asarray([4.0]), np.asarray([4.0]))[0][0])
    assert (value, high) == (1, 1)
    assert low == pytest.approx(1 - np.hypot(1 - end, 1 - end))
    turned = contrast(cov, np.asarray([-1.0, 1.0]))
    assert turned == pytest.approx((-1, -1, -low))


def test_newcombe_s_own_difference_comes_back():
    """56/70 minus 48/80, method 10 without correction: 0.0524 to 0.3339 (Newcombe 1998, table II, case a)."""
    from analysis.intervals import from_both_sides

    rows = pd.DataFrame(
        {
            "participant": "one",
            "image": [f"i{n}" for n in range(150)],
            "source": np.repeat(["real", "gan"], [70, 80]),
            "exposure_ms": 50.0,
            "judged_real": np.repeat([True, False, True, False], [56, 14, 48, 32]),
        }
    )
    low, high = from_both_sides(covariance(count_tables(rows)), np.asarray([[1.0, -1.0]]))
    assert (round(low[0], 4), round(high[0], 4)) == (0.0524, 0.3339)
