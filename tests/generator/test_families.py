"""What every family keeps, by being in the registry; and what the LAPGAN promises beyond."""

import copy
import dataclasses

import pytest
import torch

from generator.errors import ConfigError
from generator.families import FAMILIES, family_named
from generator.families.lapgan import Config as LapganConfig
from generator.noise import image_keys
from generator.settings import configured
from tests.generator.conftest import small_recipe


@pytest.fixture(params=sorted(FAMILIES))
def family(request):
    return request.param


def batch(config, count=8):
    torch.manual_seed(1)
    images = torch.rand(count, 3, config.size_px, config.size_px) * 2 - 1
    return images, torch.arange(count) % max(config.classes, 1)


def labels_for(config, count):
    return torch.zeros(count, dtype=torch.int64) if config.classes else None


def test_every_part_learns_and_touches_no_other_part(family):
    module, config = FAMILIES[family], small_recipe(family).config
    model = module.build(config)
    for part in module.parts(config):
        trainer = module.Trainer(model, config, part)
        before = copy.deepcopy(model.state_dict())
        losses = trainer.step(*batch(config))
        assert {"generator", "discriminator"} <= losses.keys()
        assert all(torch.isfinite(loss) for loss in losses.values())
        own = {id(value) for value in trainer.networks["generator"].state_dict(keep_vars=True).values()}
        changed = {
            name: id(value) in own
            for name, value in model.state_dict(keep_vars=True).items()
            if not torch.equal(value, before[name])
        }
        assert changed
        assert all(changed.values())


def test_samples_have_the_promised_shape_and_range(family):
    module, config = FAMILIES[family], small_recipe(family).config
    images = module.sample(module.build(config).eval(), config, image_keys(0, 0, 5), labels_for(config, 5))
    assert images.shape == (5, 3, config.size_px, config.size_px)
    assert images.isfinite().all()


def test_different_keys_give_different_images(family):
    module, config = FAMILIES[family], small_recipe(family).config
    images = module.sample(module.build(config).eval(), config, image_keys(0, 0, 6), labels_for(config, 6))
    assert len({image.detach().numpy().tobytes() for image in images}) == 6


def test_a_config_survives_its_dictionary_with_lists_for_tuples(family):
    config = small_recipe(family).config
    plain = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in dataclasses.asdict(config).items()
    }
    assert configured(FAMILIES[family].Config, plain, "here") == config


def test_unknown_settings_and_families_are_refused_by_name(family):
    with pytest.raises(ConfigError, match="here: unknown key colour; known are"):
        configured(FAMILIES[family].Config, {"colour": 3}, "here")
    with pytest.raises(ConfigError, match="here: expected a family among gan, lapgan, got 'vae'"):
        family_named("vae", "here")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"noise_values": "many"}, "noise_values: expected a whole number, got 'many'"),
        ({"noise_values": 64.0}, "noise_values: expected a whole number, got 64.0"),
        ({"noise_values": [64]}, r"noise_values: expected a whole number, got \[64\]"),
        ({"classes": True}, "classes: expected a whole number, got True"),
        ({"learning_rate": "fast"}, "learning_rate: expected a number, got 'fast'"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a number, got nan"),
        ({"networks": 3}, "networks: expected a text, got 3"),
    ],
)
def test_a_wrong_type_in_a_config_is_refused(family, given, sentence):
    with pytest.raises(ConfigError, match=f"here: {sentence}"):
        configured(FAMILIES[family].Config, given, "here")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"levels": 32}, "levels: expected a list, each a whole number, got 32"),
        ({"levels": [8, "16"]}, r"levels: expected a list, each a whole number, got \[8, '16'\]"),
        ({"levels": [8.0, 16]}, r"levels: expected a list, each a whole number, got \[8.0, 16\]"),
        ({"penalties": 0.1}, "penalties: expected a list, each a number, got 0.1"),
        ({"consistent": 1}, "consistent: expected true or false, got 1"),
    ],
)
def test_lists_are_wanted_where_there_is_a_value_for_each_level(given, sentence):
    with pytest.raises(ConfigError, match=f"here: {sentence}"):
        configured(LapganConfig, given, "here")


def test_whole_numbers_serve_where_numbers_are_wanted():
    assert configured(LapganConfig, {"learning_rate": 1, "penalties": [0, 1, 0]}, "here").learning_rate == 1


@pytest.mark.parametrize(
    ("levels", "planes", "widths"),
    [((8, 14, 28), (1, 1), (8, 8, 8)), ((7, 14), (2,), (8, 8)), ((8,), (), (8,))],
)
def test_other_levels_than_halvings_train_and_sample(levels, planes, widths):
    config = LapganConfig(
        levels=levels,
        noise_planes=planes,
        widths=widths,
        discriminator_widths=widths,
        penalties=(0.01,) * len(levels),
    )
    module = FAMILIES["lapgan"]
    model = module.build(config)
    for part in module.parts(config):
        module.Trainer(model, config, part).step(*batch(config))
    assert module.sample(model.eval(), config, image_keys(0, 0, 2), None).shape[-1] == levels[-1]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"levels": (16, 8)}, "levels: expected sizes that rise"),
        ({"levels": ()}, "levels: expected sizes that rise"),
        ({"levels": (8, 15, 32)}, "levels: expected even sizes above the coarsest"),
        ({"widths": (8, 8)}, "widths: expected 3 values, one a level"),
        ({"noise_planes": (1, 1, 1)}, "noise_planes: expected 2 values"),
        ({"classes": -1}, "of at least 0"),
        ({"learning_rate": 0.0}, "learning_rate: expected a number above 0"),
    ],
)
def test_impossible_lapgans_are_refused(settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        LapganConfig(**settings)


def test_the_plain_gan_refuses_classes():
    with pytest.raises(ValueError, match="the plain GAN knows no classes"):
        FAMILIES["gan"].Config(classes=10)
