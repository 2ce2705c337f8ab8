"""Recipes say what they want, and what they want that does not exist is refused by name."""

from pathlib import Path

import pytest

import generator
from generator.errors import ConfigError
from generator.recipe import Training, read_recipe, recipe_from

CONFIGS = sorted((Path(generator.__file__).parent / "configs").glob("*.toml"))
PLAIN = {"source": "gan", "family": "gan", "dataset": "photos", "training": {"images": 10}}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_recipe_that_ships_can_be_read_and_is_named_for_what_it_makes(path):
    recipe = read_recipe(path)
    assert path.stem in (f"{recipe.source}-{recipe.dataset}", "tiny")


def test_there_is_a_recipe_for_every_source_and_data_set():
    sources = ("gan", "lapgan", "cc-lapgan")
    needed = {f"{source}-{dataset}" for source in sources for dataset in ("cifar10", "photos")}
    assert needed <= {path.stem for path in CONFIGS}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"colour": 1}, "here: unknown key colour; known are source, family"),
        ({"model": {"colour": 1}}, r"here \[model\]: unknown key colour"),
        ({"training": {"images": 1, "colour": 1}}, r"here \[training\]: unknown key colour"),
        ({"family": "vae"}, "here: expected a family among gan, lapgan, got 'vae'"),
        ({"source": 3}, "here: expected a text for source, got 3"),
        ({"seed": "many"}, "here: expected a whole number of at least 0 for seed, got 'many'"),
        ({"training": {}}, "either images or minutes"),
        ({"training": {"images": 5, "minutes": 1.0}}, "either images or minutes"),
        ({"training": {"images": 5, "batch_size": 1}}, "batch_size: expected at least 2"),
        ({"training": {"images": 5, "decay_share": 2}}, "expected decay_share"),
        ({"training": {"images": 5.5}}, r"here \[training\]: images: expected a whole number, got 5.5"),
        ({"training": {"images": 5, "batch_size": "32"}}, "batch_size: expected a whole number, got '32'"),
        ({"training": {"images": 5, "flip": "no"}}, "flip: expected true or false, got 'no'"),
    ],
)
def test_unusable_recipes_are_refused(change, complaint):
    with pytest.raises(ConfigError, match=complaint):
        recipe_from(PLAIN | change, "here")


def test_changes_on_the_command_line_reach_their_section(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text('source = "gan"\nfamily = "gan"\ndataset = "photos"\n[training]\nimages = 10\n')
    recipe = read_recipe(path, ["model.width=64", "dataset=folder", "training.flip=false"])
    assert (recipe.config.width, recipe.dataset, recipe.training.flip) == (64, "folder", False)
    with pytest.raises(ConfigError, match="--set: expected key=value, got 'width'"):
        read_recipe(path, ["width"])
    with pytest.raises(ConfigError, match="unknown key breadth"):
        read_recipe(path, ["model.breadth=64"])


def test_files_that_are_no_toml_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="found no such file"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("source = = 1")
    with pytest.raises(ConfigError, match=r"bad\.toml: expected a recipe in TOML"):
        read_recipe(tmp_path / "bad.toml")


def test_the_rate_stays_and_then_falls_to_five_percent_at_the_end():
    training = Training(images=1000, decay_share=0.3, decay_to=0.05)
    assert training.rate_factor(0.0) == training.rate_factor(0.7) == 1.0
    assert training.rate_factor(0.85) == pytest.approx(0.525)
    assert training.rate_factor(1.0) == pytest.approx(0.05)


def test_a_budget_counts_images_or_processor_time():
    assert Training(images=1000).share_done(250, cpu_seconds=1e9) == 0.25
    assert Training(minutes=2.0).share_done(10**9, cpu_seconds=60) == 0.5


def test_parts_of_a_last_stage_have_so_many_budgets():
    recipe = {"source": "lapgan", "family": "lapgan", "dataset": "photos", "model": {"joint": True}}
    recipe = recipe_from(recipe | {"training": {"minutes": 2.0, "last_stage": 3.0}}, "here")
    assert {part: recipe.budgets(part) for part in recipe.parts} == {
        "8px": 1,
        "16px": 1,
        "32px": 1,
        "joint": 3,
    }
    assert recipe.training.share_done(0, 180, recipe.budgets("joint")) == 0.5


def test_one_stage_alone_has_no_last_one():
    recipe = {
        "source": "gan",
        "family": "gan",
        "dataset": "photos",
        "training": {"images": 9, "last_stage": 2.0},
    }
    with pytest.raises(ConfigError, match=r"here \[training\]: last_stage: the model has one stage alone"):
        recipe_from(recipe, "here")
