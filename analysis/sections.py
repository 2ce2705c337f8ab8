"""The sections of the report, in the order in which a reader asks: `(results) -> Section`.

Knows what is said: sentence first, table after, captions that name the estimand and the method. How it
looks as a page is in `page`; warnings are in `alerts`; the numbers are in `results`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import isnan
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from analysis import figures, intervals, published, timing
from analysis.columns import listed
from analysis.results import Results
from analysis.wording import (
    NBSP,
    count,
    counted,
    exposure,
    label,
    milliseconds,
    percent,
    points,
    ratio,
)


@dataclass(frozen=True)
class Table:
    """Cells of text; the first `n_names` columns are names (left), the others numbers (right)."""

    caption: str
    head: list[str]
    rows: list[list[str]]
    n_names: int = 1


@dataclass(frozen=True)
class Figure:
    """A figure by name: who draws it, how large in inches, what it shows for those who cannot see it."""

    name: str
    draw: Callable[[Axes], None]
    inches: tuple[float, float]
    alt: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading, what is said below it, and what shows it. The figure comes first, then text, then table."""

    title: str
    text: list[str]
    table: Table | None = None
    figure: Figure | None = None


def judged_real(results: Results) -> Section:
    """Figure 1 and the three sentences that say what it shows."""
    people = counted(len(results.people), *results.who)
    exposures = results.cells["exposure_ms"]
    figure = Figure(
        name="figure1",
        draw=partial(figures.judged_real_over_time, table=results.cells, is_simulated=results.is_simulated),
        inches=figures.FIGURE_1_INCHES,
        alt=f"Percent judged real against presentation time, one line a source. {levels_sentence(results)}",
        caption=(
            f"Figure 1. Percent of pictures judged real by {people} after "
            f"{exposures.min():g} to {exposure(exposures.max())}. Bars: 95{NBSP}% intervals for new people and new "
            f"images (two-way cluster variance, logit scale). Hollow: {published.CITATION}, right to about "
            f"{100 * published.DOUBT:.0f} points."
        ),
    )
    sentences = [levels_sentence(results), order_sentence(results), paper_sentence(results)]
    return Section("Judged real, by presentation time", sentences, figure=figure)


def levels_sentence(results: Results) -> str:
    """Levels at the longest exposure, with intervals."""
    first, *others = results.longest.itertuples()
    levels = [f"{percent(first.p)} (95{NBSP}% interval {limits(first)}) of {label(first.source)} pictures"]
    levels += [f"{percent(row.p)} ({limits(row)}) of {label(row.source)}" for row in others]
    return f"After {exposure(first.exposure_ms)}, {results.who[1]} judged real {listed(levels)}."


def limits(row: Any) -> str:
    return f"{100 * row.low:.0f} to {100 * row.high:.0f}"


def order_sentence(results: Results) -> str:
    """The order of the means over times, and which neighbours are not told apart."""
    ordered = results.means.sort_values("p", ascending=False, kind="stable")
    order = ", ".join(f"{label(row.source)} ({percent(row.p)})" for row in ordered.itertuples())
    n_times = results.cells["exposure_ms"].nunique()
    over = f"Averaged over the {n_times} presentation times" if n_times > 1 else "Here"
    steps = results.steps
    gaps = listed(
        f"{points(row.difference)} ({points(row.low)} to {points(row.high)})" for row in steps.itertuples()
    )
    said = f"{over} the order is {order}; from one to the next it is {gaps} points"
    open_steps = steps[(steps["low"] <= 0) & (steps["high"] >= 0)]
    if open_steps.empty:
        return f"{said}, so each stands apart from the next."
    doubtful = listed(f"{label(row.higher)} and {label(row.lower)}" for row in open_steps.itertuples())
    return f"{said}, so the order of {doubtful} is open."


def paper_sentence(results: Results) -> str:
    """Levels at the longest exposure beside those of the paper."""
    here = results.longest.set_index("source")
    compared = [level for level in published.LEVELS if level.source in here.index]
    if len(compared) < 2:
        return (
            f"{published.CITATION} tested other generators, so there is no published level to compare with."
        )
    parts = listed(f"{percent(level.p)} for {label(level.source)}" for level in compared)
    sides: dict[str, list[str]] = {"inside": [], "above": [], "below": []}
    for level in compared:
        low, high = here.loc[level.source, "low"], here.loc[level.source, "high"]
        side = "above" if level.p > high else "below" if level.p < low else "inside"
        sides[side].append(label(level.source))
    where = listed(f"{side} the interval for {listed(names)}" for side, names in sides.items() if names)
    return (
        f"{published.CITATION} report about {parts} ({published.N_PEOPLE} people, figures known to about "
        f"{100 * published.DOUBT:.0f} points); at {exposure(results.longest['exposure_ms'].iloc[0])} their levels "
        f"lie {where}."
    )


