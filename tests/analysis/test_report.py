"""The report as its reader meets it: a command, its files, and a sentence when it cannot be made."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from analysis.chapters import answers, differences
from analysis.files import FilesError, replace_files
from analysis.observers import Observers, as_csv, simulate, true_proportions
from analysis.provenance import provenance
from analysis.report import last_sentence, report
from analysis.responses import ResponsesError, select
from analysis.results import analyse

PROJECT = Path(__file__).resolve().parents[2]
FIGURES = [
    "contrasts",
    "distance",
    "figure1",
    "multiverse",
    "people",
    "reactions",
    "sensitivity",
    "thresholds",
    "time_on_task",
    "timing",
]
TABLES = [
    "cells",
    "contrasts",
    "contrasts_by_time",
    "distance_to_real",
    "equivalence",
    "exclusions",
    "flow",
    "images",
    "influence",
    "intervals",
    "means",
    "mixed_model",
    "multiverse",
    "people",
    "reactions",
    "sensitivity",
    "thresholds",
    "timing",
]
FILES = sorted(
    [f"{name}.{kind}" for name in FIGURES for kind in ("pdf", "png", "svg")]
    + [f"{name}.csv" for name in TABLES]
    + ["methods.txt", "report.html", "results.json"]
)
SMALL = Observers(n_people=6, n_trials=220, images_per_source=100)


def run(*arguments: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "analysis" / "report.py"), *map(str, arguments)]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    (folder / "responses.csv").write_text(as_csv(simulate(SMALL, seed=4)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def made(export, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A report made by the command, from another directory than the project's."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    return elsewhere / "out", run(export, "--out", "out", cwd=elsewhere)


def test_the_command_writes_every_figure_and_table_and_says_where(made):
    out, done = made
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert sorted(done.stdout.split()) == [f"out/{name}" for name in FILES]


def test_the_page_loads_nothing_and_holds_its_figure(made):
    html = (made[0] / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|<script|<link|@import|url\(", html)
    sources = re.findall(r'src="([^"]*)"', html)
    assert {source[:26] for source in sources} == {"data:image/svg+xml;base64,"}
    assert len(sources) == len(FIGURES)
    assert base64.b64decode(sources[0][26:]) == (made[0] / "figure1.svg").read_bytes()


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_of_simulated_people_says_so(made, name):
    svg = (made[0] / f"{name}.svg").read_text(encoding="utf-8")
    assert svg.count("Simulated people: not evidence") == 1


def test_the_first_thing_on_the_page_is_the_alert_then_the_figure_then_three_sentences(made):
    html = (made[0] / "report.html").read_text(encoding="utf-8")
    alert, figure = html.index("come from simulated people"), html.index("<img")
    first_section = html[figure : html.index("</section>", figure)]
    assert alert < figure
    assert first_section.count("<p>") == 3
    assert "After 2000" in first_section
    assert "Averaged over the 11 presentation times the order is" in first_section
    assert "Denton et al. 2015 report about" in first_section


def test_the_caption_of_the_figure_says_how_many_answers_a_point_is(made):
    html = (made[0] / "report.html").read_text(encoding="utf-8")
    cells = pd.read_csv(made[0] / "cells.csv")
    images = f"{cells['n_images'].min()} to {cells['n_images'].max()}"
    assert f"; a point is 30 answers about {images} pictures." in html
    assert (cells["n_trials"] == 30).all()


def test_the_distance_from_real_is_told_at_the_longest_time_not_at_the_luckiest(made):
    html = (made[0] / "report.html").read_text(encoding="utf-8")
    told = html[html.index("<h2>How far from real</h2>") :].split("</section>")[0]
    table = pd.read_csv(made[0] / "distance_to_real.csv")
    last = table[table["exposure_ms"] == 2000]
    assert len(last) == 3
    said = re.search(r"After 2000.ms, below real pictures lie ([^<]*)\.</p>", told)
    assert said
    for row in last.itertuples():
        assert f"{100 * row.difference:.0f} points ({100 * row.low:.0f} to {100 * row.high:.0f})" in said[1]


def order_said(p_holm: float) -> str:
    """What is said of three sources whose neighbours' intervals leave out 0, with this p for both."""
    steps = pd.DataFrame({"higher": ["real", "lapgan"], "lower": ["lapgan", "gan"], "p_holm": p_holm})
    results = SimpleNamespace(
        means=pd.DataFrame({"source": ["real", "gan", "lapgan"], "p": [0.7, 0.2, 0.4]}),
        cells=pd.DataFrame({"exposure_ms": [50.0, 2000.0]}),
        steps=steps.assign(difference=0.25, low=0.01, high=0.49),
    )
    return answers.order_sentence(results)


