"""Other designs: each measure agrees with published numbers or finds what was planted, and the command tells it."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import psychometric
from analysis.designs import __main__ as command
from analysis.designs import pairs, ratings, staircase, untimed
from analysis.designs.reading import counted_rows
from analysis.observers import Observers, as_csv, simulate, true_proportions
from analysis.plan import Plan
from analysis.report import report
from analysis.responses import ResponsesError
from benchmarks.untimed import coverage
from tests.analysis.published_cases import golden


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def written(folder: Path, rows: pd.DataFrame) -> Path:
    file = folder / "rows.csv"
    rows.to_csv(file, index=False)
    return file


# Untimed


def untimed_rows(seed: int = 1, **changes) -> pd.DataFrame:
    curves = {"real": (0.7, 0.7), "gan": (0.3, 0.3)}
    return simulate(Observers(30, 100, 50, curves=curves, exposures_ms=(1,), **changes), seed)


def test_the_error_rate_is_the_mean_of_both_errors():
    rows = untimed_rows()
    table = untimed.error_rates(rows, rng()).set_index("source")
    judged = rows["judged_real"].astype(float)
    fake = judged[rows["source"] == "gan"].mean()
    missed = 1 - judged[rows["source"] == "real"].mean()
    row = table.loc["gan"]
    assert row["error"] == pytest.approx((fake + missed) / 2)
    assert row["rater_mean"] == pytest.approx(row["error"])  # everybody judged 50 of each
    assert row["rater_low"] < row["error"] < row["rater_high"]
    assert row["low"] < row["rater_low"] and row["rater_high"] < row["high"]  # images vary, too


def test_the_two_way_interval_holds_for_new_images_where_the_bootstrap_over_raters_does_not():
    two_way, raters = coverage(60, seed=1)
    assert two_way >= 0.88
    assert raters < 0.8


# Staircases


def staircase_rules() -> list[tuple[float, float, int, float]]:
    """Step up, step down, right answers that it takes, and share right where it settles."""
    case = golden("staircase")
    weighted = zip(case["inputs"]["weighted"], case["expected"]["weighted"], strict=True)
    by_count = [(0.1, 0.1, n_right, case["expected"][f"up1down{n_right}"]) for n_right in (2, 3)]
    return [*((up / 200, down / 200, 1, target) for (up, down), target in weighted), *by_count]


def staircase_rows(threshold_ms: float, n_people: int = 16, n_trials: int = 200) -> pd.DataFrame:
    """People on a staircase that is shorter by 30 ms after a right answer and longer by 90 after a wrong one."""
    draws, rows = rng(3), []
    for person in range(n_people):
        mine, exposure_ms = threshold_ms * np.exp(draws.normal(0, 0.2)), 500
        for _ in range(n_trials):
            z = psychometric.SIGMOIDS["gauss"].span * (np.log10(exposure_ms / mine)) / 0.6
            is_right = draws.random() < 0.5 + 0.47 * psychometric.SIGMOIDS["gauss"].value(z)
            is_real = draws.random() < 0.5
            rows.append((f"p{person}", "real" if is_real else "gan", exposure_ms, int(is_right == is_real)))
            exposure_ms = int(np.clip(exposure_ms + (-30 if is_right else 90), 50, 1000))
    return pd.DataFrame(rows, columns=["participant", "source", "exposure_ms", "judged_real"])


def test_planted_thresholds_of_staircases_are_found():
    rows = staircase_rows(300.0)
    rows["judged_real"] = rows["judged_real"].astype(bool)
    (row,) = staircase.thresholds(staircase.runs(rows), rng()).itertuples()
    assert row.threshold_ms == pytest.approx(300, rel=0.12)
    assert row.low_ms < 300 < row.high_ms
    assert row.modal_low_ms <= row.modal_ms <= row.modal_high_ms


@pytest.mark.parametrize(("up", "down", "n_right", "target"), staircase_rules())
def test_a_fit_to_all_trials_knows_where_a_staircase_settles(up, down, n_right, target):
    """The level goes down after so many right answers in a row, and up after each wrong one."""
    draws, level, in_a_row, levels, right = rng(5), 1.0, 0, [], []
    for _ in range(6000):
        is_right = draws.random() < psychometric.SIGMOIDS["gauss"].value(level)
        in_a_row = in_a_row + 1 if is_right else 0
        levels.append(level)
        right.append(is_right)
        if not is_right:
            level += up
        elif in_a_row == n_right:
            level, in_a_row = level - down, 0
        level = round(level, 2)
    x, place = np.unique(levels, return_inverse=True)
    n = np.bincount(place).astype(float)
    task = psychometric.Task(guess=0.0, overdispersion_prior=None)
    curve = psychometric.fit(x, np.bincount(place, right), n, task)
    assert curve.share(np.mean(levels)) == pytest.approx(target, abs=0.025)


def test_two_sources_in_a_run_are_refused():
    rows = pd.DataFrame(
        {"participant": "p", "source": ["real", "gan", "lapgan"], "exposure_ms": 100.0, "judged_real": True}
    )
    with pytest.raises(
        ValueError, match=r"one generated source among real, found gan, lapgan; .* column named run"
    ):
        staircase.runs(rows)


# Pairs


def pair_rows(seed: int = 2) -> pd.DataFrame:
    curves = {"gan": (0.2, 0.2), "lapgan": (0.45, 0.45)}
    observers = Observers(20, 200, 150, curves=curves, exposures_ms=(1000,))
    rows = simulate(observers, seed)
    return rows.rename(columns={"judged_real": "chose_generated"})


def test_shares_of_pairs_that_fool_are_found():
    rows = pair_rows()
    _, means = pairs.fooled(rows)
    truth = true_proportions(
        Observers(curves={"gan": (0.2, 0.2), "lapgan": (0.45, 0.45)}, n_trials=200, exposures_ms=(1000,))
    )[:, 0]
    assert ((means["low"] < truth) & (truth < means["high"])).all()


# Ratings


# Krippendorff 2011, Computing Krippendorff's alpha-reliability, section C: four observers, twelve units.
KRIPPENDORFF = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""


@pytest.mark.parametrize(
    ("metric", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)]
)
def test_alpha_is_krippendorff_s(metric, published):
    rows = [
        (unit, float(value))
        for line in KRIPPENDORFF.split("\n")
        for unit, value in enumerate(line.split())
        if value != "."
    ]
    assert ratings.alpha(pd.DataFrame(rows, columns=["image", "rating"]), metric) == pytest.approx(
        published, abs=6e-4
    )


# Fleiss 1971 (Psychol. Bull. 76:378-382) measured it; the usual worked example: of 14 raters, how many put each of ten
# subjects into each of five categories, kappa 0.210.
FLEISS = """
0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7
"""


def test_nominal_alpha_is_fleiss_s_kappa_but_for_its_correction_of_small_samples():
    counts = np.loadtxt(StringIO(FLEISS))
    image, rating = np.nonzero(counts)
    rows = pd.DataFrame({"image": image, "rating": rating + 1.0}).loc[
        np.repeat(np.arange(len(image)), counts[image, rating].astype(int))
    ]
    kappa = 1 - (1 - ratings.alpha(rows, "nominal")) * counts.sum() / (counts.sum() - 1)
    assert kappa == pytest.approx(0.210, abs=5e-4)


# Shrout and Fleiss 1979 (Psychol. Bull. 86:420-428): four judges (columns) rate six targets; mean squares between
# judges and between targets of their worked example.
SHROUT_FLEISS = "9 2 5 8 6 1 3 2 8 4 6 8 7 1 2 6 10 5 6 9 6 2 4 7"
BETWEEN_JUDGES, BETWEEN_TARGETS = 32.49, 11.24


def test_where_everybody_rates_everything_the_variances_are_the_mean_squares_of_shrout_and_fleiss():
    """For a grand mean of n ratings the parts of people and images are the mean squares between them, divided by n."""
    value = np.array(SHROUT_FLEISS.split(), dtype=float)
    target, judge = np.divmod(np.arange(24), 4)
    rows = pd.DataFrame({"participant": judge, "image": target, "source": "gan", "rating": value})
    _, cov = ratings.rating_covariance(rows)
    parts = cov.parts(np.ones((1, 1)))
    assert 24 * parts.from_people[0] == pytest.approx(BETWEEN_JUDGES, abs=0.005)
    assert 24 * parts.images[0] * 6 / 5 == pytest.approx(BETWEEN_TARGETS, abs=0.005)


def rating_rows(n_people: int = 25, n_images: int = 40, seed: int = 4) -> pd.DataFrame:
    """Ratings with people (SD 0.4) and images (SD 0.6) crossed around 4 for real and 2.5 for gan."""
    draws = rng(seed)
    person = np.repeat(np.arange(n_people), 2 * n_images)
    image = np.tile(np.arange(2 * n_images), n_people)
    middle = np.where(image < n_images, 4.0, 2.5)
    value = middle + draws.normal(0, 0.4, n_people)[person] + draws.normal(0, 0.6, 2 * n_images)[image]
    rating = np.clip(np.rint(value + draws.normal(0, 0.5, len(value))), 1, 5)
    source = np.where(image < n_images, "real", "gan")
    return pd.DataFrame({"participant": person, "image": image, "source": source, "rating": rating}).astype(
        {"participant": str, "image": str}
    )


def test_mean_ratings_have_the_two_way_variance():
    """Three clusterings summed by hand, with their small-sample factors."""
    rows = rating_rows()
    table = ratings.mean_ratings(rows).set_index("source")
    gan = rows[rows["source"] == "gan"]
    residual = gan["rating"] - gan["rating"].mean()
    people = (residual.groupby(gan["participant"]).sum() ** 2).sum() / len(gan) ** 2 * 25 / 24
    images = (residual.groupby(gan["image"]).sum() ** 2).sum() / len(gan) ** 2
    trial = (residual**2).sum() / len(gan) ** 2
    se = np.sqrt(people + max(images - trial, 0) * 40 / 39)
    half = (table.loc["gan", "high"] - table.loc["gan", "low"]) / 2
    assert 1.96 * se < half < 2.1 * se
    assert table.loc["real", "mean"] > table.loc["gan", "mean"]
    assert 0.2 < ratings.alpha(rows) < 1


def test_ratings_all_alike_have_no_agreement_to_speak_of():
    rows = rating_rows().assign(rating=3.0)
    assert np.isnan(ratings.alpha(rows))
    assert (ratings.mean_ratings(rows)["mean"] == 3).all()


# The command

ROWS = {
    # Of anybody's making: with one column less it is no export.
    "untimed": lambda: untimed_rows().astype({"judged_real": int}).drop(columns="timing_ok"),
    "staircase": lambda: staircase_rows(300.0, n_people=2, n_trials=40),
    "pairs": lambda: pair_rows().astype({"chose_generated": int}),
    "ratings": lambda: rating_rows().astype({"rating": int}),
}


@pytest.mark.parametrize("kind", command.KINDS)
def test_each_kind_makes_a_report_that_repeats_exactly(kind, tmp_path, capsys):
    file = written(tmp_path, ROWS[kind]())
    assert command.main([kind, str(file), "--out", str(tmp_path / "out")]) == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert {"report.html", "results.json", "figure1.png", "figure1.svg", "figure1.pdf"} < set(first)
    document = json.loads(first["results.json"])
    for table in document["tables"].values():
        assert table["estimand"] and table["method"] and table["rows"]
    assert command.main([kind, str(file), "--out", str(tmp_path / "out")]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first


def untimed_export(folder: Path, **changes) -> pd.DataFrame:
    """Its rows, and `responses.csv` in a folder as an export of a study without a time limit has it."""
    rows = pd.read_csv(StringIO(as_csv(untimed_rows())), dtype=str, keep_default_na=False)
    rows = rows.assign(**{"exposure_ms": "", "planned_frames": "", **changes})
    folder.mkdir(exist_ok=True)
    rows.to_csv(folder / "responses.csv", index=False)
    return rows


def test_an_export_gets_one_report_from_both_commands_whether_by_folder_or_file(tmp_path, capsys):
    rows = untimed_export(tmp_path / "export")
    files = report(tmp_path / "export", formats=("svg",))
    assert command.main(["untimed", str(tmp_path / "export"), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "error_rates.csv").read_bytes() == files["error_rates.csv"]
    table = pd.read_csv(tmp_path / "out" / "error_rates.csv")
    judged = rows["judged_real"].astype(int)
    wrong = judged[rows["source"] == "gan"].mean() + 1 - judged[rows["source"] == "real"].mean()
    assert table["error"].item() == pytest.approx(wrong / 2, abs=1e-8)
    counted, selection = counted_rows(tmp_path / "export" / "responses.csv", untimed.NEEDED, untimed.OPTIONAL)
    assert selection is not None and len(counted) == len(rows)


def test_what_a_study_without_a_time_limit_declared_holds_in_both_commands_and_is_said(tmp_path):
    rows = untimed_export(tmp_path / "export")
    person, study, version = rows[["participant", "study", "study_version"]].iloc[0]
    quick = (rows["participant"] == person).map({True: "20", False: "700"})
    untimed_export(tmp_path / "export", reaction_ms=quick)
    design = {"n_trials": 20, "exclusions": {"too_fast": 5}}
    told = {"study": study, "version": version, "definition": design}
    (tmp_path / "export" / "study.json").write_text(json.dumps(told))
    files = report(tmp_path / "export", formats=("svg",))
    assert command.main(["untimed", str(tmp_path / "export"), "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "results.json").read_bytes() == files["results.json"]
    rule = "sitting in which more than 5 % of the answers came less than 150 ms after the picture"
    assert json.loads(files["results.json"])["plan"] == {
        "declared_before_data": [rule],
        "as_declared": True,
        "exclude": [],
    }
    assert set(pd.read_csv(BytesIO(files["exclusions.csv"]))["participant"]) == {person}
    assert rule.removeprefix("sitting in which ") in files["report.html"].decode()
    assert "Simulated people: not evidence" in files["figure1.svg"].decode()
    aside = report(tmp_path / "export", plan=Plan(as_declared=False), formats=("svg",))
    assert "is not applied here" in " ".join(json.loads(aside["results.json"])["alerts"])


def test_simulated_people_among_others_are_left_out_of_an_export_here_too(tmp_path):
    bots = {
        "is_simulated": (untimed_rows()["participant"] == untimed_rows()["participant"].iat[0]).astype(int)
    }
    untimed_export(tmp_path, **bots)
    counted, selection = counted_rows(tmp_path / "responses.csv", untimed.NEEDED, untimed.OPTIONAL)
    assert selection is not None and counted["participant"].nunique() == 29


def test_an_export_with_a_column_of_ones_own_is_refused_before_other_rows_count(tmp_path):
    untimed_export(tmp_path, note="seen")
    with pytest.raises(ResponsesError, match="expected only the 24 columns of an export, found 'note' too"):
        counted_rows(tmp_path / "responses.csv", untimed.NEEDED, untimed.OPTIONAL)


def test_answers_with_and_without_a_time_limit_share_no_report(tmp_path):
    rows = untimed_export(tmp_path / "untimed")
    untimed_export(tmp_path / "mixed", exposure_ms=[""] * (len(rows) - 1) + ["100"])
    with pytest.raises(
        ResponsesError, match=r"column exposure_ms: expected an empty field, as in row 2.* '100'"
    ):
        report(tmp_path / "mixed")
    other = {"study": "other", "trial": rows["trial"] + "o", "exposure_ms": "100"}
    untimed_export(tmp_path / "timed", **other)
    with pytest.raises(
        ResponsesError, match="with and without a time limit share no figure; make a report of each"
    ):
        report(tmp_path / "untimed", tmp_path / "timed")


def test_an_export_without_exposures_has_no_staircase(tmp_path, capsys):
    untimed_export(tmp_path)
    assert command.main(["staircase", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert (
        "column exposure_ms: expected a number of milliseconds" in said and "another kind of design" in said
    )


@pytest.mark.parametrize(
    ("kind", "spoil", "sentence"),
    [
        (
            "ratings",
            lambda rows: rows.drop(columns="rating"),
            "expected the columns .* rating, found no rating",
        ),
        (
            "ratings",
            lambda rows: rows.assign(rating=6),
            "row 2, column rating: expected a whole number .* found '6'",
        ),
        (
            "untimed",
            lambda rows: rows[rows["source"] == "real"],
            "expected real and at least one generated source",
        ),
        ("pairs", lambda rows: rows.assign(source="real"), "expected the source of the generated picture"),
        ("pairs", lambda rows: rows.assign(status="timed_out"), "expected answered trials, found none"),
        ("staircase", lambda rows: rows[rows["participant"] == "p0"], "expected two people at least"),
        (
            "staircase",
            lambda rows: rows.assign(judged_real="yes"),
            "row 2, column judged_real: expected 1 or 0",
        ),
    ],
)
def test_tables_that_the_design_cannot_use_are_refused(kind, spoil, sentence, tmp_path, capsys):
    file = written(tmp_path, spoil(ROWS[kind]()))
    assert command.main([kind, str(file), "--out", str(tmp_path / "out")]) == 1
    import re

    assert re.search(sentence, capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
