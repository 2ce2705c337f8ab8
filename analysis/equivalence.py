"""Whether a level here equals a published one, within a margin: two samples, each with its own doubt.

Knows two one-sided tests (Schuirmann 1987) with the paper's uncertainty counted: its people, of whom there
were few, and the reading of its figure, for it printed no table. The levels are in `published`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from analysis import published

MARGIN = 0.10  # in proportions; fixed before looking, and not below what 15 people can show
ONE_SIDED = 0.05

METHOD = (
    "two one-sided t tests at 5 %; the variance is ours (two-way), plus the paper's people (our spread between "
    f"people over {published.N_PEOPLE}), plus the reading of its figure (even over ±{100 * published.DOUBT:.0f} "
    "points); Welch-Satterthwaite degrees of freedom"
)


def beside_published(cells: pd.DataFrame, spread: pd.Series, margin: float = MARGIN) -> pd.DataFrame:
    """Levels beside the published ones of the same source, one row each.

    cells: columns source, p, se, df, one row a source. spread: standard deviation between people by source; the
    paper's people are taken to differ as much. Columns: source, here, published, difference, se, df, low,
    high (90 %, the interval that the tests look at), p (of both tests), margin, is_equivalent,
    smallest_margin (equivalence holds for this margin and all wider ones). Rows without a variance are left out.
    """
    levels = {level.source: level.p for level in published.LEVELS}
    known = cells[cells["source"].isin(list(levels)) & (cells["se"] > 0)].reset_index(drop=True)
    source = known["source"].to_numpy(object)
    ours, df_ours = known["se"].to_numpy(float) ** 2, known["df"].to_numpy(float)
    people = np.nan_to_num(spread.reindex(source).to_numpy(float)) ** 2 / published.N_PEOPLE
    reading = published.DOUBT**2 / 3  # the variance of an even distribution of that half-width
    variance = ours + people + reading
    df = variance**2 / (ours**2 / df_ours + people**2 / (published.N_PEOPLE - 1))
    se = np.sqrt(variance)
    level = np.asarray([levels[name] for name in source], dtype=float)
    difference = known["p"].to_numpy(float) - level
    half = stdtrit(df, 1 - ONE_SIDED) * se
    p = stdtr(df, -(margin - np.abs(difference)) / se)
    return pd.DataFrame(
        {
            "source": source,
            "here": known["p"].to_numpy(float),
            "published": level,
            "difference": difference,
            "se": se,
            "df": df,
            "low": difference - half,
            "high": difference + half,
            "p": p,
            "margin": margin,
            "is_equivalent": p <= ONE_SIDED,
            "smallest_margin": np.abs(difference) + half,
        }
    )
