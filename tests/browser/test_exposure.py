"""What a real browser shows: masks, sizes in degrees and at any zoom, and what becomes of answers that find no way."""

import csv
import json
from io import BytesIO
from math import ceil, floor

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from studyapp.export import export_study
from studyapp.models import Response, Sitting, Study, Trial
from tests.browser.conftest import CHROMIUM, FLAGS, open_page
from tests.browser.test_sitting import play, to_the_test

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# The canvas at every frame until the trial stands still for a second: its different looks, in order.
LOOKS = """() => new Promise((resolve) => {
  const canvas = document.querySelector(".picture");
  const looks = [];
  let changed_at = performance.now();
  const look = () => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const now = data.filter((_, i) => i % 388 === 0).join();
    if (looks.at(-1) !== now) {
      looks.push(now);
      changed_at = performance.now();
    }
    if (looks.length > 1 && performance.now() - changed_at > 1000) resolve(looks);
    else requestAnimationFrame(look);
  };
  look();
})"""

# A board of single device pixels; its size and place in device pixels.
DRAW_BOARD = """(canvas) => {
  const context = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x += 1)
    for (let y = 0; y < canvas.height; y += 1) {
      context.fillStyle = (x + y) % 2 ? "#ffffff" : "#000000";
      context.fillRect(x, y, 1, 1);
    }
  const { left, top } = canvas.getBoundingClientRect();
  return [canvas.width, canvas.height, left * devicePixelRatio, top * devicePixelRatio];
}"""


def start_practice(page: Page) -> None:
    page.keyboard.press("f")
    page.keyboard.press("j")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start practice").click()


