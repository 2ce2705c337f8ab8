"""Whether the answers hang on choices: other bars, other exclusions, other studies.

Knows what is said of them and draws the specification curve. The choices are in `bars` and `multiverse`.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis import bars, intervals
from analysis.columns import listed
from analysis.counts import CODED, coded
from analysis.drawing import reference
from analysis.multiverse import all_universes
from analysis.quoted import rounded
from analysis.results import Results
from analysis.section import Figure, Number, Section, Table
from analysis.style import INK, QUIET, RULE
from analysis.wording import NBSP, count, counted, label, percent, points

UNIVERSE_METHOD = "all combinations of the choices of analysis.multiverse"


def kinds_of_bars(results: Results) -> Section | None:
    """Every usual bar side by side: how long it is, and for whom it holds."""
    study = bars.Study(results.codes, results.tables, results.cov, results.plan.seed)
    table = bars.all_bars(study)
    half = (100 * (table["high"] - table["low"]) / 2).groupby(table["kind"]).mean()
    rows = [
        [kind.label, kind.holds_for, f"{half[name]:.1f}" if np.isfinite(half[name]) else "–"]
        for name, kind in bars.KINDS.items()
    ]
    ratio = half["two-way"] / half["wilson"]
    text = (
        f"The headline's bars are {ratio:.1f} times as long as the usual binomial ones (Wilson's), which take every answer as "
        "independent. ±1 SD between people, probably the paper's bars, shows how people differ; it is no interval for a "
        "mean. Choose by what the bar should hold for."
    )
    caption = (
        "Mean half-width of each kind of bar over the points of figure 1, in percentage points, and for whom it holds. Resampling "
        "people and images together counts the noise of trials three times, so its bars are too wide. All ends in intervals.csv."
    )
    numbers = [
        Number(
            f"mean half-width of bars: {kind.label}", rounded(half[name] / 100), "proportion", f"points of figure 1, for {kind.holds_for}", kind.method
        )
        for name, kind in bars.KINDS.items()
    ]  # fmt: skip
    shown = Table(caption, ["bar", "holds for", "half-width"], rows, n_names=2, name="intervals", frame=table)
    return Section("Other bars", [text], shown, numbers=numbers)


def other_choices(results: Results) -> Section | None:
    """The multiverse: the headline numbers under every combination of exclusions, and a specification curve."""
    contrasts = results.contrast_weights
    if not contrasts:
        return None
    every = results.selection
    codes = coded(every.every.loc[every.is_candidate, CODED]) if every.chosen else results.codes
    if len(codes.cells) != len(results.tables.cells):
        return None  # a rule chosen for this report has emptied a cell
    universes = all_universes(codes, every.every, every.is_candidate, results.mean_weights, contrasts)
    table = universes.table
    if table.empty:
        return None
    n = table["universe"].nunique()
    ranges = [
        quantity_range(table[table["quantity"] == name], name, is_contrast=name in contrasts)
        for name in (*results.mean_weights, *contrasts)
    ]
    said = [each.said for each in ranges if each.said]
    empty = (
        f" {counted(universes.n_empty, 'combination')} more left a point without answers."
        if universes.n_empty
        else ""
    )
    text = f"Under {counted(n, 'combination')} of rules {'; '.join(said)}.{empty}"
    first = next(iter(contrasts))
    hardest = min(contrasts, key=lambda name: abs(table[table["quantity"] == name]["estimate"].median()))
    figure = Figure(
        name="multiverse",
        draw=partial(draw_curve, table=table[table["quantity"] == hardest]),
        inches=(6.4, 4.6),
        grid=(2, 1),
        alt=f"Specification curve of {hardest or first}: estimates in order of size, and the choices behind each. {text}",
        caption=(
            f"Specification curve of the smallest planned contrast, {' − '.join(map(label, hardest.split(' minus ')))}, in percentage points: "
            f"above, estimates with 95{NBSP}% intervals in order of size, the one without any of these rules in black; below, what was chosen. All numbers in "
            "multiverse.csv."
        ),
    )
    caption = (
        "Means and planned contrasts over all universes, in percentage points: smallest, median, largest; and the share of universes whose "
        f"95{NBSP}% interval excludes 0. Choices: which reaction times, which exposures, which people, whose variance."
    )
    shown = Table(
        caption,
        ["number", "least", "median", "most", "excludes 0"],
        [each.row for each in ranges],
        name="multiverse",
        frame=table,
    )
    return Section("Under other rules", [text], shown, figure, [each.number for each in ranges])


class Range(NamedTuple):
    """What becomes of a number over all universes: a row of the table, a number, of contrasts a part of a sentence."""

    row: list[str]
    number: Number
    said: str


def quantity_range(own: pd.DataFrame, name: str, *, is_contrast: bool) -> Range:
    """The range of a mean or contrast; own: its estimates, one row a universe."""
    words = " − ".join(map(label, name.split(" minus "))) if is_contrast else label(name)
    low, middle, high = own["estimate"].min(), own["estimate"].median(), own["estimate"].max()
    clear = percent(float(((own["low"] > 0) | (own["high"] < 0)).mean())) if is_contrast else ""
    number = Number(
        f"over universes: {name}", rounded(middle), "proportion", "median; low and high are the extremes over universes",
        UNIVERSE_METHOD, rounded(low), rounded(high),
    )  # fmt: skip
    said = f"{words} lies between {points(low, 1)} and {points(high, 1)} points and excludes 0 in {clear} of them"
    return Range(
        [words, points(low, 1), points(middle, 1), points(high, 1), clear],
        number,
        said if is_contrast else "",
    )


def draw_curve(axes: Any, table: pd.DataFrame) -> None:
    """Estimates in order above, the choices of each below."""
    curve, choices = axes
    ordered = table.sort_values(["estimate", "universe"], ignore_index=True)
    place = np.arange(len(ordered))
    is_main = (ordered["universe"] == 0).to_numpy(bool)
    reference(curve, 0)
    for chosen, colour, width in ((~is_main, QUIET, 0.8), (is_main, INK, 1.8)):
        curve.vlines(
            place[chosen], 100 * ordered["low"][chosen], 100 * ordered["high"][chosen], color=colour, lw=width
        )
        curve.plot(
            place[chosen], 100 * ordered["estimate"][chosen], ls="none", marker="o", ms=3, color=colour
        )
    curve.set_ylabel("points")
    curve.set_xticks([])
    curve.spines["bottom"].set_visible(False)
    names: list[str] = []
    for column in ("reactions", "timing", "people", "clusters"):
        for words in dict.fromkeys(table.sort_values("universe")[column]):
            here = (ordered[column] == words).to_numpy(bool)
            choices.plot(
                place[here], np.full(here.sum(), len(names)), ls="none", marker="|", ms=6, mew=1.1, color=INK
            )
            names.append(words)
        choices.axhline(len(names) - 0.5, lw=0.6, color=RULE)
    choices.set_yticks(range(len(names)), names, fontsize=7)
    choices.set_ylim(len(names) - 0.5, -0.5)
    choices.set_xticks([])
    choices.tick_params(left=False)
    for side in ("left", "bottom"):
        choices.spines[side].set_visible(False)
    for ax in (curve, choices):
        ax.set_xlim(-1, len(ordered))


def study_by_study(results: Results) -> Section | None:
    """Where several studies were read as one: the means of each."""
    if len(results.studies) < 2:
        return None
    rows = results.rows
    found = []
    for study, version in results.studies:
        own = rows[((rows["study"] == study) & (rows["study_version"] == version)).to_numpy(bool)]
        tables = coded(own).tables()
        means = intervals.source_means(tables)
        found.append(means.assign(study=study, study_version=version, n_times=own["exposure_ms"].nunique()))
    table = pd.concat(found, ignore_index=True)
    shown = [
        [
            row.study,
            label(row.source),
            count(row.n_people),
            count(row.n_trials),
            f"{100 * row.p:.1f}",
            f"{100 * row.low:.1f}–{100 * row.high:.1f}",
        ]
        for row in table.itertuples()
    ]
    apart = []
    for source, own in table.groupby("source", sort=False):
        if len(own) > 1:
            apart.append(f"{points(own['p'].max() - own['p'].min())} for {label(str(source))}")
    text = (
        f"{counted(len(results.studies), 'study', 'studies')} were read as one; the figures above pool their answers, so a study with more "
        f"answers weighs more. Their means lie apart by {listed(apart)} points at most."
        if apart
        else f"{counted(len(results.studies), 'study', 'studies')} were read as one; no source was tested in two of them."
    )
    caption = f"Mean over the study's own times, in percent judged real, with 95{NBSP}% intervals for {intervals.NEW}."
    head = ["study", "source", "people", "trials", "%", "95 % interval"]
    return Section(
        "Study by study", [text], Table(caption, head, shown, n_names=2, name="studies", frame=table)
    )
