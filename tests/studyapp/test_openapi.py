"""docs/participant-api.json is what the API does: schemathesis asks in every way that the file allows and forbids."""

import json
from pathlib import Path

import pytest
import schemathesis
from django.conf import settings as site
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from studyapp import sittings
from studyapp.limits import Limit
from studyapp.messages import FIELDS, FLAGS, MAX_BATCH
from studyapp.urls import study_patterns

pytestmark = pytest.mark.django_db
FILE = Path(site.BASE_DIR) / "docs" / "participant-api.json"
DOCUMENT = json.loads(FILE.read_text(encoding="utf-8"))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def test_the_file_has_every_call_and_every_field_and_no_other():
    calls = {path.name.removeprefix("api-") for path in study_patterns if path.name.startswith("api-")}
    assert {address.rpartition("/")[2] for address in DOCUMENT["paths"]} == calls
    schemas = DOCUMENT["components"]["schemas"]
    assert set(schemas["Response"]["properties"]) == {"trial", *FIELDS}
    assert set(schemas["Response"]["required"]) == {"trial", *FIELDS}
    assert set(schemas["Response"]["properties"]["flags"]["items"]["enum"]) == FLAGS
    batch = DOCUMENT["paths"]["/s/{slug}/api/responses"]["post"]["requestBody"]["content"]["application/json"]
    assert batch["schema"]["properties"]["responses"]["maxItems"] == MAX_BATCH


@pytest.mark.parametrize("name", ["screen", "examples", "resume", "block", "pictures", "responses", "finish"])
def test_every_reply_is_one_that_the_file_foretells(person, monkeypatch, name):
    monkeypatch.setattr(sittings, "SITTING_LIMIT", Limit(per_s=1e6, burst=10))
    person.block()
    person.client.get(person.url("test/"))
    cookies = {key: morsel.value for key, morsel in person.client.cookies.items()}
    SCHEMA.app = get_wsgi_application()
    path = f"/s/{{slug}}/api/{name}"
    operation = SCHEMA[path]["GET" if "get" in DOCUMENT["paths"][path] else "POST"]
    statuses = set()

    @settings(
        max_examples=10,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case):
        case.path_parameters = {"slug": person.study.slug}
        headers = {"X-CSRFToken": cookies["csrftoken"], "Host": "localhost"}
        reply = case.call_and_validate(headers=headers, cookies=cookies, checks=CHECKS)
        statuses.add(reply.status_code)

    # The site would close the test's own connection, with what is in it, after each request.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        ask()
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
    assert not statuses & {401, 403}, "the requests were nobody's"
