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


def test_trials_go_to_sources_by_weight_and_then_to_exposures_alike():
    """Real photos as often as all that is generated; 100 trials do not divide by 6, so people differ by one."""
    weights = {"real": 3.0, "gan": 1.0, "lapgan": 1.0, "cc-lapgan": 1.0}
    observers = Observers(50, 100, weights=weights, images={"real": 60, "lapgan": 17})
    person, image, cell, _ = draw(observers, np.random.default_rng(3))
    assert len(set(zip(person, image, strict=True))) == 5000
    counts = np.bincount(person * 44 + cell, minlength=50 * 44).reshape(50, 4, 11)
    assert (np.ptp(counts, axis=2) <= 1).all()
    per_source = counts.sum(axis=2)
    assert (per_source.sum(axis=1) == 100).all() and (per_source[:, 0] == 50).all()
    assert set(per_source[:, 1:].ravel()) == {16, 17}
    assert (image // 1000 == cell // 11).all()
    for source, n_images in enumerate((60, 1000, 17, 1000)):
        assert (image[cell // 11 == source] % 1000 < n_images).all()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"weights": {"real": 1.0}}, "weights: expected a positive one for each of real, gan"),
        ({"weights": {"real": 0.0, "gan": 1.0}}, "weights: expected a positive one"),
        (
            {"weights": {"real": 1000.0, "gan": 1.0}},
            r"gan: expected at least 1 trial of 44 a person, .* gives 0\.044",
        ),
        (
            {"weights": {"real": 3.0, "gan": 1.0}, "images": {"real": 32}},
            "up to 33 images of real .*there are 32",
        ),
        ({"images": {"photos": 10}}, "images: expected those of real, gan, got photos"),
    ],
)
def test_sources_that_do_not_fit_together_are_refused(given: dict, why: str):
    with pytest.raises(ValueError, match=why):
        Observers(n_trials=44, curves={"real": (0.6, 0.9), "gan": (0.3, 0.1)}, **given)


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
