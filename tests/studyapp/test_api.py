"""What the API refuses, with which status, and that a refusal stores nothing."""

import json
import re

import pytest
from django.test import Client

from studyapp import messages, packs
from studyapp.models import Response, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def trial(person):
    return person.block()["trials"][0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reaction_ms": -1.0}, "reaction_ms: expected a number of 0 to"),
        ({"reaction_ms": "fast"}, "reaction_ms: expected a number"),
        ({"reaction_ms": True}, "reaction_ms: expected a number"),
        ({"frame_ms": 0}, "frame_ms: expected a number of 1 to 1000"),
        ({"answer": "fake"}, "answer: expected one of real, generated, got 'fake'"),
        ({"answer": None}, "expected one exactly when status is answered"),
        ({"status": "interrupted"}, "expected one exactly when status is answered"),
        ({"planned_frames": 2.5}, "planned_frames: expected a whole number"),
        ({"flags": ["nonsense"]}, "flags: expected a list out of"),
        ({"lost_focus": None}, "lost_focus: expected true or false"),
        ({"shown_utc": "yesterday"}, "shown_utc: expected a time in ISO 8601"),
        ({"shown_utc": "2026-11-20T10:30:00"}, "with its zone"),
        ({"trial": ""}, "trial: expected"),
        ({"reaction_ms": 10**400}, "reaction_ms: expected a number of 0 to"),
        ({"planned_frames": 10**400}, "planned_frames: expected a whole number"),
        ({"shown_utc": "0001-01-01T00:00:00+14:00"}, "shown_utc: expected a time in ISO 8601"),
        ({"shown_utc": "2026-11-20\x0010:30:00Z"}, "shown_utc: expected a time in ISO 8601"),
        ({"shown_utc": 5}, "shown_utc: expected a time in ISO 8601"),
        ({"trial": "a\x00b"}, "trial: expected"),
        ({"trial": "\ud800"}, "trial: expected"),
    ],
)
def test_a_malformed_response_is_refused_with_its_field_and_nothing_of_the_batch_is_stored(
    person, trial, change, words
):
    batch = [person.message(trial), person.message(trial) | change]
    answer = person.post("responses", {"responses": batch})
    assert answer.status_code == 400
    assert words in answer.json()["message"]
    assert answer.json()["index"] == 1
    assert not Response.objects.exists()


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"responses": []}', "application/json", 400),
        (b'{"responses": [NaN]}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 30_000, "application/json", 400),
        (json.dumps({"responses": [{}] * 51}).encode(), "application/json", 400),
        (b" " * 65_537, "application/json", 413),
        (b"trial=1", "application/x-www-form-urlencoded", 415),
    ],
)
def test_what_is_no_message_is_refused_with_a_sentence(person, trial, raw, content_type, status):
    answer = person.client.post(person.url("api/responses"), raw, content_type=content_type)
    assert answer.status_code == status
    assert answer.json()["message"]
    assert not Response.objects.exists()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("block", {"after": 10**400}),
        ("block", {"after": None}),
        ("resume", {"shown": ["\x00"]}),
        ("resume", {"shown": ["\ud800"]}),
        ("resume", {"shown": [1]}),
        ("resume", {"shown": "all"}),
        ("resume", {"shown": ["x"] * 1001}),
        ("resume", {}),
    ],
)
def test_what_no_database_can_look_up_is_refused_with_its_field(person, trial, name, body):
    answer = person.post(name, body)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(("after: expected", "shown: expected"))
    assert person.sitting.trials.filter(status="interrupted").count() == 0


# What the first pages sent, word for word: never to be changed, for such answers may wait in a browser.
FIRST_MESSAGE = """{"trial": "TOKEN", "status": "answered", "answer": "real", "reaction_ms": 512.25,
"reaction_origin": "frame", "input_kind": "key", "planned_frames": 3, "measured_frames": 3, "measured_ms": 50.0,
"frame_ms": 16.667, "timing_ok": true, "timing_witness": "element_timing", "flags": ["late_onset"],
"lost_focus": false, "shown_utc": "2026-11-20T10:30:00.123Z"}"""


