"""Every page of the admin opens, costs few queries whatever the number of rows, and shows text as text."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.admin import ModelAdmin, site
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studyapp import audit
from studyapp.admin import read_only
from studyapp.admin.read_only import ReadOnlyAdmin
from studyapp.admin.registry import ADMINS
from studyapp.api_tokens import new_token
from studyapp.catalogue import import_images
from studyapp.jobs import queue_generation
from studyapp.models import (
    ConflictingResponse,
    ImageSet,
    Job,
    PanelIdentity,
    Response,
    Sitting,
    Study,
    Trial,
)
from tests.conftest import Person
from tests.image_sets import write_image_set

MODELS = sorted(ADMINS, key=lambda model: model.__name__)
# What people did: nobody may add, change or delete a row of it.
READ_ONLY = (Sitting, Trial, Response, ConflictingResponse, PanelIdentity)
MARKUP = '<script>alert("x")</script>'
ESCAPED = "&lt;script&gt;"


def url(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def full_site(played_study: Study, failed_job: Job) -> Study:
    """A site in which every table of the admin has a row."""
    Group.objects.create(name="assistants")
    audit.note("ann", "looked")
    new_token(User.objects.first() or User.objects.create_user("tom"), "a script")
    return played_study


def test_the_admin_shows_what_the_registry_lists():
    assert set(site._registry) == set(ADMINS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_page_of_every_table_opens(
    model: type[Model],
    researcher: Client,
    full_site: Study,
    django_assert_max_num_queries: Callable,
):
    row = model._default_manager.first()
    assert row is not None, f"the fixture has no {model.__name__}"
    pages = [url(model, "changelist"), url(model, "change", row.pk), url(model, "history", row.pk)]
    request = researcher.get(reverse("admin:index")).wsgi_request
    model_admin: ModelAdmin = site.get_model_admin(model)
    if model_admin.has_add_permission(request):
        pages.append(url(model, "add"))
    if model_admin.has_delete_permission(request, row):
        pages.append(url(model, "delete", row.pk))
    for page in pages:
        with django_assert_max_num_queries(20):
            answer = researcher.get(page)
        assert answer.status_code == 200, page


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_a_list_costs_the_same_for_many_rows(
    model: type[Model],
    researcher: Client,
    played_study: Study,
    django_assert_num_queries: Callable,
    django_assert_max_num_queries: Callable,
):
    with django_assert_max_num_queries(12) as few:
        researcher.get(url(model, "changelist"))
    n_queries = len(few)
    before = model._default_manager.count()
    for number in range(3):
        person = Person(played_study).begin(f"SURVEY=1&PROLIFIC_PID=more-{number}")
        trials = person.block()["trials"]
        person.answer(trials)
        person.answer(trials, answer="generated")
    assert model._default_manager.count() > before
    with django_assert_num_queries(n_queries):
        researcher.get(url(model, "changelist"))


def plans_of(researcher: Client, model: type[Model], query: str) -> list[list[str]]:
    """How SQLite goes about each question to a model's table that its list asks, step by step."""
    with CaptureQueriesContext(connection) as asked:
        assert researcher.get(f"{url(model, 'changelist')}?{query}").status_code == 200
    plans = []
    with connection.cursor() as cursor:
        for statement in (one["sql"] for one in asked.captured_queries):
            if f'FROM "{model._meta.db_table}"' in statement:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
                plans.append([step for *_, step in cursor.fetchall()])
    assert len(plans) >= 2, "both the count and the page of the list"
    return plans


on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads a small table whole")


@on_sqlite
@pytest.mark.parametrize(
    ("model", "query"),
    [
        (Response, "timing_ok__exact=0"),
        (Response, "timing_ok__isnull=True"),
        (Response, "lost_focus__exact=1"),
        (Response, "status__exact=timed_out"),
        (Response, "status__exact=interrupted"),
        (Trial, "status__exact=timed_out"),
        (Trial, "status__exact=interrupted"),
        (Trial, "kind__exact=practice"),
        (Trial, "kind__exact=catch"),
        (Trial, "kind__exact=repeat"),
    ],
)
def test_a_search_for_rare_rows_reads_no_others(
    researcher: Client, played_study: Study, model: type[Model], query: str
):
    """Both the count and the page of the list go by an index that holds such rows alone."""
    for steps in plans_of(researcher, model, query):
        (of_rows,) = (step for step in steps if model._meta.db_table in step)
        assert f"INDEX {model._meta.model_name}_" in of_rows, steps


@on_sqlite
def test_a_search_for_usual_responses_sorts_nothing(researcher: Client, played_study: Study):
    """A million of them would be brought into order for a page of fifty."""
    for query in ("", "status__exact=answered", "timing_ok__exact=1", "kind=main"):
        for steps in plans_of(researcher, Response, query):
            assert not [step for step in steps if "TEMP B-TREE" in step], (query, steps)


