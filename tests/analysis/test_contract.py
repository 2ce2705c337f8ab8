"""The export and the reader never import each other; here both lists of columns lie side by side."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.columns import COLUMNS
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
