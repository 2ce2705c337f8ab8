"""An FID on a planted network is the formula's; a file that is no Inception is refused, and none is ever assumed."""

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import Tensor, nn

from generator.__main__ import main
from generator.errors import EvaluationError
from generator.evaluation.inception import read_pool_network
from tests.generator.test_evaluation_page import photographs, write_pictures


class Planted(nn.Module):
    """Three means of colours and the largest brightness, then 2,044 features that are always 0."""

    def forward(self, images: Tensor) -> Tensor:
        values = images.float() / 255
        seen = torch.cat([values.mean((2, 3)), values.mean(1).amax((1, 2))[:, None]], 1)
        return torch.cat([seen, torch.zeros(len(images), 2044)], 1)


class Switched(nn.Module):
    """Classes unless asked for features, as the common translation of Inception answers."""

    def forward(self, images: Tensor, return_features: bool = False) -> Tensor:
        return torch.full((len(images), 2048 if return_features else 1008), 0.5)


class Five(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return torch.zeros(len(images), 5)


class Broken(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.float().sqrt() * float("nan") + torch.zeros(7, 7)


class NotFinite(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return torch.full((len(images), 2048), float("inf"))


def scripted(path: Path, network: nn.Module) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(network).save(path)
    return path


def planted_features(pixels: np.ndarray) -> np.ndarray:
    values = pixels.astype(np.float64) / 255
    return np.concatenate([values.mean((1, 2)), values.mean(3).max((1, 2))[:, None]], axis=1)


def test_the_number_is_the_formulas_and_is_named_with_weights_and_counts(tmp_path):
    samples, real = photographs(31, 40), photographs(32, 55)
    file = scripted(tmp_path / "planted.pt", Planted())
    out = tmp_path / "page"
    line = ["evaluate", str(write_pictures(tmp_path / "samples", samples)), "--inception", str(file)]
    assert main([*line, "--data", str(write_pictures(tmp_path / "real", real)), "--out", str(out)]) == 0
    a, b = planted_features(samples.pixels), planted_features(real.pixels)
    cross = sqrtm(np.cov(a.T) @ np.cov(b.T)).real
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(np.cov(a.T) + np.cov(b.T) - 2 * cross)
    found = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))
    fid = found["measures"]["fid"]
    assert fid["value"] == pytest.approx(expected, rel=1e-4)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (
        f"40 samples against 55 real images, on 2048 features by planted.pt, SHA-256 {sha256}"
        in fid["definition"]
    )
    assert found["made_from"]["inception"] == {"file": "planted.pt", "sha256": sha256}


def test_without_a_file_nothing_is_called_fid(tmp_path):
    pictures = str(write_pictures(tmp_path / "samples", photographs(33, 30)))
    assert main(["evaluate", pictures, "--data", pictures, "--out", str(tmp_path / "page")]) == 0
    found = json.loads((tmp_path / "page/evaluation.json").read_text(encoding="utf-8"))
    assert "fid" not in found["measures"]
    assert found["made_from"]["inception"] is None


def test_a_network_with_a_switch_is_asked_for_features(tmp_path):
    pool = read_pool_network(scripted(tmp_path / "switched.pt", Switched()))
    assert pool.features(np.zeros((3, 8, 8, 1), np.uint8)).shape == (3, 2048)


@pytest.mark.parametrize(
    ("network", "complaint"),
    [
        (Five(), r"expected 2048 pool features of Inception-v3 for each of 2 images, found \(2, 5\)"),
        (Broken(), r"expected a network for uint8 images \(2, 3, 32, 32\), it failed on them"),
        (NotFinite(), "expected finite features"),
    ],
)
def test_networks_that_are_no_inception_are_refused(tmp_path, network, complaint):
    with pytest.raises(EvaluationError, match=complaint):
        read_pool_network(scripted(tmp_path / "other.pt", network))


@pytest.mark.parametrize("content", [None, b"", b"hello", b"\x80\x04]q\x00."])
def test_files_that_are_no_network_are_refused_before_work(tmp_path, capsys, content):
    """The last is a pickle, which is never opened as one."""
    file = tmp_path / "weights.pt"
    if content is not None:
        file.write_bytes(content)
    line = ["evaluate", "lapgan-photos", "--inception", str(file), "--out", str(tmp_path / "page")]
    assert main(line) == 1
    error = capsys.readouterr().err
    assert "weights.pt: expected a TorchScript file of Inception-v3's pool features, found" in error
    assert error.count("\n") == 1
