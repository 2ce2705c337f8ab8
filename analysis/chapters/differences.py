"""Which sources differ, when, how far each is from real pictures, and whether levels equal the published ones.

Knows what is said of contrasts and draws them. The statistics are in `contrasts` and `equivalence`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import contrasts, equivalence, published
from analysis.bars import person_shares
from analysis.columns import listed
from analysis.drawing import curve, reference, time_axis, title
from analysis.intervals import NEW
from analysis.quoted import DIFFERENCE_METHOD, rounded
from analysis.responses import REAL
from analysis.results import Results
from analysis.section import Figure, Number, Section, Table
from analysis.style import SourceStyle, source_styles
from analysis.wording import NBSP, count, counted, exposure, label, p_value, percent, points

HOLM = "two-sided t test, Holm's correction within the planned contrasts"


def over_times(results: Results) -> Section | None:
    """The planned contrasts: confirmatory, with Holm's correction."""
    table = results.planned
    if table.empty:
        return None
    found = [difference_words(row) for row in table.itertuples()]
    apart, open_ = (
        [row for row in table.itertuples() if (row.p_holm <= 0.05) is is_apart] for is_apart in (True, False)
    )
    said = [
        f"Averaged over the presentation times, differences in the share judged real are, in points with 95{NBSP}% intervals: "
        f"{listed(found)}."
    ]
    if apart:
        said.append(
            f"After Holm's correction for {counted(len(table), 'contrast')} these differ: {listed(map(versus, apart))}."
        )
    if open_:
        said.append(
            f"A difference is not shown of {listed(map(versus, open_))}; that does not show that they are equal."
        )
    rows = [
        [
            f"{label(row.higher)} − {label(row.lower)}",
            count(row.n_exposures),
            points(row.difference, 1),
            ends(row.low, row.high),
            f"{row.df:.0f}",
            p_value(row.p),
            p_value(row.p_holm),
        ]
        for row in table.itertuples()
    ]
    caption = (
        f"Planned contrasts in percentage points, over the times at which both sources were shown, with 95{NBSP}% "
        f"intervals for {NEW} (two-way cluster variance, t quantile), degrees of freedom, p values of two-sided t "
        "tests, and the same after Holm's correction."
    )
    head = ["contrast", "times", "points", "95 % interval", "df", "p", "p (Holm)"]
    numbers = []
    for row in table.itertuples():
        name = f"planned contrast: {row.higher} minus {row.lower}"
        estimand = f"difference of two averages over presentation times, for {NEW}"
        numbers += [
            Number(
                name,
                rounded(row.difference),
                "difference of proportions",
                estimand,
                DIFFERENCE_METHOD,
                rounded(row.low),
                rounded(row.high),
            ),
            Number(f"p (Holm) of {name}", rounded(row.p_holm), "probability", estimand, HOLM),
        ]
    shown = Table(caption, head, rows, name="contrasts", frame=table)
    return Section("Which sources differ", [" ".join(said)], shown, numbers=numbers)


def difference_words(row: Any) -> str:
    return f"{label(row.higher)} minus {label(row.lower)} {points(row.difference)} ({ends(row.low, row.high, None)})"


def versus(row: Any) -> str:
    return f"{label(row.higher)} from {label(row.lower)}"


def ends(low: float, high: float, digits: int | None = 1) -> str:
    return f"{points(low, digits)} to {points(high, digits)}"


