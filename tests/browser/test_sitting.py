"""A participant's way through a short study in a real browser, down to the rows in the database and the export."""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from studyapp.export import export_study
from studyapp.models import Response, Sitting, Study
from studyapp.texts import DEFAULTS
from tests.browser.conftest import open_page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def to_the_test(page: Page, address: str) -> None:
    """From the welcome page through consent, screen check, examples and the try-out of both keys."""
    page.goto(address)
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="I agree", exact=True).click()
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_role("heading", name="All of these are real photos")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url("**/how/")


def play(page: Page, answer) -> None:
    """Answer again and again, and go on from every pause, until the thanks."""
    go_on = page.locator(".panel [data-action=go]")
    while "/thanks/" not in page.url:
        if go_on.is_visible():
            go_on.click()
        answer(page)
        page.wait_for_timeout(60)
    page.wait_for_load_state()


def control(page: Page, name: str) -> Locator:
    """The link or button with this text that can be seen."""
    return page.get_by_text(name, exact=True).and_(page.locator("a:visible, button:visible"))


def go_on_by(press: Callable[[str], None], page: Page, name: str, again: str) -> None:
    """Press a link or button that leads to another page; where the machine was too busy to be measured, try again."""
    before = page.url
    while not control(page, name).is_visible():
        if control(page, again).is_visible():
            press(again)
        page.wait_for_timeout(100)
    press(name)
    page.wait_for_url(lambda url: url != before)


def press_by_keyboard(page: Page, name: str) -> None:
    """Move the focus on by Tab, as far as an element with this text, which must be in view then, and press Enter."""
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and focused.inner_text() == name:
            expect(focused).to_be_in_viewport()
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"thirty times Tab never led to {name}")


