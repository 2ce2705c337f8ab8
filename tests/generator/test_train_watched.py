"""What happens beside the steps: alarms are measured, moments chosen, batches halved; and nothing is lost by a kill."""

import dataclasses
import json

import pytest
import torch

from generator import train as training
from generator import watching
from generator.alarms import alarms_file
from generator.checkpoint import read_checkpoint
from generator.errors import TrainingError
from generator.families import FAMILIES, gan
from generator.parts import join_parts, part_file
from generator.resume import state_file, stored_state
from generator.train import train, train_part
from tests.generator.conftest import small_recipe

NO_TIME = {"cpu_clock": lambda: 0.0}
CHOOSING = {"validation": 30, "select": "nearest-draw", "select_every": 32}


def weights(path):
    return read_checkpoint(path).model.state_dict()


def same(expected, found):
    return all(torch.equal(value, found[name]) for name, value in expected.items())


def alarm_lines(path):
    return [json.loads(line) for line in alarms_file(path).read_text().splitlines()]


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_alarms_change_no_weight(tmp_path, three_kinds, family):
    watching._classifier.cache_clear()  # the first look reads it
    unseen = train(small_recipe(family, watch_every=0), three_kinds, tmp_path / "a.safetensors", **NO_TIME)
    watched = train(small_recipe(family, watch_every=16), three_kinds, tmp_path / "b.safetensors", **NO_TIME)
    assert same(weights(unseen), weights(watched))
    assert alarm_lines(unseen) == []
    lines = alarm_lines(watched)
    assert len(lines) == 6 * len(small_recipe(family).parts)
    assert all({"detail", "pairwise", "alarms"} <= set(line) for line in lines)


def test_an_alarm_is_told_once_and_where(tmp_path, three_kinds):
    """Planted: a generator that learns nothing draws what it began with, which is far from the three kinds."""
    recipe = small_recipe("gan", watch_every=16)
    still = dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, learning_rate=1e-12))
    told = []
    out = train(still, three_kinds, tmp_path / "c.safetensors", told=told.append, **NO_TIME)
    assert len(told) == len(set(told)) >= 1
    assert all(said.startswith("all, image 32: ALARM: samples are ") for said in told)
    assert len(alarm_lines(out)[-1]["alarms"]) == len(told)


