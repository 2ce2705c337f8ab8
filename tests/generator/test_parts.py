"""Parts trained apart and in pieces, in any order, become the model that one run would have trained."""

import io
import json
import sys

import pytest
import torch

from generator import plan
from generator.checkpoint import read_checkpoint
from generator.errors import TrainingError
from generator.families import FAMILIES
from generator.parts import join_parts, part_file, parts_of, write_sheet
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
            **NO_TIME,
        )
        pieces += 1
    return pieces


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_parts_trained_apart_and_in_pieces_are_the_model_of_one_run(tmp_path, three_kinds, family):
    recipe = small_recipe(family)
    whole = read_checkpoint(train(recipe, three_kinds, tmp_path / "whole.safetensors", **NO_TIME))
    for part in reversed(parts_of(recipe)):
        assert in_pieces(recipe, three_kinds, tmp_path, part, steps_a_piece=5) == 3
    joined = read_checkpoint(join_parts(recipe, tmp_path, tmp_path / "joined.safetensors"))
    expected, found = whole.model.state_dict(), joined.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert joined.origin.images_seen == whole.origin.images_seen
    assert joined.origin.dataset_sha256 == three_kinds.sha256()


def test_joined_losses_are_those_of_every_part(tmp_path, three_kinds):
    recipe = small_recipe(images=2000, checkpoint_every=2000)
    for part in parts_of(recipe):
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


def test_a_plan_names_the_parts_and_the_budget(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(RECIPE))
    assert plan.main() == 0
    told = json.loads(capsys.readouterr().out)
    assert told["parts"] == ["8px", "16px", "32px"]
    assert (told["source"], told["dataset"], told["images"], told["minutes"]) == ("lapgan", "photos", 0, 2.5)


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
