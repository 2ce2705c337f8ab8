"""Our numbers are the published ones: textbook intervals, signal detection, Holm, clustered errors, reliability."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.binomial import clopper_pearson, jeffreys, wilson
from analysis.contrasts import holm
from analysis.counts import CountTables, count_tables
from analysis.detection import t_interval, yes_no
from analysis.intervals import Parts, cells, covariance
from analysis.people import spearman_brown
from tests.analysis.published_cases import FOLDER, golden

INTERVALS = {"wilson": wilson, "clopper_pearson": clopper_pearson}


@pytest.mark.parametrize("name", INTERVALS)
def test_intervals_are_those_of_newcombe_and_of_r(name):
    case = golden("ci-single")
    k, n = np.asarray(case["inputs"], dtype=float).T
    got = np.column_stack(INTERVALS[name](k, n))
    np.testing.assert_allclose(got, case["expected"][name], atol=case["tol"])


def test_jeffreys_is_r_s_beta_quantiles_but_for_the_fixed_ends():
    case = golden("ci-single")
    k, n = np.asarray(case["inputs"], dtype=float).T
    expected = np.asarray(case["expected"]["jeffreys"])
    expected[k == 0, 0] = 0  # the rule of Brown, Cai and DasGupta, not in the raw quantiles
    np.testing.assert_allclose(np.column_stack(jeffreys(k, n)), expected, atol=case["tol"])


# Agresti and Coull 1998 (Amer. Statist. 52:119-126) and Brown, Cai and DasGupta 2001 discuss these; digits as in
# Newcombe 1998, table I, to the four places that he prints.
NEWCOMBE = {
    (81, 263): ((0.2527, 0.3676), (0.2553, 0.3662)),
    (15, 148): ((0.0578, 0.1617), (0.0624, 0.1605)),
    (0, 20): ((0.0, 0.1684), (0.0, 0.1611)),
    (1, 29): ((0.0009, 0.1776), (0.0061, 0.1718)),
}


@pytest.mark.parametrize(("counts", "printed"), NEWCOMBE.items(), ids=str)
def test_the_digits_of_newcombe_s_table(counts, printed):
    k, n = (np.asarray([count]) for count in counts)
    for interval, (low, high) in zip((clopper_pearson, wilson), printed, strict=True):
        assert [round(float(end[0]), 4) for end in interval(k, n)] == [low, high]


def test_none_of_n_has_the_rule_of_three_and_its_exact_form():
    """For 0 of n Clopper-Pearson's end is 1 - 0.025^(1/n) (Louis 1981), Wilson's z^2 / (n + z^2)."""
    n = np.arange(1, 200)
    none = np.zeros(len(n))
    np.testing.assert_allclose(clopper_pearson(none, n)[1], 1 - 0.025 ** (1 / n))
    np.testing.assert_allclose(wilson(none, n)[1], 1.959963985**2 / (n + 1.959963985**2))


def test_sensitivity_criterion_bias_and_area_are_those_of_the_textbooks():
    case = golden("sdt-basic")
    hits, misses, alarms, rejections = np.asarray(case["inputs"]["hits_misses_fa_cr"], dtype=float).T
    got = yes_no(hits, hits + misses, alarms, alarms + rejections, correct=False)
    for name, values in (
        ("dprime", got.d_prime),
        ("c", got.criterion),
        ("lnbeta", got.log_beta),
        ("Aprime", got.a_prime),
    ):
        np.testing.assert_allclose(values, case["expected"][name], atol=case["tol"])


def test_the_log_linear_correction_divides_by_one_more_trial_not_by_one_and_a_half():
    case = golden("sdt-loglinear")
    hits, misses, alarms, rejections = np.asarray(case["inputs"]["hits_misses_fa_cr"], dtype=float).T
    got = yes_no(hits, hits + misses, alarms, alarms + rejections)
    np.testing.assert_allclose(got.d_prime, case["expected"]["dprime"], atol=case["tol"])
    np.testing.assert_allclose(got.criterion, case["expected"]["c"], atol=case["tol"])
    assert abs(got.d_prime[1] - case["expected"]["NOT_dprime_for_row2"]) > 0.1


# d' of a yes/no observer by hit and false-alarm rate: Macmillan and Creelman 2005, table A5.1 by z(H) - z(F), from
# the normal table to three places: z(.99) 2.326, z(.95) 1.645, z(.9) 1.282, z(.84) .994, z(.8) .842, z(.7) .524.
NORMAL_TABLE = {0.99: 2.326, 0.95: 1.645, 0.9: 1.282, 0.84: 0.994, 0.8: 0.842, 0.7: 0.524, 0.5: 0.0}


@pytest.mark.parametrize("hit", NORMAL_TABLE)
@pytest.mark.parametrize("alarm", NORMAL_TABLE)
def test_d_prime_is_the_difference_of_tabled_z_values(hit, alarm):
    got = yes_no(*(np.asarray([x]) for x in (10_000 * hit, 10_000, 10_000 * alarm, 10_000)), correct=False)
    assert got.d_prime[0] == pytest.approx(NORMAL_TABLE[hit] - NORMAL_TABLE[alarm], abs=0.0011)
    assert got.criterion[0] == pytest.approx(-(NORMAL_TABLE[hit] + NORMAL_TABLE[alarm]) / 2, abs=0.0011)


def test_counts_outside_their_trials_are_refused():
    with pytest.raises(ValueError, match=r"counts in 0\.\.trials .* got 11 of 10"):
        yes_no(np.asarray([11]), np.asarray([10]), np.asarray([0]), np.asarray([10]))


def test_holm_is_r_s_p_adjust():
    case = golden("holm")
    for p, expected in zip(case["inputs"], case["expected"], strict=True):
        np.testing.assert_allclose(holm(np.asarray(p)), expected, atol=case["tol"])
        mixed = np.random.default_rng(1).permutation(len(p))
        np.testing.assert_allclose(holm(np.asarray(p)[mixed]), np.asarray(expected)[mixed], atol=case["tol"])


def test_the_usual_worked_example_of_holm():
    """Four p values .01, .04, .03, .005: adjusted .03, .06, .06, .02 (Wikipedia, Holm-Bonferroni method)."""
    np.testing.assert_allclose(holm(np.asarray([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_an_unknown_p_value_counts_in_the_family_and_stays_unknown():
    got = holm(np.asarray([0.01, np.nan, 0.03]))
    np.testing.assert_allclose(got, [0.03, np.nan, 0.06])


# The halves' correlation and the whole's reliability, as printed in every table of the Spearman-Brown formula.
SPEARMAN_BROWN = {0.2: 0.333, 0.5: 0.667, 0.6: 0.75, 0.7: 0.824, 0.8: 0.889, 0.9: 0.947}


@pytest.mark.parametrize(("r", "whole"), SPEARMAN_BROWN.items())
def test_spearman_brown_doubles_a_test(r, whole):
    assert round(spearman_brown(r), 3) == whole


def test_two_way_errors_of_verbal_aggression_are_those_of_two_other_programs():
    case = golden("verbagg-cells")
    lines = (FOLDER / "verbal_aggression.txt").read_text(encoding="utf-8").splitlines()
    words = [line.split() for line in lines if not line.startswith("#")]
    yes = np.asarray([list(word) for line in words if line[0] == "people" for word in line[1:]], dtype=float)
    items = {line[1]: [float(word) for word in line[2:]] for line in words if line[0] == "items"}
    names = case["expected"]["cells"]
    item_k = np.zeros((24, 6))
    for place, name in enumerate(names):
        item_k[4 * place : 4 * place + 4, place] = items[name]
    tables = CountTables(
        cells=pd.DataFrame({"source": names, "exposure_ms": 1.0}),
        person_n=np.full((316, 6), 4.0),
        person_k=yes,
        image_n=np.where(item_k > 0, 316.0, 0.0),
        image_k=item_k,
    )
    cov = covariance(tables)
    expected, tol = case["expected"], case["tol"]
    assert cov.n.tolist() == expected["n"]
    np.testing.assert_allclose(cov.p, expected["p"], atol=tol)
    np.testing.assert_allclose(np.sqrt(np.diag(cov.people)), expected["se_part_CR0"], atol=tol)
    np.testing.assert_allclose(np.sqrt(np.diag(cov.images)), expected["se_item_CR0"], atol=tol)
    two_way = np.sqrt(np.diag(cov.people + cov.images - cov.trial))
    np.testing.assert_allclose(two_way, expected["se_two_CR0"], atol=tol)


# Rats that lived of those born, litter by litter (Weil 1970, Food Cosmet. Toxicol. 8:177-182), and how many times the
# variance of their share exceeds the binomial one: Rao and Scott 1992, Biometrics 48:577-585, to six places in R's PF.
LITTERS = {
    "control": (
        "13/13 12/12 9/9 9/9 8/8 8/8 12/13 11/12 9/10 9/10 8/9 11/13 4/5 5/7 7/10 7/10",
        1.232495,
    ),
    "treated": (
        "12/12 11/11 10/10 9/9 10/11 9/10 9/10 8/9 8/9 4/5 7/9 4/7 5/10 3/6 3/10 0/7",
        3.952861,
    ),
}


@pytest.mark.parametrize(("litters", "design_effect"), LITTERS.values(), ids=LITTERS)
def test_with_each_image_seen_once_the_design_effect_is_rao_and_scott_s(litters, design_effect):
    lived, born = np.array([litter.split("/") for litter in litters.split()], dtype=int).T
    rows = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(len(born)), born),
            "image": np.arange(born.sum()),
            "source": "real",
            "exposure_ms": 1.0,
            "judged_real": np.concatenate([np.arange(n) < k for k, n in zip(lived, born, strict=True)]),
        }
    )
    assert cells(count_tables(rows)).loc[0, "design_effect"] == pytest.approx(design_effect, abs=1e-6)


# Hours of sleep gained by ten patients with each of two drugs (Student 1908, Biometrika 6:1-25; R's data set `sleep`),
# and what R's t.test prints: paired, the interval of the difference; unpaired (Welch), its t and degrees of freedom.
SLEEP = (
    (0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0),
    (1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4),
)
PAIRED = (1.58, 0.7001142, 2.4598858)
WELCH_T, WELCH_FREEDOM = 1.861, 17.78


def test_the_mean_over_people_has_student_s_interval():
    assert t_interval(np.subtract(SLEEP[1], SLEEP[0])) == pytest.approx(PAIRED, abs=1e-7)


def test_two_parts_of_a_variance_have_welch_s_degrees_of_freedom():
    """Ours are those of two independent means: one part from people, the other from images."""
    ten, none = np.array([10]), np.zeros(1)
    without_factor = [np.array([np.var(hours) / 10]) for hours in SLEEP]
    difference = np.array([np.mean(SLEEP[1]) - np.mean(SLEEP[0])])
    parts = Parts(difference, ten, ten, ten, *without_factor, none)
    assert parts.degrees_of_freedom[0] == pytest.approx(WELCH_FREEDOM, abs=0.005)
    assert difference[0] / np.sqrt(parts.variance[0]) == pytest.approx(WELCH_T, abs=5e-4)
