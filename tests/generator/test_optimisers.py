"""Momentum rises to where it was told to, survives a pause, and settings that make no sense are refused."""

import pytest
import torch
from torch import nn

from generator.optimisers import OPTIMISERS, Teaching, optimiser_of


def taught(teaching, steps, optimiser_from=None):
    """A weight that is pulled with a gradient of 1 for some steps, and its optimiser."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    optimiser = optimiser_of(network, teaching)
    if optimiser_from is not None:
        weight, state = optimiser_from
        network.weight.data.copy_(weight)
        optimiser.load_state_dict(state)
    for _ in range(steps):
        network.weight.grad = torch.ones(1, 1)
        optimiser.step()
    return network.weight.detach().clone(), optimiser


RISING = Teaching(optimiser="momentum", learning_rate=0.1, momentum=0.5, momentum_steps=4)


def test_momentum_rises_in_a_line_and_stays():
    risen = [taught(RISING, steps)[1].param_groups[0]["momentum"] for steps in range(6)]
    assert risen == pytest.approx([0.125, 0.25, 0.375, 0.5, 0.5, 0.5])


def test_steps_are_those_of_the_momentum_of_the_moment():
    # By hand, rate 0.1, gradient 1: each velocity is 1 and the momentum's share of the one before.
    weight, _ = taught(RISING, 4)
    assert weight.item() == pytest.approx(-0.1 * (1 + 1.25 + 1.46875 + 1.734375))


def test_without_steps_to_rise_in_momentum_is_there_at_once():
    weight, _ = taught(Teaching(optimiser="momentum", learning_rate=0.1, momentum=0.5), 2)
    assert weight.item() == pytest.approx(-0.1 * (1 + 1.5))


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_a_pause_changes_nothing(name):
    teaching = Teaching(optimiser=name, momentum=0.6, momentum_steps=6)
    whole, _ = taught(teaching, 7)
    weight, optimiser = taught(teaching, 3)
    resumed, _ = taught(teaching, 4, (weight, optimiser.state_dict()))
    assert torch.equal(whole, resumed)


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_every_optimiser_goes_downhill(name):
    weight, _ = taught(Teaching(optimiser=name), 3)
    assert weight.item() < 0


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"optimiser": "luck"}, "optimiser: expected one of adam, momentum, got 'luck'"),
        ({"learning_rate": 0.0}, "learning_rate: expected a number above 0, got 0.0"),
        ({"momentum": 1.0}, r"momentum: expected a number in \[0, 1\), got 1.0"),
        ({"second_momentum": -0.1}, r"second_momentum: expected a number in \[0, 1\), got -0.1"),
        ({"momentum_steps": -1}, "momentum_steps: expected at least 0 steps, got -1"),
    ],
)
def test_impossible_teaching_is_refused(settings, complaint):
    with pytest.raises(ValueError, match=complaint):
        Teaching(**settings)
