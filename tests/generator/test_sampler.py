"""One sampler for all slices of a set, whoever draws them."""

import threading

import pytest
import torch

from generator import sampler as module
from generator.errors import ConfigError, ImageSetError
from generator.image_set import merge
from generator.sampler import AGREED, DTYPES, Sampler, agreed_sampler, usual_sampler
from generator.sampling import sample_to_zip

CPU = torch.device("cpu")


def test_a_cpu_without_units_for_bfloat16_draws_in_float32(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert usual_sampler(CPU).dtype == "float32"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert usual_sampler(CPU).dtype == "bfloat16"
    assert usual_sampler(CPU, "float32").dtype == "float32"


def test_whoever_comes_later_draws_as_the_first_did(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "precision_of", lambda _device: torch.float32)
    assert agreed_sampler(tmp_path, CPU).dtype == "float32"
    monkeypatch.setattr(module, "precision_of", lambda _device: torch.bfloat16)
    assert agreed_sampler(tmp_path, CPU).dtype == "float32"
    assert [file.name for file in tmp_path.iterdir()] == [AGREED]


def test_workers_that_begin_at_once_agree(tmp_path, monkeypatch):
    """Eight of them, each of which would choose another block."""
    all_there, chosen = threading.Barrier(8), []
    blocks = iter(range(1, 9))

    def choice(_device, _dtype):
        all_there.wait()
        return Sampler("float32", next(blocks))

    monkeypatch.setattr(module, "usual_sampler", choice)
    workers = [
        threading.Thread(target=lambda: chosen.append(agreed_sampler(tmp_path, CPU))) for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(chosen) == 8
    assert len(set(chosen)) == 1


def test_slices_of_two_samplers_do_not_join(tmp_path, small_checkpoint):
    parts = [
        sample_to_zip(
            small_checkpoint, first=first, count=4, seed=1, out=tmp_path / dtype, sampler=Sampler(dtype, 4)
        )
        for first, dtype in zip((0, 4), DTYPES, strict=True)
    ]
    with pytest.raises(ImageSetError, match=r"expected a slice of the same set as .*, but sampler differs"):
        merge(parts, tmp_path / "whole.zip")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"dtype": "float8", "block": 64}, "dtype: expected one of bfloat16, float32, got 'float8'"),
        ({"dtype": "float32", "block": 0}, "block: expected at least 1 image, got 0"),
    ],
)
def test_impossible_samplers_are_refused(settings, complaint):
    with pytest.raises(ConfigError, match=complaint):
        Sampler(**settings)


def test_a_note_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / AGREED).write_text("{")
    with pytest.raises(ConfigError, match=r"sampler\.json: expected the sampler of this folder's slices"):
        agreed_sampler(tmp_path, CPU)
