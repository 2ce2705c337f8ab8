"""Simulated people do what they were told: the planted curve comes back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from analysis.observers import Observers, draw, simulate, true_proportions, typical_logits
from analysis.responses import select


def test_the_planted_curve_comes_back():
    """Every cell of 400 people lies within 4.5 of its two-way standard errors of the truth (44 cells)."""
    from analysis import cells, count_tables

    observers = Observers(n_people=400, n_trials=132, images_per_source=2000)
    table = cells(count_tables(simulate(observers, seed=9)))
    distance = (table["p"] - true_proportions(observers).ravel()) / table["se"]
    assert np.abs(distance).max() < 4.5


def test_without_differences_the_average_is_the_typical_curve():
    alike = Observers(person_sd=0, person_source_sd=0, image_sd=0)
    np.testing.assert_allclose(true_proportions(alike), expit(typical_logits(alike)), rtol=1e-12)


def test_averaging_over_people_and_images_is_that_of_many_draws():
    observers = Observers(person_sd=0.8, person_source_sd=0.4, image_sd=1.1)
    spread = np.sqrt(0.8**2 + 0.4**2 + 1.1**2)
    draws = spread * np.random.default_rng(1).standard_normal(400_000)
    expected = expit(typical_logits(observers)[0, 0] + draws).mean()
    assert true_proportions(observers)[0, 0] == pytest.approx(expected, abs=4 * 0.25 / np.sqrt(400_000))


def test_nobody_sees_an_image_twice_and_cells_are_balanced():
    observers = Observers(n_people=7, n_trials=100, images_per_source=40)
    person, image, cell, _ = draw(observers, np.random.default_rng(3))
    assert len(set(zip(person, image, strict=True))) == 700
    counts = np.bincount(person * 44 + cell, minlength=7 * 44)
    assert set(counts) == {2, 3}
    assert (image // 40 == cell // 11).all()


def test_the_same_seed_gives_the_same_study_and_every_row_is_marked_simulated():
    observers = Observers(n_people=2, n_trials=44)
    first, again, other = (simulate(observers, seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first["judged_real"].equals(other["judged_real"])
    assert first["is_simulated"].all()
    assert select(first).n_simulated == len(first)


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="up to 165 images of a source to each person, but there are 100"):
        Observers(n_trials=660, images_per_source=100)
