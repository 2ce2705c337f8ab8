"""The researcher's pages in a real browser: a study from sign-in to export, and no page that the policy cuts."""

import zipfile
from pathlib import Path

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Group, User
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from studyapp import audit
from studyapp.accounts import one_use_password
from studyapp.admin.registry import ADMINS
from studyapp.api_tokens import new_token
from studyapp.catalogue import import_images
from studyapp.jobs import queue_generation
from studyapp.models import Study
from tests.conftest import Person
from tests.image_sets import write_image_set

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OWN = "a quiet instrument"
PAGES_OF_A_STUDY = (
    "pause",
    "next",
    "versions",
    "copy",
    "recruiting",
    "links",
    "arrival",
    "reconcile",
    "intervals",
    "bots",
)


class Complaints:
    """What a browser says against a page: script errors, refused resources, answers that are errors."""

    def __init__(self, page: Page) -> None:
        self.heard: list[str] = []
        page.on(
            "console", lambda m: self.heard.append(f"{page.url}: {m.text}") if m.type == "error" else None
        )
        page.on("pageerror", lambda error: self.heard.append(f"{page.url}: {error}"))
        page.on("response", lambda r: self.heard.append(f"{r.status} {r.url}") if r.status >= 400 else None)


def sign_in(page: Page, server: str) -> None:
    """Through the one-use password to an own one."""
    page.goto(f"{server}/admin/")
    page.get_by_label("Username:").fill("ann")
    page.get_by_label("Password:").fill(one_use_password("ann") or "")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("New password:").fill(OWN)
    page.get_by_label("New password confirmation:").fill(OWN)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("heading", name="Studies and their data")).to_be_visible()


def test_a_study_goes_from_pictures_to_export_in_the_browser(
    live_server, desktop: BrowserContext, tmp_path: Path
):
    page = desktop.new_page()
    complaints = Complaints(page)
    sign_in(page, live_server.url)
    for source in ("real", "gan"):
        page.goto(f"{live_server.url}/admin/studyapp/imageset/add/")
        page.get_by_label("Zip of pictures:").set_input_files(
            write_image_set(tmp_path / f"{source}.zip", source=source)
        )
        page.get_by_role("button", name="Upload").click()
        expect(page.get_by_text("40 images are in the catalogue")).to_be_visible()
        sheet = page.locator("img.pixels")
        expect(sheet).to_be_visible()
        assert sheet.evaluate("image => image.naturalWidth") > 0

    page.goto(f"{live_server.url}/admin/studyapp/study/add/")
    page.get_by_label("Title:").press_sequentially("Two sources")
    assert page.get_by_label("Short name:").input_value() == "two-sources"
    page.get_by_label("Exposures (ms):").fill("50, 100")
    page.get_by_label("Trials a sitting:").fill("12")
    page.get_by_label("Practice trials:").fill("2")
    page.get_by_label("Real examples:").fill("4")
    for row, source in enumerate(("real", "gan")):
        page.locator(f"#id_sources-{row}-name").fill(source)
        option = page.locator(f"#id_sources-{row}-image_set option", has_text=f"{source}-")
        page.locator(f"#id_sources-{row}-image_set").select_option(option.get_attribute("value"))
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="Open the study").click()
    page.get_by_role("button", name="Open the study").click()
    expect(page.get_by_text("Study two-sources is open")).to_be_visible()
    expect(page.get_by_text("/s/two-sources/")).to_be_visible()

    Person(Study.objects.get()).begin().sit_through()
    page.reload()
    finished = page.locator(".card", has_text="Sittings of people").get_by_role("link").nth(1)
    expect(finished).to_have_text("1")
    page.get_by_role("link", name="Export the data").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the zip").click()
    download.value.save_as(tmp_path / "export.zip")
    with zipfile.ZipFile(tmp_path / "export.zip") as archive:
        responses = archive.read("two-sources/responses.csv").decode().splitlines()
    assert len(responses) == 1 + 12 + 2
    assert complaints.heard == []


