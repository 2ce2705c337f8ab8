"""How fast people answer: quantiles of reaction times, and whether slow answers are better ones.

Knows the trials whose reaction time can be believed: those with one, and not known to be mistimed. Reaction
times count from the onset of the mask, so the exposure itself is not in them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.counts import source_order
from analysis.detection import t_interval
from analysis.responses import REAL
from analysis.rules import flagged

QUANTILES = (0.1, 0.5, 0.9)
N_BINS = 5


def timed(rows: pd.DataFrame) -> pd.DataFrame:
    """The analysed rows whose reaction time counts."""
    counts = rows["reaction_ms"].notna().to_numpy(bool) & ~flagged(rows["timing_ok"], False)
    return rows.loc[
        counts, ["participant", "source", "exposure_ms", "response", "judged_real", "reaction_ms"]
    ]


def reaction_quantiles(rows: pd.DataFrame) -> pd.DataFrame:
    """Reaction times over all people's answers, one row for each source, exposure and answer.

    Columns: source, exposure_ms, response, n_trials, q10_ms, q50_ms, q90_ms.
    """
    keys = ["source", "exposure_ms", "response"]
    some = timed(rows)
    if some.empty:
        return pd.DataFrame(columns=[*keys, "n_trials", *(f"q{100 * share:.0f}_ms" for share in QUANTILES)])
    groups = some.groupby(keys, observed=True)["reaction_ms"]
    table = groups.quantile(list(QUANTILES)).unstack()
    table.columns = [f"q{100 * share:.0f}_ms" for share in QUANTILES]
    table.insert(0, "n_trials", groups.size())
    table = table.reset_index()
    place = {
        name: number for number, name in enumerate(source_order([str(name) for name in table["source"]]))
    }
    order = table["source"].astype(object).map(place)
    return (
        table.assign(order=order)
        .sort_values(["order", *keys[1:]])
        .drop(columns="order")
        .reset_index(drop=True)
    )


def medians(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over people of their own median reaction time, by source and exposure, with t intervals.

    Columns: source, exposure_ms, n_people, median_ms, low_ms, high_ms: new people, these images.
    """
    own = timed(rows).groupby(["source", "exposure_ms", "participant"], observed=True)["reaction_ms"].median()
    found = []
    for (source, exposure_ms), each in own.groupby(level=[0, 1], observed=True):
        middle, low, high = t_interval(each.to_numpy(float))
        found.append((str(source), float(exposure_ms), len(each), middle, low, high))
    names = ["source", "exposure_ms", "n_people", "median_ms", "low_ms", "high_ms"]
    return pd.DataFrame(found, columns=names)


def conditional_accuracy(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of right answers by speed: each person's answers in fifths by their own reaction times.

    Columns: is_real (of the picture), fifth (1 the fastest), n_people, reaction_ms (mean), accuracy, low, high
    (t interval over people: new people, these images). People with fewer than five answers do not count.
    """
    some = timed(rows)
    is_real = (some["source"] == REAL).to_numpy(bool)
    table = pd.DataFrame(
        {
            "participant": some["participant"],
            "is_real": is_real,
            "reaction_ms": some["reaction_ms"].to_numpy(float),
            "right": some["judged_real"].to_numpy(bool) == is_real,
        }
    )
    groups = table.groupby(["participant", "is_real"], observed=True)["reaction_ms"]
    rank, size = groups.rank(method="first").to_numpy(float), groups.transform("size").to_numpy(float)
    table["fifth"] = np.minimum(((rank - 1) * N_BINS // size).astype(int) + 1, N_BINS)
    table = table[size >= N_BINS]
    own = table.groupby(["is_real", "fifth", "participant"], observed=True)[["reaction_ms", "right"]].mean()
    found = []
    for (real, fifth), each in own.groupby(level=[0, 1]):
        middle, low, high = t_interval(each["right"].to_numpy(float))
        ends = (max(low, 0.0), min(high, 1.0))
        found.append((bool(real), int(fifth), len(each), float(each["reaction_ms"].mean()), middle, *ends))
    names = ["is_real", "fifth", "n_people", "reaction_ms", "accuracy", "low", "high"]
    return pd.DataFrame(found, columns=names)