def test_responses_are_found_by_the_kind_of_their_trial(researcher: Client, played_study: Study):
    for kind in Trial.Kind.values:
        shown = researcher.get(url(Response, "changelist"), {"kind": kind}).context["cl"]
        assert shown.result_count == Response.objects.filter(trial__kind=kind).count()
        assert {response.trial.kind for response in shown.result_list} <= {kind}


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_what_people_did_cannot_be_changed_by_a_crafted_request(
    model: type[Model], researcher: Client, played_study: Study
):
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.order_by("pk").values())
    crafted = {"answer": "generated", "status": "finished", "external_id": "x", "post": "yes"}
    assert researcher.post(url(model, "change", row.pk), crafted).status_code == 403
    assert researcher.post(url(model, "delete", row.pk), crafted).status_code == 403
    assert researcher.post(url(model, "add"), crafted).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    researcher.post(url(model, "changelist"), chosen)
    assert list(model._default_manager.order_by("pk").values()) == before


def test_the_first_page_names_each_study_with_its_next_move(
    researcher: Client, played_study: Study, failed_job: Job, django_assert_max_num_queries: Callable
):
    Study.objects.create(slug="empty", title="A draft without sources")
    queue_generation(checkpoint="gan-photos", count=200, seed=1)
    with django_assert_max_num_queries(12):
        page = researcher.get(reverse("admin:index")).content.decode()
    assert page.index(">small<") < page.index(">empty<"), "the open study stands before the draft"
    assert "Go to the participant page" in page
    assert "Choose its sources" in page
    jobs = [page.index(wish) for wish in ("200 images of gan-photos", "1,500 images of lapgan-photos")]
    assert jobs == sorted(jobs), "the newest job stands first"
    assert "1 sitting finished" in page


def test_an_empty_site_says_what_to_do_first(researcher: Client):
    page = researcher.get(reverse("admin:index")).content.decode()
    assert "Bring image sets in first" in page
    assert "Make one from a preset" in researcher.get(url(Study, "changelist")).content.decode()


def test_markup_in_texts_and_manifests_is_shown_as_text(researcher: Client, full_site: Study, tmp_path):
    nasty = {
        "dataset": MARKUP,
        "class_names": [MARKUP, "odd"],
        "notes": [MARKUP],
        "credits": [{"title": MARKUP, MARKUP: "licence"}],
        "checkpoint": {"sha256": MARKUP[:64], "config": {MARKUP: MARKUP}},
        "sampler": {MARKUP: [MARKUP]},
    }
    image_set = import_images(write_image_set(tmp_path / "nasty.zip", source="nasty", **nasty), by=MARKUP)
    study = Study.objects.create(slug="nasty", title=MARKUP, organiser=MARKUP, panels={MARKUP: MARKUP})
    study.sources.create(name="nasty", image_set=image_set)
    Job.objects.update(
        error=MARKUP, arguments={"checkpoint": MARKUP, "count": 3, "seed": 1}, created_by=MARKUP
    )
    PanelIdentity.objects.update(external_id=MARKUP)
    ConflictingResponse.objects.update(body={MARKUP: MARKUP})
    rows = (
        (ImageSet, image_set.pk),
        (Study, study.pk),
        *(
            (model, model._default_manager.latest("pk").pk)
            for model in (Job, PanelIdentity, ConflictingResponse)
        ),
    )
    pages = [reverse("admin:index"), reverse("admin:studyapp_study_open", args=[study.pk])]
    pages += [url(model, "changelist") for model, _ in rows] + [
        url(model, "change", pk) for model, pk in rows
    ]
    shown = {page: researcher.get(page).content.decode() for page in pages}
    assert [page for page, text in shown.items() if MARKUP in text] == []
    # Of a refused message the list shows the hash alone, of a study's panels nothing.
    silent = {url(ConflictingResponse, "changelist")}
    assert [page for page, text in shown.items() if ESCAPED not in text and page not in silent] == []


def test_answers_and_pictures_true_source_stay_apart(researcher: Client, played_study: Study):
    """Who runs the study stays blind: no page of trials or responses names a generated source."""
    trial = Trial.objects.filter(status="answered").latest("pk")
    pages = [
        url(Trial, "changelist"),
        url(Trial, "change", trial.pk),
        url(Response, "changelist"),
        url(Response, "change", trial.response.pk),
    ]
    for page in pages:
        text = researcher.get(page).content.decode()
        assert "lapgan" not in text, page
        assert "gan-random" not in text, page


def test_the_rows_of_a_sitting_and_of_a_trial_are_a_link_away(researcher: Client, played_study: Study):
    rows = (Sitting.objects.get(status="finished"), Trial.objects.filter(status="answered").latest("pk"))
    for row in rows:
        page = researcher.get(url(type(row), "change", row.pk)).content.decode()
        links = [unescape(link) for link in re.findall(r'href="(/admin/studyapp/\w+/\?[^"]+)"', page)]
        assert len(links) >= 2
        assert {link: researcher.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_a_long_list_is_counted_no_further_than_anybody_would_page(
    researcher: Client, played_study: Study, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(read_only, "MOST_COUNTED", 10)
    monkeypatch.setattr(ReadOnlyAdmin, "most_counted", 10)
    page = researcher.get(url(Trial, "changelist")).content.decode()
    assert "the first 10 of more trials" in page
    assert (
        "more"
        not in researcher.get(url(Sitting, "changelist")).content.decode().split('class="paginator"')[1]
    )
