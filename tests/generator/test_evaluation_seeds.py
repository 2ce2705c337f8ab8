"""A distance comes with how far it moves between sets of samples."""

import json
from statistics import mean, stdev

import numpy as np
import pytest

from generator.__main__ import main
from generator.datasets import LabelledImages
from generator.evaluation.material import MOST_IMAGES, looked_at
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
    together = measures(tmp_path, small_gan, data, 4, "--seeds", "3")
    alone = [
        measures(tmp_path, small_gan, data, seed, "--seeds", "1")["measures"]["frechet_yardsticks"]["value"]
        for seed in (4, 5, 6)
    ]
    found = together["measures"]
    assert found["frechet_yardsticks"]["value"] == pytest.approx(alone[0], rel=1e-5)
    assert found["frechet_mean"]["value"] == pytest.approx(mean(alone), rel=1e-5)
    assert found["frechet_sd"]["value"] == pytest.approx(stdev(alone), rel=1e-3)
    assert [row[0] for row in together["tables"]["seeds"][0]["rows"]] == ["4", "5", "6"]
    assert together["made_from"]["sets"] == 3


def test_pictures_and_single_sets_have_no_spread(tmp_path, small_gan, three_kinds):
    data = write_real_set(three_kinds, 1, tmp_path / "real.zip")
    for found in (measures(tmp_path, data, data, 1), measures(tmp_path, small_gan, data, 1, "--seeds", "1")):
        assert "frechet_sd" not in found["measures"]


def test_of_many_real_images_so_many_are_looked_at_that_memory_holds():
    pixels = np.arange(3 * (MOST_IMAGES + 7), dtype=np.uint32).view(np.uint8).reshape(-1, 2, 2, 3)
    many = LabelledImages("many", pixels, None, ())
    seen = looked_at(many, 1).pixels.reshape(MOST_IMAGES, -1)
    assert len(np.unique(seen, axis=0)) == MOST_IMAGES
    assert len(looked_at(looked_at(many, 1), 2)) == MOST_IMAGES
