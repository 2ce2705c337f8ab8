"""What docs/models says of the models that ship was measured on the weights that ship."""

import hashlib
import json
from pathlib import Path

import pytest

from generator.checkpoint import SHIPPED, shipped_names
from generator.features import described

MODELS = Path(__file__).resolve().parents[2] / "docs/models"
TEXT = (MODELS / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", shipped_names())
def test_the_evaluation_is_of_the_weights_that_ship(name):
    numbers = json.loads((MODELS / name / "evaluation.json").read_text(encoding="utf-8"))
    weights = (SHIPPED / f"{name}.safetensors").read_bytes()
    assert numbers["made_from"]["samples"]["checkpoint_sha256"] == hashlib.sha256(weights).hexdigest()
    ruler = described.SHIPPED.read_bytes()
    assert numbers["made_from"]["features"]["sha256"] == hashlib.sha256(ruler).hexdigest()


@pytest.mark.parametrize("name", shipped_names())
def test_the_table_says_what_the_evaluation_found(name):
    found = json.loads((MODELS / name / "evaluation.json").read_text(encoding="utf-8"))["measures"]
    detail = ", ".join(f"{found[f'detail_variance_{size}px']['value']:.2f}" for size in (8, 16, 32))
    (row,) = [line for line in TEXT.splitlines() if f"[page]({name}/evaluation.html)" in line]
    assert row.startswith(f"| `{name}` |")
    cells = [cell.strip() for cell in row.split("|")[2:6]]
    assert cells == [
        f"{found['frechet_yardsticks']['value']:.3f}",
        f"{found['precision']['value']:.2f}",
        f"{found['recall']['value']:.2f}",
        detail,
    ]


@pytest.mark.parametrize("name", shipped_names())
def test_no_page_shows_a_picture_of_cifar10(name):
    """Pages of models of CIFAR-10 are made without the strips of nearest training images."""
    html = (MODELS / name / "evaluation.html").read_text(encoding="utf-8")
    assert ("the nearest training image in pixels;" in html) is ("cifar10" not in name)