def test_an_order_is_open_where_holm_s_correction_leaves_it_open_whatever_single_intervals_say():
    assert "real (70\u00a0%), LAPGAN (40\u00a0%), GAN (20\u00a0%)" in order_said(0.06)
    assert "the order of real and LAPGAN and of LAPGAN and GAN is open." in order_said(0.06)
    assert "each stands apart from the next." in order_said(0.04)
    assert "each stands apart from the next." in order_said(np.nan)  # people agree exactly: no variance, no p


def test_differences_of_all_pairs_are_drawn_on_one_scale():
    results = analyse(select(simulate(SMALL, seed=4), simulated=True), provenance(Path(__file__)))
    figure = differences.at_each_time(results).figure
    panels = Canvas(figsize=figure.inches).subplots(*figure.grid)
    figure.draw(panels)
    assert len(panels) == 3
    assert len({panel.get_ylim() for panel in panels}) == 1


def test_neighbours_in_the_paper_s_order_have_the_p_values_of_its_planned_contrasts():
    rows = simulate(Observers(n_people=15, n_trials=660), seed=1)
    results = analyse(select(rows, simulated=True), provenance(Path(__file__)))
    assert list(results.steps["higher"]) == list(results.planned["higher"])
    assert results.steps["p_holm"].to_numpy() == pytest.approx(results.planned["p_holm"].to_numpy())


def test_cells_are_the_contract_and_agree_with_the_json(made):
    rows = list(csv.DictReader(io.StringIO((made[0] / "cells.csv").read_text())))
    assert list(rows[0]) == [
        "source",
        "exposure_ms",
        "n_trials",
        "n_people",
        "n_images",
        "k",
        "p",
        "low",
        "high",
    ]
    assert len(rows) == 44
    quoted = {
        number["name"]: number for number in json.loads((made[0] / "results.json").read_text())["numbers"]
    }
    for row in rows:
        number = quoted[f"judged real: {row['source']} at {row['exposure_ms']} ms"]
        assert float(row["p"]) == pytest.approx(int(row["k"]) / int(row["n_trials"]), abs=1e-6)
        for name, key in (("p", "value"), ("low", "low"), ("high", "high")):
            assert float(row[name]) == pytest.approx(number[key], abs=1e-6)
        assert number["estimand"] == "share of pictures judged real, for new people and new images"


def test_every_percent_of_the_three_sentences_is_in_the_json(made):
    html = (made[0] / "report.html").read_text(encoding="utf-8")
    first_section = html[html.index("<img") : html.index("</section>", html.index("<img"))]
    said = {int(number) for number in re.findall(r"(\d+)\u00a0%", re.sub(r"<[^>]*>", "", first_section))} - {
        95
    }
    numbers = json.loads((made[0] / "results.json").read_text())["numbers"]
    known = {round(100 * number["value"]) for number in numbers if number["unit"] == "proportion"}
    assert said
    assert said <= known


def test_every_number_of_the_tables_is_in_the_json(made):
    """Numbers are compared as they are printed: one decimal in percents and ratios."""
    html = (made[0] / "report.html").read_text(encoding="utf-8")
    tables = json.loads((made[0] / "results.json").read_text())["tables"]
    for title, name, n_rows in (("Every point", "points", 44), ("Means over presentation times", "means", 4)):
        section = html[html.index(f"<h2>{title}</h2>") :]
        printed = [
            re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr.*?</tr>", section)[1:]
        ]
        assert len(tables[name]) == n_rows
        for cells, row in zip(printed, tables[name], strict=False):
            interval = f"{100 * row['low']:.1f}–{100 * row['high']:.1f}"
            assert {f"{row['n_trials']:,}", f"{100 * row['p']:.1f}", interval} <= set(cells)


def test_results_name_what_they_were_made_from(made, export):
    results = json.loads((made[0] / "results.json").read_text())
    digest = subprocess.run(
        ["sha256sum", export / "responses.csv"], capture_output=True, text=True, check=True
    ).stdout.split()[0]
    assert results["provenance"]["data_sha256"] == digest
    assert results["is_simulated"] is True
    assert results["seed"] == 1
    assert {"python", "numpy", "pandas", "scipy", "matplotlib"} <= set(results["provenance"]["software"])
    for number in results["numbers"]:
        assert number["estimand"]
        assert number["method"]