def who_took_part(results: Results) -> Section:
    rows, people = results.rows, results.people["n_trials"]
    times = rows["shown_utc"].dropna()
    when = "" if times.empty else f" from {times.min():%Y-%m-%d %H:%M} to {times.max():%Y-%m-%d %H:%M} UTC"
    rates = timing.refresh_rates(rows)
    screens = [f"{counted(n, 'sitting')} at {rate}{NBSP}Hz" for rate, n in rates.items()]
    text = [
        f"{counted(len(people), *results.who)} gave {counted(len(rows), 'answer')} that are analysed, in "
        f"{counted(rows['sitting'].nunique(), 'sitting')}{when}; "
        f"the median person gave {count(people.median())} ({count(people.min())} to {count(people.max())}). "
        f"They saw {counted(rows['image'].nunique(), 'image')}."
        + (
            f" Screens: {listed(screens)}."
            if screens
            else " The refresh rate of the screens was not recorded."
        )
    ]
    flow = [["rows in the file", count(results.selection.n_rows)]]
    flow += [
        [f"left out: {row.reason}", count(row.n_rows)] for row in results.selection.exclusions.itertuples()
    ]
    flow += [["analysed", count(len(rows))]]
    caption = "Rows of the file by what became of them; each row counts for the first reason that fits."
    return Section("Who took part, and what was left out", text, Table(caption, ["rows", "number"], flow))


def all_cells(results: Results) -> Section:
    rows = [
        [
            label(row.source),
            f"{row.exposure_ms:g}",
            count(row.n_trials),
            count(row.n_people),
            count(row.n_images),
            count(row.k),
            *shares(row),
            f"{100 * row.wilson_low:.1f}–{100 * row.wilson_high:.1f}",
            ratio(row.design_effect),
        ]
        for row in results.cells.itertuples()
    ]
    effect = results.cells["design_effect"].median()
    text = ["Each point of figure 1 with its counts."]
    if not isnan(effect):
        text[0] += (
            f" The median design effect is {ratio(effect)}: so many times is the variance larger than if every trial "
            "were independent of the others."
        )
    caption = (
        f"Percent judged real with 95{NBSP}% intervals for new people and new images ({intervals.METHOD}). "
        "Beside it Wilson's interval, which takes trials as independent: too short here, for comparison only."
    )
    head = [
        "source",
        "ms",
        "trials",
        "people",
        "images",
        "real",
        "%",
        "95 % interval",
        "Wilson",
        "design effect",
    ]
    return Section("Every point", text, Table(caption, head, rows))


def source_means(results: Results) -> Section:
    rows = [
        [
            label(row.source),
            count(row.n_exposures),
            count(row.n_trials),
            count(row.n_people),
            count(row.n_images),
            *shares(row),
            ratio(row.design_effect),
        ]
        for row in results.means.itertuples()
    ]
    caption = (
        f"Percent judged real, averaged over presentation times with equal weights, with 95{NBSP}% intervals for "
        "new people and new images (two-way cluster variance from the covariance of all points, logit scale, "
        "Satterthwaite degrees of freedom)."
    )
    text = [
        "One number a source. It depends on the presentation times that were tested, so compare it only with "
        "studies of the same times."
    ]
    head = ["source", "times", "trials", "people", "images", "%", "95 % interval", "design effect"]
    return Section("Means over presentation times", text, Table(caption, head, rows))


def shares(row: Any) -> list[str]:
    return [f"{100 * row.p:.1f}", f"{100 * row.low:.1f}–{100 * row.high:.1f}"]


