"""The discriminator that looks through a classifier: it learns, the classifier does not, and it is not the ruler."""

import hashlib

import torch

from generator.adversarial import discriminator_step
from generator.features.described import CRITIC, SHIPPED, read_classifier
from generator.networks import modern
from generator.networks.projected import LOOKED_AT, ProjectedDiscriminator
from generator.optimisers import Teaching, optimiser_of


def images(count=8, size=32, channels=3, level=0.0):
    torch.manual_seed(2)
    return (torch.rand(count, channels, size, size) - 0.5 + level).clamp(-1, 1)


def projected(classes, size=32, channels=3):
    return ProjectedDiscriminator(modern.image_discriminator(size, channels, 8, classes, 0.0), 8, classes)


def test_the_critic_is_not_the_ruler():
    critic, ruler = read_classifier(CRITIC), read_classifier(SHIPPED)
    assert critic.about["seed"] != ruler.about["seed"]
    assert hashlib.sha256(CRITIC.read_bytes()).digest() != hashlib.sha256(SHIPPED.read_bytes()).digest()


def test_it_sees_what_the_classifier_sees():
    layers = read_classifier(CRITIC).network.body
    discriminator = projected(0)
    expected = seen = images()
    with torch.inference_mode():
        for own, layer in zip(discriminator.layers, layers, strict=False):
            seen, expected = torch.relu(own(seen)), layer(expected)
            torch.testing.assert_close(seen, expected, rtol=1e-3, atol=1e-4)


def test_it_scores_each_layer_and_the_pixels_of_images_of_any_size_gray_or_rgb():
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    for size, channels in ((16, 3), (32, 1), (64, 3)):
        discriminator = projected(3, size, channels)
        scores = discriminator(images(size=size, channels=channels), labels)
        assert scores.shape == (8, len(LOOKED_AT) + 1)
        assert scores.isfinite().all()


def test_heads_learn_to_tell_dark_from_light_and_the_classifier_stays():
    discriminator = projected(0)
    before = [layer.weight.clone() for layer in discriminator.layers]
    optimiser = optimiser_of(discriminator, Teaching(learning_rate=1e-3))
    losses = [
        float(discriminator_step(discriminator, optimiser, images(level=0.4), images(level=-0.4), ()))
        for _ in range(20)
    ]
    assert losses[-1] < 0.5 * losses[0]
    assert all(torch.equal(a, layer.weight) for a, layer in zip(before, discriminator.layers, strict=True))


def test_a_grid_that_the_classifier_overlooks_is_seen_in_the_pixels():
    """One row and column of four brightened by a little, on plain gray: the last score learns to tell, by itself."""
    discriminator = projected(0)
    gray = images() * 0.0
    grid = gray.clone()
    grid[:, :, ::4, ::4] += 0.1
    optimiser = optimiser_of(discriminator, Teaching(learning_rate=1e-3))
    for _ in range(60):
        discriminator_step(discriminator, optimiser, gray, grid, ())
    with torch.inference_mode():
        apart = discriminator(gray)[:, -1] - discriminator(grid)[:, -1]
    assert (apart > 0.5).all()
