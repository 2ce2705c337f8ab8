"""Losses are read rarely and lose nothing: every mean is right, and what is not finite is named."""

import json

import pytest
import torch

from generator.errors import TrainingError
from generator.losses import LossLog, last_losses, losses_file


def noted(log, values, name="generator", first=10):
    for step, value in enumerate(values):
        log.note(first + 10 * step, {name: torch.tensor(value)})


def test_a_line_is_the_mean_since_the_last_one(tmp_path):
    log = LossLog(tmp_path / "c", {"8px": 0})
    noted(log, [1.0, 2.0, 6.0])
    assert log.write("8px", 30) == {"generator": 3.0}
    noted(log, [5.0], first=40)
    assert log.write("8px", 40) == {"generator": 5.0}
    assert log.mean_since("8px", 30) == {"generator": 5.0}
    assert log.mean_since("8px", 0) == {"generator": 4.0}
    assert last_losses(tmp_path / "c") == {"8px": {"generator": 4.0}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_the_first_loss_that_is_not_finite_is_named_with_its_image(tmp_path, value):
    log = LossLog(tmp_path / "c", {"8px": 0})
    noted(log, [1.0, 2.0, value, 3.0, float("nan")])
    with pytest.raises(TrainingError, match=rf"8px: the loss generator became {value} at image 30;"):
        log.require_finite("8px")


def test_a_run_that_goes_on_keeps_the_lines_it_will_not_write_again(tmp_path):
    lines = [{"part": "8px", "images_seen": seen, "generator": 1.0} for seen in (1000, 2000, 3000)]
    lines.append({"part": "of another recipe", "images_seen": 5, "generator": 1.0})
    text = "".join(json.dumps(line) + "\n" for line in lines)
    losses_file(tmp_path / "c").write_text(text + '{"part": "8p')  # a killed run may leave half a line
    LossLog(tmp_path / "c", {"8px": 2000})
    kept = [json.loads(line) for line in losses_file(tmp_path / "c").read_text().splitlines()]
    assert [line["images_seen"] for line in kept] == [1000, 2000]