def test_a_sitting_by_keyboard_alone_ends_in_the_database_and_the_export(
    live_server, desktop, short_study, complaints, tmp_path
):
    page = open_page(desktop, complaints)
    page.goto(f"{live_server.url}/s/small/")
    for name in ("Continue", "I agree", "Continue", "Continue"):  # welcome, consent, screen check, examples
        go_on_by(partial(press_by_keyboard, page), page, name, again="Check again")
    for key in "fj":
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="Continue")).to_be_focused()
    page.keyboard.press("Enter")
    go_on = page.locator(".panel [data-action=go]")
    while "/thanks/" not in page.url:
        page.keyboard.press("Space" if go_on.is_visible() else "f")
        page.wait_for_timeout(60)
    page.wait_for_load_state()

    sitting = Sitting.objects.get()
    expect(page.get_by_text(sitting.completion_code)).to_be_visible()
    assert sitting.status == "finished"
    assert sitting.screen["witness"] == "element_timing"
    expected = "real" if sitting.real_key == "f" else "generated"
    responses = list(Response.objects.select_related("trial").order_by("trial__ordinal"))
    asked = Counter(r.trial.kind for r in responses if r.status == "answered")
    assert (asked["practice"], asked["main"]) == (2, 6)
    assert {r.answer for r in responses if r.status == "answered"} == {expected}
    assert {r.input_kind for r in responses if r.status == "answered"} == {"key"}
    for response in responses:
        # Of this screen: a busy machine may draw fewer than 60 a second.
        assert abs(response.planned_frames - response.trial.exposure_ms / response.frame_ms) <= 0.501
        assert response.timing_witness == "element_timing"
        assert response.reaction_ms >= 0

    export_study(short_study, tmp_path)
    with (tmp_path / "responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["kind"] for row in rows if row["status"] == "answered") == {"practice": 2, "main": 6}
    assert {row["sitting"] for row in rows} == {sitting.public_id}
    assert complaints == []


def test_a_sitting_by_touch_alone_in_german_on_a_phone_that_is_turned(
    live_server, phone, short_study, complaints
):
    """Nothing is lost by turning the phone amid a trial; which trial it was is flagged."""
    german = {"de": asdict(DEFAULTS["de"])}
    Study.objects.filter(pk=short_study.pk).update(translations=german, practice_feedback=True)
    page = open_page(phone, complaints)
    page.goto(f"{live_server.url}/s/small/")
    page.get_by_role("link", name="Deutsch").tap()
    for name in ("Weiter", "Ich bin einverstanden", "Weiter", "Weiter"):
        go_on_by(lambda name: control(page, name).tap(), page, name, again="Noch einmal prüfen")
    for name in ("Echtes Foto", "Generiert"):
        page.get_by_role("button", name=name).tap()
    page.get_by_role("button", name="Weiter").tap()
    page.wait_for_url("**/test/")

    go_on = page.locator(".panel [data-action=go]")
    told: list[str] = []
    box = None
    while "/thanks/" not in page.url:
        if go_on.is_visible():
            told += [
                text for text in page.locator(".panel p").all_inner_texts() if text.startswith("Das war")
            ]
            is_break = page.get_by_role("heading", name="3 von 6 geschafft").is_visible()
            go_on.tap()
            if is_break:
                expect(page.locator(".progress")).to_have_attribute("aria-valuenow", "3")
                page.wait_for_timeout(300)
                page.set_viewport_size({"width": 844, "height": 390})
            box = page.locator(".trial button[data-answer=generated]").bounding_box()
        elif box:
            page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(60)
    expect(page.get_by_role("heading", name="Vielen Dank")).to_be_visible()

    sitting = Sitting.objects.get()
    assert sitting.language == "de"
    assert sitting.consent_sha256 == hashlib.sha256(DEFAULTS["de"].consent_text.encode()).hexdigest()
    answered = Response.objects.filter(status="answered", trial__kind__in=("practice", "main"))
    assert Counter(answered.values_list("answer", "input_kind")) == {("generated", "touch"): 8}
    assert any("resized" in flags for flags in answered.values_list("flags", flat=True))
    words = {True: "Das war ein echtes Foto.", False: "Das war ein generiertes Bild."}
    practice = sitting.shown.filter(trial__kind="practice").order_by("trial__ordinal")
    assert told == [
        words[is_real] for is_real in practice.values_list("stimulus__source__image_set__is_real", flat=True)
    ]
    assert complaints == []


def test_after_a_reload_in_the_middle_of_a_trial_that_picture_never_comes_again(
    live_server, desktop, short_study, complaints
):
    page = open_page(desktop, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    page.keyboard.press("f")
    page.keyboard.press("j")
    page.get_by_role("button", name="Continue").click()
    page.locator(".panel [data-action=go]").click()
    expect(page.locator(".panel").first).to_be_hidden()
    page.wait_for_timeout(600)
    page.reload()
    play(page, lambda page: page.keyboard.press("j"))
    sitting = Sitting.objects.get()
    assert sitting.status == "finished"
    statuses = Counter(sitting.trials.values_list("status", flat=True))
    assert statuses == {"answered": 8, "interrupted": 1}
    shown = list(sitting.shown.values_list("stimulus_id", flat=True))
    assert len(shown) == len(set(shown)) == 9
    assert complaints == []


def test_a_second_tab_is_told_so_and_shows_no_trial(live_server, desktop, short_study, complaints):
    page = open_page(desktop, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    page.keyboard.press("f")
    page.keyboard.press("j")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="First, some practice")).to_be_visible()
    second = open_page(desktop, complaints)
    second.goto(f"{live_server.url}/s/small/test/")
    expect(second.get_by_role("heading", name="The test is open in another tab")).to_be_visible()
    assert complaints == []


@pytest.mark.parametrize("size", [(360, 780), (844, 390), (768, 1024), (1440, 900)])
def test_answers_and_withdrawal_can_always_be_reached(live_server, browser, short_study, complaints, size):
    """Nothing lies over them, whatever the window's shape; and pictures to look at need no long scrolling."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, has_touch=True)
    page = open_page(context, complaints)
    page.goto(f"{live_server.url}/s/small/consent/")
    page.get_by_role("button", name="I agree", exact=True).click()
    page.wait_for_url("**/screen/")
    page.goto(f"{live_server.url}/s/small/examples/")
    expect(page.locator(".examples canvas").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight / innerHeight") < 3
    page.goto(f"{live_server.url}/s/small/test/")
    page.get_by_role("link", name="Withdraw").tap(trial=True)  # on messages between trials too
    page.get_by_role("button", name="Start practice").click()
    for answer in page.locator(".trial .answer").all():
        answer.tap(trial=True)
    page.get_by_role("link", name="Withdraw").tap()
    expect(page.get_by_role("heading", name="Do you want to stop?")).to_be_visible()
    context.close()
    assert complaints == []


@pytest.mark.parametrize("size", [(360, 780), (768, 1024), (1440, 900)])
def test_no_page_is_wider_than_its_window(live_server, browser, short_study, complaints, size):
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = open_page(context, complaints)
    page.goto(f"{live_server.url}/s/small/")
    page.goto(f"{live_server.url}/s/small/consent/")
    page.get_by_role("button", name="I agree", exact=True).click()
    page.wait_for_url("**/screen/")
    for step in ("", "consent/", "screen/", "examples/", "how/", "withdraw/", "erase/", "test/"):
        page.goto(f"{live_server.url}/s/small/{step}")
        overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, step
    context.close()
    assert complaints == []
