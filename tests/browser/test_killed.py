"""A browser that is killed right after an answer has lost none when it comes back; one that sleeps says so."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page

from studyapp.catalogue import import_images
from studyapp.life import open_study
from studyapp.models import Response, Sitting, Study
from studyapp.presets import create_study
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.conftest import SOURCES
from tests.image_sets import write_image_set

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_S = 60
needs_proc = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="finds the browser's processes in /proc"
)
# Noted after the answer is on the browser's disk, before anything of it is sent.
NOTED = "window.told = []; addEventListener('tachisto:trial', (event) => told.push(event.detail.trial));"


@pytest.fixture
def long_study(tmp_path: Path) -> Study:
    """Enough trials for a hundred kills, of which each may spoil one."""
    for source in SOURCES:
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source, n_images=150), by="test")
    study = create_study(
        "lapgan", "long", n_trials=400, practice_trials=0, n_examples=5, exposures_ms=[50, 100]
    )
    study.break_every = 1000
    study.fixation_ms = study.blank_ms = 100
    study.save()
    return open_study(study)


def send_all_of(profile: Path, signal_number: int) -> None:
    """Send a signal to every process of the browser that has this profile."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"--user-data-dir={profile}".encode() in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal_number)


@contextmanager
def opened(browser: Browser, profile: Path, cookies: list) -> Iterator[Page]:
    """A page in a browser of its own that keeps its storage in `profile`; `cookies` are those it had."""
    context = browser.browser_type.launch_persistent_context(
        str(profile), executable_path=CHROMIUM, args=FLAGS, viewport={"width": 800, "height": 600}
    )
    try:
        # Chromium writes cookies down after half a minute; who answers has had one for longer than that.
        context.add_cookies(cookies)
        context.add_init_script(NOTED)
        yield context.pages[0]
        cookies[:] = context.cookies()
        send_all_of(profile, signal.SIGKILL)  # as a power switch would
    finally:
        with suppress(Error):
            context.close()


def answered(page: Page, n_answers: int) -> list[str]:
    """The trials answered on this page, as soon as there are so many."""
    go_on = page.locator(".panel [data-action=go]")
    deadline_s = time.monotonic() + PATIENCE_S
    while len(told := page.evaluate("told")) < n_answers:
        assert time.monotonic() < deadline_s, "no answer is taken"
        if go_on.is_visible():
            go_on.click()
        page.keyboard.press("f")
        page.wait_for_timeout(20)
    return told


def stored() -> set[str]:
    return set(Response.objects.filter(status="answered").values_list("trial__token", flat=True))


@needs_proc
@pytest.mark.parametrize("n_kills", [2, pytest.param(100, marks=pytest.mark.long)])
def test_killed_right_after_an_answer_it_loses_nothing(live_server, browser, long_study, tmp_path, n_kills):
    profile, cookies, told, n_unsent = tmp_path / "profile", [], set(), 0
    for kill in range(n_kills):
        with opened(browser, profile, cookies) as page:
            if kill == 0:
                page.goto(f"{live_server.url}/s/long/consent/")
                page.get_by_role("button", name="I agree", exact=True).click()
                page.wait_for_url("**/screen/")
            page.goto(f"{live_server.url}/s/long/test/")
            told |= set(answered(page, 1 + kill % 3))
        n_unsent += len(told - stored())
    with opened(browser, profile, cookies) as page:
        page.goto(f"{live_server.url}/s/long/test/")
        deadline_s = time.monotonic() + PATIENCE_S
        while told - stored() and time.monotonic() < deadline_s:
            page.wait_for_timeout(100)
    assert not told - stored()
    assert len(told) >= n_kills
    assert n_unsent >= n_kills, "they were sent before the browser was killed: nothing was tried"
    shown = list(Sitting.objects.get().shown.values_list("stimulus_id", flat=True))
    assert len(shown) == len(set(shown))


@needs_proc
def test_a_machine_that_sleeps_amid_a_trial_spoils_it_and_nothing_else(
    live_server, browser, long_study, tmp_path
):
    """Its processes stand still while the clock goes on."""
    profile = tmp_path / "profile"
    with opened(browser, profile, []) as page:
        page.goto(f"{live_server.url}/s/long/consent/")
        page.get_by_role("button", name="I agree", exact=True).click()
        page.wait_for_url("**/screen/")
        page.goto(f"{live_server.url}/s/long/test/")
        answered(page, 1)
        page.wait_for_timeout(150)
        send_all_of(profile, signal.SIGSTOP)
        time.sleep(1.5)
        send_all_of(profile, signal.SIGCONT)
        told = answered(page, 3)
        page.reload()  # which sends what waits
        deadline_s = time.monotonic() + PATIENCE_S
        while set(told) - stored() and time.monotonic() < deadline_s:
            page.wait_for_timeout(100)
    slept = ["slept" in Response.objects.get(trial__token=token).flags for token in told]
    assert slept == [False, True, False]
    assert Response.objects.get(trial__token=told[1]).timing_ok is False
