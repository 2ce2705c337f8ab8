"""The LAPGAN's options: each learns and draws, does what its name says, and is refused where it cannot be."""

import copy
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from generator.checkpoint import read_checkpoint
from generator.families import FAMILIES, joint, lapgan
from generator.families.lapgan import Config
from generator.networks import modern
from generator.networks.drawing_form import drawing_form
from generator.networks.noise_kinds import NOISE_KINDS, Planes
from generator.noise import image_keys, uniform_noise
from generator.pyramid import down, exact_up, without_block_means
from generator.recipe import recipe_from
from generator.train import train
from tests.generator.conftest import small_recipe

OPTIONS = [
    {"noise": "projected"},
    {"noise": "low-rank", "noise_rank": 1},
    {"l2_weight": 3.0},
    {"consistent": True},
    {"joint": True},
    {"batch_norm": False},
    {"depth": 2},
    {"networks": "paper", "noise": "low-rank", "consistent": True, "l2_weight": 1.0, "joint": True},
    {"noise": "projected", "consistent": True, "batch_norm": False, "depth": 1, "joint": True},
]


def small(**options) -> Config:
    """A LAPGAN of 8 and 16 pixels with three classes, and options."""
    return dataclasses.replace(small_recipe().config, **options)


def batch(config: Config, count: int = 8):
    images = torch.rand(count, config.channels, config.size_px, config.size_px) * 2 - 1
    return images, torch.arange(count) % max(config.classes, 1)


def networks_taught(model: nn.Module, before: dict) -> set[str]:
    return {
        name.split(".")[1] for name, value in model.named_parameters() if not torch.equal(value, before[name])
    }


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_learns_and_draws_an_image_for_each_key(options, classes):
    config = small(classes=classes, **options)
    model = lapgan.build(config).train()
    for level in lapgan.level_names(config):
        before = copy.deepcopy(model.state_dict())
        losses = lapgan.Trainer(model, config, level).step(*batch(config))
        assert all(loss.isfinite() for loss in losses.values())
        assert networks_taught(model, before) == {level}
    labels = torch.arange(6) % 3 if classes else None
    images = lapgan.sample(model.eval(), config, image_keys(0, 0, 6), labels)
    assert images.shape == (6, 3, 16, 16)
    assert len({image.detach().numpy().tobytes() for image in images}) == 6
    alone = lapgan.sample(model, config, image_keys(0, 4, 1), None if labels is None else labels[4:5])
    assert torch.allclose(alone[0], images[4], atol=1e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_option_survives_the_checkpoint(tmp_path, three_kinds, options):
    model = dataclasses.asdict(small(**options))
    table = {"source": "cc-lapgan", "family": "lapgan", "dataset": "three-kinds", "model": model}
    recipe = recipe_from(table | {"training": {"images": 16, "batch_size": 8}}, "here")
    found = read_checkpoint(train(recipe, three_kinds, tmp_path / "small.safetensors"))
    assert found.config == recipe.config
    assert set(found.origin.images_seen.values()) == {16}


def test_a_model_without_options_is_the_networks_alone():
    """What old checkpoints hold: no wrapper changes a weight's name, no switch adds one."""
    config = small()
    model = lapgan.build(config)
    image, band = modern.ImageGenerator(8, 3, 8, 8, 3), modern.BandGenerator(3, 1, 8, 3)
    assert list(model.levels["8px"].state_dict()) == list(image.state_dict())
    assert list(model.levels["16px"].state_dict()) == list(band.state_dict())
    assert not any("deeper" in name for name in model.state_dict())


# Noise of constant or sublinear entropy


@pytest.mark.parametrize(("kind", "growth"), [("planes", 4), ("projected", 1), ("low-rank", 2)])
def test_random_numbers_grow_as_the_kind_of_noise_says(kind, growth):
    config = Config(noise=kind)
    at_16, at_32 = (torch.Size(lapgan.noise_shape(config, level)).numel() for level in (1, 2))
    assert at_32 == growth * at_16


@pytest.mark.parametrize("kind", sorted(NOISE_KINDS))
def test_planes_of_every_kind_have_mean_0_and_variance_1_at_the_start(kind):
    torch.manual_seed(4)
    planes = Planes(count=2, size=8, values=16, rank=3)
    spread = NOISE_KINDS[kind].spread
    numbers = uniform_noise(image_keys(1, 0, 4000), 1, NOISE_KINDS[kind].numbers(planes))
    noise = numbers if spread is None else spread(planes)(numbers).detach()
    assert noise.shape == (4000, 2, 8, 8)
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.var()) == pytest.approx(1, abs=0.1)


