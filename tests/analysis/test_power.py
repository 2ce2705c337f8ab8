"""Planning: what simulated studies say agrees with what the package finds, and with what theory says."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis import power
from analysis.observers import Observers
from analysis.planning import RULES, chosen_looks, measures, stopping

PROJECT = Path(__file__).resolve().parents[2]
PAIR = ("cc-lapgan", "lapgan")
SMALL = ["--people", "8", "--trials", "88", "--images", "100", "--replications", "6"]


def by_name(observers: Observers, replications: int = 60) -> dict:
    return {each.quantity: each for each in measures(observers, PAIR, replications=replications, seed=1)}


def test_without_spread_between_people_and_images_the_half_width_is_the_binomial_one():
    found = by_name(Observers(20, 440, 200, 0.0, 0.0, 0.0))
    binomial = 1.96 * np.sqrt(0.25 / 200)  # 200 trials a cell, shares from 0.08 to 0.93
    assert 0.6 * binomial < found["one source at one time"].half_width < 1.15 * binomial
    for each in found.values():
        assert each.coverage == pytest.approx(0.95, abs=0.05)


def test_more_people_narrow_the_intervals_and_raise_the_power():
    few, many = by_name(Observers(10, 440, 250)), by_name(Observers(40, 440, 250))
    for quantity in few:
        assert many[quantity].half_width < few[quantity].half_width
    over_times = "difference over times"
    assert many[over_times].found > few[over_times].found
    assert many[over_times].detectable == pytest.approx(1.43 * many[over_times].half_width, rel=0.01)


WEIGHTS = {"real": 3.0, "gan": 1.0, "lapgan": 1.0, "cc-lapgan": 1.0}
ALIKE = dict.fromkeys(WEIGHTS, (0.5, 0.5))


def test_more_trials_of_a_source_narrow_its_intervals_and_widen_the_others():
    """Without spread the half-widths follow the numbers of trials: 220 and 73 a person, not 110 each."""
    observers = Observers(20, 440, 300, 0.0, 0.0, 0.0, ALIKE)
    even, uneven = by_name(observers), by_name(replace(observers, weights=WEIGHTS))
    assert set(uneven) - set(even) == {
        f"{before}{name}{after}"
        for name in WEIGHTS
        for before, after in (("mean of ", ""), ("", " at one time"))
    }
    for name, trials in (("real", 220), ("gan", 440 / 6), ("cc-lapgan", 440 / 6)):
        expected = 1.96 * np.sqrt(0.25 / (20 * trials))
        assert uneven[f"mean of {name}"].half_width == pytest.approx(expected, rel=0.12)
        assert uneven[f"{name} at one time"].half_width == pytest.approx(expected * np.sqrt(11), rel=0.12)
    both = 1.96 * np.sqrt(2 * 0.25 / (20 * 440 / 6))
    assert uneven["difference over times"].half_width == pytest.approx(both, rel=0.12)
    assert even["difference over times"].half_width < 0.9 * both


def test_few_images_of_a_source_widen_its_intervals_alone():
    observers = Observers(20, 440, 1000, 0.0, 0.0, 1.0, ALIKE)
    few = by_name(replace(observers, images={"gan": 120}), 30)
    many = by_name(replace(observers, images={"gan": 999}), 30)
    ratio = {name: few[f"mean of {name}"].half_width / many[f"mean of {name}"].half_width for name in WEIGHTS}
    assert ratio.pop("gan") > 1.4
    assert all(each == pytest.approx(1, abs=0.08) for each in ratio.values())


def test_stopping_by_precision_keeps_the_error_rate_and_stopping_by_significance_does_not():
    ends = stopping(
        Observers(40, 220, 250),
        PAIR,
        half_width=0.06,
        first=5,
        every=5,
        replications=120,
        seed=2,
        is_null=True,
    )
    error = {end.rule: end.found for end in ends}
    assert list(error) == list(RULES)
    assert error["fixed"] < 0.11 and error["precision"] < 0.11
    assert error["significance"] > error["fixed"] + 0.05
    people = {end.rule: end.people for end in ends}
    assert people["fixed"] == 40 > people["precision"]


def test_a_rule_that_is_never_met_ends_with_everybody():
    looks = [(5, -0.2, 0.3), (10, -0.1, 0.2), (15, -0.05, 0.15)]
    assert chosen_looks(looks, 0.01) == dict.fromkeys(RULES, looks[-1])
    assert chosen_looks(looks, 0.16)["precision"] == looks[1]


def test_the_json_is_what_the_table_says_and_repeats_exactly():
    command = [sys.executable, "-m", "analysis.power", *SMALL, "--stop-at", "20", "--json"]
    first, again = (
        subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    )
    assert first == again
    said = json.loads(first)
    (design,) = said["designs"]
    assert (design["people"], design["trials"], design["images_per_source"]) == (8, 88, 100)
    over_times = next(each for each in design["quantities"] if each["quantity"] == "difference over times")
    assert 0 < over_times["half_width"] < 1 and 0 <= over_times["found"] <= 1
    assert design["quantities"][0]["found"] is None
    assert {end["rule"] for end in design["stopping"]["nothing_there"]} == set(RULES)


def test_what_differs_between_sources_is_in_the_table_and_in_json(capsys):
    more = ["--weight", "real=2", "--weight", "gan=2", "--curve", "real=0.7:0.9", "--curve", "gan=0.5:0.3"]
    assert power.main([*SMALL, *more, "--images-of", "gan=300"]) == 0
    said = capsys.readouterr().out
    assert "8 people x 88 trials, real: 44 trials, 100 images; gan: 44 trials, 300 images" in said
    assert "mean of gan" in said and "real at one time" in said
    assert power.main([*SMALL, *more, "--images-of", "gan=300", "--json"]) == 0
    (design,) = json.loads(capsys.readouterr().out)["designs"]
    assert design["sources"][1] == {"source": "gan", "trials": 44.0, "images": 300}


def test_the_table_reads(capsys):
    assert power.main([*SMALL, "--stop-at", "20"]) == 0
    said = capsys.readouterr().out
    assert "8 people x 88 trials, 100 images a source" in said
    assert "cc-lapgan minus lapgan" in said and "significance" in said


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--curve", "gan=0.3"], "expected SOURCE=FIRST:LAST"),
        (["--curve", "gan=0.3:1.2"], "two shares between 0 and 1"),
        (["--curve", "gan=0.3:0.2"], "two sources at least, got one"),
        (["--difference", "gan", "dcgan"], "expected two of real, gan, lapgan, cc-lapgan, got 'dcgan'"),
        (["--difference", "gan", "gan"], "got gan twice"),
        (["--images", "10"], "take more images or fewer trials"),
        (["--exposures", "50", "50"], "different times"),
        (["--weight", "gan"], "--weight gan: expected SOURCE=NUMBER, such as real=3"),
        (["--weight", "gan=2"], "weights: expected a positive one for each of real, gan, lapgan, cc-lapgan"),
        (["--images-of", "gan=many"], "--images-of gan=many: expected SOURCE=NUMBER"),
        (["--replications", "1"], "expected at least 2, got 1"),
        (["--stop-at", "3", "--every", "20"], "a first look at 2..8 people"),
    ],
)
def test_arguments_that_describe_no_study_are_refused(more, sentence, capsys):
    assert power.main([*SMALL, *more]) == 1
    assert sentence in capsys.readouterr().err
