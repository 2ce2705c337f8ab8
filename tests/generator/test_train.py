"""Training goes on where it was killed, keeps the last good checkpoint, and learns what was planted."""

import dataclasses
import json
from itertools import count

import numpy as np
import pytest
import torch

from generator.checkpoint import read_checkpoint
from generator.errors import TrainingError, WriteError
from generator.families import FAMILIES
from generator.noise import image_keys
from generator.train import train
from tests.generator.conftest import small_recipe


class Killed(Exception):
    """Stands for a signal: nothing in the product catches it."""


def weights(path):
    return read_checkpoint(path).model.state_dict()


def kill_after(calls):
    """A clock that ends the run at its n-th reading, in the middle of a part, between two checkpoints."""
    readings = count()

    def clock():
        if next(readings) == calls:
            raise Killed
        return 0.0

    return clock


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("calls", [5, 8, 17])
def test_a_killed_run_ends_with_the_weights_of_one_that_was_not(tmp_path, three_kinds, family, calls):
    recipe = small_recipe(family)
    whole = train(recipe, three_kinds, tmp_path / "whole.safetensors", cpu_clock=lambda: 0.0)
    out = tmp_path / "killed.safetensors"
    steps = len(FAMILIES[family].parts(recipe.config)) * 96 // 8
    with pytest.raises(Killed):
        train(recipe, three_kinds, out, cpu_clock=kill_after(min(calls, steps - 1)))
    train(recipe, three_kinds, out, resume=True, cpu_clock=lambda: 0.0)
    expected, found = weights(whole), weights(out)
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_a_larger_budget_goes_on_with_the_optimisers_state(tmp_path, three_kinds):
    """Half the budget and then the other half is one run: nothing begins afresh but the rate's course."""
    steady = {"decay_share": 0.0}
    whole = train(small_recipe(images=96, **steady), three_kinds, tmp_path / "whole.safetensors")
    out = tmp_path / "halves.safetensors"
    train(small_recipe(images=48, **steady), three_kinds, out)
    train(small_recipe(images=96, **steady), three_kinds, out, resume=True)
    expected, found = weights(whole), weights(out)
    assert all(torch.equal(value, found[name]) for name, value in expected.items())


def test_resuming_where_nothing_is_yet_begins(tmp_path, three_kinds):
    out = train(small_recipe(), three_kinds, tmp_path / "new.safetensors", resume=True)
    assert read_checkpoint(out).origin.images_seen == {"8px": 96, "16px": 96}


def test_a_state_of_another_model_is_not_gone_on_with(tmp_path, three_kinds):
    out = train(small_recipe("gan"), three_kinds, tmp_path / "a.safetensors")
    with pytest.raises(TrainingError, match="belongs to another model or data set"):
        train(small_recipe("lapgan"), three_kinds, out, resume=True)
    (tmp_path / "a.safetensors.resume").write_bytes(b"nonsense")
    with pytest.raises(TrainingError, match="expected the state of a training run"):
        train(small_recipe("gan"), three_kinds, out, resume=True)


def test_losses_that_are_not_finite_stop_and_keep_the_last_good_checkpoint(tmp_path, three_kinds):
    out = train(small_recipe(), three_kinds, tmp_path / "good.safetensors")
    before = out.read_bytes()
    recipe = small_recipe()
    wild = dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, learning_rate=1e30))
    with pytest.raises(TrainingError, match=r"8px: the loss \w+ became (nan|inf) at image \d+"):
        train(wild, three_kinds, out)
    assert out.read_bytes() == before


def test_a_budget_in_minutes_is_the_processors_time(tmp_path, three_kinds):
    readings = count()
    recipe = small_recipe("gan", images=0, minutes=1.0)
    out = train(
        recipe, three_kinds, tmp_path / "m.safetensors", cpu_clock=lambda: 6.0 * next(readings)
    )  # every step takes six seconds
    origin = read_checkpoint(out).origin
    assert origin.images_seen == {"all": 80}
    assert origin.cpu_minutes == {"all": 1.0}


def test_losses_are_written_once_whatever_happens(tmp_path, three_kinds):
    recipe = small_recipe("gan", images=4000, checkpoint_every=1500)
    out = tmp_path / "l.safetensors"
    with pytest.raises(Killed):
        train(recipe, three_kinds, out, cpu_clock=kill_after(450))
    train(recipe, three_kinds, out, resume=True, cpu_clock=lambda: 0.0)
    lines = [json.loads(line) for line in (tmp_path / "l.safetensors.losses").read_text().splitlines()]
    assert [line["images_seen"] for line in lines] == [1000, 2000, 3000, 4000]


def test_told_the_class_a_trained_model_draws_it(tmp_path, three_kinds):
    """Planted: light images lie 180 of 255 above dark ones, striped ones 75 above dark ones."""
    out = train(small_recipe(images=1600, checkpoint_every=1600), three_kinds, tmp_path / "c.safetensors")
    loaded = read_checkpoint(out)
    keys = image_keys(0, 0, 64)
    dark, light, striped = (
        FAMILIES["lapgan"].sample(loaded.model, loaded.config, keys, torch.full((64,), label)).mean().item()
        for label in range(3)
    )
    assert light - striped > 0.3
    assert striped - dark > 0.2


def test_a_model_and_images_that_do_not_fit_are_refused(tmp_path, three_kinds):
    out = tmp_path / "x.safetensors"
    wide = dataclasses.replace(three_kinds, pixels=np.zeros((150, 8, 8, 3), np.uint8))
    with pytest.raises(TrainingError, match=r"the model draws 16x16 pixels.*found 8x8"):
        train(small_recipe(), wide, out)
    with pytest.raises(TrainingError, match="the model has 3 classes, but three-kinds has no labels"):
        train(small_recipe(), dataclasses.replace(three_kinds, labels=None), out)
    four = dataclasses.replace(three_kinds, class_names=("a", "b", "c", "d"))
    with pytest.raises(TrainingError, match=r"has 4: set model\.classes=4"):
        train(small_recipe(), four, out)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path, three_kinds):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WriteError, match=r"x\.safetensors\.losses: could not be written"):
        train(small_recipe("gan"), three_kinds, tmp_path / "file" / "x.safetensors")
