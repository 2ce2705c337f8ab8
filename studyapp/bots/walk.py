"""One simulated sitting, page by page, as a browser takes it: from the welcome to the thanks.

Knows the order of the pages and the shape of the messages; follows the addresses that the pages name.
What the person answers is `observer`, how requests travel is `browser`.
"""

import hashlib
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from studyapp.bots.browser import BotError, Browser
from studyapp.bots.observer import Judgement, Observer
from studyapp.frames import planned_frames

FRAME_MS = 16.6667  # 60 Hz
BATCH = 10
MISTIMED_RATE = 0.01


@dataclass(frozen=True)
class Device:
    """What a simulated person sits at."""

    input_kind: str
    width_px: int
    height_px: int
    pixel_ratio: float
    witness: str


DEVICES: tuple[tuple[Device, float], ...] = (
    (Device("key", 1440, 900, 2.0, "element_timing"), 0.55),
    (Device("key", 1920, 1080, 1.0, "callback"), 0.2),
    (Device("mouse", 1366, 768, 1.0, "element_timing"), 0.1),
    (Device("touch", 390, 844, 3.0, "element_timing"), 0.15),
)


@dataclass(frozen=True)
class Person:
    """A simulated person: what they see in pictures, what they sit at, and the chance of their screen."""

    observer: Observer
    device: Device
    rng: random.Random

    @classmethod
    def drawn(cls, seed: int, index: int) -> "Person":
        rng = random.Random(f"screen of person {index} of {seed}")
        devices, shares = zip(*DEVICES, strict=True)
        return cls(Observer.drawn(seed, index), rng.choices(devices, shares)[0], rng)


@dataclass
class Tally:
    """What one bot has sent and what the server said it stored; `tokens` are the acknowledged trials."""

    sitting: str = ""
    sent: int = 0
    stored: int = 0
    replayed: int = 0
    tokens: set[str] = field(default_factory=set)


def begin(browser: Browser, welcome_url: str, query: str = "") -> dict[str, Any]:
    """Read the welcome page, agree, and pass the screen check's page; its config names all that follows.

    `query` is what the link says, such as the signed word by which the site knows that a bot has come.
    """
    browser.get(f"{welcome_url}?{query}")
    consent = browser.get(f"{welcome_url}consent/?{query}")
    fields = consent.page().fields
    if not {"csrfmiddlewaretoken", "panel_query"} <= fields.keys():
        raise BotError(f"{consent.url}: expected a consent form with its hidden fields, got {sorted(fields)}")
    config = browser.post_form(consent.url, {**fields, "decision": "agree"}).page().config
    if "sitting" not in config:
        raise BotError(f"{consent.url}: expected the screen check after consent, got another page")
    return config


def withdraw(browser: Browser, config: dict[str, Any]) -> None:
    """Take everything back: the way out when the server is not the one it should be."""
    page = browser.get(config["urls"]["withdraw"])
    browser.post_form(page.url, {**page.page().fields, "data": "delete"})


def sit(
    browser: Browser, config: dict[str, Any], person: Person, sources: Mapping[str, str], tally: Tally
) -> None:
    """Everything from the screen check to the thanks.

    `sources` maps the SHA-256 of a picture's pixels to its source: the look-up that only somebody with
    the study's database can do. Raises BotError when the site does not keep its part.
    """
    urls, csrf_token = config["urls"], config["csrf_token"]
    browser.post_json(urls["screen"], screen_message(person.device), csrf_token)
    for _ in ("examples", "how", "test"):
        page = browser.get(config["urls"]["next"])
        config = page.page().config
    expect_length(urls["examples"], browser.get(urls["examples"]).body, config["n_examples"], config)
    browser.post_json(urls["resume"], {"shown": None}, csrf_token)
    after = 0
    while True:
        block = browser.post_json(urls["block"], {"after": after}, csrf_token)
        if not block["trials"]:
            break
        after = block["last"]
        messages = answered_block(browser, block, config, person, sources)
        for first in range(0, len(messages), BATCH):
            deliver(browser, config, messages[first : first + BATCH], tally)
    if not block["finished"]:
        raise BotError(f"{urls['block']}: the server waits for answers that it has acknowledged already")
    thanks = browser.post_json(urls["finish"], {}, csrf_token)["next"]
    browser.get(thanks)