def at_each_time(results: Results) -> Section | None:
    """The planned pairs at each time: exploratory, with a band that holds at all times."""
    pairs = [(row.higher, row.lower) for row in results.planned.itertuples()]
    tables = [
        contrasts.at_each_time(results.tables, results.cov, *pair, seed=results.plan.seed) for pair in pairs
    ]
    # Pairs with no variance at any time have no band: people agree exactly, or there is one person.
    known = [
        place for place, table in enumerate(tables) if len(table) > 1 and table["band_quantile"].notna().all()
    ]
    pairs, tables = ([each[place] for place in known] for each in (pairs, tables))
    if not tables:
        return None
    styles = source_styles(results.sources)
    said = []
    for (higher, lower), table in zip(pairs, tables, strict=True):
        clear = table[(table["band_low"] > 0) | (table["band_high"] < 0)]["exposure_ms"]
        where = (
            "at no time"
            if clear.empty
            else "at all times"
            if len(clear) == len(table)
            else f"at {listed(exposure(ms) for ms in clear)}"
        )
        said.append(f"{label(higher)} from {label(lower)} {where}")
    whole = pd.concat(tables, ignore_index=True)
    text = (
        f"Exploratory: judged by the band that holds at all times at once, these differ: {'; '.join(said)}. "
        "Single times have little power: judge a generator by its contrast over times."
    )
    quantiles = ", ".join(f"{table['band_quantile'].iloc[0]:.2f}" for table in tables)
    figure = Figure(
        name="contrasts",
        draw=partial(draw_contrasts, tables=tables, styles=styles),
        inches=(6.4, 2.1 * len(tables) + 0.5),
        grid=(len(tables), 1),
        alt=f"Difference in share judged real against presentation time, one panel a pair. {text}",
        caption=(
            f"Differences in percentage points at each presentation time, for {NEW}. Bars: 95{NBSP}% intervals one by one; "
            f"shaded: the band with 95{NBSP}% confidence for the whole line (sup-t, quantiles {quantiles}; negative directions of the variance between images set to 0)."
        ),
    )
    caption = "Full table in contrasts_by_time.csv."
    rows = [
        [versus(table.iloc[0]), f"{table['band_quantile'].iloc[0]:.2f}", f"{100 * half_width(table):.1f}"]
        for table in tables
    ]
    shown = Table(
        caption,
        ["pair", "quantile", "mean half-width of the band, points"],
        rows,
        name="contrasts_by_time",
        frame=whole,
    )
    return Section("When they differ", [text], shown, figure)


def half_width(table: pd.DataFrame) -> float:
    return float((table["band_high"] - table["band_low"]).mean() / 2)


def draw_contrasts(axes: Any, tables: list[pd.DataFrame], styles: dict[str, SourceStyle]) -> None:
    """One panel a pair: differences with pointwise bars and the simultaneous band."""
    panels = list(np.atleast_1d(axes).flat)
    for ax, table in zip(panels, tables, strict=True):
        draw_band(ax, table, styles[table["lower"].iloc[0]])
        title(ax, f"{label(table['higher'].iloc[0])} − {label(table['lower'].iloc[0])}")
        ax.set_ylabel("points")
    lows, highs = zip(*(ax.get_ylim() for ax in panels), strict=True)
    for ax in panels:
        ax.set_ylim(min(lows), max(highs))  # one scale, or a small difference would look like a large one
    for ax in panels[:-1]:
        ax.set_xlabel("")


def draw_band(ax: Axes, table: pd.DataFrame, style: SourceStyle) -> None:
    exposures = table["exposure_ms"].tolist()
    time_axis(ax, exposures, 5.4)
    reference(ax, 0)
    ax.fill_between(
        exposures, 100 * table["band_low"], 100 * table["band_high"], color=style.colour, alpha=0.12, lw=0
    )
    named = table.rename(columns={"low": "difference_low", "high": "difference_high"})
    curve(ax, named, "difference", style, scale=100)


def distance_to_real(results: Results) -> Section | None:
    """How far from indistinguishable each source is at each time."""
    table = contrasts.distance_to_real(results.tables, results.cov, seed=results.plan.seed)
    generated = [name for name in results.sources if name != REAL]
    if table.empty or table["exposure_ms"].nunique() < 2:
        return None
    last = table[table["exposure_ms"] == table["exposure_ms"].max()]
    said = listed(
        f"{label(row.lower)} {points(row.difference)} points ({ends(row.low, row.high, 0)})"
        for row in last.itertuples()
    )
    text = (
        "A generator whose pictures cannot be told from real ones is judged real as often as real pictures are at the "
        f"same time: that, not 50{NBSP}%, is the level to reach. After {exposure(last['exposure_ms'].iloc[0])}, below real "
        f"pictures lie {said}."
    )
    figure = Figure(
        name="distance",
        draw=partial(draw_distance, table=table, styles=source_styles(results.sources)),
        inches=(6.4, 3.4),
        alt=f"Points below real pictures against presentation time, one line a source. {text}",
        caption=(
            f"Percentage points by which each source is judged real less often than real pictures at the same time, with 95{NBSP}% "
            f"intervals for {NEW}; 0 is indistinguishable. Full table in distance_to_real.csv."
        ),
    )
    rows = [
        [
            label(name),
            *(
                f"{100 * own['difference'].iloc[place]:.0f} ({ends(own['low'].iloc[place], own['high'].iloc[place], 0)})"
                for place in (0, -1)
            ),
        ]
        for name, own in ((name, table[table["lower"] == name]) for name in generated)
        if len(own)
    ]
    first, last = table["exposure_ms"].min(), table["exposure_ms"].max()
    shown = Table(
        f"Points below real pictures at the shortest and the longest time, with 95{NBSP}% intervals.",
        ["source", f"at {exposure(first)}", f"at {exposure(last)}"],
        rows,
        name="distance_to_real",
        frame=table,
    )
    numbers = [
        Number(
            f"distance to real: {row.lower} at {row.exposure_ms:g} ms", rounded(row.difference), "difference of proportions",
            f"share of real pictures judged real minus that of {row.lower} at the same time, for {NEW}", DIFFERENCE_METHOD,
            rounded(row.low), rounded(row.high),
        )
        for row in table.itertuples()
    ]  # fmt: skip
    return Section("How far from real", [text], shown, figure, numbers)


