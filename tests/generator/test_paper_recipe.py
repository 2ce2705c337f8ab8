"""The paper's recipe, small: it learns what was planted, goes on after a kill, and stores the pixels' scale."""

from itertools import count

import pytest
import torch

from generator.checkpoint import read_checkpoint
from generator.families import FAMILIES
from generator.families.lapgan import Config
from generator.networks.pixel_scale import learn_pixels
from generator.noise import image_keys
from generator.recipe import recipe_from
from generator.train import train

TAUGHT = {
    "networks": "paper",
    "noise_values": 20,
    "optimiser": "momentum",
    "learning_rate": 0.02,
    "momentum": 0.7,
    "momentum_steps": 100,
}


def paper_recipe(**training):
    """A CC-LAPGAN of the paper's networks for `three_kinds`."""
    model = TAUGHT | {
        "levels": [8, 16],
        "classes": 3,
        "noise_planes": [1],
        "widths": [16, 4],
        "discriminator_widths": [16, 4],
        "penalties": [1.0, 0.05],
        "dropout": 0.5,
    }
    table = {"source": "cc-lapgan-paper", "family": "lapgan", "dataset": "three-kinds", "seed": 3}
    return recipe_from(table | {"model": model, "training": {"batch_size": 8} | training}, "here")


def test_the_scale_of_real_pixels_comes_with_the_checkpoint(tmp_path, three_kinds):
    taught = read_checkpoint(train(paper_recipe(images=16), three_kinds, tmp_path / "t.safetensors"))
    images = torch.from_numpy(three_kinds.pixels).permute(0, 3, 1, 2) / 127.5 - 1
    scale = taught.model.levels["16px"].pixels
    assert torch.allclose(scale.mean, images.mean(0), atol=1e-3)
    assert torch.allclose(scale.sd, images.std(0, correction=0), atol=1e-3)


def test_told_the_class_its_perceptrons_draw_it():
    """Planted: uniform noise about a level of gray for each class."""
    planted = torch.tensor([-0.6, 0.7, 0.0])
    config = Config(
        **TAUGHT,
        levels=(4,),
        classes=3,
        noise_planes=(),
        widths=(48,),
        discriminator_widths=(48,),
        penalties=(1.0,),
        penalty_every=2,
    )
    module = FAMILIES["lapgan"]
    torch.manual_seed(0)
    labels = torch.arange(300) % 3
    images = planted[labels][:, None, None, None] + 0.3 * (torch.rand(300, 3, 4, 4) - 0.5)
    model = module.build(config).train()
    learn_pixels(model, [images])
    trainer = module.Trainer(model, config, "4px")
    for _ in range(2000):
        chosen = torch.randint(300, (32,))
        trainer.step(images[chosen], labels[chosen])
        trainer.steps_done += 1
    keys = image_keys(0, 0, 64)
    drawn = [module.sample(model, config, keys, torch.full((64,), label)).mean() for label in range(3)]
    assert torch.allclose(torch.stack(drawn), planted, atol=0.15)


def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(tmp_path, three_kinds):
    recipe = paper_recipe(images=96, checkpoint_every=24)
    whole = train(recipe, three_kinds, tmp_path / "whole.safetensors", cpu_clock=lambda: 0.0)
    readings = count()

    def clock():
        if next(readings) == 8:
            raise KeyboardInterrupt
        return 0.0

    out = tmp_path / "killed.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(recipe, three_kinds, out, cpu_clock=clock)
    train(recipe, three_kinds, out, resume=True, cpu_clock=lambda: 0.0)
    expected, found = (read_checkpoint(path).model.state_dict() for path in (whole, out))
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
