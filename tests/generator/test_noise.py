"""Noise belongs to (seed, index): uniform, unrelated between images, streams and seeds."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from generator.noise import balanced_labels, image_keys, uniform_noise

SEEDS = st.integers(0, 2**63 - 1)


@given(SEEDS, st.integers(0, 10**9), st.integers(1, 50), st.integers(0, 49))
def test_an_images_noise_does_not_depend_on_what_is_drawn_with_it(seed, first, count, at):
    at %= count
    together = uniform_noise(image_keys(seed, first, count), 1, (2, 3, 5))
    alone = uniform_noise(image_keys(seed, first + at, 1), 1, (2, 3, 5))
    assert torch.equal(together[at], alone[0])


def test_noise_is_uniform_with_mean_0_and_variance_1():
    values = uniform_noise(image_keys(1, 0, 1000), 0, (1000,)).double().flatten()
    assert values.abs().max() < 3**0.5
    # Standard errors of a million values: 0.001 of the mean, sqrt(4/5)/1000 of the variance.
    assert abs(values.mean()) < 0.004
    assert abs(values.var() - 1) < 0.0036
    counts = torch.histc(values, bins=16, min=-(3**0.5), max=3**0.5)
    expected = len(values) / 16
    # Chi-square of 15 degrees of freedom exceeds 45 in 1 of 13,000 draws.
    assert ((counts - expected) ** 2 / expected).sum() < 45


def test_neighbours_streams_and_seeds_are_unrelated():
    def draw(seed, first, stream):
        return uniform_noise(image_keys(seed, first, 1), stream, (100_000,)).double()[0]

    reference = draw(0, 0, 0)
    for other in (draw(0, 1, 0), draw(1, 0, 0), draw(0, 0, 1), draw(2**62, 0, 0), draw(0, 64, 0)):
        assert abs(torch.mean(reference * other)) < 4 / 100_000**0.5


def test_keys_of_neighbouring_seeds_and_indices_never_meet():
    keys = torch.cat([image_keys(seed, 0, 20_000) for seed in range(20)])
    assert len(keys.unique()) == len(keys)


@given(SEEDS, st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 12))
def test_labels_are_a_function_of_the_index_and_balanced_in_every_run(seed, first, count, classes):
    labels = balanced_labels(seed, first, count, classes)
    assert len(labels) == count
    whole = balanced_labels(seed, 0, first + count, classes) if first < 2000 else None
    if whole is not None:
        assert torch.equal(whole[first:], labels)
    start = -first % classes
    for run in labels[start : start + (count - start) // classes * classes].reshape(-1, classes):
        assert sorted(run.tolist()) == list(range(classes))


def test_the_order_of_classes_differs_from_run_to_run():
    runs = balanced_labels(0, 0, 1000, 10).reshape(100, 10)
    assert len({tuple(run.tolist()) for run in runs}) > 95
