"""The report says what fitted curves and the mixed model found, and no threshold where there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.observers import Observers, as_csv, simulate
from analysis.report import main
from benchmarks.thresholds import PLANTED, planted_study


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A report on 20 people with planted curves."""
    folder = tmp_path_factory.mktemp("planted")
    observers, _ = planted_study(n_people=20)
    (folder / "responses.csv").write_text(as_csv(simulate(observers, seed=4)))
    assert main([str(folder), "--out", str(folder / "report")]) == 0
    return folder / "report"


def numbers(report: Path) -> dict[str, dict]:
    return {each["name"]: each for each in json.loads((report / "results.json").read_text())["numbers"]}


def test_thresholds_are_quoted_with_intervals_that_hold_the_planted_ones(made):
    quoted, page = numbers(made), (made / "report.html").read_text()
    table = pd.read_csv(made / "thresholds.csv").set_index("source")
    assert "When the verdict turns" in page
    for source, planted in PLANTED.items():
        if table.loc[source, "finding"] == "turns":
            number = quoted[f"threshold: {source}"]
            assert number["unit"] == "milliseconds" and "new images" in number["estimand"]
            assert number["low"] < number["value"] < number["high"]
            assert number["value"] == pytest.approx(planted.threshold_ms, rel=0.5)
    assert (table["finding"] == "turns").sum() >= 2


def test_the_mixed_model_stands_beside_the_headline(made):
    quoted, page = numbers(made), (made / "report.html").read_text()
    table = pd.read_csv(made / "mixed_model.csv").set_index("source")
    lengths = (table["high_logit"] - table["low_logit"]) / (table["high"] - table["low"])
    assert f"its intervals are {lengths.mean():.2f} times as long in the mean" in page.replace("&#x27;", "'")
    assert (table["p"] - table["p_logit"]).abs().max() < 0.02
    assert (table["p_logit"] - table["p_probit"]).abs().max() < 0.01
    for effect in ("person", "person by source", "image"):
        assert 0 < quoted[f"spread: {effect}"]["value"] < 2
    assert quoted["mixed model: gan, mean over times"]["value"] == pytest.approx(
        quoted["judged real: gan, mean over times"]["value"], abs=0.02
    )


def test_flat_curves_have_no_threshold_and_one_person_no_mixed_model(tmp_path):
    curves = {"real": (0.7, 0.7), "gan": (0.3, 0.3)}
    (tmp_path / "responses.csv").write_text(as_csv(simulate(Observers(1, 110, 200, curves=curves), 1)))
    assert main([str(tmp_path), "--out", str(tmp_path / "report")]) == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "does not change with time beyond chance" in page
    assert not any(name.startswith(("threshold: ", "spread: ")) for name in numbers(tmp_path / "report"))
