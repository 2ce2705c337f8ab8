"""How well people tell real from generated, and how fast: d', criterion, reaction times.

Knows what is said of them and draws them. The measures are in `detection` and `reactions`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis import detection, reactions
from analysis.columns import listed
from analysis.drawing import curve, legend, note, reference, time_axis, title
from analysis.intervals import NEW
from analysis.quoted import rounded
from analysis.responses import REAL
from analysis.results import Results
from analysis.section import Figure, Number, Section, Table
from analysis.style import INK, SourceStyle, source_styles
from analysis.wording import NBSP, count, exposure, label, milliseconds, percent, signed, span

PANELS_INCHES = (6.4, 3.1)
PANEL_WIDTH = 2.5  # of the time axis in one of two panels


def sensitivity(results: Results) -> Section | None:
    """d' and criterion by source and time, pooled, and as the mean of people's own."""
    pooled = detection.sensitivity(results.tables, results.cov)
    if pooled.empty:
        return None
    own = detection.own_sensitivity(results.tables)
    means = pooled[pooled["exposure_ms"].isna()]
    said = listed(
        f"{decimal(row.d_prime)} ({between(row, 'd_prime')}) for {label(row.source)}"
        for row in means.itertuples()
    )
    bias = listed(f"{decimal(row.criterion)} for {label(row.source)}" for row in means.itertuples())
    text = (
        f"Averaged over the presentation times, sensitivity d′ of real against generated is {said} "
        f"(0: cannot be told apart; 1: 69{NBSP}% right without bias). The criterion is {bias}; above 0 people say "
        "“generated” more readily. Pooled over people d′ is somewhat lower than the mean of people's own where their "
        "criteria differ; both are given."
    )
    figure = Figure(
        name="sensitivity",
        draw=partial(draw_sensitivity, table=pooled, styles=source_styles(results.sources)),
        inches=PANELS_INCHES,
        grid=(1, 2),
        alt=f"d′ and criterion against presentation time, one line a generated source. {text}",
        caption=(
            "Sensitivity d′ and criterion c, in standard deviations of the internal noise, against real pictures at the same time, "
            f"pooled, with 95{NBSP}% intervals for {NEW} "
            f"({detection.POOLED_METHOD}). Full table in sensitivity.csv."
        ),
    )
    both = pooled.merge(own, on=["source", "exposure_ms"], how="left", suffixes=("", "_of_people"))
    longest = pooled["exposure_ms"].max()
    rows = [
        [
            label(row.source),
            "all" if np.isnan(row.exposure_ms) else f"{row.exposure_ms:g}",
            decimal(row.d_prime),
            between(row, "d_prime"),
            decimal(row.d_prime_of_people),
            decimal(row.criterion),
            between(row, "criterion"),
            decimal(row.criterion_of_people),
        ]
        for row in both.itertuples()
        if np.isnan(row.exposure_ms) or row.exposure_ms in (pooled["exposure_ms"].min(), longest)
    ]
    caption = (
        f"d′ and c at the shortest and the longest time, and averaged over times: pooled with 95{NBSP}% intervals for {NEW}, "
        f"and the mean of people's own ({detection.INDIVIDUAL_METHOD}; new people, these images)."
    )
    head = ["source", "ms", "d′", "95 % interval", "own d′", "c", "95 % interval", "own c"]
    numbers = [
        Number(
            f"{name}: {row.source}, mean over times", rounded(getattr(row, key)), "SD of internal noise",
            f"{name} of real against {row.source}, averaged over presentation times, for {NEW}", detection.POOLED_METHOD,
            rounded(getattr(row, f"{key}_low")), rounded(getattr(row, f"{key}_high")),
        )
        for row in means.itertuples()
        for name, key in (("d'", "d_prime"), ("criterion", "criterion"))
    ]  # fmt: skip
    shown = Table(caption, head, rows, n_names=1, name="sensitivity", frame=both)
    return Section("Sensitivity and bias", [text], shown, figure, numbers)


def decimal(value: float) -> str:
    return signed(f"{value:.2f}") if np.isfinite(value) else "–"


def between(row: Any, name: str) -> str:
    low, high = getattr(row, f"{name}_low"), getattr(row, f"{name}_high")
    return f"{decimal(low)} to {decimal(high)}" if np.isfinite([low, high]).all() else "not known"


def draw_sensitivity(axes: Any, table: pd.DataFrame, styles: dict[str, SourceStyle]) -> None:
    points = table[table["exposure_ms"].notna()]
    names = list(dict.fromkeys(points["source"]))
    for ax, key, words in zip(axes, ("d_prime", "criterion"), ("Sensitivity d′", "Criterion c"), strict=True):
        time_axis(ax, sorted(points["exposure_ms"].unique()), PANEL_WIDTH)
        reference(ax, 0)
        for place, name in enumerate(names):
            own = points[points["source"] == name]
            curve(ax, own, key, styles[name], dodge=1 + 0.03 * (place - (len(names) - 1) / 2))
        title(ax, words)
    legend(axes[0], {name: styles[name] for name in names}, loc="best")


def reaction_times(results: Results) -> Section | None:
    """Medians by source and time, and right answers by speed."""
    table = reactions.reaction_quantiles(results.rows)
    if table.empty:
        return None
    own = reactions.medians(results.rows)
    accuracy = reactions.conditional_accuracy(results.rows)
    whole = reactions.timed(results.rows)["reaction_ms"].quantile([0.1, 0.5, 0.9]).to_numpy(float)
    text = (
        f"The median answer came {milliseconds(whole[1])}{NBSP}ms after the mask (10th to 90th percentile "
        f"{milliseconds(whole[0])} to {milliseconds(whole[2])}{NBSP}ms)."
    )
    if not accuracy.empty:
        fast, slow = (
            accuracy[accuracy["fifth"] == fifth]["accuracy"].mean() for fifth in (1, reactions.N_BINS)
        )
        text += f" People's fastest fifth of answers was right in {percent(fast)}, their slowest in {percent(slow)}."
    figure = Figure(
        name="reactions",
        draw=partial(draw_reactions, own=own, accuracy=accuracy, styles=source_styles(results.sources)),
        inches=PANELS_INCHES,
        grid=(1, 2),
        alt=f"Median reaction time against presentation time, and right answers by speed. {text}",
        caption=(
            f"Left: mean over people ({span(own['n_people'])} a point) of their median reaction time, from the onset of the mask, with "
            f"95{NBSP}% t intervals. Right: "
            f"right answers in each fifth of people's own reaction times, with 95{NBSP}% t intervals over people; all presentation "
            "times together, so fast answers may be those to easy trials. Both for new people and these images; trials known to "
            "be mistimed are left out. Quantiles in reactions.csv."
        ),
    )
    shortest, longest = table["exposure_ms"].min(), table["exposure_ms"].max()
    rows = [
        [
            label(row.source),
            str(row.response),
            f"{row.exposure_ms:g}",
            count(row.n_trials),
            *(milliseconds(getattr(row, f"q{share}_ms")) for share in (10, 50, 90)),
        ]
        for row in table.itertuples()
        if row.exposure_ms in (shortest, longest)
    ]
    caption = f"Reaction times in ms at {exposure(shortest)} and {exposure(longest)}: 10th, 50th and 90th percentile over all answers."
    head = ["source", "answer", "ms shown", "trials", "10 %", "50 %", "90 %"]
    numbers = [
        Number(
            "median reaction time", rounded(whole[1]), "milliseconds", "answered trials of this study not known to be mistimed",
            "median; low and high are the 10th and 90th percentile", rounded(whole[0]), rounded(whole[2]),
        )
    ]  # fmt: skip
    shown = Table(caption, head, rows, n_names=2, name="reactions", frame=table)
    return Section("Reaction times", [text], shown, figure, numbers)


def draw_reactions(
    axes: Any, own: pd.DataFrame, accuracy: pd.DataFrame, styles: dict[str, SourceStyle]
) -> None:
    left, right = axes
    time_axis(left, sorted(own["exposure_ms"].unique()), PANEL_WIDTH)
    named = own.rename(columns={"median_ms": "median", "low_ms": "median_low", "high_ms": "median_high"})
    for place, (name, style) in enumerate(styles.items()):
        line = named[named["source"] == name]
        if len(line):
            curve(left, line, "median", style, dodge=1 + 0.03 * (place - (len(styles) - 1) / 2))
    left.set_ylim(0, None)
    title(left, "Median reaction time (ms)")
    legend(left, styles, loc="lower right", ncols=2)
    title(right, "Right answers (%)")
    if accuracy.empty:
        note(right, "too few answers")
        return
    for is_real, marker, words in ((True, "o", f"{REAL} pictures"), (False, "s", "generated pictures")):
        line = accuracy[accuracy["is_real"] == is_real]
        colour = INK if is_real else "#7a5195"
        ends = 100 * line[["low", "high"]].to_numpy(float)
        right.plot(
            line["reaction_ms"],
            100 * line["accuracy"],
            marker=marker,
            ms=4.5,
            lw=1,
            color=colour,
            label=words,
        )
        right.vlines(line["reaction_ms"], ends[:, 0], ends[:, 1], lw=1.2, color=colour)
    right.set_ylim(0, 100)
    right.set_xlabel("reaction time (ms)")
    right.legend(frameon=False, fontsize=7.5, loc="lower right")
