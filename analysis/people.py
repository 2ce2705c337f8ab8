"""How people differ, and what a single one does to the numbers: reliability, influence, time on task.

Knows split halves, leaving one person out, and first against last half of a sitting. Measures of a person
are those of `detection`; counting is in `counts`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.counts import Codes, CountTables
from analysis.detection import by_person, t_interval
from analysis.intervals import CONFIDENCE
from analysis.responses import REAL

N_SPLITS = 500
COUNTS_AT_MOST = 20_000_000  # people x cells x splits: seconds; above it there are fewer splits
PARTS = 4  # of a sitting, for the figure of time on task


def people_table(codes: Codes, tables: CountTables) -> pd.DataFrame:
    """One row a person, in the order of d': participant, n_trials, real_judged_real, generated_judged_real
    (shares of real and of generated pictures judged real), d_prime, criterion (NaN for who saw one kind)."""
    is_real = (tables.cells["source"] == REAL).to_numpy(bool)
    each = by_person(tables)

    def share(kind: np.ndarray) -> np.ndarray:
        n = tables.person_n[:, kind].sum(axis=1)
        return np.divide(tables.person_k[:, kind].sum(axis=1), n, out=np.full(len(n), np.nan), where=n > 0)

    table = pd.DataFrame(
        {
            "participant": codes.people.astype(object),
            "n_trials": tables.person_n.sum(axis=1).astype(int),
            "real_judged_real": share(is_real),
            "generated_judged_real": share(~is_real),
            "d_prime": each.d_prime,
            "criterion": each.criterion,
        }
    )
    return table.sort_values(["d_prime", "participant"], ascending=[False, True], ignore_index=True)


def split_half(tables: CountTables, seed: int, confidence: float = CONFIDENCE) -> pd.DataFrame:
    """How well a person's measure repeats itself: random halves of everybody's trials, stepped up to full length.

    Columns: measure (d_prime, criterion), n_people, n_splits, reliability (Spearman-Brown, mean over splits), low,
    high (percentiles over splits with people resampled). NaN for fewer than three people. Halves are drawn within
    each cell (hypergeometric, so no trial is touched).
    """
    n, k = tables.person_n.astype(int), tables.person_k.astype(int)
    n_splits = int(np.clip(COUNTS_AT_MOST // max(n.size, 1), 20, N_SPLITS))
    rng = np.random.default_rng(seed)
    values: dict[str, list[tuple[float, float]]] = {"d_prime": [], "criterion": []}
    for _ in range(n_splits if len(n) > 2 else 0):
        half_n = (n + rng.integers(0, 2, n.shape)) // 2  # an odd trial goes to either side
        half_k = rng.hypergeometric(k, n - k, half_n)
        sides = [
            by_person(replace(tables, person_n=each_n.astype(float), person_k=each_k.astype(float)))
            for each_n, each_k in ((half_n, half_k), (n - half_n, k - half_k))
        ]
        drawn = rng.integers(len(n), size=len(n))
        for name, found in values.items():
            left, right = (getattr(side, name) for side in sides)
            found.append((stepped_up(left, right), stepped_up(left[drawn], right[drawn])))
    rows = []
    tail = 50 * (1 - confidence)
    for name, found in values.items():
        middle, low, high = (float("nan"),) * 3
        every = np.asarray(found, dtype=float).reshape(-1, 2)
        if np.isfinite(every).any(axis=0).all() and len(every):
            middle = float(np.nanmean(every[:, 0]))
            low, high = np.nanpercentile(every[:, 1], [tail, 100 - tail])
        rows.append((name, len(n), n_splits, middle, low, high))
    return pd.DataFrame(rows, columns=["measure", "n_people", "n_splits", "reliability", "low", "high"])


def stepped_up(left: np.ndarray, right: np.ndarray) -> float:
    """Reliability of the whole from its halves: 2 r / (1 + r) (Spearman 1910, Brown 1910); NaN without spread."""
    known = np.isfinite(left) & np.isfinite(right)
    left, right = left[known], right[known]
    if len(left) < 3 or left.std() == 0 or right.std() == 0:
        return float("nan")
    r = float(np.corrcoef(left, right)[0, 1])
    return spearman_brown(r)


def spearman_brown(r: float, length: float = 2.0) -> float:
    """Reliability of a test `length` times as long as one with reliability r."""
    return length * r / (1 + (length - 1) * r) if r > -1 / (length - 1) else float("nan")


def leave_one_out(codes: Codes, tables: CountTables, weights: dict[str, np.ndarray]) -> pd.DataFrame:
    """Every quantity without each person, exactly: counts of the others are the sum less one row.

    weights: cells' weights by name of the quantity. Columns: quantity, participant, value (of all), without,
    change. A person who alone answered in a cell of a quantity leaves it NaN.
    """
    n, k = tables.n_trials, tables.n_real
    others_n, others_k = n - tables.person_n, k - tables.person_k
    share = np.divide(others_k, others_n, out=np.full_like(others_k, np.nan), where=others_n > 0)
    whole = np.divide(k, n, out=np.zeros_like(k), where=n > 0)
    found = []
    for name, weight in weights.items():
        used = weight != 0
        value = float(weight[used] @ whole[used])
        without = share[:, used] @ weight[used]
        found.append(
            pd.DataFrame(
                {
                    "quantity": name,
                    "participant": codes.people.astype(object),
                    "value": value,
                    "without": without,
                    "change": without - value,
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def parts_of_sittings(rows: pd.DataFrame, n_parts: int = PARTS) -> np.ndarray:
    """Which part of the sitting each analysed row belongs to, from 0, by its place among the sitting's rows."""
    groups = rows.groupby("sitting", observed=True)["ordinal"]
    rank, size = groups.rank(method="first").to_numpy(float), groups.transform("size").to_numpy(float)
    return np.minimum(((rank - 1) * n_parts // size).astype(int), n_parts - 1)


def time_on_task(codes: Codes, part: np.ndarray) -> pd.DataFrame:
    """Mean over people of d' and c in each part of their sittings, with t intervals: new people, these images.

    Columns: part (from 1), n_people, d_prime, d_prime_low, d_prime_high, criterion, criterion_low, criterion_high.
    """
    found = []
    for number in range(int(part.max()) + 1):
        each = by_person(codes.tables(part == number))
        row: dict[str, float] = {"part": number + 1, "n_people": int(np.isfinite(each.d_prime).sum())}
        for name in ("d_prime", "criterion"):
            middle, low, high = t_interval(getattr(each, name))
            row |= {name: middle, f"{name}_low": low, f"{name}_high": high}
        found.append(row)
    return pd.DataFrame(found)


def drift(codes: Codes, part: np.ndarray) -> pd.DataFrame:
    """Last half of the sitting minus the first, mean over people with t intervals.

    part: of PARTS equal ones. Columns: measure (d_prime, criterion), n_people, change, low, high.
    """
    is_late = part >= (part.max() + 1) / 2
    first, last = by_person(codes.tables(~is_late)), by_person(codes.tables(is_late))
    rows = []
    for name in ("d_prime", "criterion"):
        change = getattr(last, name) - getattr(first, name)
        rows.append((name, int(np.isfinite(change).sum()), *t_interval(change)))
    return pd.DataFrame(rows, columns=["measure", "n_people", "change", "low", "high"])