def draw_distance(ax: Axes, table: pd.DataFrame, styles: dict[str, SourceStyle]) -> None:
    names = list(dict.fromkeys(table["lower"]))
    time_axis(ax, sorted(table["exposure_ms"].unique()), 4.6)
    low, high = ax.get_xlim()
    ax.set_xlim(low, high * (high / low) ** 0.02)
    reference(ax, 0)
    for place, name in enumerate(names):
        own = table[table["lower"] == name].rename(
            columns={"low": "difference_low", "high": "difference_high"}
        )
        curve(
            ax, own, "difference", styles[name], scale=100, dodge=1 + 0.025 * (place - (len(names) - 1) / 2)
        )
    ax.set_ylabel("points below real pictures")
    ax.set_ylim(min(0, 100 * table["low"].min()) - 2, None)
    ax.text(
        1.0,
        0,
        " as often\n as real",
        transform=ax.get_yaxis_transform(),
        va="center",
        fontsize=7.5,
        color="#6b6b68",
    )
    ax.legend(
        handles=[
            ax.plot([], [], color=styles[name].colour, marker=styles[name].marker, ms=5, lw=1, label=label(name))[0]
            for name in names
        ],
        frameon=False, fontsize=8, loc="upper left", ncols=len(names),
    )  # fmt: skip


def published_levels(results: Results) -> Section | None:
    """Equivalence to the levels of the paper, with its own uncertainty counted."""
    here = results.longest
    longest = float(here["exposure_ms"].iloc[0])
    _, sd, _ = person_shares(results.tables)
    cells = results.tables.cells.assign(sd=sd)
    spread = cells[cells["exposure_ms"] == longest].set_index("source")["sd"]
    table = equivalence.beside_published(here, spread, results.plan.margin)
    if table.empty:
        return None
    margin = f"{100 * results.plan.margin:.0f}"
    equal = [label(row.source) for row in table.itertuples() if row.is_equivalent]
    said = f"Within {margin} points of {published.CITATION} at {exposure(longest)}: "
    said += f"shown for {listed(equal)}." if equal else "shown for no source."
    widest = listed(
        f"{100 * row.smallest_margin:.0f} points for {label(row.source)}" for row in table.itertuples()
    )
    text = (
        f"{said} Equivalence holds from a margin of {widest}. The paper had {published.N_PEOPLE} people and printed a figure, "
        f"no table, so its levels are themselves known to no better than about {100 * published.DOUBT:.0f} points; that doubt "
        "is counted here."
    )
    rows = [
        [
            label(row.source),
            percent(row.here),
            percent(row.published),
            points(row.difference),
            ends(row.low, row.high, 0),
            f"{100 * row.smallest_margin:.0f}",
            p_value(row.p),
        ]
        for row in table.itertuples()
    ]
    caption = (
        f"Share judged real here and as published, their difference with its 90{NBSP}% interval, the smallest margin at which "
        f"equivalence holds, and the p value at the margin of {margin} points ({equivalence.METHOD})."
    )
    head = ["source", "here", "published", "points", "90 % interval", "smallest margin", "p"]
    numbers = [
        Number(
            f"smallest margin of equivalence: {row.source}", rounded(row.smallest_margin), "proportion",
            f"level at {longest:g} ms equal to {published.CITATION}", equivalence.METHOD,
        )
        for row in table.itertuples()
    ]  # fmt: skip
    return Section(
        "Against the published levels",
        [text],
        Table(caption, head, rows, name="equivalence", frame=table),
        numbers=numbers,
    )
