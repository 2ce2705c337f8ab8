"""One step teaches one network and leaves the other as it was."""

import copy
from itertools import product

import pytest
import torch
from torch import nn

from generator.adversarial import discriminator_step, generator_step, gradient_penalty_step
from generator.families import FAMILIES
from generator.networks import KINDS


class Judge(nn.Module):
    """images (N, 4) and any condition (N, 2)  ->  scores (N,)."""

    def __init__(self, told: int = 0) -> None:
        super().__init__()
        self.layer = nn.Linear(4 + told, 1)

    def forward(self, images, *condition):
        return self.layer(torch.cat([images, *condition], 1)).squeeze(1)


CONDITIONS = {"plain": (), "told": (torch.ones(8, 2),)}


@pytest.fixture(params=CONDITIONS)
def game(request):
    torch.manual_seed(0)
    condition = CONDITIONS[request.param]
    judge, artist = Judge(2 * len(condition)), nn.Linear(3, 4)
    optimisers = [torch.optim.SGD(network.parameters(), lr=0.1) for network in (judge, artist)]
    return judge, artist, *optimisers, condition


def test_after_a_discriminator_step_every_generator_gradient_is_none(game):
    judge, artist, teaches_judge, _, condition = game
    before = copy.deepcopy(artist.state_dict())
    discriminator_step(judge, teaches_judge, torch.ones(8, 4), artist(torch.randn(8, 3)), condition)
    assert all(weight.grad is None for weight in artist.parameters())
    assert all(torch.equal(before[name], value) for name, value in artist.state_dict().items())
    assert any(weight.grad is not None for weight in judge.parameters())


def test_a_discriminator_is_taught_by_real_and_drawn_images_alike(game):
    judge, artist, teaches_judge, _, condition = game
    real, fake = torch.ones(8, 4), artist(torch.randn(8, 3)).detach()
    scores = [judge.layer(torch.cat([images, *condition], 1)).squeeze(1).detach() for images in (real, fake)]
    expected = torch.log1p(torch.exp(-scores[0])).mean() + torch.log1p(torch.exp(scores[1])).mean()
    found = discriminator_step(judge, teaches_judge, real, fake, condition)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("family", "networks"), sorted(product(FAMILIES, KINDS)))
def test_no_discriminator_tells_real_from_drawn_by_the_batch(family, networks):
    """Both lie in one batch: a norm over it would tell each what the other is."""
    module = FAMILIES[family]
    config = module.Config(networks=networks)
    model = module.build(config)
    for part in module.parts(config):
        discriminator = module.Trainer(model, config, part).networks["discriminator"]
        assert not any(
            isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) for layer in discriminator.modules()
        )


def test_a_generator_step_moves_the_generator_alone(game):
    judge, artist, _, teaches_artist, condition = game
    before_judge, before_artist = copy.deepcopy(judge.state_dict()), copy.deepcopy(artist.state_dict())
    generator_step(judge, teaches_artist, artist(torch.randn(8, 3)), condition)
    assert all(torch.equal(before_judge[name], value) for name, value in judge.state_dict().items())
    assert all(weight.grad is None and weight.requires_grad for weight in judge.parameters())
    assert not torch.equal(before_artist["weight"], artist.weight)


def test_the_same_fake_batch_serves_both_steps(game):
    judge, artist, teaches_judge, teaches_artist, condition = game
    fake = artist(torch.randn(8, 3))
    discriminator_step(judge, teaches_judge, torch.ones(8, 4), fake, condition)
    generator_step(judge, teaches_artist, fake, condition)
    assert all(weight.grad is not None for weight in artist.parameters())


def test_steps_teach_telling_apart_and_then_deceiving():
    torch.manual_seed(0)
    judge, artist = Judge(), nn.Linear(3, 4)
    teaches_judge, teaches_artist = (torch.optim.SGD(n.parameters(), lr=0.1) for n in (judge, artist))
    real, noise = torch.ones(8, 4), torch.randn(8, 3)
    judged = [discriminator_step(judge, teaches_judge, real, artist(noise), ()) for _ in range(30)]
    assert judged[-1] < judged[0]
    assert judge(real).mean() > judge(artist(noise)).mean()
    deceived = [generator_step(judge, teaches_artist, artist(noise), ()) for _ in range(30)]
    assert deceived[-1] < deceived[0]


def test_the_penalty_is_the_squared_gradient_and_shrinks_it():
    judge = Judge()
    optimiser = torch.optim.SGD(judge.parameters(), lr=0.1)
    first = gradient_penalty_step(judge, optimiser, torch.randn(8, 4), (), weight=1.0)
    # A linear judge's gradient is its weight; gradient descent on |w|^2 / 2 takes a tenth of w away.
    assert first == pytest.approx(judge.layer.weight.detach().square().sum().item() / 0.81, rel=1e-5)
