"""Parts trained apart and in pieces, in any order, become the model that one run would have trained."""

import dataclasses
import io
import json
import sys

import pytest
import torch

from generator import plan
from generator.checkpoint import read_checkpoint
from generator.errors import TrainingError
from generator.families import FAMILIES, joint
from generator.parts import (
    files_before,
    join_parts,
    part_file,
    parts_begun,
    write_sheet,
)
from generator.train import train, train_part
from tests.generator.conftest import small_recipe

NO_TIME = {"cpu_clock": lambda: 0.0}


def in_pieces(recipe, images, folder, part, steps_a_piece):
    """Train one part as jobs do, a few steps and a fresh start at a time; how many pieces it took."""
    pieces, share = 0, 0.0
    while share < 1:
        steps = iter([True] * steps_a_piece)
        _, share = train_part(
            recipe,
            images,
            part_file(folder, part),
            part,
            goes_on=lambda seen, share, steps=steps: next(steps, False),
            after=files_before(recipe, folder, part),
            **NO_TIME,
        )
        pieces += 1
    return pieces


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_parts_trained_apart_and_in_pieces_are_the_model_of_one_run(tmp_path, three_kinds, family):
    recipe = small_recipe(family)
    whole = read_checkpoint(train(recipe, three_kinds, tmp_path / "whole.safetensors", **NO_TIME))
    for part in reversed(recipe.parts):
        assert in_pieces(recipe, three_kinds, tmp_path, part, steps_a_piece=5) == 3
    joined = read_checkpoint(join_parts(recipe, tmp_path, tmp_path / "joined.safetensors"))
    expected, found = whole.model.state_dict(), joined.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert joined.origin.images_seen == whole.origin.images_seen
    assert joined.origin.dataset_sha256 == three_kinds.sha256()


@pytest.fixture
def in_stages(monkeypatch):
    """A recipe whose levels are taught together after each was taught alone, soon enough to change in a test."""
    monkeypatch.setattr(joint, "HEAD_START_STEPS", 2)
    recipe = small_recipe()
    return dataclasses.replace(recipe, config=dataclasses.replace(recipe.config, joint=True))


def test_stages_trained_apart_and_in_pieces_are_the_model_of_one_run(tmp_path, three_kinds, in_stages):
    """The joint part begins with the levels' full-precision weights, and its own count for every level."""
    whole = read_checkpoint(train(in_stages, three_kinds, tmp_path / "whole.safetensors", **NO_TIME))
    for stage in in_stages.stages:
        for part in reversed(stage):
            in_pieces(in_stages, three_kinds, tmp_path, part, steps_a_piece=5)
    joined = read_checkpoint(join_parts(in_stages, tmp_path, tmp_path / "joined.safetensors"))
    expected, found = whole.model.state_dict(), joined.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert joined.origin.images_seen == whole.origin.images_seen == {"8px": 96, "16px": 96, "joint": 96}
    alone = {part: read_checkpoint(part_file(tmp_path, part)).model.state_dict() for part in ("8px", "16px")}
    for name, value in found.items():
        level = name.split(".")[1]
        if value.dtype == torch.float32 and name.endswith("weight") and "table" not in name:
            assert not torch.equal(value, alone[level][name]), f"{name} was not taught by the joint part"


def test_a_joint_run_that_is_killed_goes_on_to_the_same_weights(tmp_path, three_kinds, in_stages):
    class Killed(BaseException):
        pass

    def kill_in_the_joint_part(part, share, losses):
        if part == "joint":
            raise Killed

    whole = read_checkpoint(train(in_stages, three_kinds, tmp_path / "whole.safetensors", **NO_TIME))
    with pytest.raises(Killed):
        train(
            in_stages,
            three_kinds,
            tmp_path / "killed.safetensors",
            progress=kill_in_the_joint_part,
            **NO_TIME,
        )
    out = train(in_stages, three_kinds, tmp_path / "killed.safetensors", resume=True, **NO_TIME)
    found = read_checkpoint(out).model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in whole.model.state_dict().items())


def test_what_can_be_joined_so_far_are_whole_stages(tmp_path, three_kinds, in_stages):
    assert parts_begun(in_stages, tmp_path) == ()
    in_pieces(in_stages, three_kinds, tmp_path, "16px", steps_a_piece=100)
    assert parts_begun(in_stages, tmp_path) == ()
    in_pieces(in_stages, three_kinds, tmp_path, "8px", steps_a_piece=100)
    begun = parts_begun(in_stages, tmp_path)
    assert begun == ("8px", "16px")
    so_far = read_checkpoint(join_parts(in_stages, tmp_path, tmp_path / "so-far.safetensors", begun))
    assert so_far.origin.images_seen == {"8px": 96, "16px": 96}


