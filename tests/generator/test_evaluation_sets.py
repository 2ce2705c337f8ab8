"""A distance comes with how far it moves between sets of samples."""

import dataclasses
import json
from statistics import mean, stdev

import numpy as np
import pytest

from generator.__main__ import main
from generator.datasets import LabelledImages
from generator.evaluation.material import MOST_IMAGES, looked_at, read_samples
from generator.real_sets import write_real_set


def measures(tmp_path, generated, data, seed: int, *more: str) -> dict:
    out = tmp_path / f"page{seed}{len(more)}"
    line = [
        "evaluate",
        str(generated),
        "--data",
        str(data),
        "--count",
        "60",
        "--seed",
        str(seed),
        "--out",
        str(out),
    ]
    assert main([*line, *more]) == 0
    return json.loads((out / "evaluation.json").read_text(encoding="utf-8"))


def test_mean_and_spread_are_those_of_single_evaluations(tmp_path, small_gan, three_kinds):
    data = write_real_set(three_kinds, 1, tmp_path / "real.zip")
    together = measures(tmp_path, small_gan, data, 4, "--sets", "3")
    alone = [
        measures(tmp_path, small_gan, data, seed, "--sets", "1")["measures"]["frechet_yardsticks"]["value"]
        for seed in (4, 5, 6)
    ]
    found = together["measures"]
    assert found["frechet_yardsticks"]["value"] == pytest.approx(alone[0], rel=1e-5)
    assert found["frechet_mean"]["value"] == pytest.approx(mean(alone), rel=1e-5)
    assert found["frechet_sd"]["value"] == pytest.approx(stdev(alone), rel=1e-3)
    assert [row[0] for row in together["tables"]["sets"][0]["rows"]] == ["the first", "seed 5", "seed 6"]
    assert together["made_from"]["sets"] == 3


def test_pictures_are_parted_and_what_is_too_few_for_a_second_part_has_no_spread(
    tmp_path, small_gan, three_kinds
):
    """150 pictures make two parts of 60."""
    data = write_real_set(three_kinds, 1, tmp_path / "real.zip")
    parted = measures(tmp_path, data, data, 1)
    assert [row[0] for row in parted["tables"]["sets"][0]["rows"]] == ["the first", "part 2"]
    assert 0 <= parted["measures"]["frechet_mean"]["value"] < 1
    few = measures(tmp_path, data, data, 2, "--count", "80")
    single = measures(tmp_path, small_gan, data, 1, "--sets", "1")
    assert not {"frechet_sd", "frechet_mean"} & (few["measures"].keys() | single["measures"].keys())


def test_parts_of_pictures_share_none(tmp_path, three_kinds):
    data = write_real_set(three_kinds, 1, tmp_path / "real.zip")
    samples = read_samples(str(data), 40, 3, lambda doing, done, in_all: None)
    parts = [samples.images.pixels, *(samples.another(number)[1] for number in (1, 2))]
    assert len(np.unique(np.concatenate(parts).reshape(120, -1), axis=0)) == 120
    assert samples.another(3) is None


def test_of_many_real_images_so_many_are_looked_at_that_memory_holds():
    pixels = np.arange(3 * (MOST_IMAGES + 7), dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2, 3)
    many = LabelledImages("many", pixels, None, ())
    seen = looked_at(many, 1).pixels.reshape(MOST_IMAGES, -1)
    assert len(np.unique(seen, axis=0)) == MOST_IMAGES
    assert looked_at(many, 1).notes == (
        "Only 50000 of the 50007 images of many were looked at, drawn at random: copies of others would not be found",
    )
    few = dataclasses.replace(many, pixels=pixels[:MOST_IMAGES])
    assert (len(looked_at(few, 2)), looked_at(few, 2).notes) == (MOST_IMAGES, ())
