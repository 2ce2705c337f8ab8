"""Counts follow from the rows alone: not from their order, nor from what people and images are called."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import counts
from analysis.counts import CountTables, count_tables, is_distinct
from analysis.intervals import cells, covariance, source_means
from analysis.observers import Observers, simulate

SMALL = Observers(n_people=6, n_trials=88, images_per_source=60)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return simulate(SMALL, seed=3)


def assert_same_numbers(left: CountTables, right: CountTables) -> None:
    for table in (cells, source_means):
        pd.testing.assert_frame_equal(table(left), table(right), rtol=1e-9, atol=1e-12)


def test_counts_are_those_of_a_plain_group_by(rows):
    table = cells(count_tables(rows)).set_index(["source", "exposure_ms"])
    for (source, exposure_ms), group in rows.groupby(["source", "exposure_ms"], observed=True):
        cell = table.loc[(source, exposure_ms)]
        assert cell["n_trials"] == len(group)
        assert cell["k"] == group["judged_real"].sum()
        assert cell["n_people"] == group["participant"].nunique()
        assert cell["n_images"] == group["image"].nunique()
    assert len(table) == 44


def test_sources_are_listed_real_first_then_the_paper_then_by_name(rows):
    renamed = rows.assign(
        source=rows["source"].astype(object).replace({"gan": "zebra", "lapgan": "diffusion"})
    )
    table = cells(count_tables(renamed))
    assert list(dict.fromkeys(table["source"])) == ["real", "cc-lapgan", "diffusion", "zebra"]


def test_row_order_does_not_change_a_number(rows):
    shuffled = rows.sample(frac=1, random_state=np.random.default_rng(8))
    assert_same_numbers(count_tables(rows), count_tables(shuffled))


def test_new_ids_do_not_change_a_number(rows):
    renamed = rows.copy()
    for name in ("participant", "image"):
        ids = rows[name].astype(object)
        unique = ids.unique()
        new = dict(zip(unique, np.random.default_rng(2).permutation(len(unique)).astype(str), strict=True))
        renamed[name] = ids.map(new)
    assert_same_numbers(count_tables(rows), count_tables(renamed))


def test_a_combination_that_was_never_shown_has_no_row_and_breaks_no_mean(rows):
    kept = rows[~((rows["source"] == "gan") & (rows["exposure_ms"] == 75)).to_numpy(bool)]
    table, means = cells(count_tables(kept)), source_means(count_tables(kept))
    assert len(table) == 43
    gan = means.set_index("source").loc["gan"]
    assert gan["n_exposures"] == 10
    assert gan["p"] == pytest.approx(table[table["source"] == "gan"]["p"].mean())


def test_an_image_seen_twice_by_a_person_is_counted_as_one_pair():
    """Two people see one image twice each: the trial part is the sum over the two pairs of (k - n p) squared."""
    rows = pd.DataFrame(
        {
            "participant": ["a", "a", "b", "b", "a", "b"],
            "image": ["i", "i", "i", "i", "r", "r"],
            "source": ["gan"] * 4 + ["real"] * 2,
            "exposure_ms": [50.0] * 6,
            "judged_real": [True, True, True, False, True, False],
        }
    )
    cov = covariance(count_tables(rows))
    # gan: p = 3/4; residual totals are 2 - 1.5 for a and 1 - 1.5 for b; 4 trials.
    assert cov.trial[1, 1] == pytest.approx((0.5**2 + 0.5**2) / 4**2)
    # real: every trial is its own pair: p (1 - p) / n.
    assert cov.trial[0, 0] == pytest.approx(0.25 / 2)


def test_pairs_counted_one_by_one_agree_with_the_short_cut(rows):
    """Someone else's second look switches the pair table on; all other cells keep their numbers."""
    plain = covariance(count_tables(rows))
    extra = rows.iloc[[0]].assign(participant="someone", image="one image")
    with_pairs = pd.concat([rows, extra, extra], ignore_index=True)
    tables = count_tables(with_pairs)
    assert tables.pair_n is not None
    cell = tables.cells.index[
        (tables.cells["source"] == rows["source"].iloc[0])
        & (tables.cells["exposure_ms"] == rows["exposure_ms"].iloc[0])
    ][0]
    others = np.delete(np.arange(44), cell)
    np.testing.assert_allclose(
        covariance(tables).trial[np.ix_(others, others)], plain.trial[np.ix_(others, others)], atol=1e-15
    )


@given(st.lists(st.integers(0, 40), max_size=30))
def test_repeats_are_found_whether_looked_up_or_sorted(codes):
    few, many = np.asarray(codes, dtype=np.int64), 10**9
    assert is_distinct(few, 41) == is_distinct(few, many) == (len(set(codes)) == len(codes))


@given(st.integers(0, 2**32), st.booleans(), st.booleans())
def test_a_pair_seen_twice_is_found_however_people_stand(seed, in_blocks, is_twice):
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(30), 20)
    image = np.concatenate([rng.choice(50, 20, replace=False) for _ in range(30)])
    if is_twice:
        place = rng.integers(0, 599)
        person[place + 1], image[place + 1] = person[place], image[place]
    order = np.argsort(person, kind="stable") if in_blocks else rng.permutation(600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "FLAG_WINDOW", 200)  # four people at a time
        assert counts.no_pair_twice(person[order], image[order], 30, 50) is not is_twice
