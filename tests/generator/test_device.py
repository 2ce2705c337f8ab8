"""The device is chosen in one place, and one that is not there is refused in a sentence."""

import pytest
import torch

from generator.device import VARIABLE, chosen_device, device_name, training_precision
from generator.errors import ConfigError


def test_a_name_goes_before_the_environment_and_that_before_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv(VARIABLE, raising=False)
    assert chosen_device() == torch.device("cuda")
    monkeypatch.setenv(VARIABLE, "cuda:1")
    assert chosen_device() == torch.device("cuda:1")
    assert chosen_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv(VARIABLE)
    assert chosen_device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["tpu", "mps", "meta", "cuda:x", "cpu:1", "GPU"])
def test_a_device_of_another_kind_is_refused(name):
    with pytest.raises(ConfigError, match=f"--device: expected cpu, cuda or cuda:N, got '{name}'"):
        chosen_device(name)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv(VARIABLE, "cuda:1")
    with pytest.raises(
        ConfigError, match=f"{VARIABLE}: expected a device of this machine, got cuda:1, but torch sees 1"
    ):
        chosen_device()


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"bf16": True}, torch.bfloat16),  # ARM
        ({"avx512_bf16": False, "avx2": True}, torch.float32),
    ],
)
def test_without_units_for_bfloat16_a_training_takes_float32(monkeypatch, found, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert training_precision(torch.device("cpu")) == expected


def test_a_device_has_a_name():
    assert device_name(torch.device("cpu"))