def test_projected_planes_have_a_covariance_of_the_rank_of_their_vector():
    torch.manual_seed(4)
    planes = Planes(count=2, size=8, values=5, rank=1)
    noise = NOISE_KINDS["projected"].spread(planes)(uniform_noise(image_keys(1, 0, 200), 1, (5,)))
    assert torch.linalg.matrix_rank(torch.cov(noise.flatten(1).T), rtol=1e-4) == 5


def test_low_rank_planes_are_matrices_of_their_rank():
    planes = Planes(count=2, size=8, values=5, rank=3)
    numbers = uniform_noise(image_keys(1, 0, 50), 1, NOISE_KINDS["low-rank"].numbers(planes))
    ranks = torch.linalg.matrix_rank(NOISE_KINDS["low-rank"].spread(planes)(numbers), rtol=1e-4)
    assert ranks.shape == (50, 2)
    assert set(ranks.flatten().tolist()) == {3}


# The supervised term


def test_a_heavy_l2_term_brings_draws_to_the_true_images():
    """Fine stripes over flat grays: the detail follows from the condition, as in super-resolution."""
    torch.manual_seed(6)
    stripes = torch.tensor([0.3, -0.3]).repeat(8)[None, None, None, :]

    def error_after(weight: float) -> float:
        config = small(classes=0, l2_weight=weight, learning_rate=5e-3)
        trainer = lapgan.Trainer(lapgan.build(config).train(), config, "16px")
        for _ in range(60):
            images = (torch.rand(16, 3, 1, 1) - 0.5 + stripes).expand(16, 3, 16, 16)
            trainer.step(images, None)
        shown = trainer.shown(images, None, image_keys(0, 0, 16))
        return float((shown.drawn.detach() - shown.true).square().mean())

    of_the_low_pass = 0.3**2
    assert error_after(300.0) < 0.1 * of_the_low_pass < error_after(0.0)


def test_the_coarsest_level_has_no_true_image_to_be_near_to():
    config = small(l2_weight=3.0)
    model = lapgan.build(config)
    losses = {part: lapgan.Trainer(model, config, part).step(*batch(config)) for part in lapgan.parts(config)}
    assert "l2" not in losses["8px"]
    assert losses["16px"]["l2"] > 0


# Exact consistency


