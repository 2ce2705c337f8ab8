"""The command line does what it says, refuses in one sentence, and stays light where it can."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from generator.__main__ import main
from generator.image_set import open_image_set

PROJECT = Path(__file__).resolve().parents[2]
CONFIG = PROJECT / "generator/configs/tiny.toml"


def child(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_train_sample_and_card_make_a_described_image_set(tmp_path, capsys):
    checkpoint, card = tmp_path / "tiny.safetensors", tmp_path / "tiny.md"
    assert main(["train", str(CONFIG), "--out", str(checkpoint), "--set", "training.images=32"]) == 0
    out = tmp_path / "set.zip"
    assert main(["sample", str(checkpoint), "--count", "20", "--seed", "5", "--out", str(out)]) == 0
    with open_image_set(out) as stored:
        assert (len(stored), stored.manifest["source"], stored.manifest["seed"]) == (20, "cc-lapgan", 5)
        assert stored.manifest["credits"][0]["author"] == "NASA"
    assert main(["card", str(checkpoint), "--hardware", "a desk", "--by-eye", "Nothing to see."]) == 0
    assert capsys.readouterr().out.splitlines() == [str(checkpoint), str(out), str(card)]
    text = card.read_text(encoding="utf-8")
    assert "Nothing to see." in text
    assert re.search(r"\| 16px \| 32 \|.*(bfloat16|float32) on .+, batches of 16 \|", text)
    assert (tmp_path / "tiny.png").stat().st_size > 1000


def test_alarms_are_told_as_they_begin(tmp_path, capsys):
    """Planted: a model that learns nothing keeps drawing what it began with."""
    settings = ["training.images=96", "training.watch_every=32", "model.learning_rate=1e-12"]
    out = tmp_path / "still.safetensors"
    assert main(["train", str(CONFIG), "--out", str(out), *(f"--set={setting}" for setting in settings)]) == 0
    told = capsys.readouterr().err
    assert re.search(r"8px, image 64: ALARM: samples are \w+: \d+\.\d\d times", told)


def test_dataset_writes_the_study_draw(tmp_path):
    out = tmp_path / "real.zip"
    assert main(["dataset", "photos", "--count", "30", "--seed", "2", "--out", str(out)]) == 0
    with open_image_set(out) as stored:
        manifest = stored.manifest
    assert (manifest["is_real"], manifest["source"], manifest["checkpoint"]) == (True, "real", None)
    assert len(manifest["images"]) == 30
    assert "photos: 32x32 crops" in manifest["notes"][0]


def test_files_that_are_not_official_are_announced_and_noted(tmp_path, shared_data, capsys):
    out = tmp_path / "real.zip"
    data = shared_data / "cifar-10-batches-bin-1017"
    assert main(["dataset", "cifar10", "--data", str(data), "--count", "1200", "--out", str(out)]) == 0
    warned = capsys.readouterr().err
    assert "WARNING: NOT THE OFFICIAL CIFAR-10 FILES" in warned
    assert "has 1017 images in its study split, fewer than the 1200 asked for" in warned
    with open_image_set(out) as stored:
        assert len(stored) == 1017
        assert stored.manifest["notes"][0].startswith("NOT THE OFFICIAL")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["sample", "nothing", "--count", "1", "--seed", "0"], "error: expected a checkpoint file or one of"),
        (["dataset", "imagenet"], "error: expected a data set among"),
        (
            ["dataset", "cifar10", "--data", "/nowhere"],
            "error: /nowhere: expected a folder or a zip of pictures, found nothing",
        ),
        (["train", str(CONFIG), "--set", "model.colour=1"], "[model]: unknown key colour"),
        (
            ["train", str(CONFIG), "--device", "cuda:99"],
            "--device: expected a device of this machine, got cuda:99",
        ),
    ],
)
def test_refusals_are_one_sentence_without_traceback(tmp_path, capsys, arguments, sentence):
    assert main([*arguments, "--out", str(tmp_path / "x")]) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_wrong_usage_ends_with_2(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["sample", "x", "--count", "0", "--seed", "1", "--out", "y"])
    assert "expected at least 1, got 0" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["train"], ["sample"], ["dataset"], ["card"]])
def test_help_teaches(capsys, command):
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    assert len(capsys.readouterr().out.splitlines()) > 8


def test_writing_real_images_needs_no_torch():
    code = (
        "import sys; from generator.__main__ import main; "
        "main(['dataset', 'folder', '--data', '/nowhere', '--out', '/nowhere/x']); "
        "import generator.image_set, generator.real_sets; print('torch' in sys.modules)"
    )
    assert child(code) == "False"


def test_importing_the_package_loads_nothing_heavy():
    code = (
        "import sys, generator; print([n for n in ('torch', 'numpy', 'PIL', 'django') if n in sys.modules])"
    )
    assert child(code) == "[]"
