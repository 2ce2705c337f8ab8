"""Figures: `(ax, table) -> None`. Draws what it is given; computes, reads and saves nothing.

Knows how a table becomes marks on axes: places, labels, references. Numbers come from `intervals`, colours
from `style`, the paper's levels from `published`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis import published
from analysis.style import QUIET, WARNING, SourceStyle, source_styles

FIGURE_1_INCHES = (6.4, 4.0)
DODGE = 0.011  # log10 units between neighbouring sources at one exposure: about 2.5 %
LABEL_GAP = 5.8  # percentage points between two line labels, so that they do not touch
LABEL_ASIDE = 0.075  # log10 units from the longest exposure to the labels
LETTER = 0.032  # log10 units that a letter of a label takes at the figure's size
TWINS_ASIDE = 0.016  # log10 units between marks of the paper at one level


def judged_real_over_time(ax: Axes, table: pd.DataFrame, *, is_simulated: bool = False) -> None:
    """Figure 1: percent judged real against exposure, a line for each source, 95 % bars, labels at the ends.

    table: columns source, exposure_ms, p, low, high (proportions), sources in listing order. Points are
    moved sideways by a few percent so that the bars of different sources stand side by side; ticks are the
    tested exposures. Hollow marks at the right are the paper's levels. `is_simulated` says so above.
    """
    sources = list(dict.fromkeys(table["source"]))
    styles = source_styles(sources)
    exposures_ms = sorted(table["exposure_ms"].unique())
    letters = max(len(styles[name].label) for name in sources)
    paper_ms = exposures_ms[-1] * 10 ** (LABEL_ASIDE + LETTER * letters)
    draw_frame(ax, exposures_ms, right_ms=paper_ms * 1.1)
    ends = {}
    for place, name in enumerate(sources):
        line = table[table["source"] == name].sort_values("exposure_ms")
        dodge = 10 ** (DODGE * (place - (len(sources) - 1) / 2))
        draw_line(ax, line, styles[name], dodge)
        ends[name] = (float(line["exposure_ms"].iloc[-1]) * dodge, 100 * float(line["p"].iloc[-1]))
    draw_labels(ax, ends, styles, exposures_ms[-1] * 10**LABEL_ASIDE)
    draw_paper(ax, styles, paper_ms)
    draw_key(ax, is_simulated)


def draw_frame(ax: Axes, exposures_ms: list[float], right_ms: float) -> None:
    """Axes of figure 1: log time with the tested exposures as ticks, percent, and the line of equal answers."""
    first, last = exposures_ms[0], exposures_ms[-1]
    ax.set_xscale("log")
    ax.set_xlim(first / 1.12, right_ms)
    ax.xaxis.set_major_locator(FixedLocator(exposures_ms))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    ax.spines["bottom"].set_bounds(first, last)
    ax.set_xlabel(
        "presentation time (ms, log scale)", x=0.5 * np.log(last / first) / np.log(right_ms / first * 1.12)
    )
    ax.set_ylim(0, 100)
    ax.yaxis.set_major_locator(FixedLocator(range(0, 101, 20)))
    ax.set_ylabel("judged real (%)")
    ax.plot(
        [first / 1.12, last], [50, 50], ls=(0, (1, 2.5)), lw=1, color=QUIET, zorder=1, gid="equal-answers",
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
        ms, percent, ls="none", marker=style.marker, ms=5.5, color=style.colour, mec="white", mew=0.7,
        zorder=4, clip_on=False, gid=f"points-{name}",
    )  # fmt: skip


def draw_labels(
    ax: Axes, ends: dict[str, tuple[float, float]], styles: dict[str, SourceStyle], start_ms: float
) -> None:
    """Each source's name beside the end of its line (ms, percent), moved apart where two would touch."""
    places = spread(np.asarray([percent for _, percent in ends.values()]), LABEL_GAP, 2.0, 98.0)
    for (name, (ms, percent)), place in zip(ends.items(), places, strict=True):
        style = styles[name]
        ax.plot([ms, start_ms / 1.02], [percent, place], lw=0.8, color=style.colour, alpha=0.35, zorder=1)
        ax.text(
            start_ms, place, style.label, color=style.colour, weight="bold", va="center", gid=f"label-{name}"
        )


def draw_paper(ax: Axes, styles: dict[str, SourceStyle], paper_ms: float) -> None:
    """The paper's levels of the sources drawn, as hollow marks in a column of their own, named once above."""
    levels = [level for level in published.LEVELS if level.source in styles]
    for level in levels:
        twins = [other.source for other in levels if other.p == level.p]
        aside = TWINS_ASIDE * (2 * twins.index(level.source) - (len(twins) - 1))
        ax.plot(
            paper_ms * 10**aside, 100 * level.p, ls="none", marker=styles[level.source].marker, ms=5,
            mfc="white", mec=styles[level.source].colour, mew=0.9, zorder=4, gid=f"paper-{level.source}",
        )  # fmt: skip
    if levels:
        ax.text(
            paper_ms, 1.02, "Denton et al.\n2015, about", transform=ax.get_xaxis_transform(), ha="center",
            va="bottom", fontsize=7.5, color=QUIET, linespacing=1.25, gid="paper",
        )  # fmt: skip


def draw_key(ax: Axes, is_simulated: bool) -> None:
    """What the dotted line and the bars are, in one quiet row above; and a warning if nobody was there."""
    bar = ax.plot([], [], ls="none", marker="|", ms=9, mew=1.4, color=QUIET, label="95 % interval")[0]
    dotted = next(line for line in ax.lines if line.get_gid() == "equal-answers")
    ax.legend(
        handles=[dotted, bar], loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, frameon=False,
        fontsize=7.5, labelcolor=QUIET, borderaxespad=0.3, borderpad=0, handletextpad=0.5, columnspacing=1.6,
    )  # fmt: skip
    if is_simulated:
        ax.set_title(
            "Simulated people: not evidence", loc="left", color=WARNING, weight="bold", size=10, pad=20
        )


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