def test_the_answers_of_the_oldest_page_are_taken_for_ever(person, trial):
    message = json.loads(FIRST_MESSAGE.replace("TOKEN", trial["token"]))
    answer = person.post("responses", {"responses": [message]})
    assert answer.json()["results"][0]["status"] == "stored"
    assert Response.objects.get().flags == ["late_onset"]


def test_a_field_that_came_later_may_be_missing_and_no_other(person, trial, monkeypatch):
    monkeypatch.setitem(messages.LATER, "lost_focus", False)
    older = person.message(trial)
    del older["lost_focus"]
    assert person.post("responses", {"responses": [older]}).status_code == 200
    del older["flags"]
    refused = person.post("responses", {"responses": [older]})
    assert (refused.status_code, refused.json()["index"]) == (400, 0)
    assert "missing: flags" in refused.json()["message"]


def test_answers_of_a_newer_page_are_kept_by_it_until_the_server_knows_them(person, trial):
    """No index: the page must not put the answer aside as unreadable."""
    newer = person.message(trial) | {"pupil_mm": 3.1}
    refused = person.post("responses", {"responses": [newer]})
    assert (refused.status_code, refused.json()["error"]) == (409, "version")
    assert "index" not in refused.json()
    assert "unknown: pupil_mm" in refused.json()["detail"]
    assert not Response.objects.exists()


def test_a_page_of_another_version_is_told_to_load_again_and_loses_nothing(person, trial, monkeypatch):
    page = person.client.get(person.url("test/")).content.decode()
    config = json.loads(
        page.partition('<script id="config" type="application/json">')[2].partition("</script>")[0]
    )

    def asks() -> int:
        body = json.dumps({"after": 0})
        return person.client.post(config["urls"]["block"], body, content_type="application/json").status_code

    assert asks() == 200
    monkeypatch.setattr(messages, "VERSION", messages.VERSION + 1)
    assert asks() == 409
    assert person.answer([trial])[0]["status"] == "stored"


