"""The device is chosen in one place, and one that is not there is refused in a sentence."""

import dataclasses

import pytest
import torch

from generator.batches import pools
from generator.device import COMPILING, VARIABLE, chosen_device, compiles, device_name, precision_of
from generator.errors import ConfigError
from generator.families import FAMILIES, lapgan
from generator.looks import look
from generator.noise import image_keys
from tests.generator.conftest import small_recipe


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
    assert precision_of(torch.device("cpu")) == expected


def test_networks_are_compiled_where_it_is_wanted_and_pays(monkeypatch):
    monkeypatch.delenv(COMPILING, raising=False)
    assert not compiles(torch.device("cuda"))
    monkeypatch.setenv(COMPILING, "1")
    assert compiles(torch.device("cuda"))
    assert not compiles(torch.device("cpu"))


@pytest.mark.filterwarnings("ignore")  # what the compiler warns of is not ours
@pytest.mark.parametrize("part", ["8px", "16px"])
def test_a_compiled_pair_takes_the_same_step(part):
    """With the compiler's own way through gradients, and without its code generator, which wants a GPU to pay."""
    config = small_recipe().config
    weights = []
    for compiled in (False, True):
        torch.manual_seed(0)
        model = lapgan.build(config).train()
        trainer = lapgan.Trainer(model, config, part)
        if compiled:
            for network in trainer.networks.values():
                network.compile(backend="aot_eager")
        for _ in range(2):
            trainer.step(torch.rand(4, 3, 16, 16) * 2 - 1, torch.tensor([0, 1, 2, 0]))
            trainer.steps_done += 1
        weights.append(model.state_dict())
    assert list(weights[0]) == list(weights[1])
    assert all(torch.allclose(value, weights[1][name], atol=2e-3) for name, value in weights[0].items())


def test_a_device_has_a_name():
    assert device_name(torch.device("cpu"))


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_nothing_of_a_step_lies_elsewhere_than_the_model(three_kinds, family, joint):
    """Planted: whatever is made without saying where lands on a device that holds no data, and fails there."""
    config, module = small_recipe(family).config, FAMILIES[family]
    if family == "lapgan":
        config = dataclasses.replace(config, joint=joint)
    model = module.build(config).train()
    here = torch.device("cpu")
    pool, apart = pools(three_kinds, 30, 0, here)
    (images, labels), keys = apart.chosen(torch.arange(5)), image_keys(0, 0, 5)
    for part in module.parts(config):
        trainer = module.Trainer(model, config, part)
        with torch.device("meta"):
            losses = trainer.step(*pool.batch(4, flip=True))
            shown = look(trainer, images, labels, keys)
        assert {loss.device for loss in losses.values()} == {shown.true.device, shown.drawn.device} == {here}
