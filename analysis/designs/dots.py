"""One row a source: a mark with its interval, and below it a thinner bar of another kind where there is one."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis.style import QUIET, source_styles

BESIDE = 0.22  # of a row, from the thick bar to the thin one


def dots_inches(n_sources: int) -> tuple[float, float]:
    return 6.4, 1.0 + 0.55 * n_sources


def dots(
    ax: Axes,
    table: pd.DataFrame,
    *,
    axis: str,
    reference: float | None = None,
    factor: float = 100,
    is_log: bool = False,
) -> None:
    """table: columns source, value, low, high; thin_low, thin_high if there is another interval.

    Values are multiplied by `factor`; the dotted line stands at `reference`.
    """
    styles = source_styles(list(table["source"]))
    for place, row in enumerate(table.itertuples()):
        style, y = styles[row.source], len(table) - 1 - place
        ax.hlines(y, factor * row.low, factor * row.high, lw=2.2, color=style.colour, gid=f"bar-{row.source}")
        ax.plot(
            factor * row.value, y, marker=style.marker, ms=style.size + 1.5, color=style.colour, mec="white", mew=0.7,
            gid=f"point-{row.source}",
        )  # fmt: skip
        if "thin_low" in table:
            ax.hlines(y - BESIDE, factor * row.thin_low, factor * row.thin_high, lw=0.9, color=style.colour)
    if reference is not None:
        ax.axvline(factor * reference, ls=(0, (1, 2.5)), lw=1, color=QUIET, zorder=1)
    if is_log:
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yticks(range(len(table)), [styles[name].label for name in table["source"]][::-1])
    ax.set_ylim(-0.6, len(table) - 0.4)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel(axis)