def test_without_the_cookie_there_is_no_sitting(person, trial):
    stranger = Client()
    body = json.dumps({"responses": [person.message(trial)]})
    answer = stranger.post(person.url("api/responses"), body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (401, "no_sitting")


def test_another_origin_cannot_post(person, trial):
    browser = Client(enforce_csrf_checks=True, cookies=None)
    browser.cookies = person.client.cookies
    body = json.dumps({"responses": [person.message(trial)]})
    answer = browser.post(person.url("api/responses"), body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (403, "csrf")
    assert not Response.objects.exists()
    browser.cookies.clear()
    answer = browser.post(person.url("api/responses"), body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (401, "no_sitting")
    page = browser.post(person.url("consent/"), {"decision": "agree"})
    assert page.status_code == 403
    assert "Please reload the page" in page.content.decode()


def test_reading_what_must_be_posted_is_refused(person):
    for name in ("block", "resume", "responses", "finish", "screen"):
        assert person.client.get(person.url(f"api/{name}")).status_code == 405


@pytest.mark.parametrize(
    "query",
    [
        "",
        "first=1",
        "first=a&last=b",
        "first=9&last=1",
        "first=1&last=51",
        "first=²&last=3",
        f"first=0&last={'9' * 5000}",
    ],
)
def test_pictures_want_a_range_of_at_most_50_trials(person, trial, query):
    assert person.client.get(person.url(f"api/pictures?{query}")).status_code == 400


def test_pictures_of_others_and_of_closed_trials_are_not_delivered(person, trial):
    person.answer([trial])
    url = person.url(f"api/pictures?first={trial['ordinal']}&last={trial['ordinal']}")
    assert person.client.get(url).content == b""


@pytest.mark.parametrize("left", [None, b"", b"only a few bytes"])
def test_a_pack_that_is_gone_or_cut_off_stops_the_page_in_words_and_keeps_the_answers(person, trial, left):
    """No status that the page would ask again for ever."""
    path = person.study.pack_path
    path.unlink() if left is None else path.write_bytes(left)
    packs._mapped.cache_clear()
    for url in ("api/examples", "api/pictures?first=1&last=4"):
        answer = person.client.get(person.url(url))
        assert (answer.status_code, answer.json()["error"]) == (409, "no_pictures")
        assert "cannot be read" in answer.json()["message"]
    assert person.answer([trial])[0]["status"] == "stored"


def test_the_screen_check_stores_what_was_measured_and_turns_slow_screens_away(person):
    facts = {"frame_ms": 16.7, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
    good = person.post("screen", facts | {"witness": "element_timing"})
    assert good.json() == {"ok": True}
    assert person.sitting.screen["frame_ms"] == 16.7
    slow = person.post("screen", facts | {"witness": "callback", "frame_ms": 66.7})
    assert slow.json()["ok"] is False
    assert "15 pictures a second" in slow.json()["message"]
    assert person.client.get(person.url("test/")).url == person.url("screen/")
    person.post("screen", facts | {"witness": "callback"})
    assert person.client.get(person.url("test/")).status_code == 200
    assert person.post("screen", facts | {"witness": "guess"}).status_code == 400


@pytest.mark.parametrize(
    ("limits", "screen", "words"),
    [
        ({}, {"frame_ms": 1000 / 59.94}, ""),
        ({"least_refresh_hz": 60}, {"frame_ms": 1000 / 59.94}, ""),
        ({"least_refresh_hz": 120}, {}, "shows 60 pictures a second; this test needs at least 120"),
        ({"most_refresh_hz": 144}, {"frame_ms": 1000 / 165}, "shows 165 .* takes at most 144"),
        ({"most_jank_percent": 5}, {"jank_share": 0.05}, ""),
        ({"most_jank_percent": 5}, {"jank_share": 0.12}, "missed 12 of 100 pictures, and this test allows 5"),
        ({"least_width_px": 800}, {}, "measures 390 by 844 points; this test needs 800 by 300"),
        ({"least_height_px": 900}, {}, "needs 300 by 900. .* zoom of the browser to 100 %, and"),
    ],
)
def test_a_screen_that_the_study_excludes_is_turned_away_with_the_reason(person, limits, screen, words):
    facts = {"frame_ms": 1000 / 60, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
    type(person.study).objects.update(**limits)
    reply = person.post("screen", facts | {"witness": "callback"} | screen).json()
    assert reply["ok"] is not bool(words)
    assert re.search(words, reply.get("message", ""))


def test_a_calibration_is_kept_whole_or_not_at_all(person):
    facts = {"frame_ms": 16.7, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}
    card = {"card_device_px": 672, "distance_mm": 600, "size_device_px": 411.2}
    message = facts | {"witness": "callback"} | card
    assert person.post("screen", message).json() == {"ok": True}
    assert card.items() <= person.sitting.screen.items()
    for name in card:
        for value in (None, -1, "wide"):
            assert person.post("screen", message | {name: value}).status_code == 400
    assert '"size_device_px": 411.2' in person.client.get(person.url("test/")).content.decode()


def test_no_answer_may_be_kept_or_changed_on_the_way_and_all_pages_are_isolated(person, trial):
    answers = [person.post("block", {"after": 0}), person.client.get(person.url("api/examples"))]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
    for answer in [*answers, person.client.get(person.url("test/")), person.client.get(person.url())]:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        assert not {"ETag", "Last-Modified"} & set(answer.headers)


def test_nothing_that_reaches_a_participant_names_a_source(person, small_study):
    """The bytes of a whole sitting, but for the debrief: no source, class, file, set or model name in them."""
    heard = []
    for page in ("", "consent/", "screen/", "examples/", "how/", "test/"):
        heard.append(person.client.get(person.url(page)).content)
    while not (block := person.block())["finished"]:
        heard += [json.dumps(block).encode()]
        heard += [json.dumps(person.answer(block["trials"])).encode()]
    names = {"lapgan", "images/0", "even", "odd"} | {s.image_set.name for s in small_study.sources.all()}
    everything = b"\n".join(heard).lower()
    words = everything.replace(b"even", b"").replace(b"odd", b"")
    assert {name for name in names - {"even", "odd"} if name.encode() in words} == set()
    hashes = set(small_study.stimuli.values_list("image__sha256", flat=True))
    assert not any(sha.encode() in everything or sha[:12].encode() in everything for sha in hashes)


def test_tokens_are_not_ordered_by_creation(person):
    person.sit_through()
    tokens = list(Trial.objects.order_by("ordinal").values_list("token", flat=True))
    assert tokens != sorted(tokens)
    assert len(set(tokens)) == 28
    assert all(len(token) >= 21 for token in tokens)
