"""The participant's pages for everybody: names, order, sizes, contrast in both schemes, in the longer language."""

from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from studyapp.models import Study
from studyapp.texts import DEFAULTS
from tests.browser.conftest import open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AUDIT = Path(__file__).with_name("audit.js").read_text()
SHOW_PANEL = """(name) => {
  const panel = document.querySelector(".panel");
  panel.classList.add("is-troubled");
  panel.hidden = false;
  panel.replaceChildren(document.querySelector(`template[data-panel="${name}"]`).content.cloneNode(true));
}"""
SHOW_OUTCOMES = "for (const outcome of document.querySelectorAll('[data-outcome]')) outcome.hidden = false"


@pytest.fixture
def german_study(short_study: Study) -> Study:
    """With everything that a page may show: contact, organiser, a second language, feedback in practice."""
    Study.objects.filter(pk=short_study.pk).update(
        language="de",
        translations={"en": asdict(DEFAULTS["en"])},
        practice_feedback=True,
        organiser="Institut für Wahrnehmung",
        contact="studie@example.org",
        **asdict(DEFAULTS["de"]),
    )
    return short_study


def faults(page: Page) -> list[str]:
    """What the audit finds on the page as it is, in the light and in the dark scheme."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found += [f"{page.url}, {scheme}: {fault}" for fault in page.evaluate(AUDIT)]
    page.emulate_media(color_scheme="light")
    return found


def faults_of_focus(page: Page) -> list[str]:
    """Elements that Tab reaches out of their order on the page, outside the window, or without a mark that is seen."""
    found, places = [], []
    page.evaluate("document.activeElement?.blur()")
    for _ in range(
        page.locator("a:visible, button:visible:enabled, input:visible, [tabindex]:visible").count()
    ):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
              const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
              const { top, bottom } = document.activeElement.getBoundingClientRect();
              return {
                place: [...document.querySelectorAll("*")].indexOf(document.activeElement),
                text: document.activeElement.textContent.trim().slice(0, 40),
                is_marked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 3,
                is_in_view: bottom > 0 && top < innerHeight,
              };
            }"""
        )
        places.append(at["place"])
        if not (at["is_marked"] and at["is_in_view"]):
            found.append(f"{page.url}: the focus on {at['text']!r} cannot be seen")
    if places != sorted(places):
        found.append(f"{page.url}: Tab does not follow the order of the page")
    return found


def test_every_page_can_be_read_and_used_by_everybody(live_server, browser, german_study, complaints):
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="de-DE", has_touch=True)
    page = open_page(context, complaints)
    study = f"{live_server.url}/s/small/"
    found = []

    def audit(address: str) -> None:
        page.goto(address)
        found.extend(faults(page) + faults_of_focus(page))

    for address in (f"{live_server.url}/", study, f"{study}declined/", f"{study}erase/", f"{study}consent/"):
        audit(address)
    page.goto(f"{live_server.url}/diagnostics/")
    found += faults(page)
    page.goto(f"{study}consent/")
    page.get_by_role("button", name="Ich bin einverstanden", exact=True).click()
    page.wait_for_url("**/screen/")
    Study.objects.update(size_deg=5.0)
    page.reload()
    expect(page.locator(".calibration")).to_be_visible()
    found += faults(page) + faults_of_focus(page)
    Study.objects.update(size_deg=None)
    page.reload()
    expect(page.locator("[data-outcome=running]")).to_be_hidden()
    page.evaluate(SHOW_OUTCOMES)
    found += faults(page)
    page.goto(f"{study}examples/")
    expect(page.locator(".examples canvas").first).to_be_visible()
    found += faults(page) + faults_of_focus(page)
    audit(f"{study}how/")
    audit(f"{study}withdraw/")
    page.goto(f"{study}test/")
    expect(page.locator(".panel [data-action=go]")).to_be_focused()
    for name in page.evaluate("[...document.querySelectorAll('template')].map((t) => t.dataset.panel)"):
        page.evaluate(SHOW_PANEL, name)
        found += [f"panel {name}: {fault}" for fault in page.evaluate(AUDIT)]  # one scheme during the test
    page.reload()
    page.locator(".panel [data-action=go]").click()
    expect(page.locator(".panel")).to_be_hidden()
    found += [f"trial: {fault}" for fault in page.evaluate(AUDIT)]
    page.goto(f"{study}withdraw/")
    page.locator("button[value=keep]").click()
    page.wait_for_url("**/thanks/")
    found += faults(page) + faults_of_focus(page)
    context.close()
    assert found == []
    assert complaints == []


def test_the_audit_finds_what_is_wrong(browser):
    """Else the tests above would pass on any page."""
    page = browser.new_page()
    page.set_content(
        "<html><body><h1>One</h1><h3>Three</h3><nav></nav><button></button><p id=a></p><p id=a></p>"
        "<a href=# style='position: absolute; left: -20px; color: #999; background: #fff'>far</a>"
        "<p style='transition: color 1s'>slow</p></body></html>"
    )
    found = " ".join(page.evaluate(AUDIT))
    page.close()
    for fault in (
        "no language",
        "no title",
        "level 3 after one of level 1",
        "a nav without a name",
        "the id a twice",
        'button "" has no name',
        "px high",
        "in no landmark",
        "outside the window",
        "contrast of 2.85",
        "moves",
    ):
        assert fault in found, fault
