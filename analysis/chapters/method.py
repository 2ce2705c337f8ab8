"""Who was asked, what was left out, how it was measured and computed: what a methods section holds.

Knows the words. Exclusions are in `responses`, `study_rules` and `rules`, times in `timing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import isnan

import pandas as pd
from matplotlib.axes import Axes

from analysis import intervals, psychometric, published, timing
from analysis.columns import listed
from analysis.drawing import reference, time_axis
from analysis.responses import REAL, Selection
from analysis.results import Results
from analysis.section import Figure, Section, Table
from analysis.style import INK
from analysis.wording import NBSP, count, counted, label, milliseconds, percent


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
    text.append(" ".join(rules_and_their_time(results.selection)))
    return Section("Who took part, and what was left out", text, flow_table(results.selection))


def flow_table(selection: Selection) -> Table:
    """What became of the rows of a file, reason by reason."""
    rows = selection.rows
    flow = [["rows in the file", count(selection.n_rows), "", ""]]
    flow += [
        [f"left out: {row.reason}", count(row.n_rows), count(row.n_left), count(row.n_people_left)]
        for row in selection.exclusions.itertuples()
    ]
    flow += [["analysed", count(len(rows)), count(len(rows)), count(rows["participant"].nunique())]]
    caption = (
        "Rows of the file by what became of them, with the rows and people left after each step; each row counts for the "
        "first reason that fits. Row by row in exclusions.csv."
    )
    head = ["rows", "number", "rows left", "people left"]
    return Table(caption, head, flow, name="flow", frame=selection.exclusions)


def rules_and_their_time(selection: Selection) -> Iterator[str]:
    """Which rules were declared before the data, and which came afterwards."""
    if not selection.beforehand:
        yield "No rule by which sittings are left out is known to have been declared before the data."
    else:
        said = listed((rule.words for rule in selection.beforehand), "or")
        left_aside = "" if selection.as_declared else ", but not applied in this report"
        yield f"Declared before the data{left_aside}: leave out sittings in which {said}."
    if selection.chosen:
        said = "; ".join(rule.reason for rule in selection.chosen)
        yield f"Came afterwards, chosen for this report: {said}."
    else:
        yield "No rule came afterwards."


# What the kinds of witness in an export mean.
WITNESSES = {
    "element_timing": "the compositor's own times",
    "callback": "the lateness of the page's callbacks alone",
    "simulated": "simulated",
    "none": "nothing",
}


def timing_quality(results: Results) -> Section:
    kinds = timing.witnesses(results.rows)
    late = timing.mistimed_share(results.rows)
    seen = listed(f"{WITNESSES.get(kind, kind)} ({count(n)})" for kind, n in kinds.items())
    judged = (
        "No trial was judged for its timing."
        if isnan(late)
        else f"{percent(late, 1)} of the judged trials were mistimed."
    )
    text = [
        f"{judged} Trials by what witnessed their timing: {seen}. A screen shows whole frames, so a time between two frames is "
        "shown as the nearest number of frames. Mistimed are trials that were shown for another time than planned, or on a "
        "machine that slept meanwhile; they are flagged and kept."
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
    return Section(
        "Timing quality",
        text,
        Table(caption, head, rows, name="timing", frame=results.timing),
        timing_figure(results, text[0]),
    )


def timing_figure(results: Results, text: str) -> Figure | None:
    """How far measured times lie from those asked for; None where nothing was measured."""
    table = results.timing[results.timing["n_measured"] > 0]
    if table.empty:
        return None
    return Figure(
        name="timing",
        draw=partial(draw_timing, table=table),
        inches=(6.4, 2.6),
        alt=f"Measured minus asked-for presentation time, by the time asked for. {text}",
        caption=(
            "Measured minus asked-for presentation time in milliseconds: median, and 5th to 95th percentile of the analysed trials. "
            "A screen of 60 Hz shows multiples of 16.7 ms."
        ),
    )


def draw_timing(ax: Axes, table: pd.DataFrame) -> None:
    asked = table["exposure_ms"].to_numpy(float)
    time_axis(ax, asked.tolist(), 5.4, "presentation time asked for (ms)")
    reference(ax, 0)
    ax.vlines(asked, table["low_ms"] - asked, table["high_ms"] - asked, color=INK, lw=1.4)
    ax.plot(asked, table["median_ms"] - asked, ls="none", marker="o", ms=4.5, color=INK, mec="white")
    ax.set_ylabel("measured − asked for (ms)")


# What the paragraph cites, in the order in which it does.
REFERENCES = (
    "Cameron, Gelbach and Miller 2011, J. Bus. Econ. Stat. 29:238-249",
    "Satterthwaite 1946, Biometrics Bull. 2:110-114",
    "Holm 1979, Scand. J. Statist. 6:65-70",
    "Montiel Olea and Plagborg-Møller 2019, J. Appl. Econometrics 34:1-17",
    "Schuirmann 1987, J. Pharmacokinet. Biopharm. 15:657-680",
    published.REFERENCE.rstrip("."),
    "Hautus 1995, Behav. Res. Methods 27:46-51",
    "Schütt, Harmeling, Macke and Wichmann 2016, Vision Res. 122:105-123",
    "Bates, Mächler, Bolker and Walker 2015, J. Stat. Softw. 67(1)",
    "Tierney and Kadane 1986, J. Am. Stat. Assoc. 81:82-86",
)


def methods(results: Results) -> Section:
    """A paragraph that a paper can take over, with its numbers, and what it cites."""
    said = [*what_was_done(results), *how_it_was_analysed(results)]
    text = " ".join(sentence for sentence in said if sentence)
    return Section("Methods, ready to paste", [text, f"References: {'; '.join(REFERENCES)}."])


def what_was_done(results: Results) -> list[str]:
    sources = [label(name) for name in results.means["source"]]
    exposures = [f"{ms:g}" for ms in results.timing["exposure_ms"]]
    selection, late = results.selection, timing.mistimed_share(results.rows)
    of_real = float((results.rows["source"] == REAL).mean())
    gone = listed(
        f"{row.reason} ({count(row.n_rows)})" for row in selection.exclusions.itertuples() if row.n_rows
    )
    twice = (
        "Nobody saw a picture twice"
        if results.tables.pair_n is None
        else "People saw some pictures more than once"
    )
    return [
        f"In study {results.study} (version {results.short_version}) "
        f"{counted(len(results.people), *results.who)} judged pictures of {len(sources)} sources "
        f"({listed(sources)}) as real or generated, each shown for one of {len(exposures)} presentation times "
        f"({', '.join(exposures)}{NBSP}ms) and then masked; {percent(of_real)} of the pictures were real.",
        f"{counted(len(results.rows), 'answer')} about {counted(results.rows['image'].nunique(), 'picture')} entered the "
        f"analysis, {count(results.people['n_trials'].median())} a person in the median. {twice}.",
        f"Left out, by first reason, were trials: {gone}." if gone else "No trial was left out.",
        *rules_and_their_time(selection),
        f"Of the trials whose time on the screen was witnessed {percent(late, 1)} were mistimed and kept."
        if not isnan(late)
        else "The time on the screen was not witnessed.",
    ]


def how_it_was_analysed(results: Results) -> list[str]:
    used = results.cells["rule"].value_counts()
    stand_ins = [rule for rule in intervals.RULES if rule != "two-way" and rule in used.index]
    made, plan = results.provenance, results.plan
    pairs = listed(f"{label(row.higher)} against {label(row.lower)}" for row in results.planned.itertuples())
    chosen_by = "named for this analysis" if plan.pairs else "set by the software, not by the data"
    return [
        "We report the share of pictures judged real for new people and new images.",
        "Its variance is clustered two ways, by person and by image: V = V_people + max(V_images − V_trial, 0), "
        "the sums of squared cluster totals of the residuals with the factors P/(P − 1) and I/(I − 1) for P people and I "
        "images (Cameron, Gelbach and Miller 2011).",
        f"Intervals are 95{NBSP}%, formed on the logit scale with a t quantile and degrees of freedom after Satterthwaite (1946); "
        "means weigh presentation times equally, and differences use the covariance of all points.",
        *(
            f"{counted(used[rule], 'point')} needed another rule: {intervals.RULES[rule].method}."
            for rule in stand_ins
        ),
        f"Contrasts over times ({pairs}; {chosen_by}) were tested two-sided with the correction of Holm (1979); intervals of points "
        "and of differences are pointwise, and contrasts at single times are exploratory, with a simultaneous sup-t band (Montiel "
        f"Olea and Plagborg-Møller 2019; seed {plan.seed})."
        if pairs
        else "",
        f"Equivalence to the levels of {published.CITATION} was tested by two one-sided tests (Schuirmann 1987) with a margin of "
        f"{100 * plan.margin:g} points, counting the paper's own uncertainty."
        if {level.source for level in published.LEVELS} & set(results.sources)
        else "",
        "Sensitivity d′ and criterion c use the log-linear correction (Hautus 1995), with intervals by the delta method on the "
        "same covariance.",
        "Thresholds are those of psychometric functions over log time, cumulative Gaussians with free guess rate, lapse rate and "
        "overdispersion under the priors of Schütt et al. (2016), with intervals from the same covariance."
        if len(results.timing) >= psychometric.MIN_LEVELS
        else "",
        "Beside them stands a mixed model with crossed effects of people, people by source and images, fitted by Laplace's "
        "approximation (Bates et al. 2015; its next term for images after Tierney and Kadane 1986)."
        if min(len(results.codes.people), len(results.codes.images)) > 1
        else "",
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
