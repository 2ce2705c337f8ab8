"""Averaged weights are a mean that forgets; they change what is stored and nothing of what is learned."""

import pytest
import torch
from torch import nn

from generator.averaging import average_in
from generator.checkpoint import read_checkpoint
from generator.errors import ConfigError
from generator.losses import losses_file
from generator.train import train, train_part
from tests.generator.conftest import small_recipe


def layer(value):
    network = nn.BatchNorm1d(1)
    nn.init.constant_(network.weight, value)
    return network


def test_a_mean_of_equal_weights_is_that_weight():
    average = {}
    for step in range(50):
        average_in(average, layer(3.0), 0.9, step)
    assert float(average["weight"]) == pytest.approx(3.0)


def test_what_was_is_forgotten_by_the_memory_at_each_step():
    average = {"weight": torch.tensor([1.0])}
    for _ in range(4):
        average_in(average, layer(0.0), 0.5, 10_000)
    assert float(average["weight"]) == pytest.approx(0.0625)


def test_first_weights_are_forgotten_sooner():
    early, late = {"weight": torch.tensor([1.0])}, {"weight": torch.tensor([1.0])}
    average_in(early, layer(0.0), 0.999, 1)
    average_in(late, layer(0.0), 0.999, 10_000)
    assert float(early["weight"]) < 0.2
    assert float(late["weight"]) == pytest.approx(0.999)


def test_averaging_stores_other_weights_and_learns_the_same(tmp_path, three_kinds):
    plain, mean = (
        train(small_recipe("gan", averaging=memory), three_kinds, tmp_path / f"{memory}.safetensors")
        for memory in (0.0, 0.9)
    )
    assert losses_file(plain).read_text() == losses_file(mean).read_text()
    stored = [read_checkpoint(path).model.state_dict() for path in (plain, mean)]
    assert any(not torch.equal(stored[0][name], stored[1][name]) for name in stored[0])


def test_a_killed_run_ends_with_the_same_mean(tmp_path, three_kinds):
    recipe = small_recipe("gan", averaging=0.9)
    whole = train(recipe, three_kinds, tmp_path / "whole.safetensors")
    pieces = tmp_path / "pieces.safetensors"
    for stop in (32, 64, 1000):
        train_part(recipe, three_kinds, pieces, "all", goes_on=lambda seen, share, stop=stop: seen < stop)
    one, other = (read_checkpoint(path).model.state_dict() for path in (whole, pieces))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("training", "complaint"),
    [
        ({"averaging": 1.0}, r"averaging: expected a number in \[0, 1\), got 1.0"),
        (
            {"averaging": 0.9, "select": "nearest-draw", "validation": 20},
            "averaging: expected with select = last",
        ),
    ],
)
def test_impossible_averaging_is_refused(training, complaint):
    with pytest.raises(ConfigError, match=complaint):
        small_recipe("gan", **training)
