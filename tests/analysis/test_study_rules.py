"""What a study declared before its data reaches the report by itself, and decides there as the site decides.

The site and the analysis never import each other; here both registries lie side by side.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.observers import Observers, as_csv, simulate
from analysis.plan import Plan
from analysis.report import main, report
from analysis.responses import read, select
from analysis.rules import declared
from analysis.studies import read_studies, studies_of
from analysis.study_rules import KINDS, StudyRule, StudyRulesError, study_rules
from studyapp.exclusions import RULES, broken_rules
from studyapp.export import export_study
from studyapp.life import open_study
from studyapp.models import Sitting, Study, StudySource, Trial
from studyapp.noise import noise_set
from studyapp.psych_ds import export_psych_ds
from studyapp.quality import Asked, shares, shares_of
from tests.conftest import Person

N_PLANNED = 12
THIS = ("small", "v1")


def rows_of(sittings: Sequence[Sequence[Asked]]) -> pd.DataFrame:
    """Sittings as the reader has their closed trials, each after a practice trial that counts for nothing."""
    practice = Asked("practice", "answered", 50, "real", 0.0, False, True)
    told = [
        asdict(trial) | {"sitting": f"s{number}"}
        for number, trials in enumerate(sittings)
        for trial in (practice, *trials)
        if trial.status not in Trial.OPEN
    ]
    rows = pd.DataFrame(told)
    is_answered = rows["status"] == "answered"
    judged = np.where(is_answered, rows["answer"] == "real", None)
    return rows.assign(
        study=THIS[0],
        study_version=THIS[1],
        judged_real=pd.array(judged, dtype="boolean"),
        exposure_ms=rows["exposure_ms"].astype(float),
        reaction_ms=rows["reaction_ms"].astype(float).where(is_answered),
        timing_ok=pd.array(rows["timing_ok"], dtype="boolean"),
        lost_focus=pd.array(rows["lost_focus"], dtype="boolean"),
    )


def left_out(rule: StudyRule, rows: pd.DataFrame) -> set[str]:
    """The sittings that a rule leaves out, each with all of its rows."""
    fits = rule.fits(rows)
    found = set(rows["sitting"][fits])
    assert (rows["sitting"].isin(found) == fits).all()
    return found


TRIALS = st.lists(
    st.builds(
        Asked,
        kind=st.sampled_from(["main", "main", "catch", "repeat"]),
        status=st.sampled_from([*["answered"] * 4, "timed_out", "interrupted", "planned", "issued"]),
        exposure_ms=st.sampled_from([None, 50, 149, 400]),
        answer=st.sampled_from(["real", "generated"]),
        reaction_ms=st.none() | st.sampled_from([0.0, 1.0, 99.9, 100.0, 600.0]),
        timing_ok=st.none() | st.booleans(),
        lost_focus=st.none() | st.booleans(),
    ),
    max_size=20,
)


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=50)
@given(sittings=st.lists(TRIALS, min_size=1, max_size=4), percent=st.integers(0, 100) | st.floats(0, 100))
def test_the_report_decides_as_the_site_does(name, sittings, percent):
    of_site = {
        f"s{number}"
        for number, trials in enumerate(sittings)
        if broken_rules({name: percent}, shares(trials, N_PLANNED))
    }
    assert left_out(StudyRule(name, percent, ((THIS, N_PLANNED),)), rows_of(sittings)) == of_site


def test_the_report_has_the_rules_of_the_site_in_its_order_and_words():
    assert list(KINDS) == list(RULES)
    for name, rule in RULES.items():
        reason = StudyRule(name, 12.5, ((THIS, N_PLANNED),)).reason
        assert reason == f"sitting in which {rule.said(12.5)}"


# ---- from the site to the report ----

DECLARED = {
    "answered": 80,
    "catch_missed": 25,
    "too_fast": 5,
    "same_answer": 95,
    "mistimed": 20,
    "lost_focus": 20,
}
# What somebody does who breaks one rule and no other; who alternates answers breaks none.
BREAKING: dict[str, dict[str, Any]] = {
    "answered": {"status": "timed_out", "answer": None, "reaction_ms": None},
    "catch_missed": {},
    "too_fast": {"reaction_ms": 20.0},
    "same_answer": {},
    "mistimed": {"timing_ok": False},
    "lost_focus": {"lost_focus": True},
}


def sit_through(person: Person, breaks: str | None) -> None:
    """Answers by turns, generated to catch trials, but for what breaks a rule; finishes where that is possible."""
    while not (block := person.block())["finished"]:
        catch = set(person.sitting.trials.filter(kind="catch").values_list("token", flat=True))
        for number, trial in enumerate(block["trials"]):
            changes = {"answer": ("real", "generated")[number % 2], **BREAKING.get(breaks or "", {})}
            if breaks == "same_answer":
                changes["answer"] = "generated"
            elif breaks != "answered" and trial["token"] in catch:
                changes["answer"] = "real" if breaks == "catch_missed" else "generated"
            person.answer([trial], **changes)
    assert person.post("finish", {}).status_code == 200


@pytest.fixture
def declared_study(draft_study: Study) -> Study:
    """The small study with 3 catch trials, all rules, a sitting that breaks each and one that breaks none."""
    draft_study.catch_trials, draft_study.exclusions = 3, DECLARED
    draft_study.save()
    StudySource.objects.create(study=draft_study, name="noise", image_set=noise_set(8, 8), is_catch=True)
    study = open_study(draft_study)
    for breaks in (None, *RULES):
        sit_through(Person(study).begin(), breaks)
    return study


@pytest.mark.django_db
def test_a_study_s_rules_travel_with_its_export_and_leave_out_whom_the_site_would(declared_study, tmp_path):
    assert list(DECLARED) == list(RULES)
    broken = {
        sitting.public_id: broken_rules(DECLARED, shares_of(sitting.pk, declared_study.n_test_trials))
        for sitting in Sitting.objects.order_by("pk")
    }
    assert list(broken.values()) == [(), *((name,) for name in RULES)], (
        "each sitting breaks its own rule alone"
    )
    export_study(declared_study, tmp_path / "csv")
    export_psych_ds(declared_study, tmp_path / "psych-ds")
    for folder in (tmp_path / "csv", tmp_path / "psych-ds"):
        rows = read(folder)
        files = [next(folder.glob("**/*responses*.csv"))]
        rules = study_rules(files, studies_of(rows))
        assert {rule.name: left_out(rule, rows) for rule in rules} == {
            name: {sitting for sitting, names in broken.items() if name in names} for name in RULES
        }
    (kept,) = (sitting for sitting, names in broken.items() if not names)
    files = report(tmp_path / "csv", live=True)
    assert set(select(rows, beforehand=rules).rows["sitting"]) == {kept}
    flow = pd.read_csv(pd.io.common.BytesIO(files["flow.csv"])).set_index("reason")
    for name, rule in RULES.items():
        reason = f"sitting in which {rule.said(DECLARED[name])}"
        # Unanswered trials have a reason of their own before that.
        assert flow.loc[reason, "n_rows"] == (0 if name == "answered" else 24), name
    assert flow["n_people_left"].iloc[-1] == 1


# ---- which rules were declared, and which came afterwards ----

SMALL = Observers(n_people=4, n_trials=44, images_per_source=40)


def export(folder: Path, seed: int, exclusions: dict[str, Any] | None, **names: str) -> Path:
    """A simulated study whose first person is quick throughout; without `exclusions` there is no study.json."""
    rows = simulate(SMALL, seed).assign(**names)
    rows["trial"] = names.get("study", "") + rows["trial"].astype(object)
    rows.loc[: SMALL.n_trials - 1, "reaction_ms"] = 50.0
    rows["exposure_ms"] = rows["exposure_ms"].clip(upper=90)
    folder.mkdir()
    (folder / "responses.csv").write_text(as_csv(rows), encoding="utf-8")
    if exclusions is not None:
        definition = {"n_trials": SMALL.n_trials, "exclusions": exclusions}
        told = {"study": names.get("study", "simulation"), "version": "simulated", "definition": definition}
        (folder / "study.json").write_text(json.dumps(told))
    return folder


TOO_FAST = "sitting in which more than 5 % of the answers came less than 150 ms after the picture"

IN_WORDS = TOO_FAST.replace("sitting", "leave out sittings")


def said(folder: Path, out: Path, *exclude: str) -> tuple[str, dict[str, Any], str]:
    """The page, results.json and exclusions of a report made by the command."""
    arguments = [str(folder), "--out", str(out), "--live", *(f"--exclude={rules}" for rules in exclude)]
    assert main(arguments) == 0
    flow = (out / "flow.csv").read_text(encoding="utf-8")
    return (
        (out / "report.html").read_text(encoding="utf-8"),
        json.loads((out / "results.json").read_text()),
        flow,
    )


def test_declared_rules_apply_unless_others_are_asked_for_and_the_report_says_which_came_when(tmp_path):
    folder = export(tmp_path / "a", 1, {"too_fast": 5})
    html, results, flow = said(folder, tmp_path / "usual")
    assert f"Declared before the data: {IN_WORDS}. No rule came afterwards." in html
    assert f"{TOO_FAST},44,132,3" in flow
    assert results["plan"] | {"contrasts": []} == {
        "margin": 0.1,
        "contrasts": [],
        "declared_before_data": [TOO_FAST],
        "as_declared": True,
        "exclude": [],
        "simulated": False,
        "bars": "two-way",
    }
    html, results, flow = said(folder, tmp_path / "other", "slow")
    assert f"Declared before the data, but not applied in this report: {IN_WORDS}." in html
    assert "Came afterwards, chosen for this report: answered after more than 10000 ms." in html
    assert "another analysis than the one that was declared" in html
    assert TOO_FAST not in flow
    html, results, flow = said(folder, tmp_path / "both", "declared,slow")
    assert f"Declared before the data: {IN_WORDS}. Came afterwards" in html
    assert flow.index(TOO_FAST) < flow.index("answered after more than 10000 ms")
    html, results, flow = said(folder, tmp_path / "none", "none")
    assert (results["plan"]["as_declared"], results["plan"]["exclude"]) == (False, [])
    assert TOO_FAST not in flow


@pytest.mark.parametrize("told", [None, "{}", '{"definition": null}', '{"definition": {"n_trials": 44}}'])
def test_a_study_json_that_knows_of_no_rules_declares_none(tmp_path, told):
    folder = export(tmp_path / "a", 1, None)
    if told is not None:
        (folder / "study.json").write_text(told)
    html, _, _ = said(folder, tmp_path / "out")
    assert "No rule by which sittings are left out is known to have been declared before the data." in html


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"definition": {"n_trials": 44, "exclusions": {"ugly": 5}}},
            "rules among answered, .* found 'ugly'",
        ),
        (
            {"definition": {"n_trials": 44, "exclusions": {"too_fast": True}}},
            "percent of 0 to 100 for too_fast",
        ),
        ({"definition": {"n_trials": 44, "exclusions": {"too_fast": 101}}}, "found 101"),
        ({"definition": {"exclusions": {"too_fast": 5}}}, "expected the numbers n_trials and catch_trials"),
        ({"definition": {"n_trials": 44, "exclusions": ["too_fast"]}}, "found something else"),
        ({"version": "v2"}, "expected study simulation, version simulated, .* found simulation, version v2"),
    ],
)
def test_a_study_json_that_cannot_be_followed_is_refused_with_a_sentence(tmp_path, change, words):
    file = export(tmp_path / "a", 1, {"too_fast": 5}) / "study.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(StudyRulesError, match=words):
        report(tmp_path / "a", live=True)


def test_a_study_json_that_is_none_is_refused_by_the_command_too(tmp_path, capsys):
    (export(tmp_path / "a", 1, None) / "study.json").write_text("{")
    assert main([str(tmp_path / "a"), "--out", str(tmp_path / "out")]) == 1
    assert "a/study.json: expected the description of a study" in capsys.readouterr().err
    assert main([str(tmp_path / "a"), "--exclude", "none,slow"]) == 1
    assert "--exclude: expected none alone or rules, got 'none,slow'" in capsys.readouterr().err


def test_of_several_studies_each_has_its_own_rules(tmp_path):
    folders = [
        export(tmp_path / "a", 1, {"too_fast": 5, "answered": 80}, study="first"),
        export(tmp_path / "b", 2, {"too_fast": 50, "answered": 80}, study="second"),
        export(tmp_path / "c", 3, None, study="third"),
    ]
    rows = read_studies(folders)
    rules = study_rules([folder / "responses.csv" for folder in folders], studies_of(rows))
    assert [(rule.name, rule.percent, rule.of) for rule in rules] == [
        ("answered", 80, ("first", "second")),
        ("too_fast", 5, ("first",)),
        ("too_fast", 50, ("second",)),
    ]
    selection = select(rows, beforehand=rules, exclude=[declared("slow")])
    flow = selection.exclusions.set_index("reason")["n_rows"]
    assert flow[f"{TOO_FAST} (first)"] == 44
    assert flow[f"{TOO_FAST.replace('5 %', '50 %', 1)} (second)"] == 44
    assert selection.rows["study"].value_counts()["third"] == 4 * 44, "a study without rules keeps everybody"
    html = report(*folders, plan=Plan(as_declared=True), live=True)["report.html"].decode()
    assert "planned test trials were answered (first and second), more than 5 %" in html


def test_rows_that_a_declared_rule_leaves_out_are_in_no_universe_and_in_the_csv(tmp_path):
    folder = export(tmp_path / "a", 1, {"too_fast": 5})
    rows = read(folder)
    rules = study_rules([folder / "responses.csv"], studies_of(rows))
    selection = select(rows, beforehand=rules, exclude=[declared("fast=300")])
    fast = selection.left_out()
    assert fast[fast["reason"] == TOO_FAST]["row"].tolist() == list(range(2, 46)), (
        "as a spreadsheet counts them"
    )
    assert selection.is_candidate.sum() == 3 * 44