def test_own_pictures_become_a_study_that_is_piloted_opened_and_followed(
    live_server, desktop: BrowserContext, tmp_path: Path
):
    """With the admin alone: a preset's design on own pictures, a tester, people, links, and the next version."""
    for source in ("real", "mine"):
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source, n_images=100))
    page = desktop.new_page()
    complaints = Complaints(page)
    sign_in(page, live_server.url)
    page.get_by_role("link", name="New from a preset").click()
    page.get_by_label("lapgan-short:").check()
    page.get_by_label("Short name:").fill("own")
    for source in ("real-", "mine-"):
        page.locator("label", has_text=source).click()
    page.get_by_role("button", name="Make the draft").click()
    page.get_by_label("Trials a sitting:").fill("240")
    numbers = page.get_by_label("What this design comes to")
    expect(numbers.get_by_text("24.0 at each exposure").first).to_be_visible()
    expect(numbers.get_by_text("import or generate more, or ask fewer trials").first).to_be_visible()
    page.get_by_label("Trials a sitting:").fill("20")
    expect(numbers.get_by_text("2.0 at each exposure").first).to_be_visible()
    page.get_by_role("button", name="Save and continue editing").click()
    for step in ("Pilot the study", "Open the study"):
        page.get_by_role("link", name=step).click()
        page.get_by_role("button", name=step).click()
    study = Study.objects.get(slug="own")
    tester = page.locator(".link-of-study a").get_attribute("href") or ""
    Person(study).begin(tester.partition("?")[2]).sit_through()
    Person(study).begin().sit_through()
    page.reload()
    for card, n_finished in (("Sittings of people", 1), ("Pilot", 0)):
        figures = page.locator(".card", has=page.get_by_role("heading", name=card, exact=True))
        expect(figures.get_by_role("link").nth(n_finished)).to_have_text("1")
    page.get_by_role("link", name="Recruiting").click()
    expect(page.get_by_alt_text("The link as a QR code")).to_have_js_property("complete", True)
    page.get_by_role("link", name="Make links").click()
    page.get_by_label("How many:").fill("3")
    page.get_by_role("button", name="Make the links").click()
    expect(page.get_by_text("3 links: 3 unused.")).to_be_visible()
    page.goto(f"{live_server.url}{reverse('admin:studyapp_study_next', args=[study.pk])}")
    page.get_by_role("button", name="Make the next version").click()
    page.get_by_label("Title:").fill("Now with another title")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("link", name="Versions").click()
    expect(page.get_by_role("row", name="title Real or generated? Now with another title")).to_be_visible()
    assert complaints.heard == []


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_every_page_obeys_the_policy_and_fits_the_screen(
    live_server, request: pytest.FixtureRequest, size: str, small_study: Study
):
    """No script or style is refused by the content security policy, and nothing needs sideways scrolling."""
    context: BrowserContext = request.getfixturevalue(size)
    Person(small_study).begin("PROLIFIC_PID=1").sit_through()
    conflict = Person(small_study).begin()
    trials = conflict.block()["trials"]
    conflict.answer(trials)
    conflict.answer(trials, answer="generated")
    queue_generation(checkpoint="gan-photos", count=2000)
    Group.objects.create(name="assistants")
    audit.note("ann", "looked")
    page = context.new_page()
    complaints = Complaints(page)
    sign_in(page, live_server.url)
    new_token(User.objects.get(username="ann"), "a script")
    addresses = [reverse("admin:index"), reverse("admin:studyapp_study_preset")]
    addresses += [
        reverse(f"admin:studyapp_study_{name}", args=[small_study.pk])
        for name in (
            "close",
            "export",
            "reports",
            "live",
            "unblind",
            "people",
            "retention",
            *PAGES_OF_A_STUDY,
        )
    ]
    addresses.append(reverse("admin:studyapp_study_load"))
    for model in ADMINS:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses.append(reverse(f"{name}_changelist"))
        row = model._default_manager.order_by("pk").last()
        if row is not None:
            addresses.append(reverse(f"{name}_change", args=[row.pk]))
    addresses += [
        reverse(f"admin:{name}_add") for name in ("studyapp_study", "studyapp_imageset", "auth_group")
    ]
    assert len(addresses) > 1.8 * len(site._registry)
    too_wide = []
    for address in addresses:
        page.goto(live_server.url + address)
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            too_wide.append(address)
    assert too_wide == []
    assert complaints.heard == []
