"""The researchers' API: what a token opens, what it does not, and that docs/research-api.json tells the truth."""

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.conf import settings as site
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from studyapp import api_tokens, built_exports
from studyapp.api_tokens import new_token
from studyapp.audit import AuditEntry
from studyapp.built_exports import queue_build
from studyapp.export import freeze_study
from studyapp.export_zip import FORMS
from studyapp.life import close_study
from studyapp.limits import Limit
from studyapp.models import ApiToken, ExportFreeze, Job, Study
from studyapp.product_work import make_product
from studyapp.products import ERASED, file_of, queue_product, remove
from studyapp.results import is_unblinded, unblind
from studyapp.roles import Role, give
from studyapp.urls import research_patterns
from tests.conftest import Person
from tests.studyapp.test_reports import kept

pytestmark = pytest.mark.django_db
DOCUMENT = json.loads((Path(site.BASE_DIR) / "docs" / "research-api.json").read_text(encoding="utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods]


def somebody(*permissions: str, **rights: Any) -> User:
    user = User.objects.create_user("script", **{"is_staff": True, **rights})
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def word(db: None) -> str:
    """The token of somebody who may look at studies."""
    return new_token(somebody("view_study"), "a script")[1]


def ask(word: str, address: str, data: Any = None, method: str = "GET") -> Any:
    headers = {"Authorization": f"Bearer {word}"}
    body = {} if data is None else {"data": json.dumps(data), "content_type": "application/json"}
    return Client().generic(method, f"/api/v1/{address}", headers=headers, **body)


def test_studies_figures_and_exports_are_told(word: str, played_study: Study) -> None:
    assert [study["slug"] for study in ask(word, "studies").json()["studies"]] == ["small"]
    assert ask(word, "studies/small").json()["definition"]["slug"] == "small"
    assert ask(word, "studies/small/live").json()["funnel"]["finished"] == 1
    made = ask(word, "studies/small/exports", {}, "POST")
    assert made.status_code == 201
    trials = made.json()["trials"]
    assert trials["planned"] == sum(n for name, n in trials.items() if name != "planned")
    assert [export["name"] for export in ask(word, "studies/small/exports").json()["exports"]] == [
        made.json()["name"]
    ]


def test_a_download_is_the_same_bytes_and_stands_in_the_audit_log(word: str, played_study: Study) -> None:
    name = ask(word, "studies/small/exports", {"include_simulated": True}, "POST").json()["name"]
    first, second = (b"".join(ask(word, f"exports/{name}?format=jsonl")) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert "small/responses.jsonl" in archive.namelist()
    assert [(e.actor, e.action, e.study) for e in AuditEntry.objects.all()] == [
        ("script (API)", "exported", "small")
    ] * 2


def test_the_admin_and_the_api_give_the_same_file(researcher: Client, word: str, played_study: Study) -> None:
    zipped = b"".join(researcher.post(reverse("admin:studyapp_study_export", args=[played_study.pk])))
    name = ask(word, "studies/small/exports", {}, "POST").json()["name"]
    assert b"".join(ask(word, f"exports/{name}")) == zipped


def test_a_build_is_asked_for_once_and_is_what_the_download_gives(word: str, played_study: Study) -> None:
    name = ask(word, "studies/small/exports", {}, "POST").json()["name"]
    at_once = b"".join(ask(word, f"exports/{name}?format=jsonl"))
    asked = ask(word, f"exports/{name}/builds", {"format": "jsonl"}, "POST")
    assert (asked.status_code, asked.json()["status"], asked.json()["is_ready"]) == (202, "waiting", False)
    job = Job.objects.get()
    make_product(job.slices.get().pk)
    (told,) = ask(word, f"exports/{name}/builds").json()["builds"]
    assert (told["is_ready"], told["share"], told["error"]) == (True, 1.0, "")
    assert ask(word, f"exports/{name}/builds", {"format": "jsonl"}, "POST").json() == told
    assert b"".join(ask(word, f"exports/{name}?format=jsonl")) == file_of(job).read_bytes() == at_once
    wrong = ask(word, f"exports/{name}/builds", {"format": "xlsx"}, "POST")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "format")


def test_a_large_export_is_downloaded_once_a_worker_has_built_it(
    word: str, played_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = ask(word, "studies/small/exports", {}, "POST").json()["name"]
    at_once = b"".join(ask(word, f"exports/{name}?format=jsonl"))
    monkeypatch.setattr(built_exports, "LARGE_TRIALS", 1)
    refused = ask(word, f"exports/{name}?format=jsonl")
    assert (refused.status_code, refused.json()["error"]) == (409, "large")
    address, wish = re.search(r"POST /api/v1/(\S+) (\{.+?\})", refused.json()["message"]).groups()  # type: ignore[union-attr]
    assert ask(word, address, json.loads(wish), "POST").status_code == 202
    assert ask(word, f"exports/{name}?format=jsonl").status_code == 409
    make_product(Job.objects.get().slices.get().pk)
    assert b"".join(ask(word, f"exports/{name}?format=jsonl")) == at_once


def test_a_report_is_asked_for_and_taken_by_whoever_is_no_longer_blind(
    word: str, played_study: Study
) -> None:
    reports = "studies/small/reports"
    name = ask(word, "studies/small/exports", {}, "POST").json()["name"]
    others = kept(queue_product(Job.Kind.REPORT, ExportFreeze.objects.get(name=name), by="bob"))
    blind = ask(word, f"reports/{others.pk}")
    for refused in (ask(word, reports, {"live": True}, "POST"), blind):
        assert (refused.status_code, refused.json()["error"]) == (403, "blind")
        assert reverse("admin:studyapp_study_unblind", args=[played_study.pk]) in refused.json()["message"]
    assert not is_unblinded(played_study, User.objects.get())
    assert Job.objects.get() == others
    unblind(played_study, User.objects.get(), how="Looked at results.")
    asked = ask(word, reports, {"live": True}, "POST")
    assert (asked.status_code, asked.json()["status"], asked.json()["export"]) == (202, "waiting", name)
    job = Job.objects.get(pk=asked.json()["number"])
    assert job.arguments == {"live": True}
    early = ask(word, f"reports/{job.pk}")
    assert (early.status_code, early.json()["error"]) == (409, "not_there")
    kept(job)
    assert [report["is_ready"] for report in ask(word, reports).json()["reports"]] == [True, True]
    assert b"".join(ask(word, f"reports/{job.pk}")) == file_of(job).read_bytes()
    told = AuditEntry.objects.filter(actor="script (API)").order_by("number")
    assert [entry.action for entry in told] == ["asked for a report", "downloaded a report"]


def test_lists_come_in_parts_that_make_the_whole(word: str, played_study: Study) -> None:
    freeze = freeze_study(played_study)
    for form in FORMS:
        queue_product(Job.Kind.REPORT, freeze, by="bob")
        queue_build(freeze, form, by="bob")
        Study.objects.create(slug=f"another-{form}", title="Another")
        ExportFreeze.objects.create(study=played_study, description=freeze.description)
    lists = {
        "studies": "studies",
        "studies/small/exports": "exports",
        "studies/small/reports": "reports",
        f"exports/{freeze.name}/builds": "builds",
    }
    for address, name in lists.items():
        whole = ask(word, address).json()
        assert (len(whole[name]) >= len(FORMS), whole["next_offset"]) == (True, None)
        parts, offset = [], 0
        while offset is not None:
            part = ask(word, f"{address}?limit=3&offset={offset}").json()
            assert 1 <= len(part[name]) <= 3
            parts, offset = parts + part[name], part["next_offset"]
        assert parts == whole[name]
        for query in ("limit=0", "limit=501", "limit=many", "offset=-1", "offset=", f"offset={'9' * 30}"):
            refused = ask(word, f"{address}?{query}")
            assert (refused.status_code, refused.json()["error"]) == (400, "malformed")
            assert f"{query.partition('=')[0]}: expected a whole number of" in refused.json()["message"]


def test_lists_cost_the_same_for_many_rows(researcher: Client, word: str, played_study: Study) -> None:
    """Whether somebody was erased is asked once for all, by the pages of the admin, too."""
    api = ("studies/small/exports", "studies/small/reports", "exports/{}/builds")
    pages = [
        reverse(f"admin:studyapp_study_{name}", args=[played_study.pk]) for name in ("reports", "export")
    ]

    def asked() -> dict[str, int]:
        counted = {}
        for address in [*api, *pages]:
            with CaptureQueriesContext(connection) as queries:
                answer = (
                    researcher.get(address) if address in pages else ask(word, address.format(freeze.name))
                )
            assert answer.status_code == 200
            counted[address] = len(queries)
        return counted

    freeze = freeze_study(played_study)
    kept(queue_product(Job.Kind.REPORT, freeze, by="bob"))
    kept(queue_build(freeze, "csv", by="bob"))
    asked()  # a token notes once a minute that it was used
    few = asked()
    for _ in range(3):
        person = Person(played_study).begin()
        person.answer(person.block()["trials"])
        freeze = freeze_study(played_study)
        for form in ("csv", "jsonl"):
            kept(queue_product(Job.Kind.REPORT, freeze, by="bob"))
            kept(queue_build(freeze, form, by="bob"))
    assert asked() == few


def test_page_and_api_say_alike_why_a_report_is_gone(
    researcher: Client, word: str, played_study: Study
) -> None:
    freeze = freeze_study(played_study)
    lost, removed, erased = (kept(queue_product(Job.Kind.REPORT, freeze, by="bob")) for _ in range(3))
    file_of(lost).unlink()
    remove(removed, "somebody deleted it", by="bob")
    Job.objects.filter(pk=erased.pk).update(outcome={**erased.outcome, "n_erased": -1})
    told = {
        report["number"]: report["error"] for report in ask(word, "studies/small/reports").json()["reports"]
    }
    assert told == {lost.pk: "its file is lost", removed.pk: "somebody deleted it", erased.pk: ERASED}
    shown = researcher.get(reverse("admin:studyapp_study_reports", args=[played_study.pk])).content.decode()
    assert [words for words in told.values() if f"gone: {words}" not in shown] == []


@pytest.fixture
def recruiter(db: None) -> str:
    """The token of somebody who may look at everything and make links."""
    user = somebody("view_study", "view_panelidentity")
    return new_token(user, "recruiting", scope=ApiToken.Scope.RECRUIT)[1]


LINKS = "studies/small/links"


def test_links_are_made_once_however_often_they_are_asked_for(recruiter: str, small_study: Study) -> None:
    asked = {"labels": [" Ann", "Bob", "Ann"]}
    first = ask(recruiter, LINKS, asked, "POST")
    assert (first.status_code, first.json()["new"], first.json()["already"]) == (201, 2, 1)
    assert [(link["label"], link["kind"], link["state"]) for link in first.json()["links"]] == [
        ("Ann", "person", "unused"),
        ("Bob", "person", "unused"),
    ]
    again = ask(recruiter, LINKS, {"labels": ["Ann", "Bob"]}, "POST")
    assert (again.status_code, again.json()["new"], small_study.links.count()) == (200, 0, 2)
    assert again.json()["links"] == first.json()["links"]
    token = small_study.links.get(label="Bob").token
    assert again.json()["links"][1]["address"] == f"http://testserver/s/small/?link={token}"
    told = AuditEntry.objects.filter(action="made links", study="small").order_by("number")
    assert [(entry.actor, entry.detail) for entry in told] == [
        ("script (API)", {"new": 2, "already": 1}),
        ("script (API)", {"new": 0, "already": 2}),
    ]


def test_the_command_and_the_api_know_the_same_labels(
    recruiter: str, small_study: Study, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("label\nAnn\nZoë\n", encoding="utf-8")
    call_command("links", "small", "--csv", str(tmp_path / "people.csv"), stdout=io.StringIO())
    assert ask(recruiter, LINKS, {"labels": ["Zoë", "Ann", "Cleo"]}, "POST").json()["new"] == 1


def test_no_more_than_ten_thousand_links_are_made_at_once(recruiter: str, small_study: Study) -> None:
    refused = ask(recruiter, LINKS, {"labels": [f"person {n}" for n in range(10_001)]}, "POST")
    assert (refused.status_code, "got 10,001" in refused.json()["message"]) == (400, True)
    large = ask(recruiter, LINKS, {"labels": ["x" * 2_000_000]}, "POST")
    assert (large.status_code, large.json()["error"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "expected a list of 1 to 10,000 texts, got NoneType"),
        ({"labels": []}, "got 0"),
        ({"labels": ["Ann", 7]}, "label 2: expected for whom the link is, got '7'"),
        ({"labels": ["Ann", " "]}, "label 2"),
        ({"labels": ["Ann", "x" * 201]}, "link 2: expected at most 200 letters"),
        ({"labels": ["a\0b"]}, "link 1: expected text"),
        ({"labels": ["\ud800"]}, "link 1: expected text"),
        ({"labels": ["Ann"], "is_tester": 1}, "is_tester: expected true or false"),
        ({"labels": ["Ann"], "count": 3}, "got count"),
    ],
)
def test_links_that_cannot_be_made_are_refused_in_words_all_together(
    recruiter: str, small_study: Study, data: Any, words: str
) -> None:
    answer = ask(recruiter, LINKS, data, "POST")
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert not small_study.links.exists()


def test_links_need_a_token_for_it_a_role_for_it_and_a_study_that_takes_people(
    word: str, small_study: Study
) -> None:
    def made_with(word: str) -> tuple[int, str]:
        answer = ask(word, LINKS, {"labels": ["Ann"]}, "POST")
        return answer.status_code, answer.json().get("error", "")

    assert made_with(word) == (403, "scope")
    user = User.objects.get()
    recruiting = new_token(user, "recruiting", scope=ApiToken.Scope.RECRUIT)[1]
    assert made_with(recruiting) == (403, "role")
    user.user_permissions.clear()
    assert made_with(recruiting) == (404, "no_study")
    give(small_study, user, Role.ANALYST, by="test")
    assert made_with(recruiting) == (403, "role")
    give(small_study, user, Role.RECRUITER, by="test")
    assert made_with(recruiting) == (201, "")
    close_study(small_study)
    assert made_with(recruiting) == (409, "ended")
    assert small_study.links.count() == 1


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic c2NyaXB0", "Bearer ü"])
def test_without_a_valid_token_nothing_opens(word: str, played_study: Study, header: str) -> None:
    for pattern, method in OPERATIONS:
        address = pattern.format(slug="small", name="x", number=1)
        answer = Client().generic(
            method.upper(), address, headers={"Authorization": header} if header else {}
        )
        assert (answer.status_code, answer.json()["error"]) == (401, "no_token")


def test_a_token_ends_with_its_time_its_owner_and_its_revocation(played_study: Study) -> None:
    user = somebody("view_study")
    token, word = new_token(user, "short", timezone.now() + timedelta(hours=1))
    assert ask(word, "studies").status_code == 200
    ApiToken.objects.update(expires_utc=timezone.now() - timedelta(seconds=1))
    assert ask(word, "studies").status_code == 401
    ApiToken.objects.update(expires_utc=None, revoked_utc=timezone.now())
    assert ask(word, "studies").status_code == 401
    ApiToken.objects.update(revoked_utc=None)
    User.objects.update(is_active=False)
    assert ask(word, "studies").status_code == 401
    token.refresh_from_db()
    assert token.last_used_utc is not None


def test_only_the_hash_of_a_token_is_kept(word: str) -> None:
    assert word not in str(list(ApiToken.objects.values()))


def test_whoever_may_not_look_does_not_learn_what_there_is(played_study: Study) -> None:
    word = new_token(somebody("view_job"), "blind")[1]
    assert ask(word, "studies").json()["studies"] == []
    hidden, missing = ask(word, "studies/small"), ask(word, "studies/large")
    assert (hidden.status_code, hidden.content) == (404, missing.content)


def test_a_cookie_opens_nothing_here(researcher: Client, played_study: Study) -> None:
    assert researcher.get("/api/v1/studies").status_code == 401


def test_who_asks_too_often_is_told_when_to_come_again(
    word: str, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    monkeypatch.setattr(api_tokens, "API_LIMIT", Limit(per_s=0.1, burst=2))
    assert [ask(word, "studies").status_code for _ in range(3)] == [200, 200, 429]
    assert int(ask(word, "studies").headers["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"include_simulated": "yes"}, "expected true or false"),
        ({"all": True}, "got all"),
        ([1], "expected a JSON object"),
    ],
)
def test_a_wish_that_is_none_is_refused_in_words(
    word: str, played_study: Study, data: Any, words: str
) -> None:
    answer = ask(word, "studies/small/exports", data, "POST")
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_a_draft_an_unknown_format_and_another_method_are_refused(word: str, draft_study: Study) -> None:
    assert ask(word, "studies/small/exports", {}, "POST").json()["error"] == "draft"
    assert ask(word, "exports/x?format=xlsx").json()["error"] == "format"
    answer = ask(word, "studies", method="DELETE")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


# ---- tokens in the admin ----


def test_a_token_is_shown_once_works_and_can_be_taken_back(researcher: Client, played_study: Study) -> None:
    answer = researcher.post(
        reverse("admin:studyapp_apitoken_add"), {"label": "my script", "scope": "recruit"}, follow=True
    )
    shown = answer.content.decode().split("not shown again: <code>")[1].split("</code>")[0]
    assert ask(shown, "studies").status_code == 200
    listed = researcher.get(reverse("admin:studyapp_apitoken_changelist")).content.decode()
    assert shown not in listed
    token = ApiToken.objects.get()
    assert token.scope == ApiToken.Scope.RECRUIT
    revoke = {"action": "revoke_selected", "_selected_action": [token.pk]}
    researcher.post(reverse("admin:studyapp_apitoken_changelist"), revoke)
    assert ask(shown, "studies").status_code == 401


# ---- the file ----


def test_the_file_has_every_address_and_every_format() -> None:
    ours = {re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern)) for pattern in research_patterns}
    assert {path.removeprefix("/api/v1/") for path in DOCUMENT["paths"]} == ours
    (_, choice) = DOCUMENT["paths"]["/api/v1/exports/{name}"]["get"]["parameters"]
    assert choice["schema"]["enum"] == list(FORMS)


# Its client leaves answers that are files for the collector to close, as no web server does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_reply_is_one_that_the_file_foretells(
    recruiter: str, played_study: Study, monkeypatch: pytest.MonkeyPatch, path: str, method: str
) -> None:
    monkeypatch.setattr(api_tokens, "API_LIMIT", Limit(per_s=1e6, burst=10))
    name = ask(recruiter, "studies/small/exports", {}, "POST").json()["name"]
    report = kept(queue_product(Job.Kind.REPORT, ExportFreeze.objects.get(name=name), by="test"))
    unblind(played_study, User.objects.get(username="script"), how="Looked at results.")
    SCHEMA.app = get_wsgi_application()
    statuses = set()

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=SCHEMA[path][method.upper()].as_strategy())
    def ask_in_every_way(case: Any) -> None:
        if statuses:  # the first one as it comes, the others for what is there
            there = {"slug": "small", "name": name, "number": report.pk}
            case.path_parameters = {key: value for key, value in there.items() if f"{{{key}}}" in path}
        headers = {"Authorization": f"Bearer {recruiter}", "Host": "localhost"}
        statuses.add(case.call_and_validate(headers=headers, checks=CHECKS).status_code)

    # The site would close the test's own connection, with what is in it, after each request.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        ask_in_every_way()
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
    assert statuses & {200, 201, 202}
