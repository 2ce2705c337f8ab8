"""The export and the reader never import each other; here both lists of columns lie side by side."""

from __future__ import annotations

import random

import pandas as pd
import pytest

from analysis.columns import COLUMNS
from analysis.responses import read, select
from studyapp import sittings
from studyapp.export import export_study
from studyapp.export_columns import RESPONSES


def test_the_reader_knows_the_columns_of_the_export_in_their_order():
    assert [column.name for column in RESPONSES] == list(COLUMNS)


@pytest.mark.parametrize("column", RESPONSES, ids=lambda column: column.name)
def test_the_codebook_s_example_is_accepted(column):
    assert not COLUMNS[column.name].is_bad(pd.Series([column.example], dtype=str)).any()


@pytest.mark.parametrize("column", RESPONSES, ids=lambda column: column.name)
def test_an_empty_field_is_accepted_where_the_codebook_has_it(column):
    accepted = not COLUMNS[column.name].is_bad(pd.Series([""], dtype=str)).any()
    assert accepted == ("empty:" in column.values)


@pytest.mark.parametrize(
    "column", [column for column in RESPONSES if " | " in column.values], ids=lambda column: column.name
)
def test_every_word_of_the_codebook_is_accepted(column):
    words = column.values.split(";")[0].split(" | ")
    assert not COLUMNS[column.name].is_bad(pd.Series(words, dtype=str)).any()


@pytest.mark.parametrize(
    "column", [column for column in RESPONSES if " to " in column.values], ids=lambda column: column.name
)
def test_the_ends_of_the_codebook_s_ranges_are_accepted(column):
    ends = column.values.split(";")[0].split(" to ")
    assert not COLUMNS[column.name].is_bad(pd.Series(ends, dtype=str)).any()


@pytest.mark.django_db
def test_the_result_that_people_are_told_counts_the_trials_that_the_report_counts(
    small_study, person, tmp_path
):
    """Of a spoilt trial and its repeat both count one; half of the trials are spoilt here, some repeats, too."""
    type(small_study).objects.update(repeat_percent=40)
    rng = random.Random(5)
    while not (block := person.block())["finished"]:
        if block["trials"][0]["kind"] == "practice":
            person.answer(block["trials"])
            continue
        *others, last = block["trials"]
        for trial in others:
            person.answer(
                [trial], answer=rng.choice(["real", "generated"]), timing_ok=rng.choice([True, False, None])
            )
        person.post("resume", {"shown": [last["token"]]})
    export_study(small_study, tmp_path)
    rows = select(read(tmp_path)).rows
    told = {row["source_label"]: (row["n"], row["judged_real"]) for row in sittings.truth(person.sitting)}
    counted = rows.groupby("source", observed=True)["judged_real"].agg(["size", "sum"])
    assert told == {source: (n, n_real) for source, n, n_real in counted.itertuples()}
    answered = person.sitting.trials.filter(kind__in=("main", "repeat"), status="answered").count()
    assert len(rows) < answered
