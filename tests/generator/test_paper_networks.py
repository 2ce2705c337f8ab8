"""The paper's networks see standardised pixels, draw in [-1, 1], and heed their class and their condition."""

import math

import pytest
import torch

from generator.families import FAMILIES
from generator.families.lapgan import Config
from generator.networks import KINDS
from generator.networks.pixel_scale import SMALLEST_SD, PixelScale, learn_pixels, share_pixels
from generator.noise import image_keys, uniform_noise

PAPER = KINDS["paper"]


def weights_in(network, kind):
    return [tuple(m.weight.shape) for m in network.modules() if isinstance(m, kind)]


def paper_lapgan(**changes):
    settings = {
        "networks": "paper",
        "levels": (8, 14, 28),
        "noise_planes": (1, 1),
        "widths": (12, 6, 6),
        "discriminator_widths": (12, 6, 6),
        "penalties": (0.0, 0.0, 0.0),
        "dropout": 0.5,
        "optimiser": "momentum",
        "learning_rate": 0.02,
    }
    return Config(**(settings | changes))


def test_layers_are_the_papers():
    """The table of the paper's models: 100 -> 1200 -> 1200 -> 192 against 192 -> 600 -> 600 -> 1, and 7, 7, 5."""
    assert weights_in(PAPER.image_generator(8, 3, 100, 1200, 0), torch.nn.Linear) == [
        (1200, 100),
        (1200, 1200),
        (192, 1200),
    ]
    judge = PAPER.image_discriminator(8, 3, 600, 0, 0.5)
    assert weights_in(judge, torch.nn.Linear) == [(600, 192), (600, 600), (1, 600)]
    assert [m.p for m in judge.modules() if isinstance(m, torch.nn.Dropout)] == [0.5, 0.5]
    bands = PAPER.band_generator(16, 3, 1, 64, 0)
    assert weights_in(bands, torch.nn.Conv2d) == [(64, 4, 7, 7), (64, 64, 7, 7), (3, 64, 5, 5)]
    judge = PAPER.band_discriminator(16, 3, 64, 10, 0.5)
    assert weights_in(judge, torch.nn.Conv2d) == [(64, 4, 5, 5), (64, 64, 5, 5)]


def test_the_plain_gan_of_8000_units_has_89_million_weights():
    with torch.device("meta"):
        network = PAPER.image_generator(32, 3, 100, 8000, 0)
    assert sum(value.numel() for value in network.parameters()) == pytest.approx(89e6, rel=0.005)