@pytest.mark.parametrize(("kind", "mask_ms"), [("noise", 200), ("texture", None), ("gray", None)])
def test_a_mask_takes_the_pictures_place_for_its_time(
    live_server, desktop, short_study, complaints, kind, mask_ms
):
    Study.objects.update(mask_kind=kind, mask_ms=mask_ms)
    Trial.objects.update(exposure_ms=400)
    page = open_page(desktop, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    start_practice(page)
    looks = page.evaluate(LOOKS)
    # Gray has one value, the cross on it two; pictures and patterns have many.
    values = [len(set(look.split(","))) for look in looks]
    patterns = [n for n in values if n > 2]
    # The picture, and the mask where it is a pattern; gray at the end unless the pattern stays.
    assert len(patterns) == (1 if kind == "gray" else 2)
    assert (values[-1] == 1) == (kind == "gray" or mask_ms is not None)
    assert complaints == []


def test_without_a_time_limit_a_picture_stays_until_its_answer(
    live_server, desktop, short_study, complaints, tmp_path
):
    """By keyboard, down to the rows in the database and the export; a key before the picture answers nothing."""
    Study.objects.update(protocol="untimed-yes-no", exposures_ms=[], n_trials=2, practice_trials=0)
    page = open_page(desktop, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    for key in "fj":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Now the test").wait_for()
    page.keyboard.press("Space")
    page.keyboard.press("f")
    looks = page.evaluate(LOOKS)
    assert len(set(looks[-1].split(","))) > 2, "still there a second later"
    play(page, lambda page: page.keyboard.press("j"))

    sitting = Sitting.objects.get()
    first, *others = Response.objects.filter(status="answered").order_by("trial__ordinal")
    expected = "real" if sitting.real_key == "j" else "generated"
    for response in (first, *others):
        assert (response.answer, response.input_kind, response.planned_frames) == (expected, "key", None)
        assert response.timing_witness == response.reaction_origin == "element_timing"
        assert "wrong_duration" not in response.flags
        # It leaves with one of the next frames, and both times count from its onset.
        assert response.measured_ms > response.reaction_ms - response.frame_ms
    assert first.reaction_ms > 1000
    export_study(short_study, tmp_path)
    with (tmp_path / "responses.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] == "answered"]
    assert [row["exposure_ms"] for row in rows] == [""] * len(rows) and len(rows) >= 2
    assert float(rows[0]["reaction_ms"]) == first.reaction_ms
    assert complaints == []


# A key, and the page out of sight before the next frame.
ANSWER_AND_LEAVE = """() => {
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "j", code: "KeyJ", bubbles: true }));
  Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
  delete document.hidden;
}"""


def test_an_answer_whose_picture_was_not_taken_away_before_the_page_was_left_is_asked_again(
    live_server, desktop, short_study, complaints
):
    Study.objects.update(
        protocol="untimed-yes-no", exposures_ms=[], n_trials=2, practice_trials=0, repeat_percent=100
    )
    page = open_page(desktop, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    for key in "fj":
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Now the test").wait_for()
    page.keyboard.press("Space")
    page.evaluate(LOOKS)
    page.evaluate(ANSWER_AND_LEAVE)
    play(page, lambda page: page.keyboard.press("j"))
    (interrupted,) = Response.objects.filter(status="interrupted")
    assert (interrupted.answer, interrupted.flags) == ("", ["hidden"])
    answered = Response.objects.filter(status="answered")
    assert answered.count() == 2
    assert not answered.filter(reaction_ms=None).exists()
    assert complaints == []


def test_a_size_in_degrees_follows_from_a_card_and_the_distance(
    live_server, desktop, short_study, complaints
):
    Study.objects.update(size_deg=5.0, smoothing=True)
    page = open_page(desktop, complaints)
    page.goto(f"{live_server.url}/s/small/consent/")
    page.get_by_role("button", name="I agree", exact=True).click()
    expect(page.get_by_role("heading", name="How large is your screen?")).to_be_visible()
    page.get_by_label("Size of the card").fill("428")  # 5 px a millimetre
    page.get_by_label("From your eyes").fill("50")
    page.get_by_role("button", name="It fits").click()
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url("**/examples/")
    screen = Sitting.objects.get().screen
    assert (screen["card_device_px"], screen["distance_mm"]) == (428, 500)
    # 2 x 500 mm x tan(2.5 degrees) are 43.66 mm.
    assert screen["size_device_px"] == pytest.approx(218.3, abs=0.05)
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url("**/how/")
    start_practice(page)
    expect(page.locator(".panel")).to_be_hidden()
    assert page.locator(".picture").evaluate("canvas => canvas.width") == 218
    assert complaints == []


@pytest.mark.parametrize("pixel_ratio", [1, 1.1, 1.25, 1.5, 2.625])
def test_every_pixel_of_the_canvas_is_one_of_the_screen(
    live_server, browser: Browser, short_study, complaints, pixel_ratio
):
    """At any pixel ratio, which is what zooming changes: none is mixed with another, cut off or doubled."""
    # A browser that has this ratio itself: one that is told to play it places canvases between two pixels.
    flags = [*FLAGS, f"--force-device-scale-factor={pixel_ratio}", "--window-size=721,743"]
    own = browser.browser_type.launch(executable_path=CHROMIUM, args=flags)
    page = open_page(own.new_context(no_viewport=True), complaints)
    page.goto(f"{live_server.url}/s/small/consent/")
    page.get_by_role("button", name="I agree", exact=True).click()
    page.wait_for_url("**/screen/")
    page.goto(f"{live_server.url}/s/small/test/")
    page.get_by_role("button", name="Start practice").click()
    page.evaluate(LOOKS)
    width, height, left, top = page.locator(".picture").evaluate(DRAW_BOARD)
    assert width == height
    assert width % 8 == 0  # pictures of 8 x 8: every picture pixel a square of device pixels
    shot = Image.open(BytesIO(page.screenshot())).convert("L")
    own.close()
    board = bytes(255 * ((x + y) % 2) for y in range(height) for x in range(width))
    places = [(x, y) for x in (floor(left), ceil(left)) for y in (floor(top), ceil(top))]
    assert board in [shot.crop((x, y, x + width, y + height)).tobytes() for x, y in places]
    assert complaints == []


def test_unsent_answers_can_be_saved_as_a_file_when_no_connection_comes_back(
    live_server, desktop: BrowserContext, short_study, complaints, tmp_path
):
    page = open_page(desktop, complaints)
    to_the_test(page, f"{live_server.url}/s/small/")
    page.route("**/api/responses", lambda route: route.abort())
    start_practice(page)
    save = page.get_by_role("button", name="Save my unsent answers")
    go_on = page.locator(".panel [data-action=go]")
    while not save.is_visible():
        if go_on.is_visible():
            go_on.click()
        page.keyboard.press("f")
        page.wait_for_timeout(60)
    with page.expect_download() as download:
        save.click()
    download.value.save_as(tmp_path / "answers.json")
    saved = json.loads((tmp_path / "answers.json").read_text())
    sitting = Sitting.objects.get()
    assert (saved["format"], saved["study"]) == ("tachisto-unsent-answers/1", "small")
    assert saved["sitting"] == sitting.public_id
    tokens = [response["trial"] for response in saved["responses"]]
    assert set(tokens) <= set(sitting.trials.values_list("token", flat=True))
    assert len(tokens) == 8
    assert not Response.objects.exists()
    page.unroute("**/api/responses")
    play(page, lambda page: page.keyboard.press("f"))
    assert set(tokens) <= set(Response.objects.values_list("trial__token", flat=True))


def test_anybody_sees_how_exactly_the_own_screen_shows_pictures(
    live_server, desktop: BrowserContext, db, complaints
):
    page = open_page(desktop, complaints)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(live_server.url)
    page.get_by_role("link", name="How exactly does this screen show pictures?").click()
    again = page.get_by_role("button", name="Measure again")
    again.wait_for()
    while page.get_by_text(
        "We could not measure it"
    ).is_visible():  # a machine too busy for 20 frames in two seconds
        again.click()
        again.wait_for()
    rows = page.locator("tbody tr").all_inner_texts()
    assert [int(row.split()[0]) for row in rows] == [50, 75, 100, 150, 200, 300]
    planned = {50: "3 frames, 50.0 ms", 75: "4 frames, 66.7 ms", 300: "18 frames, 300.0 ms"}
    assert all(planned.get(int(row.split()[0]), "frames") in row for row in rows)
    assert page.get_by_text("the part of the browser that puts pictures on the screen").is_visible()
    assert not any("/api/" in url for url in asked)
    assert not Response.objects.exists()
    assert complaints == []


def test_keys_pressed_before_the_scripts_have_come_count(
    live_server, desktop: BrowserContext, short_study, complaints
):
    page = open_page(desktop, complaints)
    page.goto(f"{live_server.url}/s/small/consent/")
    page.get_by_role("button", name="I agree", exact=True).click()
    page.wait_for_url("**/screen/")
    held = []
    page.route("**/how*.js", lambda route: held.append(route))
    page.goto(f"{live_server.url}/s/small/how/", wait_until="commit")
    page.get_by_role("heading", name="How it works").wait_for()
    page.keyboard.press("f")
    page.keyboard.press("j")
    assert page.get_by_role("button", name="Continue").is_disabled()
    for route in held:
        route.continue_()
    expect(page.get_by_text("Good. Both work.")).to_be_visible()
    assert complaints == []