def test_every_table_is_a_csv_file_with_a_header_and_full_numbers(made):
    for name in TABLES:
        rows = list(csv.reader(io.StringIO((made[0] / f"{name}.csv").read_text(encoding="utf-8"))))
        assert len({len(row) for row in rows}) == 1, name
        assert all(rows[0])
        assert len(rows) > 1 or name == "exclusions"
    assert "nan" not in (made[0] / "sensitivity.csv").read_text()


def test_every_number_names_its_estimand_and_none_is_named_twice(made):
    numbers = json.loads((made[0] / "results.json").read_text())["numbers"]
    names = [number["name"] for number in numbers]
    assert len(set(names)) == len(names)
    for wanted in (
        "planned contrast: cc-lapgan minus lapgan",
        "smallest margin of equivalence: real",
        "d': gan, mean over times",
        "split-half reliability of criterion",
        "spread of images: gan",
        "over universes: cc-lapgan minus lapgan",
        "mean half-width of bars: Wilson",
        "change of d_prime from first to last half",
        "median reaction time",
    ):
        assert wanted in names


def test_the_methods_paragraph_is_a_file_of_its_own(made):
    text = (made[0] / "methods.txt").read_text(encoding="utf-8")
    html = (made[0] / "report.html").read_text(encoding="utf-8")
    page = html.replace("&#x27;", "'")
    paragraph, references = text.strip().split("\n\n")
    assert f"<p>{paragraph}</p>" in page and f"<p>{references}</p>" in page
    said = paragraph.replace("\u00a0", " ")
    assert re.search(
        r"1,320 answers about \d+ pictures entered the analysis, 220 a person in the median", said
    )
    assert "and then masked; 25 % of the pictures were real." in said
    assert "Nobody saw a picture twice. No trial was left out." in said
    assert "set by the software, not by the data" in said


def test_whatever_the_methods_cite_is_in_their_references(made):
    paragraph, references = (made[0] / "methods.txt").read_text(encoding="utf-8").strip().split("\n\n")
    cited = set(
        re.findall(
            r"([A-Z][\w-]+)(?: et al\.| and [A-Z][\w-]+|, [A-Z][^()]*?)? \(?((?:19|20)\d\d)\b", paragraph
        )
    )
    assert len(cited) >= 9
    for name, year in cited:
        assert any(name in each and year in each for each in references.split(";")), (name, year)


