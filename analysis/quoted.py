"""Every number that the report quotes, with its estimand and its method, and what `results.json` holds.

Knows names and words of numbers; the numbers themselves are in `results` and in the sections.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from analysis import intervals, published, timing
from analysis.responses import Selection
from analysis.results import Results
from analysis.section import Number, Section

CELL_ESTIMAND = "share of pictures judged real"
MEAN_ESTIMAND = "share of pictures judged real, averaged over the presentation times with equal weights"
DIFFERENCE_ESTIMAND = f"difference of two such averages, for {intervals.NEW}"
DIFFERENCE_METHOD = (
    "two-way cluster variance over people and images from the covariance of all cells, t quantile with "
    "Satterthwaite degrees of freedom, on the scale of proportions, not adjusted for the number of comparisons"
)
COUNT_METHOD = "count"
DIGITS = 9  # of the numbers in results.json: beyond what rounding in sums can change


def numbers(results: Results) -> list[Number]:
    """Every number that the report quotes, in the order in which it quotes them."""
    return [
        *proportions(results),
        *differences(results),
        Number(
            "median design effect of the points",
            rounded(results.cells["design_effect"].median()),
            "ratio of variances",
            "this study",
            "two-way variance divided by the variance of independent trials",
        ),
        *(
            Number(
                f"paper: {level.source}", level.p, "proportion", "as published, about", published.REFERENCE
            )
            for level in published.LEVELS
        ),
        *tallies(results),
        *timings(results),
    ]


def proportions(results: Results) -> list[Number]:
    found = []
    for row in results.cells.itertuples():
        name = f"judged real: {row.source} at {row.exposure_ms:g} ms"
        found.append(quoted(name, row, CELL_ESTIMAND))
    for row in results.means.itertuples():
        found.append(quoted(f"judged real: {row.source}, mean over times", row, MEAN_ESTIMAND))
    return found


def quoted(name: str, row: Any, estimand: str) -> Number:
    rule = intervals.RULES[row.rule]
    return Number(
        name=name,
        value=rounded(row.p),
        unit="proportion",
        estimand=f"{estimand}, for {rule.holds_for}",
        method=rule.method,
        low=rounded(row.low),
        high=rounded(row.high),
    )


def differences(results: Results) -> list[Number]:
    return [
        Number(
            f"{row.higher} minus {row.lower}, mean over times",
            rounded(row.difference),
            "difference of proportions",
            DIFFERENCE_ESTIMAND,
            DIFFERENCE_METHOD,
            rounded(row.low),
            rounded(row.high),
        )
        for row in results.steps.itertuples()
    ]


def tallies(results: Results) -> list[Number]:
    rows, selection = results.rows, results.selection
    counts = {
        "rows in the file": selection.n_rows,
        **{f"left out: {row.reason}": row.n_rows for row in selection.exclusions.itertuples()},
        "rows analysed": len(rows),
        "rows analysed that are simulated": selection.n_simulated,
        "people": len(results.people),
        "sittings": rows["sitting"].nunique(),
        "images": rows["image"].nunique(),
        "median of trials per person": results.people["n_trials"].median(),
        "least trials of a person": results.people["n_trials"].min(),
        "most trials of a person": results.people["n_trials"].max(),
    }
    return [
        Number(name, rounded(value), "count", "this study", COUNT_METHOD) for name, value in counts.items()
    ]


def timings(results: Results) -> list[Number]:
    found = [
        Number(
            "share of trials flagged as mistimed",
            rounded(timing.mistimed_share(results.rows)),
            "proportion",
            "trials of this study whose timing was judged",
            COUNT_METHOD,
        )
    ]
    for row in results.timing.itertuples():
        found.append(
            Number(
                f"time on screen for {row.exposure_ms:g} ms asked for",
                rounded(row.median_ms),
                "milliseconds",
                "trials of this study that were measured",
                "median; low and high are the 5th and 95th percentile",
                rounded(row.low_ms),
                rounded(row.high_ms),
            )
        )
    return found


def rounded(value: float) -> float | None:
    """A number for JSON, or None for one that is not known."""
    value = float(value)
    if not np.isfinite(value):
        return None
    return int(value) if value.is_integer() else round(value, DIGITS)


def as_json(results: Results, alerts: list[str], sections: list[Section]) -> dict[str, Any]:
    """What `results.json` holds."""
    return {
        "format": 2,
        "study": results.study,
        "study_version": results.study_version,
        "is_simulated": results.is_simulated,
        "confidence": intervals.CONFIDENCE,
        "seed": results.plan.seed,
        "plan": {
            "margin": results.plan.margin,
            "contrasts": [f"{row.higher} minus {row.lower}" for row in results.planned.itertuples()],
            **rules_of(results.selection),
            "simulated": results.plan.simulated,
            "bars": results.plan.bars,
        },
        "provenance": asdict(results.provenance),
        "alerts": alerts,
        "numbers": [
            asdict(number)
            for number in [*numbers(results), *(number for section in sections for number in section.numbers)]
        ],
        "tables": {
            name: records(table)
            for name, table in (
                ("points", results.cells),
                ("means", results.means),
                ("timing", results.timing),
            )
        },
    }


def rules_of(selection: Selection) -> dict[str, Any]:
    """By which rules rows were left out: those declared before the data, whether they were applied, others."""
    return {
        "declared_before_data": [rule.reason for rule in selection.beforehand],
        "as_declared": selection.as_declared,
        "exclude": [rule.reason for rule in selection.chosen],
    }


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table for JSON: numbers rounded, unknown ones None, words as they are."""
    return [
        {name: value if isinstance(value, str) else rounded(value) for name, value in row.items()}
        for row in table.to_dict("records")
    ]
