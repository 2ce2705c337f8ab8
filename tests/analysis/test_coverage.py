"""The headline interval holds the truth as often as it says, and the test that guards it sees when it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.coverage import (
    CONTRAST,
    DESIGNS,
    DIFFERENCE,
    FAMILIES,
    MEAN,
    POINT,
    binomial,
    coverage,
    design,
    quantities,
    studies,
    two_way,
)
from analysis.intervals import covariance, source_means
from analysis.observers import true_proportions

PAPER = design(15, 670, person=0.5, both=0.3, image=1.0, images=250)
ALIKE = design(15, 670, person=0.0, both=0.0, image=0.0, images=250)

# 200 studies: the share of a single quantity has a standard error of 1.5 points. Points and differences average many
# quantities and are known better; the means of sources and the contrasts hang together within a study.
BOUNDS = {POINT: (0.935, 0.970), MEAN: (0.920, 0.975), DIFFERENCE: (0.930, 0.970), CONTRAST: (0.915, 0.985)}


def assert_covers(table: pd.DataFrame) -> None:
    """Every family covers as 95 % intervals do, within what 200 studies can tell."""
    covered = table.set_index("family")["covered"]
    for family, (low, high) in BOUNDS.items():
        assert low <= covered[family] <= high, f"{family}: {covered[family]:.3f}"


@pytest.fixture(scope="module")
def paper_size() -> list[pd.DataFrame]:
    return coverage(PAPER, 200, 20261120, two_way, binomial)


def test_intervals_cover_new_people_and_new_images(paper_size):
    assert_covers(paper_size[0])


def test_with_the_binomial_bar_in_their_place_the_guard_fails(paper_size):
    with pytest.raises(AssertionError, match=r"point: 0\.8"):
        assert_covers(paper_size[1])
    assert paper_size[1].set_index("family")["covered"][MEAN] < 0.75


def test_where_people_and_images_are_alike_they_are_not_too_wide():
    assert_covers(coverage(ALIKE, 200, 20261121, two_way)[0])


def test_the_designs_are_those_of_the_claim():
    """15 x 670 and 100 x 220; people 0.5 to 1, people by source 0.3 to 0.4, images 0.5 to 1, 50 to 1,000 images."""
    differing = [each for each in DESIGNS if each.person_sd > 0]
    assert {(each.n_people, each.n_trials) for each in DESIGNS} == {(15, 670), (100, 220)}
    for name, ends in {
        "person_sd": {0.5, 1.0},
        "person_source_sd": {0.3, 0.4},
        "image_sd": {0.5, 1.0},
        "images_per_source": {50, 1000},
    }.items():
        values = [getattr(each, name) for each in differing]
        assert {min(values), max(values)} == ends
    assert sum(each.person_sd == 0 for each in DESIGNS) == 2


def test_quantities_are_points_means_differences_and_contrasts_of_the_planted_curves():
    wanted = quantities(PAPER)
    truth = true_proportions(PAPER)
    assert pd.Series(wanted.family).value_counts().to_dict() == {
        POINT: 44,
        MEAN: 4,
        DIFFERENCE: 11,
        CONTRAST: 2,
    }
    np.testing.assert_allclose(wanted.truth[wanted.family == POINT], truth.ravel())
    np.testing.assert_allclose(wanted.truth[wanted.family == MEAN], truth.mean(axis=1))
    np.testing.assert_allclose(wanted.truth[wanted.family == DIFFERENCE], truth[3] - truth[2])
    real, _, lapgan, cc_lapgan = truth.mean(axis=1)
    np.testing.assert_allclose(
        wanted.truth[wanted.family == CONTRAST], [cc_lapgan - lapgan, real - cc_lapgan]
    )


def test_what_is_judged_is_the_interval_of_the_report():
    """The bars of the simulation are those of `source_means`, to the last digit."""
    tables = next(studies(PAPER, 1, seed=5))
    wanted = quantities(PAPER)
    low, high = two_way(tables, covariance(tables), wanted)
    means = source_means(tables)
    np.testing.assert_allclose(low[wanted.family == MEAN], means["low"])
    np.testing.assert_allclose(high[wanted.family == MEAN], means["high"])


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(DESIGNS)))
def test_every_design_covers(number):
    """The table of docs/analysis.md: families within 93.5-97 %, single quantities not below 92 % (600 studies)."""
    (table,) = coverage(DESIGNS[number], 600, 1 + number, two_way)
    assert table["family"].tolist() == list(FAMILIES)
    assert table["covered"].between(0.935, 0.97).all(), table
    assert (table["worst"] >= 0.92).all(), table
