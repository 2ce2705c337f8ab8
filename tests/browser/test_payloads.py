"""Whatever people type is text: every text column of every table holds attacks, every page is opened, nothing runs."""

from itertools import cycle
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import models
from django.urls import reverse
from playwright.sync_api import BrowserContext

from studyapp import audit
from studyapp.admin.registry import ADMINS
from studyapp.api_tokens import new_token
from studyapp.export import freeze_study
from studyapp.jobs import queue_generation
from studyapp.models import Job, PanelIdentity, Study
from tests.browser.test_researcher import Complaints, sign_in
from tests.conftest import Person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RAN = "window.ran=1"
PAYLOADS = (
    f"<script>{RAN}</script>",
    f"\"><img src=x onerror='{RAN}'>",
    f"'><svg onload={RAN}>",
    f"</textarea><script>{RAN}</script>",
    f"</script><script>{RAN}</script>",
    f"</title><svg/onload={RAN}>",
    f"javascript:{RAN}",
    f"<a href=javascript:{RAN} autofocus onfocus={RAN}>x</a>",
    f"{{{{constructor.constructor('{RAN}')()}}}}",
    "{% now 'Y' %}{{ settings.SECRET_KEY }}",
    f"&lt;script&gt;{RAN}&lt;/script&gt;",
    '=HYPERLINK("http://evil.example";"x")',
    "\u202e<b>ltr\u202c \u2066bidi\u2069 \ufeff日本語 🧪 é",
)
# Names that addresses, files or the program itself go by: the forms let nothing else in.
FIXED = {
    "slug", "protocol", "token", "pseudonym", "public_id", "status", "language", "file", "pack_sha256", "version",
    "mask_gray", "real_key", "password", "codename", "app_label", "model", "receipt",
}  # fmt: skip


def texts_of(model: type[models.Model]) -> list[models.Field]:
    """The columns that hold what somebody typed, or a file said."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not isinstance(field, models.SlugField)
        and not (field.choices or field.name in FIXED or field.name.endswith("sha256"))
    ]


def poison(model: type[models.Model], payloads: Any) -> int:
    """Put an attack into every text of the newest row, as the database takes it; the number of texts."""
    row = model._default_manager.latest("pk")
    changes = {}
    for field in texts_of(model):
        payload = next(payloads)
        changes[field.name] = payload[: field.max_length] if field.max_length else "\n".join(PAYLOADS)
    if changes:
        model._default_manager.filter(pk=row.pk).update(**changes)
    return len(changes)


@pytest.fixture
def poisoned_site(small_study: Study) -> Study:
    Person(small_study).begin("PROLIFIC_PID=1").sit_through()
    conflict = Person(small_study).begin()
    trials = conflict.block()["trials"]
    conflict.answer(trials)
    conflict.answer(trials, answer="generated")
    freeze_study(small_study, by=PAYLOADS[0])
    queue_generation(checkpoint=PAYLOADS[1], count=2000, by=PAYLOADS[2])
    Job.objects.update(error=PAYLOADS[3])
    Group.objects.create(name="assistants")
    new_token(User.objects.first() or User.objects.create_user("tom"), PAYLOADS[0])
    audit.note(PAYLOADS[1], PAYLOADS[0], study=PAYLOADS[2], detail=PAYLOADS[3])
    PanelIdentity.objects.update(external_id="".join(PAYLOADS)[:128])
    payloads = cycle(PAYLOADS)
    assert sum(poison(model, payloads) for model in ADMINS if model not in (User, audit.AuditEntry)) > 20
    User.objects.filter(username="tom").update(first_name=PAYLOADS[0], username=PAYLOADS[1])
    image_set = small_study.sources.latest("pk").image_set
    image_set.class_names, image_set.manifest = (
        list(PAYLOADS),
        {"notes": list(PAYLOADS), "credits": list(PAYLOADS)},
    )
    image_set.save()
    small_study.sources.filter(name="lapgan").update(name=PAYLOADS[0][:50])
    small_study.refresh_from_db()
    return small_study


def test_nothing_that_people_typed_runs_on_any_page(
    live_server, desktop: BrowserContext, poisoned_site: Study
):
    page = desktop.new_page()
    complaints = Complaints(page)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    sign_in(page, live_server.url)
    study = poisoned_site
    addresses = [reverse("admin:index"), reverse("admin:studyapp_study_preset")]
    for name in ("live", "unblind", "export", "reports", "close", "history"):
        addresses.append(reverse(f"admin:studyapp_study_{name}", args=[study.pk]))
    for model in ADMINS:
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses.append(reverse(f"{prefix}_changelist"))
        addresses += [
            reverse(f"{prefix}_change", args=[row.pk]) for row in model._default_manager.order_by("-pk")[:2]
        ]
    for query in (f"?q={PAYLOADS[0]}", f"?q={PAYLOADS[1]}", "?e=1"):
        addresses.append(reverse("admin:studyapp_study_changelist") + query)
    addresses += [f"/s/{study.slug}/{name}" for name in ("", "consent/", "declined/", "erase/")]
    addresses += [f"/s/{study.slug}/?PROLIFIC_PID={PAYLOADS[1]}", "/"]
    page.goto(live_server.url + addresses[3])
    page.get_by_role("button", name="Show me the results").click()
    for address in addresses:
        page.goto(live_server.url + address)
        foreign = page.evaluate(
            "[...document.scripts].filter(s => !s.src && !['application/json', ''].includes(s.type) || "
            "s.src && new URL(s.src).origin !== location.origin).map(s => s.outerHTML)"
        )
        assert page.evaluate("window.ran") is None, address
        assert (foreign, dialogs) == ([], []), address
        assert "Traceback" not in page.content()
    assert [words for words in complaints.heard if "Content Security Policy" in words or "500" in words] == []
