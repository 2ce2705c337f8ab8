"""A participant's way through a short study in a real browser, down to the rows in the database and the export."""

import csv
from collections import Counter

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from studyapp.export import export_study
from studyapp.models import Response, Sitting, Study

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# A trial lasts up to about two seconds; a shared machine may stand still for a while.
PATIENCE_MS = 30_000


@pytest.fixture
def short_study(small_study: Study) -> Study:
    Study.objects.filter(pk=small_study.pk).update(n_trials=6, practice_trials=2, break_every=3)
    small_study.refresh_from_db()
    return small_study


@pytest.fixture
def complaints() -> list[str]:
    return []


def open_page(context: BrowserContext, complaints: list[str]) -> Page:
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    return page


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


def test_a_sitting_by_keyboard_ends_in_the_database_and_the_export(
    live_server, desktop, short_study, complaints, tmp_path
):
    page = open_page(desktop, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    page.keyboard.press("f")
    page.keyboard.press("j")
    page.get_by_role("button", name="Continue").click()
    play(page, lambda page: page.keyboard.press("f"))

    sitting = Sitting.objects.get()
    expect(page.get_by_text(sitting.completion_code)).to_be_visible()
    assert sitting.status == "finished"
    assert sitting.screen["witness"] == "element_timing"
    assert 14 < sitting.screen["frame_ms"] < 20
    expected = "real" if sitting.real_key == "f" else "generated"
    responses = list(Response.objects.select_related("trial").order_by("trial__ordinal"))
    assert [r.answer for r in responses if r.status == "answered"] == [expected] * 8
    assert {r.input_kind for r in responses if r.status == "answered"} == {"key"}
    for response in responses:
        assert response.planned_frames == {50: 3, 100: 6, 400: 24}[response.trial.exposure_ms]
        assert response.timing_witness == "element_timing"
        assert response.reaction_ms >= 0

    export_study(short_study, tmp_path)
    with (tmp_path / "responses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert Counter(row["kind"] for row in rows if row["status"] == "answered") == {"practice": 2, "main": 6}
    assert {row["sitting"] for row in rows} == {sitting.public_id}
    assert complaints == []


def test_a_sitting_by_touch_on_a_phone_is_stored_too(live_server, phone, short_study, complaints):
    page = open_page(phone, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    for button in page.locator("button[data-answer]").all():
        button.tap()
    page.get_by_role("button", name="Continue").tap()
    page.wait_for_url("**/test/")
    # The buttons never move, so one look is enough.
    box = page.locator("main button[data-answer=generated]").bounding_box()
    assert box is not None
    play(page, lambda page: page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    answered = Response.objects.filter(status="answered")
    assert Counter(answered.values_list("answer", "input_kind")) == {("generated", "touch"): 8}
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
    page.wait_for_function("document.querySelector('.panel').hidden")
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
