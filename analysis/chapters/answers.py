"""The answers: figure 1 with its three sentences, every point, and the means over times.

Knows what is said of the levels. How they come about is in `intervals`, figure 1 is drawn by `figures`.
"""

from __future__ import annotations

from functools import partial
from math import isnan
from typing import Any

import pandas as pd

from analysis import bars, figures, intervals, paper_style, published
from analysis.columns import listed
from analysis.results import Results
from analysis.section import Figure, Section, Table
from analysis.wording import NBSP, count, counted, exposure, label, percent, points, ratio, span


def judged_real(results: Results) -> Section:
    """Figure 1 and the three sentences that say what it shows."""
    people = counted(len(results.people), *results.who)
    exposures = results.cells["exposure_ms"]
    kind = bars.KINDS[results.plan.bars]
    is_headline = results.plan.bars == "two-way"
    figure = Figure(
        name="figure1",
        marks_simulated=True,
        draw=partial(
            figures.judged_real_over_time,
            table=results.cells if is_headline else with_bars(results),
            is_simulated=results.is_simulated,
            bar="95 % interval" if is_headline else kind.label,
        ),
        inches=figures.FIGURE_1_INCHES,
        alt=f"Percent judged real against presentation time, one line a source. {levels_sentence(results)}",
        caption=(
            f"Figure 1. Percent of pictures judged real by {people} after "
            f"{exposures.min():g} to {exposure(exposures.max())}; a point is {span(results.cells['n_trials'])} answers "
            f"about {span(results.cells['n_images'])} pictures. Bars: "
            + (
                f"95{NBSP}% intervals for new people and new images (two-way cluster variance, logit scale)"
                if is_headline
                else f"{kind.label} ({kind.method}), for {kind.holds_for}; numbers in sentences and tables keep the headline interval"
            )
            + f". Hollow: {published.CITATION}, right to about "
            f"{100 * published.DOUBT:.0f} points."
        ),
    )
    sentences = [levels_sentence(results), order_sentence(results), paper_sentence(results)]
    return Section("Judged real, by presentation time", sentences, figure=figure)


def with_bars(results: Results) -> pd.DataFrame:
    """The points with bars of the kind that was chosen for figure 1."""
    study = bars.Study(results.codes, results.tables, results.cov, results.plan.seed)
    chosen = bars.all_bars(study, [results.plan.bars])
    return results.cells.assign(low=chosen["low"].to_numpy(), high=chosen["high"].to_numpy())


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
    if steps.empty:
        return f"{over} it is {order}."
    said = f"{over} the order is {order}; from one to the next it is {gaps} points"
    # Without a variance there is no p value; then the interval must do.
    holds_0 = (steps["low"] <= 0) & (steps["high"] >= 0)
    open_steps = steps[(steps["p_holm"] > 0.05) | (steps["p_holm"].isna() & holds_0)]
    if open_steps.empty:
        return f"{said}, so after Holm's correction each stands apart from the next."
    doubtful = " and of ".join(
        f"{label(row.higher)} and {label(row.lower)}" for row in open_steps.itertuples()
    )
    return f"{said}, so after Holm's correction the order of {doubtful} is open."


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
        "Beside it Wilson's interval, which takes trials as independent: for comparison only, and too short wherever people or "
        "images differ. A design effect below 1 is chance: a spread is not well known from few people."
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
    return Section(
        "Means over presentation times", text, Table(caption, head, rows, name="means", frame=results.means)
    )


def shares(row: Any) -> list[str]:
    return [f"{100 * row.p:.1f}", f"{100 * row.low:.1f}–{100 * row.high:.1f}"]


def in_the_paper_s_manner(results: Results) -> Section:
    """Figure 1 as the paper drew it; only where it is asked for."""
    figure = Figure(
        name="figure1-paper",
        marks_simulated=True,
        draw=partial(paper_style.as_in_the_paper, tables=results.tables, is_simulated=results.is_simulated),
        inches=paper_style.INCHES,
        alt="Percent classified real against presentation time in the manner of the paper, with bars of one standard deviation.",
        caption=(
            f"The same answers in the manner of {published.CITATION}. Bars: ±1 standard deviation between people (probably "
            "its bars, too): how people differ, not how well a mean is known. Means of people's own shares."
        ),
    )
    return Section("In the paper's manner", [], figure=figure)
