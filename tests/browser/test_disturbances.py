"""What disturbs a sitting at the person's side: no connection, lost replies, a second tab, ways back, a lost cookie."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from studyapp import sittings
from studyapp.links import address_of
from studyapp.models import ConflictingResponse, NamedLink, Response, Sitting, Study
from studyapp.unsent import take_in
from tests.browser.conftest import open_page
from tests.browser.test_exposure import start_practice
from tests.browser.test_sitting import play, to_the_test

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# Each answer is noted as soon as it is on the browser's disk, before anything of it is sent.
NOTED = "addEventListener('tachisto:trial', (event) => noteTrial(event.detail));"
# From here on pauses pass sixty times faster; how long they would have been is added up.
FAST_FORWARD = """() => {
  const wait = window.setTimeout;
  window.paused_ms = 0;
  window.setTimeout = (work, ms = 0, ...more) => {
    if (ms < 500) return wait(work, ms, ...more);
    window.paused_ms += ms;
    return wait(work, ms / 60, ...more);
  };
}"""
MINUTES_MS = 5 * 60_000
GO_ON = ".panel [data-action=go]"


@pytest.fixture
def told(desktop: BrowserContext) -> list[dict[str, Any]]:
    """What the page says of every trial that was played in this browser, whatever page it was on."""
    trials: list[dict[str, Any]] = []
    desktop.expose_function("noteTrial", lambda trial: trials.append(trial))  # bound methods are not taken
    desktop.add_init_script(NOTED)
    return trials


@pytest.fixture
def forgiving_study(short_study: Study) -> Study:
    """Every trial that is spoilt is asked again."""
    Study.objects.filter(pk=short_study.pk).update(repeat_percent=100)
    short_study.refresh_from_db()
    return short_study


def answered(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [trial for trial in told if trial["status"] == "answered"]


def play_until(page: Page, is_reached) -> None:
    """Answer with j, and go on from every pause, until that is so."""
    while not is_reached():
        if page.locator(GO_ON).is_visible():
            page.locator(GO_ON).click()
        page.keyboard.press("j")
        page.wait_for_timeout(50)


def in_the_middle_of_a_trial(page: Page) -> None:
    """Go on from a pause, if there is one, as far as somewhere between cross and mask."""
    if page.locator(GO_ON).is_visible():
        page.locator(GO_ON).click()
    expect(page.locator(".panel").first).to_be_hidden()
    page.wait_for_timeout(500)


def require_whole_and_single(told: list[dict[str, Any]]) -> Sitting:
    """The only sitting, at its end: each answer given is stored once, as it was given, and no picture came twice."""
    sitting = Sitting.objects.get()
    assert sitting.status == "finished"
    assert sittings.n_missing(sitting) == 0
    stored = {response.trial.token: response for response in Response.objects.select_related("trial")}
    assert Response.objects.count() == len(stored)
    given = answered(told)
    assert {trial["trial"] for trial in given} == {
        token for token, response in stored.items() if response.status == "answered"
    }
    for trial in given:
        response = stored[trial["trial"]]
        assert (response.answer, response.reaction_ms, response.flags) == (
            trial["answer"],
            trial["reaction_ms"],
            sorted(trial["flags"]),
        )
    assert not ConflictingResponse.objects.exists()
    shown = list(sitting.shown.values_list("stimulus_id", flat=True))
    assert len(shown) == len(set(shown))
    return sitting


def tokens_of(sitting: Sitting) -> list[str]:
    return list(Response.objects.filter(trial__sitting=sitting).values_list("trial__token", flat=True))


def other_than_network(complaints: list[str]) -> list[str]:
    """A browser itself complains of every request that failed."""
    return [complaint for complaint in complaints if "Failed to load resource" not in complaint]


@pytest.mark.parametrize("cut", ["no connection", "replies are lost"])
def test_minutes_without_a_connection_lose_no_answer_and_store_none_twice(
    live_server, desktop, forgiving_study, complaints, told, cut
):
    page = open_page(desktop, complaints)
    sent: list[list[str]] = []

    def lose_the_reply(route) -> None:
        sent.append([response["trial"] for response in route.request.post_data_json["responses"]])
        route.fetch()
        route.abort()

    to_the_test(page, f"{live_server.url}/s/small/")
    start_practice(page)
    play_until(page, lambda: len(told) >= 3)  # the pictures of the test have come
    page.evaluate(FAST_FORWARD)
    if cut == "no connection":
        desktop.set_offline(True)
    else:
        page.route("**/api/responses", lose_the_reply)
        page.route("**/api/block*", lambda route: route.abort())
    n_stored = Response.objects.count()
    play_until(page, lambda: page.locator(".panel .trouble").is_visible())
    assert len(told) == 8  # what had been loaded was played without a pause
    while page.evaluate("paused_ms") < MINUTES_MS:
        page.wait_for_timeout(100)
    assert page.locator(".panel [data-fill=unsent]").first.inner_text() == str(8 - n_stored)
    if cut == "no connection":
        assert Response.objects.count() == n_stored
        desktop.set_offline(False)
    else:
        assert max(Counter(token for batch in sent for token in batch).values()) > 3  # sent again and again
        page.unroute_all(behavior="wait")  # a reply may be about to be lost
    play_until(page, lambda: "/thanks/" in page.url)  # repeats, where the machine was busy
    require_whole_and_single(told)
    assert other_than_network(complaints) == []


def test_when_the_tab_of_the_test_is_closed_the_other_one_takes_it_up_without_loss(
    live_server, desktop, forgiving_study, complaints, told
):
    first = open_page(desktop, complaints)
    to_the_test(first, f"{live_server.url}/s/small/")
    first.route("**/api/responses", lambda route: route.abort())
    start_practice(first)
    play_until(first, lambda: len(told) >= 3)
    second = open_page(desktop, complaints)
    second.goto(f"{live_server.url}/s/small/test/")
    expect(second.get_by_role("heading", name="The test is open in another tab")).to_be_visible()
    first.bring_to_front()
    play_until(first, lambda: len(told) >= 4)  # and the first tab goes on undisturbed
    in_the_middle_of_a_trial(first)
    first.close()
    expect(second.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert Response.objects.count() >= 4  # what the first tab could not send came first
    play(second, lambda page: page.keyboard.press("j"))
    sitting = require_whole_and_single(told)
    assert sitting.trials.filter(status="interrupted").count() <= 1
    assert other_than_network(complaints) == []


def test_reload_back_and_forward_are_harmless_at_every_step(
    live_server, desktop, forgiving_study, complaints, told
):
    Study.objects.update(size_deg=5.0)
    page = open_page(desktop, complaints)
    page.on("dialog", lambda dialog: dialog.accept())  # "Leave the page?", while answers are on their way

    def is_at(heading: str) -> None:
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()

    def shaken(heading: str) -> None:
        is_at(heading)
        page.reload()
        is_at(heading)
        page.go_back()
        page.go_forward()
        is_at(heading)

    def go_on(role: Any = "link", name: str = "Continue") -> None:
        page.get_by_role(role, name=name, exact=True).click()

    for address in (live_server.url, f"{live_server.url}/s/small/"):
        page.goto(address)
    shaken(forgiving_study.title)
    go_on()
    shaken("Do you agree to take part?")
    go_on("button", "I agree")
    shaken("How large is your screen?")
    page.go_back()
    go_on("button", "I agree")  # a second time: it is the same sitting
    is_at("How large is your screen?")
    go_on("button", "It fits")
    page.reload()  # amid the measurement
    go_on("button", "It fits")
    go_on()
    shaken("All of these are real photos")
    go_on()
    shaken("How it works")
    page.keyboard.press("f")
    page.keyboard.press("j")
    go_on("button")
    shaken("First, some practice")
    in_the_middle_of_a_trial(page)
    page.reload()
    shaken("First, some practice")
    play_until(page, lambda: len(answered(told)) == 1)
    in_the_middle_of_a_trial(page)
    page.go_back()
    is_at("How it works")
    page.go_forward()
    is_at("Welcome back")
    play_until(page, lambda: len(answered(told)) == 3)  # one of the test
    in_the_middle_of_a_trial(page)
    page.reload()
    shaken("Welcome back")
    play_until(page, page.get_by_role("heading", name="3 of").is_visible)
    page.reload()  # amid the break
    is_at("Welcome back")
    expect(page.get_by_text("3 of ")).to_be_visible()
    play_until(page, lambda: "/thanks/" in page.url)
    is_at("Thank you")
    sitting = require_whole_and_single(told)
    for move in (page.reload, page.go_back):
        move()
        is_at("Thank you")
        expect(page.get_by_text(sitting.completion_code)).to_be_visible()
    for step in ("screen", "examples", "how", "test", "withdraw"):
        page.goto(f"{live_server.url}/s/small/{step}/")
        is_at("Thank you")
    assert len(answered(told)) == Response.objects.filter(status="answered").count()
    assert other_than_network(complaints) == []


@pytest.mark.parametrize("lost", ["sitting", None], ids=["its own cookie", "all cookies"])
def test_without_its_cookie_the_test_stops_and_hands_its_answers_out(
    live_server, desktop, forgiving_study, complaints, told, tmp_path: Path, lost
):
    page = open_page(desktop, complaints)
    page.on("dialog", lambda dialog: dialog.accept())
    to_the_test(page, f"{live_server.url}/s/small/")
    start_practice(page)
    play_until(page, lambda: len(told) >= 3)
    desktop.clear_cookies(name=lost) if lost else desktop.clear_cookies()
    stopped = page.get_by_role("heading", name="The test cannot go on here")
    play_until(page, stopped.is_visible)
    expect(page.get_by_text("This browser has lost the sitting that it had begun")).to_be_visible()
    n_stored = Response.objects.count()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my unsent answers").click()
    download.value.save_as(tmp_path / "answers.json")
    taken_in = take_in((tmp_path / "answers.json").read_bytes())
    assert taken_in.receipts["stored"] == len(answered(told)) - n_stored > 0
    stored = set(Response.objects.values_list("trial__token", flat=True))
    assert stored == {trial["trial"] for trial in answered(told)}
    page.get_by_role("link", name="Load again").click()
    expect(page.get_by_role("heading", name=forgiving_study.title)).to_be_visible()
    # Whoever begins anew is somebody new: nothing of the lost sitting comes along.
    to_the_test(page, f"{live_server.url}/s/small/")
    start_practice(page)
    play(page, lambda page: page.keyboard.press("j"))
    lost_one, new_one = Sitting.objects.order_by("pk")
    assert new_one.status == "finished"
    assert set(tokens_of(lost_one)) == stored
    assert set(tokens_of(new_one)) == {trial["trial"] for trial in answered(told)} - stored
    assert all("has lost the sitting" in complaint for complaint in other_than_network(complaints))


def test_a_personal_link_leads_back_after_the_cookies_are_gone_and_nothing_is_lost(
    live_server, desktop, forgiving_study, complaints, told
):
    address = f"{live_server.url}{address_of(NamedLink.objects.create(study=forgiving_study))}"
    page = open_page(desktop, complaints)
    page.on("dialog", lambda dialog: dialog.accept())
    to_the_test(page, address)
    start_practice(page)
    play_until(page, lambda: len(told) >= 3)
    desktop.clear_cookies()
    play_until(page, page.get_by_role("heading", name="The test cannot go on here").is_visible)
    page.goto(address)
    page.get_by_role("link", name="Continue").click()
    page.get_by_role("button", name="I agree", exact=True).click()
    page.wait_for_url("**/screen/")
    page.goto(f"{live_server.url}/s/small/test/")
    play(page, lambda page: page.keyboard.press("j"))
    require_whole_and_single(told)
    assert all("has lost the sitting" in complaint for complaint in other_than_network(complaints))
