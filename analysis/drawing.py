"""What the figures beside figure 1 share: a time axis in log steps, lines with bars, bands and labels.

Knows axes and marks; which numbers are drawn is in `chapters`, colours are in `style`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.style import QUIET, RULE, SourceStyle
from analysis.wording import label

POINTS_PER_INCH = 72
TICK_POINTS = 24.0  # a tick's label and the space beside it


def time_axis(
    ax: Axes, exposures_ms: list[float], width_inches: float, words: str = "presentation time (ms)"
) -> None:
    """A log axis with those tested times as ticks whose labels have room, the first and the last always."""
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(FixedLocator(roomy(exposures_ms, width_inches)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    low, high = min(exposures_ms), max(exposures_ms)
    beside = (high / low) ** 0.05 if high > low else 1.5
    ax.set_xlim(low / beside, high * beside)
    ax.set_xlabel(words)


def roomy(values: list[float], width_inches: float) -> list[float]:
    """Those values whose labels do not touch on a log axis of that width: the ends, and from the left what fits."""
    values = sorted(values)
    if len(values) < 3:
        return values
    span = np.log(values[-1] / values[0])
    gap = span * TICK_POINTS / (width_inches * POINTS_PER_INCH)
    kept = [values[0]]
    for value in values[1:-1]:
        if np.log(value / kept[-1]) >= gap and np.log(values[-1] / value) >= gap:
            kept.append(value)
    return [*kept, values[-1]]


def curve(
    ax: Axes, table: pd.DataFrame, value: str, style: SourceStyle, *, scale: float = 1.0, dodge: float = 1.0
) -> None:
    """A line over exposure_ms with markers, and bars from the columns value_low and value_high where finite."""
    line = table.sort_values("exposure_ms")
    ms, middle = line["exposure_ms"].to_numpy(float) * dodge, scale * line[value].to_numpy(float)
    ends = scale * line[[f"{value}_low", f"{value}_high"]].to_numpy(float)
    known = np.isfinite(ends).all(axis=1)
    ax.plot(ms, middle, lw=1, color=style.colour, alpha=0.5, zorder=2)
    ax.vlines(ms[known], ends[known, 0], ends[known, 1], lw=1.2, color=style.colour, zorder=3)
    ax.plot(
        ms, middle, ls="none", marker=style.marker, ms=0.85 * style.size, color=style.colour, mec="white", mew=0.6,
        zorder=4,
    )  # fmt: skip


def reference(ax: Axes, value: float) -> None:
    """A quiet horizontal line at a value that means something."""
    ax.axhline(value, lw=0.8, color=RULE, zorder=0)


def legend(ax: Axes, styles: dict[str, SourceStyle], **place: Any) -> None:
    """Sources by marker and colour, without a box."""
    handles = [
        ax.plot([], [], ls="none", marker=style.marker, ms=style.size, color=style.colour, label=label(name))[
            0
        ]
        for name, style in styles.items()
    ]
    ax.legend(handles=handles, frameon=False, fontsize=7.5, handletextpad=0.3, **place)


def title(ax: Axes, words: str) -> None:
    """What a panel shows, above its left end."""
    ax.set_title(words, loc="left", size=9, weight="bold", pad=6)


def note(ax: Axes, words: str) -> None:
    """A quiet word inside a panel, where there is nothing to draw."""
    ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", va="center", color=QUIET, size=8)
