"""When the verdict turns: fitted curves over presentation time, their thresholds and widths.

Knows what is said of them and draws them. The fit is in `psychometric`, its intervals are in `thresholds`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from analysis import thresholds
from analysis.columns import listed
from analysis.drawing import legend, reference, time_axis
from analysis.intervals import NEW
from analysis.quoted import rounded
from analysis.results import Results
from analysis.section import Figure, Number, Section, Table
from analysis.style import SourceStyle, source_styles
from analysis.thresholds import FINDINGS
from analysis.wording import NBSP, UNKNOWN, exposure, label, percent, ratio

INCHES = (6.4, 3.8)
WIDTH = 5.4  # of the time axis
ESTIMAND = "presentation time at which the share judged real has gone half of its way"


def thresholds_of_sources(results: Results) -> Section | None:
    """Threshold and width of every source whose curve turns within the tested times."""
    table, curves = thresholds.thresholds(results.tables, results.cov)
    if not curves:
        return None
    fits = pd.concat([thresholds.band(each, results.cov) for each in curves], ignore_index=True)
    text = " ".join([*known_sentences(table), *unknown_sentences(table)])
    crosses = " Crosses: thresholds with their intervals, for the sources whose curve turns within the tested times."
    figure = Figure(
        name="thresholds",
        draw=partial(
            draw_fits, fits=fits, cells=results.cells, table=table, styles=source_styles(results.sources)
        ),
        inches=INCHES,
        alt=f"Fitted curves of the share judged real against presentation time, one a source. {text}",
        caption=(
            f"Psychometric functions over log time with pointwise 95{NBSP}% intervals for {NEW}; points as in figure 1, gray line at 50{NBSP}%."
            f"{crosses if (table['finding'] == 'turns').any() else ''}"
        ),
    )
    caption = (
        f"Threshold: {ESTIMAND} from the guess at no time to the verdict of a long look. Width: factor of time over which it goes "
        f"from 5 to 95{NBSP}% of that way. Real, at first and at last: share judged real before anything is seen, and however long "
        "one looks (both extrapolated; guess and lapse rate). Overdispersion: how far points scatter about the curve beyond the "
        f"binomial, 0 not at all and 1 at most. Intervals are 95{NBSP}% for {NEW} ({thresholds.METHOD})."
    )
    head = [
        "source",
        "threshold ms",
        "interval",
        "width",
        "interval",
        "real at first",
        "real at last",
        "overdispersion",
    ]
    rows = [table_row(row) for row in table.itertuples()]
    shown = Table(caption, head, rows, name="thresholds", frame=table)
    return Section("When the verdict turns", [text], shown, figure, numbers(table))


def known_sentences(table: pd.DataFrame) -> list[str]:
    known = [row for row in table.itertuples() if row.finding == "turns"]
    if not known:
        return []
    said = listed(
        f"{exposure(round(row.threshold_ms))} ({row.threshold_low_ms:.0f} to {row.threshold_high_ms:.0f}) for {label(row.source)}"
        for row in known
    )
    return [f"The verdict has gone half of its way, from a guess to that of a long look, after {said}."]


def unknown_sentences(table: pd.DataFrame) -> list[str]:
    said = []
    for finding, words in FINDINGS.items():
        names = [label(row.source) for row in table.itertuples() if row.finding == finding]
        if names and finding != "turns":
            said.append(f"No threshold is given for {listed(names)}: {words}.")
    return said


def table_row(row: Any) -> list[str]:
    ends = (row.guess, 1 - row.lapse) if row.is_rising else (1 - row.guess, row.lapse)
    if row.finding == "few times":
        return [label(row.source), *[UNKNOWN] * 7]
    of_time = [UNKNOWN] * 4
    if row.finding == "turns":
        of_time = [
            f"{row.threshold_ms:.0f}",
            f"{row.threshold_low_ms:.0f}–{row.threshold_high_ms:.0f}",
            ratio(row.width),
            f"{ratio(row.width_low)}–{ratio(row.width_high)}",
        ]
    return [label(row.source), *of_time, *(percent(end) for end in ends), f"{row.overdispersion:.3f}"]


def numbers(table: pd.DataFrame) -> list[Number]:
    """Thresholds and widths that are known."""
    return [
        Number(
            f"{name}: {row.source}", rounded(getattr(row, key)), unit, f"{estimand}, for {NEW}", thresholds.METHOD,
            rounded(getattr(row, low)), rounded(getattr(row, high)),
        )
        for row in table.itertuples()
        if row.finding == "turns"
        for name, unit, estimand, key, low, high in (
            ("threshold", "milliseconds", ESTIMAND, "threshold_ms", "threshold_low_ms", "threshold_high_ms"),
            ("width", "ratio of times", "factor of time from 5 to 95 % of the way", "width", "width_low", "width_high"),
        )
    ]  # fmt: skip


def draw_fits(
    ax: Axes, fits: pd.DataFrame, cells: pd.DataFrame, table: pd.DataFrame, styles: dict[str, SourceStyle]
) -> None:
    """Curves with bands, points without bars, and the threshold of each curve that has one."""
    time_axis(ax, sorted(cells["exposure_ms"].unique()), WIDTH)
    reference(ax, 50)
    for name, style in styles.items():
        fit, points = fits[fits["source"] == name], cells[cells["source"] == name]
        ax.fill_between(
            fit["exposure_ms"], 100 * fit["low"], 100 * fit["high"], color=style.colour, alpha=0.13, lw=0
        )
        ax.plot(fit["exposure_ms"], 100 * fit["p"], lw=1.4, color=style.colour)
        draw_points(ax, points, style)
        known = table[(table["source"] == name) & (table["finding"] == "turns")]
        for row in known.itertuples():
            height = 100 * fit["p"].iloc[(fit["exposure_ms"] - row.threshold_ms).abs().argmin()]
            ax.hlines(
                height, row.threshold_low_ms, row.threshold_high_ms, lw=2.4, color=style.colour, zorder=5
            )
            ax.vlines(row.threshold_ms, height - 3, height + 3, lw=2.4, color=style.colour, zorder=5)
    ax.set_ylim(0, 100)
    ax.set_ylabel("judged real (%)")
    legend(
        ax,
        {name: style for name, style in styles.items() if name in set(fits["source"])},
        loc="upper left",
        ncols=4,
    )


def draw_points(ax: Axes, points: pd.DataFrame, style: SourceStyle) -> None:
    ax.plot(
        points["exposure_ms"], 100 * points["p"], ls="none", marker=style.marker, ms=0.8 * style.size, color=style.colour,
        mec="white", mew=0.6, zorder=4,
    )  # fmt: skip
