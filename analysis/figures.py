"""Figures: `(ax, table) -> None`. Draws what it is given; computes, reads and saves nothing.

Knows how a table becomes marks on axes: places, labels, references. Numbers come from `intervals`, colours
from `style`, the paper's levels from `published`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis import published
from analysis.style import QUIET, SIMULATED, WARNING, SourceStyle, source_styles

FIGURE_1_INCHES = (6.4, 4.0)
LABEL_GAP = 5.8  # percentage points between two line labels, so that they do not touch

# Widths in figure 1, in points (1/72 inch), from left to right. They become steps of log time in `Layout`.
AXES_POINTS = 415.0  # the axes, between the percent labels and the right edge
DODGE = 2.4  # between neighbouring sources at one exposure
BEFORE_FIRST = 10.0  # left of the first exposure
BEFORE_LABELS = 18.0  # from the last exposure to the labels
LETTER = 6.6  # a letter of a label
BEFORE_PAPER = 14.0  # from the labels to the middle of the paper's marks
AFTER_PAPER = 22.0
TWINS = 9.0  # between two marks of the paper at one level


@dataclass(frozen=True)
class Layout:
    """Where things stand on the time axis of figure 1, so that widths hold for any exposures and names."""

    first_ms: float
    last_ms: float
    letters: int

    @property
    def decades_per_point(self) -> float:
        beside = BEFORE_FIRST + BEFORE_LABELS + LETTER * self.letters + BEFORE_PAPER + AFTER_PAPER
        tested = max(float(np.log10(self.last_ms / self.first_ms)), 0.1)  # one exposure alone has no width
        return tested / max(AXES_POINTS - beside, AXES_POINTS / 4)

    def aside(self, ms: float, points: float) -> float:
        """The place so many points right of `ms`."""
        return float(ms * 10 ** (points * self.decades_per_point))

    @property
    def labels_ms(self) -> float:
        return self.aside(self.last_ms, BEFORE_LABELS)

    @property
    def paper_ms(self) -> float:
        return self.aside(self.labels_ms, LETTER * self.letters + BEFORE_PAPER)


def judged_real_over_time(
    ax: Axes, table: pd.DataFrame, *, is_simulated: bool = False, bar: str = "95 % interval"
) -> None:
    """Figure 1: percent judged real against exposure, a line for each source, bars, labels at the ends.

    table: columns source, exposure_ms, p, low, high (proportions), sources in listing order. Points are
    moved sideways by a few percent so that the bars of different sources stand side by side; ticks are the
    tested exposures. Hollow marks at the right are the paper's levels. `is_simulated` says so above, `bar` names the
    bars in the key; an unknown end (NaN) is not drawn.
    """
    sources = list(dict.fromkeys(table["source"]))
    styles = source_styles(sources)
    exposures_ms = sorted(table["exposure_ms"].unique())
    layout = Layout(exposures_ms[0], exposures_ms[-1], max(len(style.label) for style in styles.values()))
    draw_frame(ax, exposures_ms, layout)
    ends = {}
    for place, name in enumerate(sources):
        line = table[table["source"] == name].sort_values("exposure_ms")
        dodge = layout.aside(1.0, DODGE * (place - (len(sources) - 1) / 2))
        draw_line(ax, line, styles[name], dodge)
        ends[name] = (float(line["exposure_ms"].iloc[-1]) * dodge, 100 * float(line["p"].iloc[-1]))
    draw_labels(ax, ends, styles, layout)
    draw_paper(ax, styles, layout)
    draw_key(ax, is_simulated, bar)


def draw_frame(ax: Axes, exposures_ms: list[float], layout: Layout) -> None:
    """Axes of figure 1: log time with the tested exposures as ticks, percent, and the line of equal answers."""
    first, last = layout.first_ms, layout.last_ms
    left, right = layout.aside(first, -BEFORE_FIRST), layout.aside(layout.paper_ms, AFTER_PAPER)
    ax.set_xscale("log")
    ax.set_xlim(left, right)
    ax.xaxis.set_major_locator(FixedLocator(exposures_ms))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    ax.spines["bottom"].set_bounds(first, last)
    middle = np.log(np.sqrt(first * last) / left) / np.log(right / left)
    ax.set_xlabel("presentation time (ms, log scale)", x=middle)
    ax.set_ylim(0, 100)
    ax.yaxis.set_major_locator(FixedLocator(range(0, 101, 20)))
    ax.set_ylabel("judged real (%)")
    ax.plot(
        [left, last], [50, 50], ls=(0, (1, 2.5)), lw=1, color=QUIET, zorder=1, gid="equal-answers",
        label="50 %: as many real as generated answers",
    )  # fmt: skip


def draw_line(ax: Axes, line: pd.DataFrame, style: SourceStyle, dodge: float) -> None:
    """One source: a thin joining line, interval bars, markers with a white rim that keeps crossings apart."""
    ms = line["exposure_ms"].to_numpy(float) * dodge
    percent, low, high = (100 * line[name].to_numpy(float) for name in ("p", "low", "high"))
    name = line["source"].iloc[0]
    ax.plot(ms, percent, lw=1, color=style.colour, alpha=0.5, zorder=2)
    ax.vlines(ms, low, high, lw=1.4, color=style.colour, zorder=3, gid=f"bars-{name}")
    ax.plot(
        ms, percent, ls="none", marker=style.marker, ms=style.size, color=style.colour, mec="white", mew=0.7,
        zorder=4, clip_on=False, gid=f"points-{name}",
    )  # fmt: skip


def draw_labels(
    ax: Axes, ends: dict[str, tuple[float, float]], styles: dict[str, SourceStyle], layout: Layout
) -> None:
    """Each source's name beside the end of its line (ms, percent), moved apart where two would touch."""
    places = spread(np.asarray([percent for _, percent in ends.values()]), LABEL_GAP, 2.0, 98.0)
    for (name, (ms, percent)), place in zip(ends.items(), places, strict=True):
        style = styles[name]
        near_label = layout.aside(layout.labels_ms, -3)
        ax.plot([ms, near_label], [percent, place], lw=0.8, color=style.colour, alpha=0.35, zorder=1)
        ax.text(
            layout.labels_ms,
            place,
            style.label,
            color=style.colour,
            weight="bold",
            va="center",
            gid=f"label-{name}",
        )


