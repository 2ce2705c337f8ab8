"""Checkpoints come back as they were written, and say what is wrong with others."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from generator.checkpoint import SHIPPED, read_checkpoint, resolve, shipped_names, write_checkpoint
from generator.errors import CheckpointError
from generator.families import FAMILIES
from generator.resume import stored_state
from generator.train import train
from tests.generator.conftest import small_recipe

# Which kind of networks each model has: the preset's GAN is the paper's.
KIND_OF = {
    "gan-cifar10": "paper",
    "gan-photos": "paper",
    "gan-modern-cifar10": "modern",
    "gan-modern-photos": "modern",
    "lapgan-cifar10": "modern",
    "lapgan-photos": "modern",
    "lapgan-paper-cifar10": "paper",
    "cc-lapgan-cifar10": "modern",
    "cc-lapgan-photos": "modern",
    "cc-lapgan-paper-cifar10": "paper",
}


def parts_of(path):
    with safe_open(path, framework="pt") as file:
        return file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def rewritten(path, target, header=None, tensors=None):
    """A copy of a checkpoint with changes to its header and tensors (None deletes)."""
    old_header, old_tensors = parts_of(path)
    new_header = {k: v for k, v in (old_header | (header or {})).items() if v is not None}
    new_tensors = {k: v for k, v in (old_tensors | (tensors or {})).items() if v is not None}
    save_file(new_tensors, target, new_header)
    return target


def test_a_checkpoint_knows_its_origin(small_checkpoint, three_kinds):
    loaded = read_checkpoint(small_checkpoint)
    assert loaded.family == "lapgan"
    assert loaded.config == small_recipe().config
    assert loaded.origin.source == "cc-lapgan"
    assert loaded.origin.class_names == three_kinds.class_names
    assert loaded.origin.images_seen == {"8px": 96, "16px": 96}
    assert loaded.origin.dataset_sha256 == three_kinds.sha256()
    assert loaded.origin.notes == ("drawn for a test",)
    assert not loaded.model.training


def test_weights_come_back_to_half_precision(tmp_path, three_kinds):
    path = train(small_recipe(), three_kinds, tmp_path / "a.safetensors")
    kept = stored_state(tmp_path / "a.safetensors.resume")["model"]
    for name, value in read_checkpoint(path).model.state_dict().items():
        assert torch.allclose(value, kept[name], rtol=2**-11, atol=2**-24), name


def test_matrices_are_stored_in_half_precision_and_nothing_else_is_stored(small_checkpoint):
    _, tensors = parts_of(small_checkpoint)
    assert {value.dtype for value in tensors.values() if value.ndim >= 2} == {torch.float16}
    assert not [name for name in tensors if "discriminator" in name]


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "no.safetensors"
    path.write_bytes(b"PK\x03\x04 this is something else entirely")
    with pytest.raises(
        CheckpointError, match=r"no\.safetensors: expected a Tachisto checkpoint \(safetensors\)"
    ):
        read_checkpoint(path)


def test_a_truncated_file_is_refused(tmp_path, small_checkpoint):
    path = tmp_path / "short.safetensors"
    path.write_bytes(small_checkpoint.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"expected a Tachisto checkpoint \(safetensors\)"):
        read_checkpoint(path)


def test_a_name_that_is_nothing_is_refused_with_the_names_there_are(tmp_path):
    with pytest.raises(CheckpointError, match="expected a checkpoint file or one of the shipped names"):
        read_checkpoint("lapgan-nowhere")
    with pytest.raises(CheckpointError, match="expected a checkpoint file"):
        resolve(tmp_path)


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ({"format": "2"}, "of format 1, found format 2"),
        ({"format": None}, "of format 1, found format none"),
        ({"family": "vae"}, "expected a family among gan, lapgan, got 'vae'"),
        ({"config": json.dumps({"levels": [8, 16], "colour": 1})}, "unknown key colour"),
        ({"config": json.dumps({"levels": [16, 8]})}, "expected sizes that rise"),
        ({"config": "not json"}, "the header cannot be used"),
        ({"images_seen": None}, "the header cannot be used"),
    ],
)
def test_headers_that_cannot_be_used_are_refused(tmp_path, small_checkpoint, header, complaint):
    path = rewritten(small_checkpoint, tmp_path / "x.safetensors", header)
    with pytest.raises(CheckpointError, match=complaint):
        read_checkpoint(path)


def test_tensors_of_wrong_shape_or_name_are_refused(tmp_path, small_checkpoint):
    name = "levels.16px.last.weight"
    wrong = rewritten(small_checkpoint, tmp_path / "w.safetensors", tensors={name: torch.zeros(3, 3)})
    with pytest.raises(CheckpointError, match=rf"{name}: expected shape \(12, 8, 3, 3\), found \(3, 3\)"):
        read_checkpoint(wrong)
    missing = rewritten(small_checkpoint, tmp_path / "m.safetensors", tensors={name: None})
    with pytest.raises(CheckpointError, match=f"the tensors do not fit the config, first {name}"):
        read_checkpoint(missing)


def test_weights_that_are_not_finite_are_not_written(tmp_path, small_checkpoint):
    loaded = read_checkpoint(small_checkpoint)
    next(iter(loaded.model.parameters())).data.fill_(float("nan"))
    with pytest.raises(CheckpointError, match="holds values that are not finite"):
        write_checkpoint(tmp_path / "n.safetensors", "lapgan", loaded.config, loaded.origin, loaded.model)
    assert not list(tmp_path.iterdir())


def test_what_ships_is_what_the_study_needs():
    assert shipped_names() == sorted(KIND_OF)
    assert sum(resolve(name).stat().st_size for name in KIND_OF) <= 30_000_000


@pytest.mark.parametrize("name", KIND_OF)
def test_every_shipped_checkpoint_is_small_whole_and_described(name):
    path = resolve(name)
    assert path == SHIPPED / f"{name}.safetensors"
    assert path.stat().st_size <= 5_000_000
    loaded = read_checkpoint(name)
    assert f"{loaded.origin.source}-{loaded.origin.dataset}" == name
    assert loaded.recipe == KIND_OF[name]
    assert bool(loaded.config.classes) == name.startswith("cc-")
    assert min(loaded.origin.images_seen.values()) > 0
    assert loaded.family in FAMILIES
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert loaded.sha256 in card
    assert path.with_suffix(".png").stat().st_size <= 200_000