def test_a_part_does_not_begin_before_the_stage_before_it_is_done(tmp_path, three_kinds, in_stages):
    out = part_file(tmp_path, "joint")
    before = files_before(in_stages, tmp_path, "joint")

    def begin(**changes):
        return train_part(in_stages, three_kinds, out, "joint", goes_on=lambda seen, share: True, **changes)

    with pytest.raises(TrainingError, match="joint: begins when 8px, 16px is done"):
        begin()
    with pytest.raises(TrainingError, match="expected the state of the trained part 8px, found no such file"):
        begin(after=before)
    in_pieces(in_stages, three_kinds, tmp_path, "8px", steps_a_piece=100)
    train_part(
        in_stages,
        three_kinds,
        part_file(tmp_path, "16px"),
        "16px",
        goes_on=lambda seen, share: seen < 48,
        **NO_TIME,
    )
    with pytest.raises(TrainingError, match="joint: begins when 16px is done"):
        begin(after=before)
    assert not out.exists()


def test_a_level_does_not_go_on_under_a_joint_part_that_has_begun(tmp_path, three_kinds, in_stages):
    out = train(in_stages, three_kinds, tmp_path / "small.safetensors", **NO_TIME)
    longer = dataclasses.replace(in_stages.training, images=200)
    with pytest.raises(TrainingError, match="8px: cannot go on, joint has begun with what it had learned"):
        train(dataclasses.replace(in_stages, training=longer), three_kinds, out, resume=True, **NO_TIME)


def test_joined_losses_are_those_of_every_part(tmp_path, three_kinds):
    recipe = small_recipe(images=2000, checkpoint_every=2000)
    for part in recipe.parts:
        in_pieces(recipe, three_kinds, tmp_path, part, steps_a_piece=150)
    out = join_parts(recipe, tmp_path, tmp_path / "joined.safetensors")
    lines = [json.loads(line) for line in (tmp_path / "joined.safetensors.losses").read_text().splitlines()]
    expected = [("8px", 1000), ("8px", 2000), ("16px", 1000), ("16px", 2000)]
    assert [(line["part"], line["images_seen"]) for line in lines] == expected
    assert write_sheet(out, tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_a_part_that_is_not_there_is_missed(tmp_path, three_kinds):
    recipe = small_recipe()
    in_pieces(recipe, three_kinds, tmp_path, "8px", steps_a_piece=100)
    with pytest.raises(TrainingError, match="expected the trained part 16px, found no such file"):
        join_parts(recipe, tmp_path, tmp_path / "joined.safetensors")
    assert not (tmp_path / "joined.safetensors").exists()


def test_parts_of_different_images_are_not_joined(tmp_path, three_kinds):
    recipe = small_recipe()
    in_pieces(recipe, three_kinds, tmp_path, "8px", steps_a_piece=100)
    in_pieces(recipe, three_kinds.drawn(100, 1), tmp_path, "16px", steps_a_piece=100)
    with pytest.raises(TrainingError, match="trained on different images"):
        join_parts(recipe, tmp_path, tmp_path / "joined.safetensors")


RECIPE = """
source = "lapgan"
family = "lapgan"
dataset = "photos"
[training]
minutes = 2.5
"""


def test_a_plan_names_the_parts(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(RECIPE))
    assert plan.main() == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parts"] == ["8px", "16px", "32px"]
    assert told["stages"] == [["8px", "16px", "32px"]]
    assert (told["source"], told["dataset"]) == ("lapgan", "photos")


def test_a_plan_tells_what_waits_for_what(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(RECIPE + "[model]\njoint = true"))
    assert plan.main() == 0
    assert json.loads(capsys.readouterr().out)["stages"] == [["8px", "16px", "32px"], ["joint"]]


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ("source = ", "recipe: expected a recipe in TOML"),
        (RECIPE + "epochs = 3", r"recipe [training]: unknown key epochs"),
        (RECIPE + "[model]\nlevels = [16, 8]", "sizes that rise from at least 4"),
    ],
)
def test_a_recipe_that_cannot_be_trained_is_refused_in_a_sentence(monkeypatch, capsys, recipe, words):
    monkeypatch.setattr(sys, "stdin", io.StringIO(recipe))
    assert plan.main() == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1
