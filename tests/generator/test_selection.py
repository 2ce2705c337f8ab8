"""The nearest draw decides, looking changes nothing, and what a part is told decides what is compared."""

import pytest
import torch
from torch import nn

from generator.batches import Pool
from generator.families import FAMILIES
from generator.families.family import Shown
from generator.looks import look
from generator.noise import image_keys
from generator.selection import DRAWS, Best, mean_nearest_distance, own_distances, smallest_distances
from generator.settings import configured
from tests.generator.conftest import small_recipe

PARTS = [
    (family, part) for family in FAMILIES for part in FAMILIES[family].parts(small_recipe(family).config)
]


def pool(count=6):
    torch.manual_seed(1)
    return Pool(torch.randint(0, 256, (count, 16, 16, 3), dtype=torch.uint8), torch.arange(count) % 3)


class Near(nn.Module):
    """A part whose draw number n for image i is the image, lighter by `steps[n]`."""

    def __init__(self, steps, is_told):
        super().__init__()
        self.networks = {"generator": nn.Identity()}
        self.steps, self.is_told = iter(steps), is_told

    def shown(self, images, labels, keys):
        return Shown(images, images + next(self.steps), self.is_told)


def test_the_nearest_of_many_draws_counts():
    steps = [0.5, -0.3, 0.125, 0.7] + [0.9] * (DRAWS - 4)
    assert mean_nearest_distance(Near(steps, is_told=True), pool(), 0) == pytest.approx(0.125, abs=1e-6)


def test_a_part_that_is_told_no_image_is_compared_with_all_draws():
    """Planted: draws are the images in another order, so each has one draw at no distance, though not its own."""

    class Shuffled(Near):
        def shown(self, images, labels, keys):
            return Shown(images, images.roll(1, 0), self.is_told)

    assert mean_nearest_distance(Shuffled([], is_told=False), pool(), 0) == pytest.approx(0, abs=1e-3)
    assert mean_nearest_distance(Shuffled([], is_told=True), pool(), 0) > 0.5


def test_distances_are_root_mean_squares_of_pixels():
    true, drawn = torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    drawn[0], drawn[1] = 0.5, torch.tensor([[2.0, 0], [0, 0]])
    assert own_distances(true, drawn).tolist() == pytest.approx([0.5, 1.0])
    assert smallest_distances(true, drawn).tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(("family", "part"), PARTS)
def test_looking_changes_neither_weights_nor_random_numbers(family, part):
    config = small_recipe(family).config
    model = FAMILIES[family].build(config).train()
    trainer = FAMILIES[family].Trainer(model, config, part)
    images, labels = pool().chosen(torch.arange(6))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    shown = look(trainer, images, labels, image_keys(0, 0, 6))
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert shown.true.shape == shown.drawn.shape == (6, 3, *[shown.true.shape[-1]] * 2)
    # The same keys draw the same, whatever is drawn beside them.
    half = look(trainer, images[3:], labels[3:], image_keys(0, 3, 3))
    assert torch.allclose(half.drawn, shown.drawn[3:], atol=0.02)


def test_the_best_moment_keeps_its_own_weights():
    trainer = Near([], is_told=True)
    trainer.networks = {"generator": nn.Linear(1, 1)}
    best = Best.now(trainer, 100, 0.25)
    kept = best.weights["weight"].clone()
    with torch.no_grad():
        trainer.networks["generator"].weight += 1
    assert torch.equal(best.weights["weight"], kept)
    assert best.told() == {"chosen_at_images": 100, "nearest_draw": 0.25}


def test_a_rule_without_images_to_compare_with_is_refused():
    from generator.errors import ConfigError
    from generator.recipe import Training

    with pytest.raises(ConfigError, match="nearest-draw compares with images held out: set validation"):
        configured(Training, {"images": 10, "select": "nearest-draw"}, "here")
    with pytest.raises(ConfigError, match="select: expected one of last, nearest-draw, got 'best'"):
        configured(Training, {"images": 10, "select": "best"}, "here")
    with pytest.raises(ConfigError, match="expected validation and watch_every of at least 0"):
        configured(Training, {"images": 10, "watch_every": -1}, "here")
