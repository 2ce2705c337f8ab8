"""How long the pictures were really on screen, against what was asked for.

Knows the timing columns of the responses. What share of late trials deserves an alert is in `alerts`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def timing_by_exposure(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each exposure asked for, in ms.

    Columns: exposure_ms, n_trials, n_measured, low_ms, median_ms, high_ms (5th, 50th and 95th percentile of the
    measured time), share_ok (of the trials whose timing was judged; NaN if none was), n_judged.
    """
    found = []
    for exposure_ms, group in rows[["exposure_ms", "measured_ms", "timing_ok"]].groupby("exposure_ms"):
        measured = group["measured_ms"].dropna().to_numpy(float)
        judged = group["timing_ok"].dropna()
        low, median, high = np.percentile(measured, [5, 50, 95]) if len(measured) else (np.nan,) * 3
        found.append(
            {
                "exposure_ms": float(exposure_ms),
                "n_trials": len(group),
                "n_measured": len(measured),
                "low_ms": low,
                "median_ms": median,
                "high_ms": high,
                "share_ok": float(judged.mean()) if len(judged) else np.nan,
                "n_judged": len(judged),
            }
        )
    return pd.DataFrame(found)


def mistimed_share(rows: pd.DataFrame) -> float:
    """Share of trials flagged as mistimed among those that were judged; NaN if none was."""
    judged = rows["timing_ok"].dropna()
    return float(1 - judged.mean()) if len(judged) else float("nan")


def witnesses(rows: pd.DataFrame) -> dict[str, int]:
    """Trials by the kind of witness that timed them, most frequent first; an empty kind is called `none`."""
    kinds = rows["timing_witness"].astype(object).replace("", "none").value_counts(sort=True)
    return {str(kind): int(n) for kind, n in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))}


def refresh_rates(rows: pd.DataFrame) -> dict[int, int]:
    """Sittings by the refresh rate of their screen in whole Hz, where it was measured; slowest first."""
    frame_ms = rows.groupby("sitting", observed=True)["frame_ms"].median().dropna()
    rates = (1000 / frame_ms).round().astype(int).value_counts().sort_index()
    return {int(rate): int(n) for rate, n in rates.items()}
