"""Models are compared only where their cost is about equal, and only by distances of the very weights."""

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks import families, options
from benchmarks.equal_compute import at_budget
from generator.checkpoint import read_checkpoint

CONFIGS = Path(__file__).resolve().parents[2] / "generator/configs"
MODEL = families.Model("one", "cifar10", 1_000_000, 10, (5000,), 6.0, (0.4, 0.01))


def test_pairs_of_about_equal_cost_are_told_and_no_others():
    small = dataclasses.replace(MODEL, name="small", weights=100_000, distance=(0.8, None))
    long = dataclasses.replace(MODEL, name="long", cpu_minutes=60.0, distance=(0.2, None))
    unknown = dataclasses.replace(MODEL, name="unknown", distance=(None, None))
    assert families.side_by_side([MODEL, small, long, unknown]) == [
        "- At about equal weights, `long` lies at 0.50 of the distance of `one`.",
        "- At about equal CPU minutes, `one` lies at 0.50 of the distance of `small`.",
    ]


def test_a_row_tells_the_distance_with_its_spread():
    assert MODEL.row() == "| `one` | 1.00 | 0.0 | 5 | 6.0 | 0.400 ± 0.010 |"


def test_a_distance_of_other_weights_is_not_told(tmp_path, monkeypatch, small_gan):
    checkpoint = read_checkpoint(small_gan)
    monkeypatch.setattr(families, "MODELS", tmp_path)
    assert families.measured_distance("mine", checkpoint) == (None, None)
    (tmp_path / "mine").mkdir()
    for sha256, expected in ((checkpoint.sha256, (0.7, 0.1)), ("0" * 64, (None, None))):
        page = {
            "made_from": {"samples": {"checkpoint_sha256": sha256}},
            "measures": {
                "frechet_yardsticks": {"value": 0.6},
                "frechet_mean": {"value": 0.7},
                "frechet_sd": {"value": 0.1},
            },
        }
        (tmp_path / "mine/evaluation.json").write_text(json.dumps(page), encoding="utf-8")
        assert families.measured_distance("mine", checkpoint) == expected


@pytest.mark.parametrize(
    ("name", "budgets"), [("cc-lapgan-cifar10", 8), ("gan-cifar10", 1), ("lapgan-stl10-unlabeled", 5)]
)
def test_a_budget_is_shared_out_over_the_parts(name, budgets):
    training = at_budget(CONFIGS / f"{name}.toml", 6.0).training
    assert (training.minutes * budgets, training.images) == (pytest.approx(6.0), 0)


@pytest.mark.parametrize(
    ("row", "parts"),
    [("levels alone", ("8px", "16px", "32px")), ("joint at the end", ("8px", "16px", "32px", "joint"))],
)
def test_whole_models_are_compared_at_six_minutes_each(row, parts):
    trial = options.TRIALS[row]
    recipe = options.recipe_of(trial, minutes=1.0)
    assert recipe.parts == parts
    assert sum(map(recipe.budgets, parts)) * recipe.training.minutes == pytest.approx(6.0)