def answered_block(
    browser: Browser,
    block: dict[str, Any],
    config: dict[str, Any],
    person: Person,
    sources: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Look at the pictures of a block and answer each: one message a trial."""
    trials, length = block["trials"], config["width_px"] * config["height_px"] * 3
    url = f"{config['urls']['pictures']}?first={block['first']}&last={block['last']}"
    pixels = browser.get(url).body
    expect_length(url, pixels, len(trials), config)
    messages = []
    for place, trial in enumerate(trials):
        sha256 = hashlib.sha256(pixels[place * length : (place + 1) * length]).hexdigest()
        if sha256 not in sources:
            raise BotError(f"{url}: picture {place} is not in the study's pack")
        judgement = person.observer.judgement(sources[sha256], trial["exposure_ms"], sha256)
        messages.append(response_message(trial, judgement, person, datetime.now(UTC)))
    return messages


def expect_length(url: str, pixels: bytes, n_pictures: int, config: dict[str, Any]) -> None:
    expected = n_pictures * config["width_px"] * config["height_px"] * 3
    if len(pixels) != expected:
        raise BotError(f"{url}: expected {n_pictures} pictures of {expected} bytes, got {len(pixels)}")


def deliver(browser: Browser, config: dict[str, Any], messages: list[dict[str, Any]], tally: Tally) -> None:
    """Post a batch and book what the server says of each message."""
    url = config["urls"]["responses"]
    results = browser.post_json(url, {"responses": messages}, config["csrf_token"])["results"]
    tally.sent += len(messages)
    for message, result in zip(messages, results, strict=True):
        if result["trial"] != message["trial"] or result["status"] not in ("stored", "replayed"):
            raise BotError(f"{url}: expected trial {message['trial']} to be stored, got {result}")
        tally.stored += result["status"] == "stored"
        tally.replayed += result["status"] == "replayed"
        tally.tokens.add(message["trial"])


def screen_message(device: Device) -> dict[str, Any]:
    return {
        "frame_ms": FRAME_MS,
        "jitter_ms": 0.2,
        "width_px": device.width_px,
        "height_px": device.height_px,
        "pixel_ratio": device.pixel_ratio,
        "witness": device.witness,
    }


def response_message(
    trial: dict[str, Any], judgement: Judgement, person: Person, shown: datetime
) -> dict[str, Any]:
    """The message that a browser would send: shown for whole frames at 60 Hz, now and then a frame too long.

    A picture without an exposure leaves with the frame after its answer, and is never on screen for a wrong time.
    """
    exposure_ms = trial["exposure_ms"]
    planned = None if exposure_ms is None else planned_frames(exposure_ms, FRAME_MS)
    is_mistimed = planned is not None and person.rng.random() < MISTIMED_RATE
    measured = (planned or math.ceil(judgement.reaction_ms / FRAME_MS)) + is_mistimed
    witness = person.device.witness
    return {
        "trial": trial["token"],
        "status": "answered",
        "answer": "real" if judgement.answered_real else "generated",
        "reaction_ms": judgement.reaction_ms,
        "reaction_origin": "element_timing" if witness == "element_timing" else "frame",
        "input_kind": person.device.input_kind,
        "planned_frames": planned,
        "measured_frames": measured,
        "measured_ms": round(measured * FRAME_MS, 2),
        "frame_ms": FRAME_MS,
        "timing_ok": not is_mistimed,
        "timing_witness": witness,
        "flags": ["wrong_duration"] if is_mistimed else [],
        "lost_focus": False,
        "shown_utc": shown.isoformat(timespec="milliseconds"),
    }
