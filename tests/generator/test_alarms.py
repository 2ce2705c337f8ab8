"""Alarms hear every planted collapse, name it, and are silent about real images."""

import json
import math

import numpy as np
import pytest
import torch

from generator.alarms import (
    AlarmLog,
    alarms_file,
    class_difference,
    detail_variance,
    mean_pairwise_distance,
    measures,
    standing,
)
from generator.families.family import Shown
from generator.pyramid import low_pass


def pictures(count, seed):
    """Images (N, 3, 16, 16) of smooth shapes with some fine grain, a third of them lighter: three classes by light."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 4, 4, generator=generator) - 0.5
    smooth = torch.nn.functional.interpolate(coarse, size=16, mode="bilinear")
    grain = 0.1 * torch.randn(count, 3, 16, 16, generator=generator)
    light = (torch.arange(count) % 3 - 1) * 0.5
    return (smooth + grain + light[:, None, None, None]).clamp(-1, 1)


def by_light(pixels):
    """A perfect classifier of these pictures."""
    return np.digitize(pixels.mean((1, 2, 3)), [96, 159])


TRUE = pictures(240, seed=0)
# What a collapsed generator draws, and the words of the alarms that must sound; nothing for real images.
PLANTED = {
    "real images": (pictures(240, seed=1), []),
    "one constant": (torch.full_like(TRUE, 0.2), ["blurred", "alike", "classes are missing"]),
    "one mode": (TRUE[:1].repeat(240, 1, 1, 1), ["alike", "classes are missing"]),
    "one class": (pictures(720, seed=2)[1::3], ["classes are missing"]),
    "blurred": (low_pass(pictures(240, seed=3), 8), ["blurred"]),
    "noisy": (pictures(240, seed=4) + 0.3 * torch.randn(240, 3, 16, 16), ["noisy"]),
    "noise": (torch.rand(240, 3, 16, 16) * 2 - 1, ["noisy", "classes are missing"]),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_collapse_is_heard_and_real_images_are_not(planted):
    drawn, words = PLANTED[planted]
    found = standing([measures(Shown(TRUE, drawn, True), 1.2, by_light)] * 10)
    assert [word for word in words if not any(word in said for said in found)] == []
    assert len(found) == len(words), found


@pytest.mark.parametrize(
    ("losses", "words"),
    [
        ([0.02] * 2, ["the discriminator wins"]),
        ([0.9, 0.02], []),
        ([1.3863] * 5, ["the discriminator learns nothing"]),
        ([1.3863] * 4, []),
        # What healthy trainings of small images showed at their end.
        ([1.371, 1.334, 1.37, 1.36, 1.371], []),
        ([1.377, 1.3871, 1.3877, 1.371, 1.3576], []),
        ([0.98, 1.02, 1.1, 1.25, 1.3], []),
    ],
)
def test_a_discriminator_that_wins_or_learns_nothing_is_heard(losses, words):
    found = standing([{"discriminator": loss} for loss in losses])
    assert [said.partition(":")[0] for said in found] == words


def test_an_alarm_waits_for_the_second_measurement():
    assert standing([{"detail": 1.0}, {"detail": 0.2}]) == []
    assert standing([{"detail": 0.3}, {"detail": 0.2}]) == [
        "samples are blurred: 0.20 times the fine detail of real images"
    ]
    assert standing([{"detail": 0.3}, {"detail": 0.2}, {"detail": 0.9}]) == []
    assert standing([{}, {}]) == []


def test_pairwise_distance_and_detail_are_what_they_say():
    """Two points five apart; a checkerboard of height 2 is all detail, a ramp has next to none."""
    pair = torch.zeros(2, 1, 1, 2)
    pair[1] = torch.tensor([3.0, 4.0])
    assert mean_pairwise_distance(pair) == pytest.approx(5)
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 4.0 - 2
    assert detail_variance(board[None, None]) == pytest.approx(4, rel=0.02)
    assert detail_variance(torch.linspace(-1, 1, 8).expand(1, 1, 8, 8)) < 0.01


def test_chance_alone_raises_no_alarm_for_classes():
    rng = np.random.default_rng(0)
    found = [class_difference(rng.integers(0, 10, 250), rng.integers(0, 10, 250)) for _ in range(300)]
    assert np.mean(found) == pytest.approx(0.1, abs=0.02)
    assert max(found) < 0.25
    assert class_difference(np.zeros(10, int), np.ones(10, int)) == 1


def test_real_images_that_give_no_scale_are_no_measure():
    flat = torch.zeros(8, 3, 8, 8)
    assert measures(Shown(flat, flat, False), None, None) == {}


def test_an_alarm_is_told_when_it_begins_and_kept_while_it_stands(tmp_path):
    log = AlarmLog(tmp_path / "c", {"8px": 0, "16px": 0})
    values = [0.4, 0.4, 0.41, 1.0, 0.4, 0.4]
    told = [log.note("8px", 1000 * at, {"detail": value}) for at, value in enumerate(values, 1)]
    assert [bool(new) for new in told] == [False, True, False, False, False, True]
    assert log.note("16px", 1000, {"detail": 0.4}) == []
    log.tell("8px", 6500, "something else")
    lines = [json.loads(line) for line in alarms_file(tmp_path / "c").read_text().splitlines()]
    assert [len(line["alarms"]) for line in lines if "alarms" in line] == [0, 1, 1, 0, 0, 1, 0]
    assert lines[-1] == {"part": "8px", "images_seen": 6500, "told": "something else"}
    # A run that goes on remembers what it had measured.
    again = AlarmLog(tmp_path / "c", {"8px": 1000, "16px": 0})
    assert len(again.note("8px", 2000, {"detail": 0.3})) == 1


def test_the_balance_is_the_loss_of_a_coin():
    from generator.alarms import BALANCE

    assert pytest.approx(2 * math.log1p(math.exp(0))) == BALANCE
