"""Whatever the study looks like, every section is written, its figure drawn, and no bar is NaN without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from analysis.alerts import alerts
from analysis.observers import Observers, simulate
from analysis.provenance import provenance
from analysis.quoted import as_json
from analysis.responses import select
from analysis.results import Results, analyse
from analysis.sections import SECTIONS, Section, sections
from analysis.style import RC


def judged(rows: pd.DataFrame, real: np.ndarray) -> pd.DataFrame:
    """Rows with other answers."""
    return rows.assign(
        judged_real=pd.array(real, dtype="boolean"), response=np.where(real, "real", "generated")
    )


def of(rows: pd.DataFrame, **values: object) -> np.ndarray:
    """Which rows have these values."""
    return np.logical_and.reduce([(rows[name] == value).to_numpy(bool) for name, value in values.items()])


STUDIES: dict[str, tuple[int, Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "one person": (1, lambda rows: rows, "this person alone"),
    "two people": (2, lambda rows: rows, "Only 2"),
    "all answers real": (4, lambda rows: judged(rows, np.ones(len(rows), dtype=bool)), "all answers alike"),
    "all answers generated": (
        4,
        lambda rows: judged(rows, np.zeros(len(rows), dtype=bool)),
        "all answers alike",
    ),
    "all answers right": (4, lambda rows: judged(rows, of(rows, source="real")), "all answers alike"),
    "one exposure": (4, lambda rows: rows[of(rows, exposure_ms=200)], "rest on fewer"),
    "a missing cell": (
        4,
        lambda rows: rows[~of(rows, source="gan", exposure_ms=50)],
        "No answers at all for GAN at",
    ),
    "sources that share no time": (
        4,
        lambda rows: rows[of(rows, source="real", exposure_ms=50) | of(rows, source="gan", exposure_ms=75)],
        "No answers at all",
    ),
    "one image a source": (
        4,
        lambda rows: rows.assign(image=rows["source"].astype(object)),
        "the variance between people alone",
    ),
    "unknown sources": (
        4,
        lambda rows: rows.assign(
            source=rows["source"].astype(object).replace({"gan": "vae", "lapgan": "flow"})
        ),
        "rest on fewer",
    ),
    "nothing measured": (
        4,
        lambda rows: rows.assign(
            measured_ms=np.nan, reaction_ms=np.nan, timing_ok=pd.array([None] * len(rows), dtype="boolean")
        ),
        "nobody knows whether",
    ),
}


@pytest.mark.parametrize("name", STUDIES)
def test_every_section_copes_and_says_what_is_odd(name):
    n_people, change, words = STUDIES[name]
    rows = change(simulate(Observers(n_people=n_people, n_trials=88, images_per_source=60), seed=3))
    results = analyse(select(rows), provenance(Path(__file__)))
    told, said = sections(results), alerts(results)
    assert words in " ".join(said)
    for section in told:
        assert_plain(section)
        if section.figure:
            with mpl.rc_context(RC):
                section.figure.draw(Canvas(figsize=section.figure.inches).subplots(*section.figure.grid))
    assert len(told) >= len(SECTIONS) - 8
    numbers = as_json(results, said, told)["numbers"]
    assert len({number["name"] for number in numbers}) == len(numbers)
    assert_bars_are_finite(results)


def assert_plain(section: Section) -> None:
    """No sentence, caption or cell holds what Python says of an unknown number."""
    words = [*section.text]
    if section.table:
        words += [section.table.caption, *(cell for row in section.table.rows for cell in row)]
        assert {len(row) for row in section.table.rows} <= {len(section.table.head)}
    if section.figure:
        words += [section.figure.caption, section.figure.alt]
    for each in words:
        for unknown in ("nan", "inf ", "None", "  ", " . ", "()"):
            assert unknown not in each, (section.title, each)


def assert_bars_are_finite(results: Results) -> None:
    contrasts = results.planned
    assert np.isfinite(contrasts[["difference", "low", "high"]].to_numpy(float)).all()
    assert (contrasts["high"] > contrasts["low"]).all()
    assert contrasts[["low", "high"]].abs().max(axis=None) <= 1 if len(contrasts) else True
    for table in (results.cells, results.means):
        assert np.isfinite(table[["p", "low", "high"]].to_numpy()).all()
        assert (table["high"] > table["low"]).all()