def test_chosen_rules_contrasts_margin_and_seed_are_in_the_results(export, tmp_path):
    chosen = [
        "--exclude",
        "fast=400,slow",
        "--contrast",
        "real:gan",
        "--margin",
        "20",
        "--seed",
        "9",
        "--bars",
        "sd",
    ]
    done = run(export, "--out", "out", "--live", *chosen, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["seed"] == 9
    assert results["plan"] == {
        "margin": 0.2,
        "contrasts": ["real minus gan"],
        "declared_before_data": [],
        "as_declared": False,
        "exclude": ["answered in less than 400 ms", "answered after more than 10000 ms"],
        "simulated": False,
        "bars": "sd",
    }
    assert "answered in less than 400 ms" in (tmp_path / "out" / "flow.csv").read_text()
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Bars: ±1 SD of people" in html
    assert "numbers in sentences and tables keep the headline interval" in html
    assert (tmp_path / "out" / "contrasts.csv").read_text().count("\n") == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--exclude", "quick"], "--exclude: expected one of fast"),
        (["--contrast", "real"], "--contrast: expected two sources"),
        (
            ["--contrast", "real:flow"],
            "expected sources of this study (real, gan, lapgan, cc-lapgan), got 'flow'",
        ),
        (["--margin", "0"], "margin: expected a proportion between 0 and 1"),
        (["--bars", "2sd"], "bars: expected one of two-way, people"),
        (["--seed", "-1"], "seed: expected a whole number of at least 0"),
        (["--pictures", "nowhere"], "nowhere: expected a folder with image sets"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(export, tmp_path, arguments, words):
    assert_one_sentence(run(export, *arguments, cwd=tmp_path), words)


def test_the_live_form_is_figure_1_and_the_contrasts_alone(export, made):
    files = report(export, live=True)
    assert set(files) == {
        "report.html",
        "results.json",
        "figure1.svg",
        "cells.csv",
        "contrasts.csv",
        "flow.csv",
    }
    for name in ("cells.csv", "figure1.svg"):
        assert files[name] == (made[0] / name).read_bytes()


def test_the_paper_s_manner_is_drawn_where_it_is_asked_for(export):
    files = report(export, live=True, paper_style=True)
    assert files["figure1-paper.svg"]
    assert "In the paper's manner" in files["report.html"].decode().replace("&#x27;", "'")


def test_the_same_data_give_the_same_bytes(made, export, tmp_path):
    again = run(export, "--out", "out", cwd=tmp_path, PYTHONHASHSEED="7")
    assert again.returncode == 0
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (made[0] / name).read_bytes(), name


def test_a_planted_truth_is_inside_its_bars(tmp_path):
    """At the paper's size at least 38 of the 44 planted points lie inside their 95 % intervals."""
    observers = Observers(n_people=15, n_trials=660)
    (tmp_path / "responses.csv").write_text(as_csv(simulate(observers, seed=1)), encoding="utf-8")
    cells = pd.read_csv(io.BytesIO(report(tmp_path, live=True)["cells.csv"]))
    truth = true_proportions(observers).ravel()
    assert ((cells["low"] <= truth) & (truth <= cells["high"])).sum() >= 38
    longest = cells[cells["exposure_ms"] == 2000].set_index("source")["p"]
    assert longest["real"] > longest["cc-lapgan"] > longest["lapgan"] > longest["gan"]


# What a hostile or half-empty study does to the page


def test_names_from_the_data_cannot_become_markup(tmp_path):
    rows = simulate(Observers(n_people=2, n_trials=44), seed=1)
    name = "<img src=x onerror=alert(1)>&\"'"
    evil = rows.assign(
        study=name,
        participant=name + rows["participant"].astype(object),
        source=rows["source"].astype(object).replace("gan", name),
    )
    (tmp_path / "responses.csv").write_text(as_csv(evil), encoding="utf-8")
    html = report(tmp_path, formats=("svg",))["report.html"].decode()
    assert name not in html
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;&amp;" in html


def test_dollars_and_backslashes_in_a_source_s_name_are_drawn_as_they_are(tmp_path):
    rows = simulate(Observers(n_people=2, n_trials=44), seed=1)
    odd = rows.assign(source=rows["source"].astype(object).replace("gan", r"a_{$\frac"))
    (tmp_path / "responses.csv").write_text(as_csv(odd), encoding="utf-8")
    assert report(tmp_path, live=True)["figure1.svg"]


def test_the_smallest_study_that_can_be_reported_is(tmp_path):
    rows = simulate(Observers(n_people=1, n_trials=44), seed=1)
    two = pd.concat([rows[rows["source"] == name].iloc[:1] for name in ("real", "gan")])
    nothing_measured = two.assign(
        measured_ms=np.nan,
        frame_ms=np.nan,
        timing_ok=pd.array([None, None], dtype="boolean"),
        timing_witness="",
        shown_utc=pd.Series(pd.NaT, index=two.index, dtype="datetime64[us, UTC]"),
    )
    (tmp_path / "responses.csv").write_text(as_csv(nothing_measured), encoding="utf-8")
    files = report(tmp_path, formats=("svg",))
    assert b"NaN" not in files["results.json"]
    assert "nan" not in re.sub(r"data:[^\"]*", "", files["report.html"].decode())


def test_people_and_simulated_people_together_are_called_that(tmp_path):
    rows = simulate(SMALL, seed=1)
    is_simulated = (rows["participant"] == "p0001").astype("boolean")
    (tmp_path / "responses.csv").write_text(as_csv(rows.assign(is_simulated=is_simulated)), encoding="utf-8")
    asked, plain = (
        report(tmp_path, simulated=choice, live=True)["report.html"].decode() for choice in (True, False)
    )
    assert "6\u00a0people, some of them simulated" in asked
    assert "220 of 1,320 answers come from simulated people" in asked
    assert "5\u00a0people gave" in plain
    assert "some of them simulated" not in plain


# When it cannot be made


def edited(export: Path, folder: Path, old: str, new: str) -> Path:
    text = (export / "responses.csv").read_text()
    assert old in text
    (folder / "responses.csv").write_text(text.replace(old, new, 1))
    return folder


def assert_one_sentence(done: subprocess.CompletedProcess[str], *words: str, exit_code: int = 1) -> None:
    assert done.returncode == exit_code
    assert done.stdout == ""
    assert done.stderr.startswith("report: ")
    assert done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_an_edited_file_is_refused_and_the_old_report_stays(export, tmp_path):
    old = tmp_path / "out" / "report.html"
    old.parent.mkdir()
    old.write_text("yesterday's")
    done = run(edited(export, tmp_path, ",2000,", ",2000 ms,"), "--out", "out", cwd=tmp_path)
    assert_one_sentence(done, "row ", "column exposure_ms", "'2000 ms'")
    assert old.read_text() == "yesterday's"


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "responses.csv").touch()
    assert_one_sentence(run(tmp_path, cwd=tmp_path), "responses.csv is empty")


def test_a_folder_without_an_export_is_refused(tmp_path):
    assert_one_sentence(run(tmp_path / "nowhere", cwd=tmp_path), "no such file", "export_responses")


def test_without_a_folder_the_export_s_own_reason_is_shown(tmp_path):
    done = run(cwd=tmp_path, TACHISTO_DATA=str(tmp_path / "var"))
    assert_one_sentence(done, "could not be exported: ")


@pytest.mark.parametrize(
    ("stderr", "sentence"),
    [
        ("warming up\nCommandError: no study is open\n", "no study is open"),
        ("note: old\nerror: the database is gone\n", "the database is gone"),
        ("Traceback ...\n  File ...\nOSError: disk full\n\n", "OSError: disk full"),
        ("", "the export gave no reason; run it by hand"),
    ],
)
def test_the_last_words_of_the_export_are_passed_on(stderr, sentence):
    assert last_sentence(stderr) == sentence


def test_a_place_that_cannot_be_written_is_named_and_ends_otherwise_than_data_that_are_refused(
    export, tmp_path
):
    """Whoever runs it may try again: the data need no change."""
    assert FilesError.exit_code not in (0, 1, 2)
    (tmp_path / "out").write_text("a file")
    done = run(export, "--out", "out", "--live", cwd=tmp_path)
    assert_one_sentence(done, "out: expected a place to write", "--out", exit_code=FilesError.exit_code)


def test_an_unknown_option_is_a_usage_error(tmp_path):
    done = run("--colour", "red", cwd=tmp_path)
    assert done.returncode == 2
    assert "usage: report.py" in done.stderr


def test_help_comes_without_loading_a_numerical_library(tmp_path):
    code = (
        "import sys; sys.argv = ['report.py', '--help']\n"
        "import analysis, analysis.report\n"
        "try: analysis.report.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'scipy', 'matplotlib'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    assert "export_responses" in done.stdout


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc, as Linux has it"
)
def test_the_command_computes_in_one_thread_whatever_the_machine_allows(tmp_path):
    code = (
        "import os, runpy, sys; sys.argv = ['report.py', 'nowhere']\n"
        f"try: runpy.run_path({str(PROJECT / 'analysis' / 'report.py')!r}, run_name='__main__')\n"
        "except SystemExit: import numpy\n"
        "names = [open(f'/proc/self/task/{each}/comm').read() for each in os.listdir('/proc/self/task')]\n"
        "print(names.count(names[0]))"  # Parquet's memory has a thread of another name
    )
    threads = {"OPENBLAS_NUM_THREADS": "3", "OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, **threads},
    )
    assert "no such file" in done.stderr
    assert done.stdout == "1\n"


# Files: whole or not at all


def test_files_of_others_stay_and_no_part_is_left(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    replace_files(tmp_path, {"a.txt": b"one"})
    replace_files(tmp_path, {"a.txt": b"two"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "mine.txt": "keep",
        "a.txt": "two",
    }


def test_a_disk_that_fills_up_leaves_the_old_files_whole(tmp_path):
    """A limit on file size stands in for a full disk: writing stops in the middle of the second file."""
    replace_files(tmp_path, {"a.txt": b"old", "b.txt": b"old"})
    code = (
        "import resource, signal, sys; from pathlib import Path; from analysis.files import replace_files\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "replace_files(Path(sys.argv[1]), {'a.txt': b'new', 'b.txt': bytes(5000)})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "FilesError" in done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old", "b.txt": "old"}


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(FilesError, match=r"a\.txt.*: expected a place to write, found is a directory"):
        replace_files(tmp_path, {"a.txt": b"one"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_data_that_show_nothing_are_refused_before_anything_is_drawn(tmp_path):
    rows = simulate(Observers(n_people=2, n_trials=44), seed=1)
    (tmp_path / "responses.csv").write_text(as_csv(rows[rows["source"] != "real"]), encoding="utf-8")
    with pytest.raises(ResponsesError, match="column source: expected the source real"):
        report(tmp_path)
