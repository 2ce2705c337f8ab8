"""A study as a file and as a text: what is saved comes back, and what cannot be taken in is said."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studyapp.life import open_study
from studyapp.models import Study
from studyapp.preregistration import preregistration
from studyapp.study_file import StudyFileError, load_study, study_file
from studyapp.versions import changes, design_of

pytestmark = pytest.mark.django_db


def edited(content: bytes, **changes: Any) -> bytes:
    """The file with other values: of the study, or at the top where the name is one of those there."""
    told = json.loads(content)
    for name, value in changes.items():
        (told if name in told else told["study"])[name] = value
    return json.dumps(told).encode()


# ---- the file ----


def test_what_is_saved_comes_back_as_the_same_design(draft_study: Study):
    Study.objects.update(
        size_deg=4, quota=12, exclusions={"too_fast": 5.5}, organiser="Ünïversity \u202e<b>", mask_ms=200
    )
    draft_study.refresh_from_db()
    loaded = load_study(study_file(draft_study), "loaded")
    assert changes(design_of(draft_study), design_of(loaded)) == []
    assert study_file(loaded) == study_file(draft_study).replace(b'"slug": "small"', b'"slug": "loaded"')
    assert open_study(loaded).status == "open"


def test_an_opened_study_is_saved_as_it_was_frozen(small_study: Study):
    told = json.loads(study_file(small_study))
    assert told["version"] == small_study.version
    assert load_study(study_file(small_study), "again").status == "draft"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "expected JSON"),
        (b"\xff\xfe", "expected JSON in UTF-8"),
        (b"[" * 100_000, "expected JSON"),
        (b'{"format": "tachisto-study", "format_version": NaN}', "NaN is no JSON"),
        (b"[]", 'expected a file with "format"'),
        (b'{"format": "psych"}', 'expected a file with "format"'),
        (b'{"format": "tachisto-study", "format_version": 99}', "expected format version 1, got '99'"),
        (b'{"format": "tachisto-study", "format_version": 1}', 'expected an object "study"'),
        (b" " * (1024 * 1024 + 1), "at most 1048576 bytes"),
        (b'"\\u0000"', "NUL"),
        (b'"\\ud800"', "expected JSON"),
    ],
)
def test_a_file_that_is_no_study_is_refused(content: bytes, why: str):
    with pytest.raises(StudyFileError, match=why):
        load_study(content)
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"n_trials": "many"}, "n_trials: expected int, got str 'many'"),
        ({"n_trials": True}, "n_trials: expected int"),
        ({"n_trials": 1.5}, "n_trials: expected int, got float"),
        ({"n_trials": 0}, "expected 1 to 5000 trials a sitting, got 0"),
        ({"n_trials": 10**30}, "n_trials|trials"),
        ({"exposures_ms": ["50"]}, "expected exposures of 10 to 10000"),
        ({"exposures_ms": {"a": 1}}, "exposures_ms: expected list"),
        ({"smoothing": 1}, "smoothing: expected bool, got int"),
        ({"quota": "ten"}, "quota: expected int or null"),
        ({"translations": {"de": "Echt?"}}, "translations, de: expected title"),
        ({"translations": {"xx": {}}}, "expected languages among de"),
        ({"panels": {"prolific": 5}}, "panels, prolific: expected the name of a URL parameter"),
        ({"exclusions": {"ugly": 5}}, "expected rules among"),
        ({"exclusions": {"too_fast": 101}}, "expected a percent of 0 to 100"),
        ({"mask_kind": "lava"}, "mask_kind"),
        ({"title": "x" * 10_000}, "title"),
        ({"slug": "two words"}, "slug"),
        ({"slug": "small"}, "study small already exists"),
        ({"status": "open"}, "unknown in a study: status"),
        ({"sources": [{}]}, "source 1: expected name, weight"),
        ({"sources": 5}, 'a list "sources"'),
    ],
)
def test_values_that_a_study_refuses_are_named(draft_study: Study, changed: dict[str, Any], why: str):
    content = edited(study_file(draft_study), **({"slug": "other"} | changed))
    with pytest.raises(StudyFileError, match=why):
        load_study(content)
    assert Study.objects.count() == 1


def test_image_sets_that_are_missing_are_all_named_with_the_remedy(draft_study: Study):
    told = json.loads(study_file(draft_study))
    for source in told["sources"][:2]:
        source["sha256"] = source["sha256"][::-1]
    with pytest.raises(
        StudyFileError, match=r"not in the catalogue: real-.*; gan-.*import_images PATH"
    ) as refusal:
        load_study(json.dumps(told).encode(), "other")
    assert "lapgan" not in str(refusal.value)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_stands_in_a_field_is_taken_or_refused_in_words(draft_study: Study, data: st.DataObject):
    told = json.loads(study_file(draft_study))
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=5,
    )
    told["study"][data.draw(st.sampled_from(sorted(told["study"])))] = data.draw(values)
    try:
        loaded = load_study(json.dumps(told).encode(), "other")
    except StudyFileError:
        assert not Study.objects.filter(slug="other").exists()
    else:
        loaded.delete()


def test_the_admin_saves_and_loads(researcher: Client, draft_study: Study):
    saved = researcher.get(reverse("admin:studyapp_study_file", args=[draft_study.pk]))
    assert 'filename="small-study.json"' in saved.headers["Content-Disposition"]
    load = reverse("admin:studyapp_study_load")
    refused = researcher.post(load, {"file": SimpleUploadedFile("s.json", saved.content)})
    assert (
        "small already exists: give another short name (slug). Nothing was made." in refused.content.decode()
    )
    researcher.post(load, {"file": SimpleUploadedFile("s.json", saved.content), "slug": "other"})
    assert Study.objects.get(slug="other").sources.count() == 4


def test_the_command_saves_and_loads(draft_study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "new folder" / "small.json"
    call_command("study_file", "save", "small", out=path)
    call_command("study_file", "load", str(path), "--slug", "other")
    assert "study other is a draft" in capsys.readouterr().out
    with pytest.raises(CommandError, match=r"small\.json: study small already exists"):
        call_command("study_file", "load", str(path))


# ---- the text ----


def test_the_preregistration_says_design_rule_exclusions_analysis_and_version(draft_study: Study):
    Study.objects.update(
        quota=30, exclusions={"too_fast": 5, "answered": 80}, title="A | title\nin two lines", contact="x@y.z"
    )
    draft_study.refresh_from_db()
    draft = preregistration(draft_study)
    assert "This is a draft" in draft
    open_study(draft_study)
    text = preregistration(draft_study)
    for words in (
        "# Preregistration: A | title in two lines",
        f"version: `{draft_study.version}`",
        f"`{draft_study.pack_sha256}`",
        "| exposures (ms) | 50, 100, 400 |",
        "| trials a sitting | 24 |",
        "| real (photographs) | 25.0 % |",
        "Recruiting ends with 30 finished sittings",
        "- fewer than 80 % of the planned test trials were answered",
        "- more than 5 % of the answers came less than 150 ms after the picture",
        "two-way on the logit scale",
        "Taking part is voluntary",
        "sittings of people when this text was written: 0",
    ):
        assert words in text, words


def test_what_researchers_write_stands_in_the_place_of_what_is_usual(small_study: Study):
    Study.objects.update(sample_size_rule="Until noon.", analysis_plan="A t test | of <all>.")
    text = preregistration(Study.objects.get())
    assert "Until noon." not in text, "what was frozen is what is registered"
    small_study.definition |= {"sample_size_rule": "Until noon.", "analysis_plan": "A t test."}
    small_study.save()
    text = preregistration(small_study)
    assert "Until noon." in text and "A t test." in text
    assert "two-way" not in text and "No rule was declared" not in text


def test_the_text_can_be_had_as_a_file(
    researcher: Client, small_study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    call_command("preregister", "small")
    shown = capsys.readouterr().out
    call_command("preregister", "small", out=tmp_path / "p.md")
    assert (tmp_path / "p.md").read_text() == shown
    page = researcher.get(reverse("admin:studyapp_study_preregistration", args=[small_study.pk]))
    assert page.content.decode() == shown