def draw_paper(ax: Axes, styles: dict[str, SourceStyle], layout: Layout) -> None:
    """The paper's levels of the sources drawn, as hollow marks in a column of their own, named once above."""
    levels = [level for level in published.LEVELS if level.source in styles]
    for level in levels:
        twins = [other.source for other in levels if other.p == level.p]
        aside = TWINS * (twins.index(level.source) - (len(twins) - 1) / 2)
        ax.plot(
            layout.aside(layout.paper_ms, aside), 100 * level.p, ls="none", marker=styles[level.source].marker, ms=5,
            mfc="white", mec=styles[level.source].colour, mew=0.9, zorder=4, gid=f"paper-{level.source}",
        )  # fmt: skip
    if levels:
        ax.text(
            layout.paper_ms, 1.02, "Denton et al.\n2015, about", transform=ax.get_xaxis_transform(), ha="center",
            va="bottom", fontsize=7.5, color=QUIET, linespacing=1.25, gid="paper",
        )  # fmt: skip


def draw_key(ax: Axes, is_simulated: bool, words: str) -> None:
    """What the dotted line and the bars are, in one quiet row above; and a warning if nobody was there."""
    bar = ax.plot([], [], ls="none", marker="|", ms=9, mew=1.4, color=QUIET, label=words)[0]
    dotted = next(line for line in ax.lines if line.get_gid() == "equal-answers")
    ax.legend(
        handles=[dotted, bar], loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False,
        fontsize=7.5, labelcolor=QUIET, borderaxespad=0.3, borderpad=0, handletextpad=0.5, columnspacing=1.6,
    )  # fmt: skip
    if is_simulated:
        ax.set_title(SIMULATED, loc="left", color=WARNING, weight="bold", size=10, pad=20)


def spread(wanted: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """Places in low..high, at least `gap` apart, as close as can be to the wanted ones; order is kept.

    Least squares: without the gaps it is a monotone regression, solved by pooling neighbours (Barlow et al.
    1972). Where `high - low` has no room for all, they stand `gap` apart from `low` on.
    """
    order = np.argsort(wanted, kind="stable")
    steps = gap * np.arange(len(wanted))
    blocks: list[tuple[float, int]] = []
    for value in wanted[order] - steps:
        mean, size = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (before * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    pooled = np.repeat([mean for mean, _ in blocks], [size for _, size in blocks])
    placed = np.empty(len(wanted))
    placed[order] = np.clip(pooled, low, max(low, high - steps[-1])) + steps
    return placed
