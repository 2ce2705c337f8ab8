"""Which facts of a file must agree with each other: within a row, between rows, and throughout.

Knows the rules between columns; what a single column may hold is in `columns`. Rows count from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

AGAIN = "the file was edited or damaged: export the study again"

# What stands on the left belongs to one thing on the right: an image has one source for the whole study.
BELONGS_TO = (("image", "source"), ("sitting", "participant"), ("participant", "is_simulated"))


class Contradiction(NamedTuple):
    """A row that disagrees with itself or with an earlier one. `row` counts from 0."""

    row: int
    column: str
    expected: str
    found: object
    remedy: str = AGAIN


def spreadsheet_row(row: int) -> int:
    """Row number as a spreadsheet shows it, for a row counted from 0 below the header."""
    return row + 2


def contradictions(rows: pd.DataFrame) -> Iterator[Contradiction]:
    """The first row that breaks each rule between columns, rule by rule."""
    yield from answer_contradictions(rows)
    if not rows["trial"].is_unique:
        row = int(rows["trial"].duplicated().to_numpy(bool).argmax())
        trial = rows["trial"].iat[row]
        before = spreadsheet_row(int((rows["trial"] == trial).to_numpy(bool).argmax()))
        yield Contradiction(row, "trial", f"each trial once (row {before} has this one already)", trial)
    for owned, owner in BELONGS_TO:
        yield from changes_of_owner(rows, owned, owner)
    is_timed = rows["exposure_ms"].notna().to_numpy(bool)
    if (is_timed != is_timed[0]).any():
        row = int((is_timed != is_timed[0]).argmax())
        expected = f"{'a time' if is_timed[0] else 'an empty field'}, as in row 2, in every row"
        found = f"{rows['exposure_ms'].iat[row]:g}" if is_timed[row] else ""
        remedy = "trials with and without a time limit share no figure: keep each kind in a file of its own"
        yield Contradiction(row, "exposure_ms", expected, found, remedy)
    for name in ("study", "study_version"):
        first = rows[name].iat[0]
        other = (rows[name] != first).to_numpy(bool)
        if other.any():
            row = int(other.argmax())
            expected = f"{first}, as in row 2, in every row"
            remedy = (
                f"a report is about one {name.replace('_', ' ')}: keep the rows of one in a file of their own"
            )
            yield Contradiction(row, name, expected, rows[name].iat[row], remedy)


def answer_contradictions(rows: pd.DataFrame) -> Iterator[Contradiction]:
    """Rows whose status, response and `judged_real` do not fit together."""
    answered = (rows["status"] == "answered").to_numpy(bool)
    real, generated = ((rows["response"] == word).to_numpy(bool) for word in ("real", "generated"))
    judged = rows["judged_real"].astype("Int8").fillna(-1).to_numpy(int)  # 1, 0, -1 for empty
    for column, wrong, rule in (
        ("response", answered != (real | generated), "an answer in answered trials alone"),
        (
            "judged_real",
            judged != np.where(real, 1, np.where(generated, 0, -1)),
            "1 for real, 0 for generated",
        ),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            said = rows["response"].iat[row] or "empty"
            expected = f"{rule} (response {said}, status {rows['status'].iat[row]})"
            found = rows["response"].iat[row] if column == "response" else judged[row]
            yield Contradiction(row, column, expected, "" if found == -1 else found)


def changes_of_owner(rows: pd.DataFrame, owned: str, owner: str) -> Iterator[Contradiction]:
    """The first row in which something belongs to another than at its first appearance."""
    owned_code, _ = pd.factorize(rows[owned])
    owner_code, owners = pd.factorize(rows[owner])
    first_owner = np.empty(int(owned_code.max(initial=-1)) + 1, dtype=owner_code.dtype)
    first_owner[owned_code[::-1]] = owner_code[::-1]  # the last to be written is the first in the file
    wrong = first_owner[owned_code] != owner_code
    if wrong.any():
        row = int(wrong.argmax())
        expected = f"{owners[first_owner[owned_code[row]]]} as for {owned} {rows[owned].iat[row]} before"
        yield Contradiction(row, owner, expected, rows[owner].iat[row])
