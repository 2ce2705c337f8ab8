"""People who answer through a network that breaks, and keep a diary of what they sent and what was acknowledged."""

import random
import threading
from dataclasses import dataclass, field
from typing import Any

from studyapp.bots import walk
from studyapp.bots.browser import BotError, Browser

MOST_AT_ONCE = 3
SENT_TWICE = 0.3


class Hurried(threading.Event):
    """A browser's patience, twenty times as fast: the waits between two tries are short, their order is kept."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else timeout / 20)


@dataclass
class Diary:
    """`sent` and `acknowledged`: trial -> message; `receipts`: trial -> every receipt that came for it."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    receipts: dict[str, set[str]] = field(default_factory=dict)
    n_replays: int = 0
    n_refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, messages: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
        with self.lock:
            for message, result in zip(messages, results, strict=True):
                if result["status"] in ("stored", "replayed"):
                    self.acknowledged[message["trial"]] = message
                    self.receipts.setdefault(message["trial"], set()).add(result["receipt"])
                self.n_replays += result["status"] == "replayed"
                self.n_refused += result["status"] in ("conflict", "unknown")


def answer(trial: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """A message that differs from every other in its times."""
    return {
        "trial": trial["token"],
        "status": "answered",
        "answer": rng.choice(["real", "generated"]),
        "reaction_ms": round(rng.uniform(200, 2000), 3),
        "reaction_origin": "frame",
        "input_kind": "key",
        "planned_frames": rng.randint(1, 120),
        "measured_frames": 3,
        "measured_ms": 50.0,
        "frame_ms": 16.667,
        "timing_ok": True,
        "timing_witness": "callback",
        "flags": [],
        "lost_focus": False,
        "shown_utc": "2026-11-20T10:30:00.123Z",
    }


@dataclass
class Person:
    """One sitting, its answers in batches of 1 to 3, of which some are sent twice at the same moment."""

    origin: str
    seed: int
    stopped: Hurried
    diary: Diary

    def __post_init__(self) -> None:
        self.rng = random.Random(f"answers {self.seed}")
        waits = random.Random(f"waits {self.seed}")
        self.browser = Browser(self.origin, waits, self.stopped, patience_s=120)
        self.other = Browser(self.origin, waits, self.stopped, patience_s=120, cookies=self.browser.cookies)

    def sit(self) -> None:
        """From consent to the end, or until the others have answered enough. A stopped browser is no fault."""
        try:
            self._sit()
        except BotError:
            if not self.stopped.is_set():
                raise
        finally:
            self.browser.close()
            self.other.close()

    def _sit(self) -> None:
        config = walk.begin(self.browser, "/s/crash/")
        urls, csrf_token = config["urls"], config["csrf_token"]
        after = 0
        while True:
            block = self.browser.post_json(urls["block"], {"after": after}, csrf_token)
            if not block["trials"]:
                break
            after = block["last"]
            trials = block["trials"]
            url = f"{urls['pictures']}?first={block['first']}&last={block['last']}"
            walk.expect_length(url, self.browser.get(url).body, len(trials), config)
            while trials:
                n_sent = self.rng.randint(1, MOST_AT_ONCE)
                messages = [answer(trial, self.rng) for trial in trials[:n_sent]]
                del trials[:n_sent]
                self._send(urls["responses"], messages, csrf_token)
        if block["finished"]:
            self.browser.get(self.browser.post_json(urls["finish"], {}, csrf_token)["next"])

    def _send(self, url: str, messages: list[dict[str, Any]], csrf_token: str) -> None:
        """Sent until acknowledged, by a second connection at the same time now and then."""
        with self.diary.lock:
            self.diary.sent |= {message["trial"]: message for message in messages}

        def send(browser: Browser) -> None:
            results = browser.post_json(url, {"responses": messages}, csrf_token)["results"]
            self.diary.note(messages, results)

        if self.rng.random() >= SENT_TWICE:
            return send(self.browser)
        second = threading.Thread(target=self._unless_stopped, args=(send, self.other))
        second.start()
        send(self.browser)
        second.join()
        return None

    def _unless_stopped(self, send: Any, browser: Browser) -> None:
        try:
            send(browser)
        except BotError:
            if not self.stopped.is_set():
                raise