def test_the_noise_is_uniform_between_minus_one_and_one():
    seen = []
    network = PAPER.image_generator(8, 3, 100, 4, 0)
    network.layers.register_forward_pre_hook(lambda layers, given: seen.append(given[0]))
    network(uniform_noise(image_keys(0, 0, 200), 0, (100,)), None)
    assert seen[0].abs().max() <= 1
    assert seen[0].std().item() == pytest.approx(1 / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize("levels", [(8, 14, 28), (8, 16, 32), (4, 8)])
@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_levels_classes_and_channels_train_and_sample(levels, classes, channels):
    count = len(levels)
    per_level = dict.fromkeys(("widths", "discriminator_widths"), (6,) * count)
    config = paper_lapgan(
        levels=levels,
        classes=classes,
        channels=channels,
        noise_planes=(1,) * (count - 1),
        penalties=(0.0,) * count,
        **per_level,
    )
    module = FAMILIES["lapgan"]
    model = module.build(config)
    torch.manual_seed(0)
    images = torch.rand(8, channels, levels[-1], levels[-1]) * 2 - 1
    labels = torch.arange(8) % 3 if classes else None
    for part in module.parts(config):
        losses = module.Trainer(model, config, part).step(images, labels)
        assert all(torch.isfinite(loss) for loss in losses.values())
    drawn = module.sample(model.eval(), config, image_keys(0, 0, 8), labels)
    assert drawn.shape == images.shape
    assert drawn.isfinite().all()


@pytest.mark.parametrize("of_size", [8, 16])
def test_pixels_learn_each_places_own_mean_and_spread(of_size):
    """Planted: channel and column have their own mean and SD; smaller images are means of 2x2 equal pixels."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.randn(4000, 3, 8, 8, generator=generator)
    mean = torch.linspace(-0.5, 0.5, 8).expand(3, 8, 8) + torch.tensor([0.0, 0.1, -0.2])[:, None, None]
    sd = torch.linspace(0.05, 0.3, 8)[:, None].expand(8, 8)
    images = (mean + sd * coarse).repeat_interleave(2, 2).repeat_interleave(2, 3)
    scale = PixelScale(of_size, 3)
    learn_pixels(scale, images.split(700))
    wider = of_size // 8
    true_mean = mean.repeat_interleave(wider, 1).repeat_interleave(wider, 2)
    true_sd = sd.repeat_interleave(wider, 0).repeat_interleave(wider, 1).expand(3, -1, -1)
    # Five standard errors: of a mean sd / sqrt(n), of an SD sd / sqrt(2 n).
    assert ((scale.mean - true_mean).abs() < 5 * true_sd / math.sqrt(4000)).all()
    assert ((scale.sd - true_sd).abs() < 5 * true_sd / math.sqrt(8000)).all()


def test_standardising_and_back_is_the_image():
    images = torch.rand(50, 3, 8, 8) * 2 - 1
    scale = PixelScale(8, 3)
    learn_pixels(scale, [images])
    standardised = scale(images)
    assert torch.allclose(standardised.mean(0), torch.zeros(3, 8, 8), atol=1e-5)
    assert torch.allclose(standardised.std(0, correction=0), torch.ones(3, 8, 8), atol=1e-4)
    assert torch.allclose(scale.images(standardised), images, atol=1e-6)


def test_pixels_that_never_vary_stay_finite():
    scale = PixelScale(4, 3)
    learn_pixels(scale, [torch.full((10, 3, 4, 4), 0.25)])
    assert torch.allclose(scale.sd, torch.full((3, 4, 4), SMALLEST_SD))
    assert scale(torch.full((1, 3, 4, 4), 0.25)).abs().max() < 1e-3


def test_without_standardised_pixels_no_image_is_looked_at():
    batches = iter([torch.zeros(1, 3, 8, 8)])
    learn_pixels(KINDS["modern"].image_generator(8, 3, 8, 8, 0), batches)
    assert len(list(batches)) == 1


def test_a_discriminator_sees_with_its_generators_pixels():
    config = paper_lapgan()
    model = FAMILIES["lapgan"].build(config)
    learn_pixels(model, [torch.rand(50, 3, 28, 28) * 0.5])
    for part in FAMILIES["lapgan"].parts(config):
        networks = FAMILIES["lapgan"].Trainer(model, config, part).networks
        ours, its = networks["generator"].pixels, networks["discriminator"].pixels
        assert torch.equal(ours.mean, its.mean)
        assert torch.equal(ours.sd, its.sd)
        assert ours.mean.min() > 0.1  # learned, not as built


def test_of_a_pyramid_a_discriminator_takes_the_pixels_of_its_own_size():
    scales = torch.nn.ModuleList([PixelScale(8, 3), PixelScale(16, 3)])
    scales[0].mean.fill_(0.1)
    scales[1].mean.fill_(0.2)
    judge = PixelScale(16, 3)
    share_pixels(scales, judge)
    assert torch.equal(judge.mean, scales[1].mean)


@pytest.mark.parametrize("name", ["image", "band"])
def test_the_class_changes_what_is_drawn_and_what_is_believed(name):
    torch.manual_seed(4)
    images, noise = torch.rand(1, 3, 8, 8), {"image": torch.rand(1, 20), "band": torch.rand(1, 1, 8, 8)}[name]
    if name == "image":
        draws, judges = PAPER.image_generator(8, 3, 20, 16, 2), PAPER.image_discriminator(8, 3, 16, 2, 0.0)
        seen, judged = (noise,), (images,)
    else:
        draws, judges = PAPER.band_generator(8, 3, 1, 16, 2), PAPER.band_discriminator(8, 3, 16, 2, 0.0)
        seen, judged = (images, noise), (images, images)
    first, second = torch.tensor([0]), torch.tensor([1])
    assert not torch.allclose(draws(*seen, first), draws(*seen, second))
    assert not torch.allclose(judges(*judged, first), judges(*judged, second))


def test_an_untaught_band_leaves_the_low_pass_image_nearly_as_it_is():
    torch.manual_seed(5)
    low_pass = torch.rand(4, 3, 16, 16)
    fine = PAPER.band_generator(16, 3, 1, 32, 0)(low_pass, torch.rand(4, 1, 16, 16), None)
    assert 0 < (fine - low_pass).std() < 0.1


def test_the_band_is_in_standard_deviations_of_the_pixels():
    """The same weights draw half the band where real pixels spread half as far about the same mean."""
    torch.manual_seed(6)
    network = PAPER.band_generator(8, 3, 1, 16, 0)
    low_pass, noise = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8)
    band = network(low_pass, noise, None) - low_pass
    network.pixels.sd.fill_(0.5)
    halved = network(0.5 * low_pass, noise, None) - 0.5 * low_pass
    assert torch.allclose(halved, 0.5 * band, atol=1e-5)


def test_a_lapgan_of_networks_without_bands_is_refused():
    with pytest.raises(ValueError, match="networks: expected one of paper, modern, got 'perceptron'"):
        Config(networks="perceptron")
