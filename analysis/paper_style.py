"""The figure in the paper's own manner: its colours, its bars between people, its legend in a box.

Knows how Denton et al. 2015 drew it, as far as that is known; the bars are as remembered, ±1 standard deviation
between people. They show how people differ, not how well a mean is known.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.bars import person_shares
from analysis.counts import CountTables
from analysis.style import SIMULATED, WARNING, source_styles
from analysis.wording import label

INCHES = (5.6, 4.2)
COLOURS = {"real": "#e00000", "gan": "#d000d0", "lapgan": "#0000e0", "cc-lapgan": "#00a000"}


def as_in_the_paper(ax: Axes, tables: CountTables, *, is_simulated: bool = False) -> None:
    """Percent judged real against time: means of people's own shares with ±1 SD between them."""
    mean, sd, _ = person_shares(tables)
    cells = tables.cells.assign(mean=100 * mean, sd=100 * sd)
    styles = source_styles(list(dict.fromkeys(cells["source"])))
    exposures = sorted(cells["exposure_ms"].unique())
    for name, own in cells.groupby("source", sort=False):
        shown = own[own["mean"].notna()]
        ax.errorbar(
            shown["exposure_ms"], shown["mean"], yerr=np.nan_to_num(shown["sd"]), fmt="-", lw=1.4, elinewidth=1,
            capsize=3, color=COLOURS.get(str(name), styles[str(name)].colour), label=label(str(name)),
        )  # fmt: skip
    ax.set_xscale("log")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(FixedLocator(exposures))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:g}"))
    ax.set_xlabel("Presentation time (ms)")
    ax.set_ylabel("% classified real")
    ax.set_ylim(0, 100)
    for side in ("top", "right"):
        ax.spines[side].set_visible(True)
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.01), ncols=len(styles), fontsize=8, borderaxespad=0.2)
    if is_simulated:
        ax.set_title(SIMULATED, loc="left", color=WARNING, weight="bold", size=10, pad=26)
