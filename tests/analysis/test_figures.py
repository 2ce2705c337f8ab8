"""What a figure shows is what the table says, read back from the marks on the axes."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis import published
from analysis.counts import count_tables
from analysis.figures import FIGURE_1_INCHES, LABEL_GAP, judged_real_over_time, spread
from analysis.intervals import cells
from analysis.observers import Observers, simulate
from analysis.style import FURTHER, KNOWN, RC, source_styles


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return cells(count_tables(simulate(Observers(n_people=6, n_trials=220, images_per_source=100), seed=2)))


def drawn(table: pd.DataFrame, **options: bool) -> Axes:
    with mpl.rc_context(RC):
        ax = Figure(figsize=FIGURE_1_INCHES, layout="constrained").add_subplot()
        judged_real_over_time(ax, table, **options)
        ax.figure.canvas.draw()
    return ax


def marks(ax: Axes) -> dict[str, object]:
    artists = [*ax.lines, *ax.texts, *ax.collections]
    return {artist.get_gid(): artist for artist in artists if artist.get_gid()}


def test_points_and_bars_stand_at_the_numbers_of_the_table(table):
    found = marks(drawn(table))
    for name, line in table.groupby("source", sort=False):
        ms, percent = found[f"points-{name}"].get_data()
        np.testing.assert_allclose(percent, 100 * line["p"])
        assert np.abs(ms / line["exposure_ms"] - 1).max() < 0.05
        ends = np.asarray([segment[:, 1] for segment in found[f"bars-{name}"].get_segments()])
        np.testing.assert_allclose(ends, 100 * line[["low", "high"]])


def test_bars_of_different_sources_never_share_a_place(table):
    found = marks(drawn(table))
    places = np.concatenate([found[f"points-{name}"].get_xdata() for name in table["source"].unique()])
    assert len(np.unique(places)) == len(table)


def test_ticks_are_the_tested_exposures_and_the_axis_is_all_percents(table):
    ax = drawn(table)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        f"{ms:g}" for ms in table["exposure_ms"].unique()
    ]
    assert ax.get_xscale() == "log"
    assert ax.get_ylim() == (0, 100)


def test_sources_have_the_colours_and_markers_of_the_pages(table):
    found = marks(drawn(table))
    expected = {
        "real": ("#000000", "o"),
        "gan": ("#d55e00", "s"),
        "lapgan": ("#0072b2", "^"),
        "cc-lapgan": ("#009e73", "D"),
    }
    for name, (colour, marker) in expected.items():
        points = found[f"points-{name}"]
        assert (to_hex(points.get_color()), points.get_marker()) == (colour, marker)
        assert to_hex(found[f"label-{name}"].get_color()) == colour


def test_further_sources_differ_from_the_known_and_from_each_other():
    names = ["real", "gan", "diffusion", "flow", "vae", "one more", "another"]
    styles = source_styles(names)
    looks = {(style.colour, style.marker) for style in styles.values()}
    assert len(looks) == len(names)
    assert [(styles[name].colour, styles[name].marker) for name in names[2:5]] == [
        look[:2] for look in FURTHER
    ]
    assert {KNOWN[name].marker for name in KNOWN}.isdisjoint(look[1] for look in FURTHER)


def test_labels_of_lines_that_end_together_do_not_overlap(table):
    together = table.assign(p=0.41, low=0.3, high=0.5)
    ax = drawn(together)
    boxes = [mark.get_window_extent() for gid, mark in marks(ax).items() if gid.startswith("label-")]
    assert len(boxes) == 4
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


@pytest.mark.parametrize("name", ["flow", "stylegan2-ada", "a generator of some length"])
@pytest.mark.parametrize("exposures_ms", [1, 2, 11])
def test_no_label_reaches_the_paper_s_marks_or_leaves_the_figure(table, name, exposures_ms):
    few = table["exposure_ms"].isin(table["exposure_ms"].unique()[:exposures_ms])
    ax = drawn(table[few].replace({"source": {"cc-lapgan": name}}).assign(p=0.4))
    found = marks(ax)
    label = found[f"label-{name}"].get_window_extent()
    left_most = min(found[gid].get_window_extent().x0 for gid in found if gid.startswith("paper-"))
    assert label.x1 < left_most
    assert label.x1 < ax.figure.bbox.x1


def test_the_paper_is_marked_for_the_sources_it_had_and_named_once(table):
    found = marks(drawn(table))
    for source, p in published.LEVELS:
        assert found[f"paper-{source}"].get_ydata() == [100 * p]
        assert to_hex(found[f"paper-{source}"].get_markerfacecolor()) == "#ffffff"
    assert "Denton et al." in found["paper"].get_text()
    only_new = marks(drawn(table[table["source"] == "gan"].assign(source="diffusion")))
    assert not any(gid.startswith("paper") for gid in only_new)


def test_simulated_people_are_called_simulated_in_the_figure_itself(table):
    assert "Simulated" in drawn(table, is_simulated=True).get_title(loc="left")
    assert drawn(table).get_title(loc="left") == ""


def test_fifty_percent_is_named_for_what_it_is(table):
    ax = drawn(table)
    assert set(marks(ax)["equal-answers"].get_ydata()) == {50}
    words = " ".join(text.get_text() for text in ax.get_legend().get_texts())
    assert "50 %: as many real as generated answers" in words
    assert "chance" not in words


@given(st.lists(st.floats(0, 100), min_size=1, max_size=15))
def test_spread_keeps_order_gap_and_bounds(wanted):
    places = spread(np.asarray(wanted), LABEL_GAP, 2.0, 98.0)
    order = np.argsort(wanted, kind="stable")
    assert (np.diff(places[order]) >= LABEL_GAP - 1e-9).all()
    assert places.min() >= 2 - 1e-9
    assert places.max() <= 98 + 1e-9


@given(st.lists(st.integers(1, 8), min_size=1, max_size=8))
def test_places_that_are_far_enough_apart_stay(steps):
    wanted = np.cumsum(steps) * LABEL_GAP
    np.testing.assert_allclose(spread(wanted, LABEL_GAP, 0.0, 1000.0), wanted)


def test_two_that_touch_give_way_by_the_same_distance():
    assert spread(np.asarray([40.0, 41.0]), 5.0, 0.0, 100.0) == pytest.approx([38, 43])