@pytest.fixture
def distances(monkeypatch):
    """Lets a test say how near the draws come at each look; the weights at each look are kept."""
    seen = {}

    def plant(values):
        def planted(trainer, apart, seed):
            assert len(apart) == 30
            generator = trainer.networks["generator"].state_dict()
            seen[len(seen)] = {name: value.clone() for name, value in generator.items()}
            return values[trainer.steps_done * 8 // 32 - 1]

        monkeypatch.setattr(training, "mean_nearest_distance", planted)
        return seen

    return plant


def test_the_moment_with_the_nearest_draws_becomes_the_checkpoint(tmp_path, three_kinds, distances):
    looks = distances([0.5, 0.2, 0.4])
    out = train(small_recipe("gan", **CHOOSING), three_kinds, tmp_path / "c.safetensors", **NO_TIME)
    found = read_checkpoint(out)
    stored = {name: value.half().float() if value.ndim > 1 else value for name, value in looks[1].items()}
    assert same(stored, found.model.state_dict())
    assert found.origin.outcome["all"]["chosen_at_images"] == 64
    assert found.origin.outcome["all"]["nearest_draw"] == 0.2
    # Whatever begins with this part begins with the chosen weights, whoever goes on with it with the newest.
    state = stored_state(state_file(out))
    assert same(looks[1], state["model"])
    newest = state["progress"]["trainers"]["all"]["networks"]["generator"]
    assert not same(looks[1], newest)


def test_a_choice_outlives_pieces_and_a_larger_budget(tmp_path, three_kinds, distances):
    distances([0.5, 0.2, 0.4, 0.1, 0.3, 0.6])
    steady = {"decay_share": 0.0, **CHOOSING}
    recipe = small_recipe("gan", images=192, **steady)
    whole = train(recipe, three_kinds, tmp_path / "whole.safetensors", **NO_TIME)
    out = tmp_path / "pieces.safetensors"
    train(small_recipe("gan", images=96, **steady), three_kinds, out, **NO_TIME)
    assert read_checkpoint(out).origin.outcome["all"]["chosen_at_images"] == 64
    share = 0.5
    while share < 1:
        steps = iter([True] * 5)
        _, share = train_part(
            recipe,
            three_kinds,
            out,
            "all",
            goes_on=lambda seen, share, steps=steps: next(steps, False),
            **NO_TIME,
        )
    assert same(weights(whole), weights(out))
    assert read_checkpoint(out).origin.outcome["all"]["chosen_at_images"] == 128


def test_the_real_rule_chooses_for_every_part_apart(tmp_path, three_kinds):
    recipe = small_recipe(**CHOOSING)
    for part in recipe.parts:
        train_part(
            recipe, three_kinds, part_file(tmp_path, part), part, goes_on=lambda seen, share: True, **NO_TIME
        )
    joined = read_checkpoint(join_parts(recipe, tmp_path, tmp_path / "joined.safetensors"))
    whole = read_checkpoint(train(recipe, three_kinds, tmp_path / "whole.safetensors", **NO_TIME))
    assert joined.origin.outcome == whole.origin.outcome
    assert set(joined.origin.outcome) == {"8px", "16px"}
    assert all(0 < found["nearest_draw"] < 1 for found in joined.origin.outcome.values())
    assert same(whole.model.state_dict(), joined.model.state_dict())


def test_images_held_out_make_another_training(tmp_path, three_kinds):
    out = train(small_recipe("gan"), three_kinds, tmp_path / "c.safetensors")
    with pytest.raises(TrainingError, match="belongs to another model or data set"):
        train(small_recipe("gan", validation=30), three_kinds, out, resume=True)


def fails_above(most_images, monkeypatch, error):
    """A GAN whose step runs out of memory for larger batches; the batch sizes of the steps that were done."""
    step, done = gan.Trainer.step, []

    def limited(trainer, images, labels):
        if len(images) > most_images:
            raise error
        done.append(len(images))
        return step(trainer, images, labels)

    monkeypatch.setattr(gan.Trainer, "step", limited)
    return done


ON_THE_CPU = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory"
)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), ON_THE_CPU], ids=["gpu", "cpu"]
)
def test_out_of_memory_halves_the_batch_says_so_and_goes_on(tmp_path, three_kinds, monkeypatch, error):
    done = fails_above(3, monkeypatch, error)
    told = []
    out = train(small_recipe("gan"), three_kinds, tmp_path / "c.safetensors", told=told.append, **NO_TIME)
    assert told == [
        "all, image 0: out of memory with batches of 8 images, goes on with 4",
        "all, image 0: out of memory with batches of 4 images, goes on with 2",
    ]
    assert set(done) == {2}
    origin = read_checkpoint(out).origin
    assert (origin.images_seen["all"], origin.outcome["all"]["batch_size"]) == (96, 2)
    assert [line["told"] for line in alarm_lines(out)] == [said.partition(": ")[2] for said in told]
    # A run that goes on need not fail again to know.
    told.clear()
    train(small_recipe("gan", images=104), three_kinds, out, resume=True, told=told.append, **NO_TIME)
    assert told == []


def test_memory_for_less_than_two_images_ends_the_training_in_a_sentence(tmp_path, three_kinds, monkeypatch):
    fails_above(1, monkeypatch, ON_THE_CPU)
    with pytest.raises(TrainingError, match="all: out of memory with batches of 2 images; the last good"):
        train(small_recipe("gan"), three_kinds, tmp_path / "c.safetensors", **NO_TIME)


def test_another_failure_of_a_step_is_not_taken_for_want_of_memory(tmp_path, three_kinds, monkeypatch):
    fails_above(1, monkeypatch, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(small_recipe("gan"), three_kinds, tmp_path / "c.safetensors", **NO_TIME)


def test_after_losses_that_are_not_finite_a_run_goes_on_from_the_last_good_state(
    tmp_path, three_kinds, monkeypatch
):
    """Planted: the step after image 48 of the first try gives NaN, as a flipped bit would."""
    recipe = small_recipe("gan", checkpoint_every=24)
    whole = train(recipe, three_kinds, tmp_path / "whole.safetensors", **NO_TIME)
    out, step = tmp_path / "c.safetensors", gan.Trainer.step

    def struck(trainer, images, labels):
        losses = step(trainer, images, labels)
        if trainer.steps_done == 6:
            with torch.no_grad():
                next(trainer.networks["generator"].parameters()).fill_(float("nan"))
            losses["generator"] = torch.tensor(float("nan"))
        return losses

    with monkeypatch.context() as patched:
        patched.setattr(gan.Trainer, "step", struck)
        with pytest.raises(TrainingError, match="all: the loss generator became nan at image 56;"):
            train(recipe, three_kinds, out, **NO_TIME)
    assert read_checkpoint(out).origin.images_seen == {"all": 48}
    train(recipe, three_kinds, out, resume=True, **NO_TIME)
    assert same(weights(whole), weights(out))
