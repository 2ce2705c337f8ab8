"""How people differ: each one's own curve, how reliable their measures are, who moves the numbers, time on task.

Knows what is said of people and draws them. The measures are in `people`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis import people
from analysis.columns import listed
from analysis.drawing import reference, time_axis, title
from analysis.quoted import rounded
from analysis.results import Results
from analysis.section import Figure, Number, Section, Table
from analysis.style import INK, SourceStyle, source_styles
from analysis.wording import NBSP, count, counted, label, percent, points, signed, span

SHOWN_PEOPLE = 30  # panels of a figure; with more people every n-th in the order of d' is drawn
COLUMNS = 5
MEASURES = {"d_prime": "d′", "criterion": "c"}
TABLE_ROWS = 40


def each_person(results: Results) -> Section | None:
    """Every person's own curve and measures, and how reliable these are."""
    table = people.people_table(results.codes, results.tables)
    if len(table) < 2:
        return None
    split = people.split_half(results.tables, results.plan.seed).set_index("measure")
    known = table["d_prime"].dropna()
    text = [
        f"People's own d′ (all generated sources together) ranges from {decimal(known.min())} to {decimal(known.max())}, median "
        f"{decimal(known.median())}; they judged {percent(table['real_judged_real'].min())} to "
        f"{percent(table['real_judged_real'].max())} of the real and {percent(table['generated_judged_real'].min())} to "
        f"{percent(table['generated_judged_real'].max())} of the generated pictures real."
    ]
    numbers = []
    if split["reliability"].notna().any():
        said = listed(
            f"{decimal(row.reliability)} for {MEASURES[row.Index]} ({decimal(row.low)} to {decimal(row.high)})"
            for row in split.itertuples()
            if np.isfinite(row.reliability)
        )
        text.append(
            f"Split-half reliability over {count(split['n_splits'].iloc[0])} random splits, stepped up to the full number of "
            f"trials (Spearman-Brown), is {said}: how well a person's value would repeat itself."
        )
        numbers = [
            Number(
                f"split-half reliability of {name}", rounded(row.reliability), "correlation", "a person's measure, for new people",
                "Spearman-Brown over random halves within cells; percentiles over splits with people resampled",
                rounded(row.low), rounded(row.high),
            )
            for name, row in split.iterrows()
        ]  # fmt: skip
    shown = drawn_people(table)
    figure = Figure(
        name="people",
        draw=partial(draw_people, results=results, order=shown, styles=source_styles(results.sources)),
        inches=(6.4, 1.25 * -(-len(shown) // COLUMNS) + 0.75),
        grid=(-(-len(shown) // COLUMNS), min(COLUMNS, len(shown))),
        alt=f"Each person's own percent judged real against presentation time. {text[0]}",
        caption=(
            f"Percent judged real against presentation time by each person{'' if len(shown) == len(table) else f' ({count(len(shown))} of {count(len(table))}, evenly over the order)'}, "
            f"in the order of d′, best first. A point is {results.tables.person_n[results.tables.person_n > 0].mean():.0f} of "
            "their answers in the mean, so single steps are noise. All people in people.csv."
        ),
    )
    rows = [
        [
            str(row.participant),
            count(row.n_trials),
            percent(row.real_judged_real),
            percent(row.generated_judged_real),
            decimal(row.d_prime),
            decimal(row.criterion),
        ]
        for row in table.head(TABLE_ROWS).itertuples()
    ]
    more = f" The first {TABLE_ROWS} of {count(len(table))}." if len(table) > TABLE_ROWS else ""
    caption = f"People in the order of d′: trials, shares judged real, sensitivity and criterion.{more}"
    head = ["participant", "trials", "real", "generated", "d′", "c"]
    return Section(
        "Each person", text, Table(caption, head, rows, name="people", frame=table), figure, numbers
    )


def decimal(value: float) -> str:
    return signed(f"{value:.2f}") if np.isfinite(value) else "–"


def drawn_people(table: pd.DataFrame) -> list[str]:
    """People who get a panel: all, or evenly spread over the order of d'."""
    places = np.unique(np.linspace(0, len(table) - 1, min(SHOWN_PEOPLE, len(table))).round().astype(int))
    return table["participant"].iloc[places].tolist()


def draw_people(axes: Any, results: Results, order: list[str], styles: dict[str, SourceStyle]) -> None:
    panels = list(np.atleast_1d(axes).flat)
    place = {name: number for number, name in enumerate(results.codes.people)}
    cells = results.tables.cells
    exposures = sorted(cells["exposure_ms"].unique())
    measures = people.people_table(results.codes, results.tables).set_index("participant")["d_prime"]
    for number, ax in enumerate(panels):
        if number >= len(order):
            ax.set_axis_off()
            continue
        n, k = (each[place[order[number]]] for each in (results.tables.person_n, results.tables.person_k))
        for name, style in styles.items():
            own = (cells["source"] == name).to_numpy(bool) & (n > 0)
            ax.plot(
                cells["exposure_ms"].to_numpy(float)[own], 100 * k[own] / n[own], lw=0.9, color=style.colour, marker=style.marker, ms=1.8,
                label=style.label,
            )  # fmt: skip
        time_axis(
            ax, [exposures[0], exposures[-1]], 1.0, "time (ms)" if number >= len(order) - COLUMNS else ""
        )
        ax.set_ylim(-4, 104)
        ax.set_yticks([0, 50, 100] if number % COLUMNS == 0 else [])
        if number < len(order) - COLUMNS:
            ax.set_xticks([])
        ax.tick_params(labelsize=6.5)
        ax.xaxis.label.set_size(7)
        ax.set_title(f"d′ {decimal(measures[order[number]])}", size=7, pad=2)
    panels[0].set_ylabel("judged real (%)", fontsize=7)
    panels[0].figure.legend(
        handles=panels[0].lines, loc="outside lower left", ncols=len(styles), frameon=False, fontsize=7.5
    )


def influence(results: Results) -> Section | None:
    """What every headline number would be without each single person."""
    if len(results.codes.people) < 3:
        return None
    weights = {**results.mean_weights, **results.contrast_weights}
    table = people.leave_one_out(results.codes, results.tables, weights)
    rows, most = [], None
    for name, own in table.groupby("quantity", sort=False):
        known = own.dropna(subset=["without"])
        if known.empty:
            continue
        top = known.loc[known["change"].abs().idxmax()]
        if most is None or abs(top["change"]) > abs(most["change"]):
            most = top
        words = in_words(str(name))
        rows.append(
            [
                words,
                points(float(top["value"]), 1),
                f"{points(float(known['without'].min()), 1)} to {points(float(known['without'].max()), 1)}",
                str(top["participant"]),
                points(float(top["change"]), 1),
            ]
        )
    if most is None:
        return None
    text = (
        f"Leaving out any one of the {counted(len(results.codes.people), *results.who).rstrip(',')} moves no headline number by more "
        f"than {abs(100 * float(most['change'])):.1f} points ({in_words(str(most['quantity']))}, without {most['participant']})."
    )
    caption = (
        "Means and planned contrasts over times in percentage points; their range when each person is left out in turn, and "
        "the person who moves them most. Exact: the counts without a person are counted, nothing is fitted again."
    )
    head = ["number", "all", "without one", "most moved without", "by"]
    numbers = [
        Number(
            "largest change of a headline number without one person", rounded(float(most["change"])), "proportion",
            "this study", f"leave-one-person-out: {most['quantity']}",
        )
    ]  # fmt: skip
    return Section(
        "Does one person carry it?",
        [text],
        Table(caption, head, rows, name="influence", frame=table),
        numbers=numbers,
    )


def in_words(quantity: str) -> str:
    """A source, or `higher minus lower`, as the report says it."""
    return " − ".join(map(label, quantity.split(" minus ")))


def time_on_task(results: Results) -> Section | None:
    """Fatigue and drift of the criterion over the sitting."""
    part = people.parts_of_sittings(results.rows)
    table = people.time_on_task(results.codes, part)
    change = people.drift(results.codes, part).set_index("measure")
    if table["n_people"].min() < 2:
        return None
    said = listed(
        f"{MEASURES[name]} by {decimal(row['change'])} ({decimal(row['low'])} to {decimal(row['high'])})"
        for name, row in change.iterrows()
    )
    moved = [MEASURES[str(name)] for name, row in change.iterrows() if row["low"] > 0 or row["high"] < 0]
    verdict = f"so {listed(moved)} moved" if moved else "so neither is shown to move"
    text = f"From the first to the last half of their sittings people changed {said}, {verdict}."
    figure = Figure(
        name="time_on_task",
        draw=partial(draw_time_on_task, table=table),
        inches=(6.4, 2.4),
        grid=(1, 2),
        alt=f"d′ and criterion in the four quarters of a sitting. {text}",
        caption=(
            f"Mean over people ({span(table['n_people'])}) of their own d′ (all generated sources) and criterion in each quarter of their sittings, with 95{NBSP}% t "
            "intervals: new people, these images. A rising d′ would speak for learning, a falling one for fatigue."
        ),
    )
    numbers = [
        Number(
            f"change of {name} from first to last half", rounded(row["change"]), "SD of internal noise",
            "last minus first half of a sitting, new people, these images", "mean over people with a t interval",
            rounded(row["low"]), rounded(row["high"]),
        )
        for name, row in change.iterrows()
    ]  # fmt: skip
    return Section("Time on task", [text], figure=figure, numbers=numbers)


def draw_time_on_task(axes: Any, table: pd.DataFrame) -> None:
    for ax, key, words in zip(axes, MEASURES, ("Sensitivity d′", "Criterion c"), strict=True):
        middle = table[key].to_numpy(float)
        ends = table[[f"{key}_low", f"{key}_high"]].to_numpy(float)
        ax.vlines(table["part"], ends[:, 0], ends[:, 1], color=INK, lw=1.2)
        ax.plot(table["part"], middle, color=INK, marker="o", ms=4.5, lw=1, mec="white")
        ax.set_xticks(table["part"])
        ax.set_xlim(0.6, len(table) + 0.4)
        ax.set_xlabel("quarter of the sitting")
        if key == "d_prime":
            ax.set_ylim(min(0, np.nanmin(ends)), None)
        else:
            reference(ax, 0)
        title(ax, words)
