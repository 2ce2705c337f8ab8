"""Each measure of samples recovers a truth that was planted, and refuses what it cannot measure."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.errors import EvaluationError
from generator.evaluation import neighbours
from generator.evaluation.detail import halvings, level_variances
from generator.evaluation.frechet import Gaussian, frechet_distance, gaussian_fit
from generator.evaluation.manifold import precision_recall
from generator.evaluation.neighbours import (
    nearest_in_features,
    nearest_in_pixels,
    nearest_when_moved,
    share_too_near,
)
from generator.evaluation.parzen import (
    block_details,
    likeliest_log_densities,
    parzen_log_likelihood,
    squared_distances,
)
from generator.pyramid import down


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pictures(seed: int, count: int, size: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@given(seed=st.integers(0, 1000), count=st.integers(2, 60), width=st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_a_set_has_no_distance_to_itself_in_any_order(seed, count, width):
    features = drawn(seed, count, width)
    assert frechet_distance(gaussian_fit(features), gaussian_fit(features.flip(0))) < 1e-6


@given(
    shifts=st.lists(st.floats(-3, 3), min_size=1, max_size=6),
    spread_a=st.floats(0.1, 3),
    spread_b=st.floats(0.1, 3),
)
@settings(max_examples=50, deadline=None)
def test_round_gaussians_have_the_distance_of_the_closed_form(shifts, spread_a, spread_b):
    size = len(shifts)
    a = Gaussian(torch.zeros(size, dtype=torch.float64), spread_a**2 * torch.eye(size, dtype=torch.float64))
    b = Gaussian(
        torch.tensor(shifts, dtype=torch.float64), spread_b**2 * torch.eye(size, dtype=torch.float64)
    )
    expected = sum(shift**2 for shift in shifts) + size * (spread_a - spread_b) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected, abs=1e-9)
    assert frechet_distance(b, a) == pytest.approx(expected, abs=1e-9)


def test_turned_gaussians_have_the_distance_of_their_axes():
    turn, _ = torch.linalg.qr(drawn(1, 5, 5).double())
    a, b = torch.tensor([1.0, 4, 9, 0, 2]).double(), torch.tensor([4.0, 4, 1, 1, 0]).double()
    zero = torch.zeros(5, dtype=torch.float64)
    found = frechet_distance(
        Gaussian(zero, turn @ a.diag() @ turn.T), Gaussian(zero, turn @ b.diag() @ turn.T)
    )
    assert found == pytest.approx(float((a.sqrt() - b.sqrt()).square().sum()), abs=1e-6)


def test_a_planted_shift_is_recovered_from_samples():
    found = frechet_distance(gaussian_fit(drawn(1, 20_000, 4)), gaussian_fit(drawn(2, 20_000, 4) + 0.5))
    assert found == pytest.approx(4 * 0.25, abs=0.06)  # four standard errors of the mean's shift


def test_one_image_has_no_covariance():
    with pytest.raises(EvaluationError, match="at least 2 images, got 1"):
        gaussian_fit(torch.zeros(1, 3))


def test_equal_sets_have_full_precision_and_recall_and_strangers_none():
    real = drawn(3, 300, 6)
    assert precision_recall(real, real.flip(0)) == precision_recall(real, real)
    same, far = precision_recall(real, real), precision_recall(real, drawn(4, 300, 6) + 50)
    assert (same.precision, same.recall) == (1, 1)
    assert (far.precision, far.recall) == (0, 0)


def test_a_generator_of_one_of_two_kinds_is_precise_but_recalls_half():
    centres = torch.tensor([[0.0, 0.0], [100.0, 0.0]]).repeat(400, 1)
    real = drawn(5, 800, 2) + centres
    found = precision_recall(real, drawn(6, 800, 2))
    assert found.precision > 0.95
    assert found.recall == pytest.approx(0.5, abs=0.03)


def test_a_generator_with_wild_samples_is_imprecise_by_their_share():
    samples = drawn(8, 1000, 2)
    samples[:300] += 1000 * torch.arange(1, 301)[:, None]
    found = precision_recall(drawn(7, 1000, 2), samples)
    assert found.precision == pytest.approx(0.7, abs=0.03)


def test_too_few_images_for_a_manifold_are_refused():
    with pytest.raises(EvaluationError, match="more than 3 images a side, got 3 real and 9 generated"):
        precision_recall(torch.zeros(3, 2), torch.zeros(9, 2))


def test_detail_variance_finds_a_planted_share_of_noise():
    rng = np.random.default_rng(9)
    smooth = np.repeat(np.repeat(rng.normal(128, 30, (400, 8, 8, 3)), 2, axis=1), 2, axis=2)
    noise = rng.normal(0, 1, (400, 16, 16, 3))
    flat = np.full_like(smooth, 128)

    def finest(amplitude: float) -> float:
        pixels = np.clip(np.round(flat + amplitude * noise), 0, 255).astype(np.uint8)
        return level_variances(pixels, [8, 16])[1].variance

    # Rounding to bytes adds a twelfth of a step squared to each variance.
    assert finest(20) / finest(10) == pytest.approx((400 + 1 / 12) / (100 + 1 / 12), rel=0.01)
    assert level_variances(np.clip(smooth, 0, 255).astype(np.uint8), [8, 16])[0].variance == pytest.approx(
        (30 / 127.5) ** 2, rel=0.05
    )


@pytest.mark.parametrize(
    ("size", "sizes"), [(32, [8, 16, 32]), (8, [8]), (28, [14, 28]), (96, [12, 24, 48, 96]), (15, [15])]
)
def test_pyramids_halve_as_long_as_they_can(size, sizes):
    assert halvings(size) == sizes


def test_planted_copies_are_found_in_pixels():
    training = pictures(10, 200)
    found = nearest_in_pixels(training[[7, 150, 3]], training)
    assert found.index.tolist() == [7, 150, 3]
    assert found.distance.tolist() == [0, 0, 0]


def test_the_distance_in_pixels_is_the_root_mean_square_in_steps():
    training = np.full((2, 4, 4, 3), 100, np.uint8)
    training[1] = 200
    found = nearest_in_pixels(np.full((1, 4, 4, 3), 110, np.uint8), training)
    assert (found.index[0], found.distance[0]) == (0, 10)


def test_planted_copies_are_found_in_features_however_few_are_compared_at_a_time(monkeypatch):
    monkeypatch.setattr(neighbours, "VALUES", 12 * 1000)
    features = drawn(11, 6000, 12)
    found = nearest_in_features(features[[5999, 12]] + 1e-4, features)
    assert found.index.tolist() == [5999, 12]


@given(down=st.integers(-2, 2), right=st.integers(-2, 2), mirrored=st.booleans(), at=st.integers(0, 79))
@settings(max_examples=40, deadline=None)
def test_moved_and_mirrored_copies_are_found(down, right, mirrored, at):
    training = pictures(12, 80)
    copy = np.roll(training[at], (down, right), axis=(0, 1))
    copy = copy[:, ::-1] if mirrored else copy
    moved = nearest_when_moved(copy[None], training)
    assert (moved.index[0], moved.distance[0]) == (at, 0)


def test_a_generator_that_copies_is_nearer_to_training_than_held_out_images():
    training = pictures(13, 300)
    held_out = nearest_in_pixels(pictures(14, 100), training).distance
    copies = nearest_in_pixels(np.concatenate([training[:30], pictures(15, 70)]), training).distance
    assert share_too_near(copies, held_out, 0.01) == pytest.approx(0.3, abs=0.05)
    assert share_too_near(nearest_in_pixels(pictures(16, 100), training).distance, held_out, 0.01) < 0.1


def test_training_images_of_another_size_are_refused():
    with pytest.raises(EvaluationError, match="the sizes differ"):
        nearest_in_pixels(pictures(1, 2, 16), pictures(1, 2, 8))
    with pytest.raises(EvaluationError, match="below half of 4 pixels"):
        nearest_when_moved(pictures(1, 1, 4), pictures(1, 1, 4))


def test_parzen_windows_near_the_entropy_of_a_known_density():
    """In one dimension with many samples the estimate comes near minus the entropy of the Gaussian."""
    spread = 0.1
    samples, validation, held_out = (drawn(seed, 4000, 1) * spread + 0.5 for seed in (17, 18, 19))
    found = parzen_log_likelihood(samples, validation[:500], held_out)
    minus_entropy = -0.5 * math.log(2 * math.pi * math.e * spread**2)
    assert found.mean == pytest.approx(minus_entropy, abs=4 * math.sqrt(0.5 / 4000) + 0.01)
    assert found.spread == pytest.approx(math.sqrt(0.5), abs=0.1)


def test_one_parzen_window_is_its_gaussian():
    found = parzen_log_likelihood(torch.zeros(1, 2), torch.zeros(1, 2), torch.full((1, 2), 0.3), [0.2])
    expected = 2 * (-(0.3**2) / (2 * 0.2**2) - math.log(0.2 * math.sqrt(2 * math.pi)))
    assert found.mean == pytest.approx(expected)


def test_the_width_that_validation_likes_is_taken():
    samples = torch.zeros(1, 1)
    validation = drawn(20, 3000, 1) * 0.2
    assert parzen_log_likelihood(samples, validation, validation, [0.01, 0.05, 0.2, 0.8]).width == 0.2


def test_details_and_means_are_the_image_in_turned_axes():
    images = drawn(21, 7, 3, 8, 8).double()
    means = 2 * down(images, 4).flatten(1)
    whole = images.flatten(1).square().sum(1)
    assert torch.allclose(means.square().sum(1) + block_details(images).square().sum(1), whole)
    assert block_details(torch.full((1, 3, 8, 8), 0.7)).abs().max() < 1e-6


def test_levels_put_together_have_the_density_of_the_whole():
    """Round one sample a Gaussian window over the image is the product of windows over its parts."""
    sample, image = drawn(22, 1, 3, 8, 8).double(), drawn(23, 1, 3, 8, 8).double()

    def log_density(points: torch.Tensor, centres: torch.Tensor, width: float) -> float:
        squared = squared_distances(points.flatten(1), centres.flatten(1))
        return float(likeliest_log_densities(squared, squared, points[0].numel(), [width])[0])

    whole = log_density(image, sample, 0.5)
    details = log_density(block_details(image), block_details(sample), 0.5)
    means = log_density(down(image, 4), down(sample, 4), 0.25) - 3 * 16 * math.log(2)
    assert details + means == pytest.approx(whole)


def test_no_samples_have_no_likelihood():
    with pytest.raises(EvaluationError, match="none came"):
        parzen_log_likelihood(torch.zeros(0, 2), torch.zeros(1, 2), torch.zeros(1, 2))
