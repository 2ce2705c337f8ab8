"""A study's life in the admin: written, opened, frozen, closed, exported; and every refusal is a sentence."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from studyapp.admin.study_form import StudyForm
from studyapp.catalogue import import_images
from studyapp.life import open_study
from studyapp.models import ImageSet, Response, Sitting, Study, Trial
from studyapp.opening import OpeningError
from tests.conftest import SOURCES, Person
from tests.image_sets import write_image_set

ADD = "/admin/studyapp/study/add/"


def page(study: Study, name: str = "change") -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


def filled_form(
    study: Study | None = None, sources: list[dict[str, Any]] | None = None, **changes: Any
) -> dict:
    """What a browser sends from the study editor; without a study, from an empty one."""
    shown = StudyForm(instance=study)
    data = {
        field.html_name: value
        for field in shown
        if (value := field.value()) is not None and value is not False and field.name in StudyForm.base_fields
    }
    data |= {"exposures_ms": "50, 100, 400", "panels": "prolific = PROLIFIC_PID"}
    rows = sources or []
    n_stored = sum("id" in row for row in rows)
    data |= {"sources-TOTAL_FORMS": len(rows), "sources-INITIAL_FORMS": n_stored}
    for number, row in enumerate(rows):
        data |= {f"sources-{number}-{name}": value for name, value in row.items()}
    return data | changes


@pytest.fixture
def image_sets(db: None, tmp_path: Path) -> dict[str, ImageSet]:
    return {
        source: import_images(write_image_set(tmp_path / f"{source}.zip", source=source), by="test")
        for source in SOURCES
    }


def source_rows(image_sets: dict[str, ImageSet]) -> list[dict[str, Any]]:
    return [{"name": name, "image_set": s.pk, "weight": 1} for name, s in image_sets.items()]


def messages_of(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


# ---- writing a draft ----


def test_a_study_can_be_written_from_scratch_and_opened(researcher: Client, image_sets: dict[str, ImageSet]):
    data = filled_form(
        slug="mine",
        title="Mine",
        n_trials=24,
        practice_trials=4,
        n_examples=5,
        sources=source_rows(image_sets),
    )
    answer = researcher.post(ADD, data)
    assert answer.status_code == 302, answer.context["errors"]
    study = Study.objects.get(slug="mine")
    assert study.exposures_ms == [50, 100, 400]
    assert study.panels == {"prolific": "PROLIFIC_PID"}
    assert {source.name for source in study.sources.all()} == set(SOURCES)
    answer = researcher.post(page(study, "open"), follow=True)
    assert "mine is open" in messages_of(answer)
    study.refresh_from_db()
    assert study.status == Study.Status.OPEN
    assert Person(study).begin().sit_through().sitting.status == Sitting.Status.FINISHED


def test_the_empty_editor_offers_the_defaults(researcher: Client):
    text = researcher.get(ADD).content.decode()
    assert "50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000" in text
    assert "prolific = PROLIFIC_PID" in text


def test_a_second_language_is_offered_with_a_tick_and_its_texts_are_there(
    researcher: Client, draft_study: Study
):
    sources = [
        {"id": s.pk, "study": draft_study.pk, "name": s.name, "image_set": s.image_set_id, "weight": 1}
        for s in draft_study.sources.all()
    ]
    editor = researcher.get(page(draft_study)).content.decode()
    assert "Offer the study in Deutsch" in editor and "Offer the study in English" not in editor
    data = filled_form(draft_study, sources, offers_de="on", title_de="Echt?")
    answer = researcher.post(page(draft_study), data)
    assert answer.status_code == 302, answer.context["errors"]
    draft_study.refresh_from_db()
    assert draft_study.languages == ["en", "de"]
    assert draft_study.texts_in("de").title == "Echt?"
    assert "Die Teilnahme ist freiwillig" in draft_study.texts_in("de").consent_text
    open_study(draft_study)
    assert "Echt?" in researcher.get(page(draft_study)).content.decode()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"offers_de": "on", "consent_text_de": ""}, "expected a text, since the study is offered"),
        ({"offers_en": "on"}, "in this language already"),
    ],
)
def test_a_second_language_without_its_texts_or_twice_is_refused(
    researcher: Client, image_sets: dict[str, ImageSet], changes: dict[str, str], why: str
):
    data = filled_form(slug="mine", title="Mine", sources=source_rows(image_sets), **changes)
    answer = researcher.post(ADD, data)
    assert answer.status_code == 200
    assert why in str(answer.context["adminform"].form.errors)
    assert not Study.objects.filter(slug="mine").exists()


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("exposures_ms", "50, soon", "expected whole milliseconds such as 50, 75, 100"),
        ("exposures_ms", "50, 50", "expected each exposure once"),
        ("exposures_ms", "5", "expected exposures of 10 to 10000"),
        ("exposures_ms", "", "expected a list of at least one exposure"),
        ("exposures_ms", "9" * 1500, "expected"),
        ("n_trials", "0", "expected 1 to 5000 trials a sitting, got 0"),
        ("n_trials", "-1", "greater than or equal"),
        ("practice_trials", "101", "expected 0 to 100 practice trials"),
        ("catch_trials", "5001", "expected 0 to 5000 catch trials"),
        ("break_every", "0", "greater than or equal to 1"),
        ("mask_gray", "grey", "expected a colour such as #808080"),
        ("size_css_px", "8", "greater than or equal to 16"),
        ("slug", "two words", "slug"),
        ("title", "", "required"),
        ("title", "a\x00b", "Null characters"),
        ("panels", "prolific", "line 1: expected a panel and its parameter"),
        ("panels", "a = B\na = C", "line 2: expected each panel once"),
        ("protocol", "staircase", "valid choice"),
        ("quota", "many", "whole number"),
    ],
)
def test_a_design_that_cannot_run_is_refused_at_its_field(
    researcher: Client, field: str, value: str, why: str
):
    answer = researcher.post(ADD, filled_form(**{"slug": "mine", "title": "Mine", field: value}))
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {field}
    assert why in " ".join(errors[field])
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"weight": 0}, "greater than or equal to 0.001"),
        ({"weight": "nan"}, "Enter a number"),
        ({"name": "two words"}, "slug"),
        ({"name": "gan"}, "duplicate"),
        ({"image_set": 999_999}, "valid choice"),
    ],
)
def test_a_source_that_cannot_be_is_refused_in_its_row(
    researcher: Client, image_sets: dict[str, ImageSet], changes: dict[str, Any], why: str
):
    rows = source_rows(image_sets)
    rows[0] |= changes
    answer = researcher.post(ADD, filled_form(slug="mine", title="Mine", sources=rows))
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert not Study.objects.exists()


def test_a_short_name_is_given_once(researcher: Client, draft_study: Study):
    answer = researcher.post(ADD, filled_form(slug="small", title="Another"))
    assert "already exists" in answer.context["adminform"].form.errors["slug"][0]


def test_a_preset_makes_a_draft(researcher: Client, image_sets: dict[str, ImageSet]):
    preset = reverse("admin:studyapp_study_preset")
    answer = researcher.post(preset, {"preset": "lapgan", "slug": "from-preset"}, follow=True)
    assert answer.request["PATH_INFO"] == page(Study.objects.get(slug="from-preset"))
    again = researcher.post(preset, {"preset": "lapgan", "slug": "from-preset"})
    assert "already exists" in again.context["form"].errors["slug"][0]


def test_a_preset_without_image_sets_says_what_is_missing(researcher: Client):
    answer = researcher.post(reverse("admin:studyapp_study_preset"), {"preset": "lapgan", "slug": "x"})
    assert "expected an image set of source real" in answer.content.decode()


# ---- opening and closing ----


def test_opening_with_too_few_images_gives_the_sentence(researcher: Client, draft_study: Study):
    Study.objects.update(n_trials=600)
    answer = researcher.post(page(draft_study, "open"), follow=True)
    assert answer.status_code == 200
    assert "source real: expected at least" in messages_of(answer)
    assert "import or generate more, or ask fewer trials" in messages_of(answer)
    draft_study.refresh_from_db()
    assert draft_study.status == Study.Status.DRAFT


def test_opening_with_a_missing_zip_gives_the_sentence(researcher: Client, draft_study: Study):
    draft_study.sources.get(name="gan").image_set.path.unlink()
    answer = researcher.post(page(draft_study, "open"), follow=True)
    assert answer.status_code == 200
    assert "expected the image set's zip, could not read it" in messages_of(answer)
    draft_study.refresh_from_db()
    assert draft_study.status == Study.Status.DRAFT


def test_a_step_is_asked_for_before_it_is_taken(researcher: Client, draft_study: Study):
    text = researcher.get(page(draft_study, "open")).content.decode()
    assert "The design cannot be changed afterwards" in text
    assert "source gan has 40 images" in text.lower()
    draft_study.refresh_from_db()
    assert draft_study.status == Study.Status.DRAFT


def test_a_step_that_was_taken_already_is_refused(researcher: Client, small_study: Study):
    assert "it is open already" in messages_of(researcher.post(page(small_study, "open"), follow=True))
    assert "is closed" in messages_of(researcher.post(page(small_study, "close"), follow=True))
    assert "it is closed" in messages_of(researcher.post(page(small_study, "close"), follow=True))


def test_steps_and_exports_stand_in_the_history(researcher: Client, draft_study: Study):
    researcher.post(page(draft_study, "open"))
    researcher.post(page(draft_study, "export")).getvalue()
    researcher.post(page(draft_study, "close"))
    told = list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True))
    assert [words.split(" (")[0] for words in told] == ["Opened.", "Exported", "Closed."]


def test_a_design_that_was_edited_meanwhile_is_not_opened(draft_study: Study):
    """Two researchers at once: what was checked and packed is what opens, or nothing does."""
    stale = Study.objects.get(pk=draft_study.pk)
    Study.objects.filter(pk=draft_study.pk).update(title="Edited meanwhile")
    with pytest.raises(OpeningError, match="somebody edited it while it was being opened"):
        open_study(stale)
    draft_study.refresh_from_db()
    assert (draft_study.status, draft_study.title) == (Study.Status.DRAFT, "Edited meanwhile")
    assert not draft_study.stimuli.exists()


def test_the_export_page_counts_the_pilot_apart(researcher: Client, small_study: Study):
    Person(small_study).begin().sit_through()
    assert (
        "1 sitting of people, 0 simulated.</p>"
        in researcher.get(page(small_study, "export")).content.decode()
    )
    Sitting.objects.update(is_pilot=True)
    told = researcher.get(page(small_study, "export")).content.decode()
    assert "0 sittings of people, 0 simulated. In the pilot: 1 of people, 0 simulated." in told


def test_pages_of_a_study_lead_back_to_it(researcher: Client, small_study: Study):
    for name in ("intervals", "copy", "links", "retention", "bots", "export", "reports"):
        text = researcher.get(page(small_study, name)).content.decode()
        crumbs = text[text.index('class="breadcrumbs"') :][:600]
        assert f'<a href="{page(small_study)}">small</a>' in crumbs, name


def test_two_editors_at_once_do_not_undo_each_other_unawares(researcher: Client, draft_study: Study):
    sources = [
        {"id": s.pk, "study": draft_study.pk, "name": s.name, "image_set": s.image_set_id, "weight": s.weight}
        for s in draft_study.sources.all()
    ]
    assert 'name="seen"' in researcher.get(page(draft_study)).content.decode()
    one = filled_form(draft_study, sources, title="By one")
    other = filled_form(draft_study, sources, title="By the other", quota=12)
    assert researcher.post(page(draft_study), one).status_code == 302
    refused = researcher.post(page(draft_study), other)
    assert "somebody has changed this study since you opened this page" in str(refused.context["errors"])
    assert 'value="By the other"' in refused.content.decode(), "what was typed is not lost"
    draft_study.refresh_from_db()
    assert (draft_study.title, draft_study.quota) == ("By one", None)
    again = {**other, "seen": refused.context["adminform"].form["seen"].value()}
    assert researcher.post(page(draft_study), again).status_code == 302
    draft_study.refresh_from_db()
    assert (draft_study.title, draft_study.quota) == ("By the other", 12)


def test_a_change_of_sources_is_seen_by_other_editors(researcher: Client, draft_study: Study):
    shown = filled_form(draft_study, title="By the other")
    draft_study.sources.filter(name="gan").update(weight=2)
    refused = researcher.post(page(draft_study), shown)
    assert "somebody has changed this study" in str(refused.context["errors"])


def test_list_actions_ask_first_and_then_take_the_step(researcher: Client, draft_study: Study):
    listed = reverse("admin:studyapp_study_changelist")
    asked = researcher.post(listed, {"action": "open_selected", "_selected_action": [draft_study.pk]})
    assert "Open this study?" in asked.content.decode()
    draft_study.refresh_from_db()
    assert draft_study.status == Study.Status.DRAFT
    for action, status in (("open_selected", "open"), ("close_selected", "closed")):
        chosen = {"action": action, "_selected_action": [draft_study.pk], "confirmed": "yes"}
        assert researcher.post(listed, chosen, follow=True).status_code == 200
        draft_study.refresh_from_db()
        assert draft_study.status == status


def test_an_unknown_study_is_no_server_error(researcher: Client):
    for name in ("open", "close", "export"):
        for pk in ("999999", "x"):
            assert researcher.get(f"/admin/studyapp/study/{pk}/{name}/").status_code == 404


# ---- frozen ----


def test_an_open_study_refuses_a_crafted_change(researcher: Client, small_study: Study):
    before = Study.objects.filter(pk=small_study.pk).values().get()
    stored = [
        {"id": s.pk, "study": small_study.pk, "name": "other", "image_set": s.image_set_id, "weight": 9}
        for s in small_study.sources.all()
    ]
    crafted = filled_form(
        small_study, sources=stored, title="Changed", n_trials=1, status="draft", version=""
    )
    answer = researcher.post(page(small_study), crafted, follow=True)
    assert "Nothing was changed: small is open" in messages_of(answer)
    assert Study.objects.filter(pk=small_study.pk).values().get() == before
    assert {s.name for s in small_study.sources.all()} == set(SOURCES)


def test_a_draft_takes_the_same_change(researcher: Client, draft_study: Study):
    """The control of the test above: it is the state that refuses, not the form."""
    stored = [
        {"id": s.pk, "study": draft_study.pk, "name": s.name, "image_set": s.image_set_id, "weight": 2}
        for s in draft_study.sources.all()
    ]
    data = filled_form(draft_study, sources=stored, title="Changed", n_trials=12, status="open")
    assert researcher.post(page(draft_study), data).status_code == 302
    draft_study.refresh_from_db()
    assert (draft_study.title, draft_study.n_trials, draft_study.status) == ("Changed", 12, "draft")
    assert {s.weight for s in draft_study.sources.all()} == {2.0}


def test_a_study_with_sittings_cannot_be_deleted(researcher: Client, played_study: Study):
    n_rows = [model.objects.count() for model in (Study, Sitting, Trial, Response)]
    assert researcher.post(page(played_study, "delete"), {"post": "yes"}).status_code == 403
    listed = reverse("admin:studyapp_study_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [played_study.pk], "post": "yes"}
    assert researcher.post(listed, chosen).status_code in (200, 403)
    assert [model.objects.count() for model in (Study, Sitting, Trial, Response)] == n_rows


def test_a_draft_can_be_deleted(researcher: Client, draft_study: Study):
    assert researcher.post(page(draft_study, "delete"), {"post": "yes"}).status_code == 302
    assert not Study.objects.exists()
    assert ImageSet.objects.count() == len(SOURCES)


# ---- figures ----


def test_every_figure_leads_to_the_rows_it_counts(researcher: Client, played_study: Study):
    begun = Person(played_study).begin()
    begun.answer(begun.block()["trials"])
    cards = researcher.get(page(played_study)).context["cards"]
    figures = [figure for card in cards for figure in card.figures]
    assert len(figures) > 10
    for figure in figures:
        listed = researcher.get(figure.url)
        assert listed.status_code == 200, figure
        if "%" not in figure.value and figure.value != "–":
            shown = listed.context["cl"].result_count
            assert figure.value.split(" / ")[0] == str(shown), figure


def test_figures_count_people_and_bots_apart(researcher: Client, played_study: Study):
    Sitting.objects.filter(status="finished").update(is_simulated=True)
    cards = {card.title: card for card in researcher.get(page(played_study)).context["cards"]}
    people = {figure.label: figure.value for figure in cards["Sittings of people"].figures}
    bots = {figure.label: figure.value for figure in cards["Simulated"].figures}
    assert (people["finished"], people["started"]) == ("0", "1")
    assert (bots["sittings"], bots["finished"], bots["main trials answered"]) == ("1", "1", "24")
    timing = {figure.label: figure.value for figure in cards["Exposures as planned"].figures}
    assert timing["of those measured"] == "0.0 %"


def test_the_page_of_a_study_costs_few_queries(
    researcher: Client, played_study: Study, django_assert_max_num_queries: Callable
):
    with django_assert_max_num_queries(15):
        researcher.get(page(played_study))


# ---- export ----


def exported(answer: Any) -> dict[str, list[dict[str, str]]]:
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        return {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode())))
            for name in archive.namelist()
            if name.endswith(".csv")
        }


def test_the_export_holds_the_answers_in_one_zip(researcher: Client, played_study: Study):
    answer = researcher.post(page(played_study, "export"))
    assert f'filename="small-{played_study.version[:8]}-' in answer.headers["Content-Disposition"]
    tables = exported(answer)
    assert {name.split("/")[1] for name in tables} >= {"responses.csv", "stimuli.csv", "sittings.csv"}
    rows = tables["small/responses.csv"]
    assert len([row for row in rows if row["status"] == "answered"]) == Response.objects.count()


def test_simulated_sittings_come_when_asked_for(researcher: Client, played_study: Study):
    Sitting.objects.filter(status="started").update(is_simulated=True)
    people = exported(researcher.post(page(played_study, "export")))["small/responses.csv"]
    everybody = exported(researcher.post(page(played_study, "export"), {"simulated": "yes"}))[
        "small/responses.csv"
    ]
    assert {row["is_simulated"] for row in people} == {"0"}
    assert {row["is_simulated"] for row in everybody} == {"0", "1"}


def test_several_studies_go_into_one_zip(researcher: Client, played_study: Study):
    listed = reverse("admin:studyapp_study_changelist")
    answer = researcher.post(listed, {"action": "export_selected", "_selected_action": [played_study.pk]})
    assert exported(answer)["small/responses.csv"]


def test_exporting_a_draft_says_that_there_is_nothing(researcher: Client, draft_study: Study):
    answer = researcher.post(page(draft_study, "export"), follow=True)
    assert "is a draft and has no answers" in messages_of(answer)


def test_an_export_changes_state_by_post_only(researcher: Client, played_study: Study):
    assert researcher.get(page(played_study, "export")).headers["Content-Type"].startswith("text/html")
    assert not LogEntry.objects.exists()


# ---- what a design comes to, while it is written ----


def numbers(client: Client, data: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """What the editor would show: title of a group -> label -> its row."""
    answer = client.post(reverse("admin:studyapp_study_numbers"), data)
    assert answer.status_code == 200
    groups = answer.json()["groups"]
    return {group["title"]: {row["label"]: row for row in group["rows"]} for group in groups}


def test_the_numbers_of_a_design_follow_the_form_as_it_stands(
    researcher: Client, image_sets: dict[str, ImageSet]
):
    sources = source_rows(image_sets)
    sources[1]["weight"] = 2
    data = filled_form(n_trials=120, practice_trials=0, n_examples=5, catch_trials=0, sources=sources)
    told = numbers(researcher, data)
    # 120 trials, 3 exposures, shares of 1 : 2 : 1 : 1.
    cells = told["Trials of one person, by source"]
    assert {name: row["value"].split()[0] for name, row in cells.items()} == {
        "real": "8.0", "gan": "16.0", "lapgan": "8.0", "cc-lapgan": "8.0",
    }  # fmt: skip
    # A share of 24 of 120, one for rounding, a tenth more for repeats, and the examples.
    assert told["Images"]["real, 33 needed"]["value"] == "40"
    short = told["Images"]["gan, 54 needed"]
    assert (short["is_short"], short["note"]) == (True, "import or generate more, or ask fewer trials")
    assert told["Frames at 60 · 120 · 144 Hz"]["50 ms"]["value"] == "3 · 6 · 7"
    assert told["A sitting"]["takes about"]["value"].endswith("minutes")
    assert not Study.objects.exists()


def test_numbers_that_would_open_are_never_called_short(researcher: Client, draft_study: Study):
    """The editor counts as opening does: what it lets through opens."""
    rows = [
        {"name": s.name, "image_set": s.image_set_id, "weight": s.weight} for s in draft_study.sources.all()
    ]
    told = numbers(researcher, filled_form(draft_study, rows, n_examples=5))
    assert not any(row["is_short"] for group in told.values() for row in group.values())
    assert open_study(draft_study).status == "open"


@pytest.mark.parametrize(
    ("changes", "label", "why"),
    [
        ({"exposures_ms": "soon"}, "Exposures (ms)", "expected whole milliseconds"),
        ({"exposures_ms": "5"}, "the design", "expected exposures of 10 to 10000"),
        ({"n_trials": ""}, "Trials a sitting", "required"),
        ({"n_trials": "0"}, "the design", "expected 1 to 5000 trials"),
        ({"sources": []}, "the design", "expected a source named 'real'"),
        ({"sources-0-image_set": "9" * 30}, "real, 56 needed", ""),
    ],
)
def test_an_unfinished_design_gets_a_sentence_instead_of_numbers(
    researcher: Client, image_sets: dict[str, ImageSet], changes: dict[str, Any], label: str, why: str
):
    rows = changes.pop("sources", source_rows(image_sets))
    data = filled_form(sources=rows, **{"n_trials": "110", "practice_trials": "0", **changes})
    found = [group[label] for group in numbers(researcher, data).values() if label in group]
    assert found and found[0]["is_short"] and why in found[0]["value"]


def test_numbers_are_for_those_who_may_write_studies(staff_with: Callable[..., Client]):
    for rights in ((), ("view_study",)):
        assert staff_with(*rights).post(reverse("admin:studyapp_study_numbers"), {}).status_code == 403


# ---- what participants will read ----


def test_a_draft_is_shown_as_participants_will_read_it_in_each_language(
    researcher: Client, draft_study: Study
):
    said = {
        "title": "Echt?",
        "description": "Bilder.",
        "consent_text": "Ja?",
        "debrief_text": "<b>So war es.</b>",
    }
    Study.objects.update(eligibility="Adults\nwith good eyes", translations={"de": said})
    seen: dict[str, str] = {}
    for name, language in (("welcome", "en"), ("welcome", "de"), ("consent", "de"), ("thanks", "de")):
        address = reverse("admin:studyapp_study_preview", args=[draft_study.pk, name])
        seen[name + language] = researcher.get(address, {"language": language}).content.decode()
    assert "Who can take part" in seen["welcomeen"] and "Adults<br>with good eyes" in seen["welcomeen"]
    assert "Wer teilnehmen kann" not in seen["welcomede"], "nothing was said in German"
    assert "Echt?" in seen["welcomede"] and 'lang="de"' in seen["welcomede"]
    assert "Ja?" in seen["consentde"] and "I agree" not in seen["consentde"]
    assert "&lt;b&gt;So war es." in seen["thanksde"]
    for name, language in (("welcome", "fr"), ("test", "en")):
        address = reverse("admin:studyapp_study_preview", args=[draft_study.pk, name])
        assert researcher.get(address, {"language": language}).status_code == 404
    assert not Sitting.objects.exists()


def test_looking_at_a_page_counts_as_no_landing(researcher: Client, small_study: Study):
    address = reverse("admin:studyapp_study_preview", args=[small_study.pk, "welcome"])
    assert 'data-landed=""' in researcher.get(address).content.decode()
