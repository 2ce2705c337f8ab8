#!/usr/bin/env python3
"""How soon the first trial can begin on a slow line with nothing in the cache: `python benchmarks/cold_start.py`.

Opens the test's page in headless Chromium behind a line of 10 Mbit/s with 40 ms from one end to the other and back
(--mbit, --round-trip-ms), again and again with empty caches. Measured from asking for the page until its button to
start can be pressed: scripts and styles have come, the sitting is taken up, the pictures of the first block have come
and are decoded, the screen is measured (0.9 s, meanwhile). Runs in a data folder of its own that is deleted afterwards.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bots import prepared_study  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
# When the button came, and what the page had to fetch, on the page's own clock.
WATCH = """
new MutationObserver((_, watcher) => {
  if (!document.querySelector(".panel [data-action=go]")) return;
  watcher.disconnect();
  window.ready_ms = performance.now();
}).observe(document, { childList: true, subtree: true });
"""
FETCHED = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return { n: all.length, bytes: all.reduce((sum, { transferSize }) => sum + transferSize, 0) };
}"""


def first_visit(browser: Any, url: str, mbit: float, round_trip_ms: float) -> dict[str, float]:
    """One person's first look at the test's page: ready_ms, and how many requests and bytes that took."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{url}/s/bench/consent/")
        page.get_by_role("button", name="I agree", exact=True).click()
        page.wait_for_url("**/screen/")
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.clearBrowserCache")
        bytes_per_s = mbit * 1e6 / 8
        line.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": round_trip_ms,
                "downloadThroughput": bytes_per_s,
                "uploadThroughput": bytes_per_s,
            },
        )
        page.add_init_script(WATCH)
        page.goto(f"{url}/s/bench/test/", wait_until="commit")
        page.locator(".panel [data-action=go]").wait_for()
        return {"ready_ms": page.evaluate("ready_ms"), **page.evaluate(FETCHED)}
    finally:
        context.close()


def measure(folder: Path, visits: int, mbit: float, round_trip_ms: float) -> dict[str, str]:
    """The table, as name -> value with its unit."""
    from playwright.sync_api import sync_playwright

    from studyapp.bots.web_server import own_web_server

    prepared_study(folder, n_trials=220, n_images=100)
    with own_web_server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        first_visit(browser, server.url, mbit, round_trip_ms)  # the web server's own first time
        found = [first_visit(browser, server.url, mbit, round_trip_ms) for _ in range(visits)]
        browser.close()
    waits_s = sorted(visit["ready_ms"] / 1000 for visit in found)
    return {
        "visits with empty caches": f"{visits}",
        "line": f"{mbit:g} Mbit/s, {round_trip_ms:g} ms",
        "first trial ready, median": f"{statistics.median(waits_s):.2f} s",
        "first trial ready, longest": f"{waits_s[-1]:.2f} s",
        "requests": f"{found[0]['n']:.0f}",
        "bytes on the line": f"{found[0]['bytes']:,.0f}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--visits", type=int, default=10)
    parser.add_argument("--mbit", type=float, default=10.0, help="speed of the line, Mbit/s")
    parser.add_argument("--round-trip-ms", type=float, default=40.0, help="time of its round trip")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("no Chromium on this machine: install the package chromium, or set CHROMIUM to one")
    with tempfile.TemporaryDirectory(prefix="tachisto-bench-") as folder:
        os.environ["TACHISTO_DATA"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in this thread
        import django

        django.setup()
        table = measure(Path(folder), arguments.visits, arguments.mbit, arguments.round_trip_ms)
        for name, value in table.items():
            print(f"| {name} | {value} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
