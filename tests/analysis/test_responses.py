"""What the export writes the analysis reads; what it does not write is refused, by row and column."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.observers import Observers, as_csv, simulate
from analysis.responses import ResponsesError, read, select

# A row as an export writes it; everything below is an edit of such rows.
FIRST = {
    "study": "demo",
    "study_version": "v1",
    "participant": "007",
    "sitting": "s1",
    "trial": "t0",
    "ordinal": "0",
    "kind": "main",
    "protocol": "timed",
    "source": "real",
    "image": "i0",
    "exposure_ms": "50",
    "planned_frames": "3",
    "measured_ms": "50.01",
    "measured_frames": "3",
    "frame_ms": "16.67",
    "timing_ok": "1",
    "timing_witness": "element",
    "response": "real",
    "judged_real": "1",
    "reaction_ms": "512.5",
    "lost_focus": "0",
    "status": "answered",
    "is_simulated": "0",
    "shown_utc": "2026-11-20T10:30:00.125Z",
}
HEADER = list(FIRST)


def rows_with(*edits: dict[str, str]) -> list[list[str]]:
    """Four good rows of one person (real, gan, gan, real), edited: one dictionary for each row from the first."""
    good = []
    for number, source in enumerate(("real", "gan", "gan", "real")):
        row = FIRST | {"trial": f"t{number}", "ordinal": str(number), "source": source, "image": f"i{number}"}
        good.append(row)
    for row, edit in zip(good, edits, strict=False):
        row |= edit
    return [list(row.values()) for row in good]


def written(folder: Path, rows: list[list[str]], header: list[str] | None = None) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEADER if header is None else header, *rows])
    (folder / "responses.csv").write_text(text.getvalue(), encoding="utf-8")
    return folder


def test_ids_stay_text_and_empty_measurements_are_unknown(tmp_path):
    rows = read(
        written(
            tmp_path, rows_with({}, {"measured_ms": "", "timing_ok": "", "lost_focus": "", "shown_utc": ""})
        )
    )
    assert list(rows.columns) == HEADER
    assert rows["participant"].tolist() == ["007"] * 4
    assert rows["measured_ms"].tolist() == pytest.approx([50.01, float("nan"), 50.01, 50.01], nan_ok=True)
    assert rows["timing_ok"].isna().tolist() == [False, True, False, False]
    assert rows["shown_utc"].iloc[0] == pd.Timestamp("2026-11-20T10:30:00.125", tz="UTC")


def test_a_simulated_study_survives_the_file(tmp_path):
    made = simulate(Observers(n_people=3, n_trials=44), seed=5)
    (tmp_path / "responses.csv").write_text(as_csv(made), encoding="utf-8")
    again = read(tmp_path / "responses.csv")
    for name in made:
        assert again[name].astype(object).tolist() == made[name].astype(object).tolist(), name


def test_columns_may_come_in_any_order_and_a_spreadsheet_may_add_its_mark(tmp_path):
    header, rows = HEADER[::-1], [row[::-1] for row in rows_with()]
    text = "\r\n".join(",".join(row) for row in [header, *rows]) + "\r\n"
    (tmp_path / "responses.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read(tmp_path)["trial"].tolist() == ["t0", "t1", "t2", "t3"]


BAD_CELLS = [
    # (edits of rows 2, 3, ...; words the sentence must hold)
    ([{"exposure_ms": "fast"}], ["row 2", "column exposure_ms", "number of milliseconds", "'fast'"]),
    ([{}, {"exposure_ms": "0"}], ["row 3", "column exposure_ms", "1..600000", "'0'"]),
    ([{}, {}, {"exposure_ms": "nan"}], ["row 4", "column exposure_ms", "'nan'"]),
    ([{"measured_ms": "-3"}], ["row 2", "column measured_ms", "'-3'"]),
    ([{"measured_ms": "inf"}], ["row 2", "column measured_ms", "'inf'"]),
    ([{"planned_frames": "2.5"}], ["row 2", "column planned_frames", "whole number", "'2.5'"]),
    ([{"frame_ms": "0"}], ["row 2", "column frame_ms", "'0'"]),
    ([{"reaction_ms": "1,5"}], ["row 2", "column reaction_ms", "'1,5'"]),
    ([{"reaction_ms": "99999999999"}], ["row 2", "column reaction_ms", "86400000"]),
    ([{"ordinal": ""}], ["row 2", "column ordinal", "an empty field"]),
    ([{"participant": ""}], ["row 2", "column participant", "an empty field"]),
    ([{"image": " i0"}], ["row 2", "column image", "' i0'"]),
    ([{"kind": "Main"}], ["row 2", "column kind", "practice, main, catch or repeat", "'Main'"]),
    ([{"status": "done"}], ["row 2", "column status", "answered, timed_out or interrupted", "'done'"]),
    ([{"response": "fake"}], ["row 2", "column response", "real, generated or an empty field", "'fake'"]),
    ([{"timing_ok": "yes"}], ["row 2", "column timing_ok", "1, 0 or an empty field", "'yes'"]),
    ([{"is_simulated": ""}], ["row 2", "column is_simulated", "1 or 0", "an empty field"]),
    ([{"shown_utc": "20/11/2026 10:30"}], ["row 2", "column shown_utc", "UTC", "'20/11/2026 10:30'"]),
    ([{"shown_utc": "2026-11-20T10:30:00+01:00"}], ["row 2", "column shown_utc", "+01:00"]),
    ([{"shown_utc": "2026-13-40T10:30:00Z"}], ["row 2", "column shown_utc", "2026-13-40"]),
    # two bad rows: the first is named
    ([{}, {"response": "?"}, {"exposure_ms": "?"}], ["row 3", "column response"]),
    # facts that must agree
    ([{}, {"judged_real": "0"}], ["row 3", "column judged_real", "response real", "'0'"]),
    ([{"response": "generated"}], ["row 2", "column judged_real", "response generated", "'1'"]),
    ([{"response": "", "judged_real": ""}], ["row 2", "column response", "status answered"]),
    ([{"status": "timed_out"}], ["row 2", "column response", "status timed_out", "'real'"]),
    ([{}, {}, {"trial": "t0"}], ["row 4", "column trial", "row 2 has this one already", "'t0'"]),
    ([{}, {"image": "i0"}], ["row 3", "column source", "real as for image i0", "'gan'"]),
    ([{}, {"participant": "008"}], ["row 3", "column participant", "007 as for sitting s1", "'008'"]),
    ([{}, {}, {"is_simulated": "1"}], ["row 4", "column is_simulated", "participant 007"]),
    ([{}, {"study": "other"}], ["row 3", "column study", "demo, as in row 2", "one study"]),
    (
        [{}, {"study_version": "v2"}],
        ["row 3", "column study_version", "v1, as in row 2", "one study version"],
    ),
]


@pytest.mark.parametrize(("edits", "words"), BAD_CELLS, ids=lambda value: str(value)[:50])
def test_an_edited_value_is_refused_with_its_row_and_column(tmp_path, edits, words):
    with pytest.raises(ResponsesError) as refusal:
        read(written(tmp_path, rows_with(*edits)))
    sentence = str(refusal.value)
    assert "responses.csv" in sentence
    assert "\n" not in sentence
    for word in words:
        assert word in sentence


def damaged(folder: Path, content: bytes) -> Path:
    (folder / "responses.csv").write_bytes(content)
    return folder


GOOD = "\n".join(",".join(row) for row in [HEADER, *rows_with()]).encode() + b"\n"

BAD_FILES = [
    ("empty", b"", "is empty"),
    ("header alone", GOOD.split(b"\n")[0] + b"\n", "a header but no rows"),
    ("not UTF-8", GOOD.replace(b"demo", b"d\xe9mo"), "not UTF-8"),
    ("semicolons", GOOD.replace(b",", b";"), "row 1: expected the column study once"),
    ("a column missing", GOOD.replace(b"judged_real,", b""), "row 1: expected the column judged_real once"),
    (
        "a column twice",
        GOOD.replace(b"image,", b"source,"),
        "row 1: expected the column source once, found it more",
    ),
    ("a column too many", GOOD.replace(b"shown_utc", b"shown_utc,note"), "found 'note' too"),
    ("cut off in a row", GOOD[: GOOD.rindex(b"answered")], "row 5, column status"),
    ("cut off in the last field", GOOD[:-6], "row 5, column shown_utc"),
    ("one field too many", GOOD.replace(b"125Z\n", b"125Z,9\n", 2), "row 2, column beyond the last column"),
    (
        "two fields too many",
        GOOD.replace(b"125Z\n", b"125Z,,9\n", 1),
        "row 2: expected 24 fields, found more",
    ),
    ("two too many later", GOOD[:-1] + b",9,9\n", "row 5: expected 24 fields, found 26"),
    ("a blank line", GOOD.replace(b"125Z\n", b"125Z\n\n", 1), "row 3, column study"),
    ("an open quote", GOOD.replace(b"i3", b'"i3'), "is not a table of 24 columns"),
]


@pytest.mark.parametrize(
    ("content", "words"), [case[1:] for case in BAD_FILES], ids=[case[0] for case in BAD_FILES]
)
def test_a_damaged_file_is_refused_in_one_sentence(tmp_path, content, words):
    with pytest.raises(ResponsesError, match=words) as refusal:
        read(damaged(tmp_path, content))
    assert "\n" not in str(refusal.value)


@settings(deadline=None)  # a machine may be busy
@given(place=st.integers(0, len(GOOD) - 1), cut=st.integers(0, 40), put=st.binary(max_size=12))
def test_whatever_happens_to_the_bytes_it_is_read_or_refused(tmp_path_factory, place, cut, put):
    folder = tmp_path_factory.mktemp("edited")
    try:
        rows = read(damaged(folder, GOOD[:place] + put + GOOD[place + cut :]))
    except ResponsesError as refusal:
        assert "responses.csv" in str(refusal)
    else:
        assert list(rows.columns) == HEADER
        assert set(rows["status"]) <= {"answered", "timed_out", "interrupted"}


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ResponsesError, match=r"responses\.csv: no such file"):
        read(tmp_path)


def test_only_answered_main_and_repeat_trials_count_and_every_other_row_has_one_reason(tmp_path):
    edits = [
        {"kind": "practice", "status": "timed_out", "response": "", "judged_real": ""},
        {"kind": "catch"},
        {"status": "interrupted", "response": "", "judged_real": "", "shown_utc": ""},
        {"status": "timed_out", "response": "", "judged_real": ""},
    ]
    rows = [*rows_with(*edits), *rows_with({"kind": "repeat"})]
    for number, row in enumerate(rows):
        row[HEADER.index("trial")] = f"t{number}"
    selection = select(read(written(tmp_path, rows)))
    assert selection.rows["trial"].tolist() == ["t4", "t5", "t6", "t7"]
    assert dict(selection.exclusions[["reason", "n_rows"]].itertuples(index=False)) == {
        "simulated participant, not asked for": 0,
        "practice trial": 1,
        "catch trial": 1,
        "interrupted before the answer": 1,
        "no answer in time": 1,
        "shown for a wrong time, and asked again": 0,
    }


def test_a_repeat_stands_in_for_the_trial_that_was_shown_for_a_wrong_time(tmp_path):
    wrong = {"timing_ok": "0"}
    edits = [
        {"source": "real"},
        {"source": "gan", **wrong, "response": "generated", "judged_real": "0"},
        {"source": "gan", "status": "interrupted", "response": "", "judged_real": ""},
        {"source": "gan", **wrong},  # nobody asked for this one again
        {"source": "gan", "kind": "repeat", **wrong},  # for t1, and wrong itself
        {"source": "gan", "kind": "repeat"},  # for t2
        {"source": "gan", "exposure_ms": "75", **wrong},  # another cell
    ]
    rows = [*rows_with(*edits[:4]), *rows_with(*edits[4:])]
    for number, row in enumerate(rows):
        row[HEADER.index("trial")] = f"t{number}"
        row[HEADER.index("ordinal")] = str(number)
        row[HEADER.index("image")] = f"i{number}"
    selection = select(read(written(tmp_path, rows)))
    assert selection.rows["trial"].tolist() == ["t0", "t3", "t4", "t5", "t6", "t7"]
    assert selection.exclusions["n_rows"].sum() == 2


def test_neither_practice_nor_a_catch_trial_uses_up_a_repeat(tmp_path):
    """They have cells like the others, and are never asked again."""
    wrong = {"timing_ok": "0"}
    edits = [
        {"source": "real"},
        {"source": "gan", "kind": "practice", "status": "interrupted", "response": "", "judged_real": ""},
        {"source": "gan", "kind": "catch", **wrong},
        {"source": "gan", **wrong},
        {"source": "gan", "kind": "repeat"},
    ]
    rows = [*rows_with(*edits[:4]), *rows_with(*edits[4:])[:1]]
    for number, row in enumerate(rows):
        row[HEADER.index("trial")] = f"t{number}"
        row[HEADER.index("ordinal")] = str(number)
        row[HEADER.index("image")] = f"i{number}"
    assert select(read(written(tmp_path, rows))).rows["trial"].tolist() == ["t0", "t4"]


def test_simulated_people_are_left_out_unless_asked_for_or_alone(tmp_path):
    people = rows_with()
    robots = rows_with(*[{"participant": "bot", "sitting": "s2", "is_simulated": "1"}] * 4)
    for number, row in enumerate(robots):
        row[HEADER.index("trial")] = f"b{number}"
    rows = read(written(tmp_path, people + robots))
    mixed, asked, alone = select(rows), select(rows, simulated=True), select(rows.iloc[4:])
    assert (len(mixed.rows), mixed.n_simulated, mixed.exclusions["n_rows"].iloc[0]) == (4, 0, 4)
    assert (len(asked.rows), asked.n_simulated) == (8, 4)
    assert (len(alone.rows), alone.n_simulated) == (4, 4)


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        (
            [{"source": "lapgan"}, {}, {}, {"source": "lapgan"}],
            "expected the source real .* found only gan and lapgan",
        ),
        ([{}, {"source": "real"}, {"source": "real"}], "at least one generated source beside real"),
        ([{"kind": "practice"}] * 4, r"no answered main trial is left to analyse \(4 practice trial\)"),
    ],
)
def test_data_that_cannot_show_the_comparison_are_refused(tmp_path, edits, words):
    rows = read(written(tmp_path, rows_with(*edits)))
    with pytest.raises(ResponsesError, match=words):
        select(rows)


def psych_ds(folder: Path, *names: str) -> Path:
    (folder / "data").mkdir()
    (folder / "dataset_description.json").write_text("{}")
    for name in names:
        (folder / "data" / name).write_bytes(GOOD)
    (folder / "data" / "study-demo_task-screens_data.csv").write_text("participant,width_px\n007,1440\n")
    return folder


def test_a_psych_ds_folder_is_read_by_its_data_file(tmp_path):
    folder = psych_ds(tmp_path, "study-demo_task-responses_data.csv")
    assert read(folder)["trial"].tolist() == ["t0", "t1", "t2", "t3"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "found none"),
        (("a_data.csv", "b_data.csv"), r"found data/a_data\.csv and data/b_data\.csv; give the file"),
    ],
)
def test_a_psych_ds_folder_without_one_file_of_responses_is_refused(tmp_path, names, words):
    with pytest.raises(ResponsesError, match=words):
        read(psych_ds(tmp_path, *names))