@given(seed=st.integers(0, 2**32), coarse=st.integers(1, 9), times=st.integers(1, 4))
@settings(deadline=None)
def test_an_exact_enlargement_shrinks_to_the_image_again(seed, coarse, times):
    images = torch.rand(2, 3, coarse, coarse, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    large = exact_up(images, coarse * times)
    assert torch.allclose(down(large, coarse), images, atol=1e-6)
    band = without_block_means(torch.randn_like(large), coarse)
    assert torch.allclose(down(large + band, coarse), images, atol=1e-5)


@given(
    seed=st.integers(0, 2**32),
    size=st.floats(0.1, 3),
    levels=st.sampled_from([(8, 16, 32), (7, 14), (4, 12, 24)]),
    networks=st.sampled_from(["modern", "paper"]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
)
@settings(deadline=None, max_examples=25)
def test_whatever_the_weights_a_consistent_level_keeps_what_it_was_given(seed, size, levels, networks, dtype):
    """Also as samples are drawn, with sums in bfloat16: the last step is taken in full precision."""
    torch.manual_seed(seed)
    count = len(levels)
    config = Config(
        networks=networks,
        levels=levels,
        consistent=True,
        noise_planes=(1,) * (count - 1),
        widths=(8,) * count,
        discriminator_widths=(8,) * count,
        penalties=(0.0,) * count,
    )
    model = lapgan.build(config).eval()
    for value in model.parameters():
        nn.init.normal_(value, std=size * max(value[0].numel(), 1) ** -0.5 if value.ndim > 1 else size)
    keys = image_keys(seed, 0, 3)
    form = drawing_form(model, dtype, torch.device("cpu"))
    with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        image = lapgan.draw_level(form, config, 0, (), keys)
        for level in range(1, count):
            condition = (lapgan.enlarged(config, image, level),)
            finer = lapgan.draw_level(form, config, level, condition, keys)
            assert float((down(finer, levels[level - 1]) - image).abs().max()) < 1e-5 * (
                1 + float(finer.abs().max())
            )
            assert float((finer - condition[0]).abs().max()) > 1e-3, "it draws something"
            image = finer


def test_a_level_that_is_not_consistent_does_not_keep_it():
    config = small(classes=0)
    model, keys = lapgan.build(config).eval(), image_keys(1, 0, 3)
    image = lapgan.draw_level(model, config, 0, (), keys)
    finer = lapgan.draw_level(model, config, 1, (lapgan.enlarged(config, image, 1),), keys)
    assert float((down(finer, 8) - image).detach().abs().max()) > 1e-3


# All levels at once


def test_the_stages_hold_every_part_once():
    for family, module in FAMILIES.items():
        config = small_recipe(family).config
        assert tuple(part for stage in module.stages(config) for part in stage) == module.parts(config)
    assert lapgan.stages(small(joint=True)) == (("8px", "16px"), ("joint",))


def test_the_joint_part_lets_its_discriminator_learn_first_and_then_teaches_every_level():
    config = small(joint=True)
    model = lapgan.build(config).train()
    trainer = lapgan.Trainer(model, config, "joint")
    before = {name: value.clone() for name, value in model.named_parameters()}
    opinion = {name: value.clone() for name, value in trainer.networks["discriminator"].named_parameters()}
    trainer.steps_done = joint.HEAD_START_STEPS - 1
    trainer.set_rates(1.0)
    trainer.step(*batch(config))
    assert networks_taught(model, before) == set()
    assert not all(
        torch.equal(value, opinion[name])
        for name, value in trainer.networks["discriminator"].named_parameters()
    )
    trainer.steps_done = joint.HEAD_START_STEPS + 1
    trainer.set_rates(1.0)
    trainer.step(*batch(config))
    assert networks_taught(model, before) == {"8px", "16px"}


def test_the_levels_rate_rises_to_its_own_and_both_rates_fall_with_the_recipes():
    config = small(joint=True, joint_rates=(0.01, 0.004))
    trainer = lapgan.Trainer(lapgan.build(config), config, "joint")

    def rates(steps_done: int, factor: float) -> list[float]:
        trainer.steps_done = steps_done
        trainer.set_rates(factor)
        return [trainer.optimisers[name].param_groups[0]["lr"] for name in ("discriminator", "generator")]

    rising = [rates(steps_done, 1.0)[1] for steps_done in (0, 300, 450, 600, 100_000)]
    assert rising == pytest.approx([0, 0, 0.002, 0.004, 0.004])
    assert rates(0, 1.0)[0] == 0.01
    assert rates(100_000, 0.05) == pytest.approx([0.0005, 0.0002])


# Switches of the modern generators


def test_without_batch_norm_there_is_none_and_the_signal_keeps_its_size():
    torch.manual_seed(8)
    model = lapgan.build(Config(batch_norm=False)).train()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    for generator in model.levels.values():
        spreads: list[float] = []
        for module in generator.modules():
            if isinstance(module, modern.NormalConvolution):
                module.register_forward_hook(
                    lambda _m, _i, out, spreads=spreads: spreads.append(float(out.detach().std()))
                )
        noise, low_pass = torch.randn(16, 64), torch.randn(16, 3, 16, 16)
        is_image = isinstance(generator, modern.ImageGenerator)
        generator(*([noise] if is_image else [low_pass, torch.randn(16, 3, 16, 16)]), None)
        assert len(spreads) >= 2
        assert 0.4 < min(spreads) <= max(spreads) < 2.5


@pytest.mark.parametrize("classes", [0, 3])
def test_depth_adds_so_many_convolutions_to_each_level(classes):
    def convolutions(depth: int) -> list[int]:
        levels = lapgan.build(small(depth=depth, classes=classes)).levels.values()
        return [sum(isinstance(module, nn.Conv2d) for module in level.modules()) for level in levels]

    assert convolutions(3) == [count + 3 for count in convolutions(0)]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"noise": "white"}, "noise: expected one of planes, projected, low-rank, got 'white'"),
        ({"noise": "low-rank", "noise_rank": 0}, "noise_rank of at least 1"),
        (
            {"noise": "projected", "noise_planes": (0, 3)},
            "noise_planes: expected at least 1 with projected noise",
        ),
        ({"l2_weight": -1.0}, "l2_weight of at least 0"),
        ({"depth": -1}, "depth and l2_weight of at least 0"),
        (
            {"consistent": True, "levels": (8, 14, 28)},
            r"whole multiples of the one before, such as 8, 16, 32, got \[8, 14, 28\]",
        ),
        (
            {
                "joint": True,
                "levels": (8,),
                "widths": (8,),
                "discriminator_widths": (8,),
                "noise_planes": (),
                "penalties": (0.1,),
            },
            r"joint: expected at least 2 levels to teach together, got \[8\]",
        ),
        ({"networks": "paper", "batch_norm": False}, "batch_norm: the paper networks have no such switch"),
        ({"networks": "paper", "depth": 1}, "depth: the paper networks have no such switch"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, complaint):
    with pytest.raises(ValueError, match=complaint):
        Config(**options)