def timing_quality(results: Results) -> Section:
    kinds = timing.witnesses(results.rows)
    late = timing.mistimed_share(results.rows)
    seen = listed(f"{kind} ({count(n)})" for kind, n in kinds.items())
    judged = (
        "No trial was judged for its timing."
        if isnan(late)
        else f"{percent(late, 1)} of the judged trials were mistimed."
    )
    text = [
        f"{judged} Trials by the kind of witness of their timing: {seen}. A screen shows whole frames, so a time "
        "between two frames is shown as the planned number of frames; mistimed trials are flagged and kept."
    ]
    rows = [
        [
            f"{row.exposure_ms:g}",
            count(row.n_trials),
            count(row.n_measured),
            milliseconds(row.median_ms, 1),
            milliseconds(row.low_ms, 1),
            milliseconds(row.high_ms, 1),
            percent(row.share_ok, 1),
        ]
        for row in results.timing.itertuples()
    ]
    caption = (
        "Presentation time asked for and measured, in milliseconds, over the analysed trials: median, 5th and 95th "
        "percentile; and the share of judged trials that were on time."
    )
    head = ["asked for", "trials", "measured", "median", "5 %", "95 %", "on time"]
    return Section("Timing quality", text, Table(caption, head, rows))


def methods(results: Results) -> Section:
    """A paragraph that a paper can take over, with its numbers."""
    text = " ".join([*what_was_done(results), *how_it_was_analysed(results)])
    return Section("Methods, ready to paste", [text])


def what_was_done(results: Results) -> list[str]:
    sources = [label(name) for name in results.means["source"]]
    exposures = [f"{ms:g}" for ms in results.timing["exposure_ms"]]
    left_out = results.selection.exclusions
    gone = listed(f"{row.reason} ({count(row.n_rows)})" for row in left_out.itertuples())
    return [
        f"In study {results.study} (version {results.study_version[:12]}) "
        f"{counted(len(results.people), *results.who)} judged pictures of {len(sources)} sources "
        f"({listed(sources)}) as real or generated, each shown for one of {len(exposures)} presentation times "
        f"({', '.join(exposures)}{NBSP}ms).",
        f"{counted(len(results.rows), 'answered trial')} of kind main or repeat entered the analysis; left out, "
        f"by first reason: {gone}.",
    ]


def how_it_was_analysed(results: Results) -> list[str]:
    used = results.cells["rule"].value_counts()
    stand_ins = [rule for rule in intervals.RULES if rule != "two-way" and rule in used.index]
    made = results.provenance
    return [
        "We report the share of pictures judged real for new people and new images.",
        "Its variance is clustered two ways, by person and by image: V = V_people + max(V_images − V_trial, 0), "
        "the sums of squared cluster totals of the residuals with the factors P/(P − 1) and I/(I − 1) (Cameron, "
        "Gelbach and Miller 2011).",
        f"Intervals are 95{NBSP}%, formed on the logit scale with a t quantile and Satterthwaite degrees of freedom; "
        "means weigh presentation times equally, and differences use the covariance of all points.",
        "Intervals are pointwise and not adjusted for the number of comparisons.",
        *(
            f"{counted(used[rule], 'point')} needed another rule: {intervals.RULES[rule].method}."
            for rule in stand_ins
        ),
        f"Computed with Tachisto {made.code_version} (code {made.code_sha256[:12]}, data {made.data_sha256[:12]}).",
    ]


def software(results: Results) -> Section:
    made = results.provenance
    rows = [
        ["Tachisto", made.code_version],
        ["analysis code, SHA-256", made.code_sha256],
        [f"{made.data_file}, SHA-256", made.data_sha256],
        *([name, number] for name, number in made.software.items()),
    ]
    text = [
        "The same data, code and library versions give the same numbers and the same figure, byte for byte."
    ]
    return Section(
        "Software and data", text, Table("What this report was made with.", ["what", "version"], rows, 2)
    )


SECTIONS: tuple[Callable[[Results], Section], ...] = (
    judged_real,
    who_took_part,
    source_means,
    all_cells,
    timing_quality,
    methods,
    software,
)


def sections(results: Results) -> list[Section]:
    """All sections of the report."""
    return [section(results) for section in SECTIONS]


def cells_csv(cells: pd.DataFrame) -> str:
    """`cells.csv`: the points of figure 1; p, low and high as proportions."""
    columns = ["source", "exposure_ms", "n_trials", "n_people", "n_images", "k", "p", "low", "high"]
    written = cells[columns].copy()
    written["exposure_ms"] = [f"{ms:g}" for ms in written["exposure_ms"]]
    for name in ("p", "low", "high"):
        written[name] = [f"{value:.6f}" for value in written[name]]
    return str(written.to_csv(index=False, lineterminator="\n"))
