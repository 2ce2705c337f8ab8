"""Simulated people: the planted curve is what they answer on average, and they take the way that browsers take."""

import csv
import http.server
import json
import math
import random
import socket
import statistics
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from studyapp.bots import observer, walk
from studyapp.bots.browser import BotError, Browser
from studyapp.bots.crowd import Crowd, stored_answers
from studyapp.frames import planned_frames
from studyapp.life import close_study
from studyapp.models import Response, Sitting, Study, Trial
from tests.conftest import SOURCES

EXPOSURES_MS = (50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000)


# ---- the observer ----


def test_the_curves_end_where_the_paper_has_them() -> None:
    at = observer.planted_share
    assert at("real", 50) == pytest.approx(0.60) and at("real", 2000) == pytest.approx(0.92)
    assert at("gan", 50) == pytest.approx(0.30) and at("gan", 2000) == pytest.approx(0.10)
    for exposure_ms in EXPOSURES_MS:
        assert at("cc-lapgan", exposure_ms) == pytest.approx(0.45, abs=0.02)
        assert at("lapgan", exposure_ms) == pytest.approx(0.40, abs=0.051)


def test_at_two_seconds_the_sources_are_in_the_order_of_the_paper() -> None:
    shares = {source: observer.planted_share(source, 2000) for source in SOURCES}
    assert sorted(SOURCES, key=shares.__getitem__) == ["gan", "lapgan", "cc-lapgan", "real"]


@given(st.sampled_from(SOURCES), st.floats(1, 10_000), st.floats(1, 10_000))
def test_real_pictures_gain_with_time_and_gan_pictures_lose(source: str, one: float, other: float) -> None:
    shorter, longer = sorted((one, other))
    rise = observer.planted_share(source, longer) - observer.planted_share(source, shorter)
    assert {"real": rise >= 0, "gan": rise <= 0}.get(source, abs(rise) <= 0.09)


@pytest.mark.parametrize("source", [*SOURCES, "a-new-generator"])
@pytest.mark.parametrize("exposure_ms", [50, 300, 2000])
def test_many_people_on_many_pictures_answer_the_planted_share(source: str, exposure_ms: int) -> None:
    """Recovery: everybody sees a picture of their own, so the answers are independent draws."""
    n_people = 3000
    n_real = sum(
        observer.Observer.drawn(seed=5, index=index)
        .judgement(source, exposure_ms, f"{source} {index}")
        .answered_real
        for index in range(n_people)
    )
    planted = observer.planted_share(source, exposure_ms)
    standard_error = math.sqrt(planted * (1 - planted) / n_people)
    assert n_real / n_people == pytest.approx(planted, abs=4 * standard_error)


def test_people_and_pictures_differ_as_much_as_documented() -> None:
    people = [observer.Observer.drawn(seed=1, index=index).person_effect for index in range(4000)]
    pictures = [observer.image_effect(1, f"{index:064x}") for index in range(4000)]
    for effects, spread in ((people, 0.55), (pictures, 1.0)):
        # The standard error of a standard deviation is about itself over the root of 2 n.
        assert statistics.stdev(effects) == pytest.approx(spread, abs=4 * spread / math.sqrt(8000))
        assert statistics.mean(effects) == pytest.approx(0, abs=4 * spread / math.sqrt(4000))


@given(st.integers(), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_a_picture_looks_alike_to_everybody_who_has_the_seed(seed: int, sha256: str) -> None:
    assert observer.image_effect(seed, sha256) == observer.image_effect(seed, sha256)
    assert observer.image_effect(seed, sha256) != observer.image_effect(seed + 1, sha256)


def test_the_same_person_answers_alike_and_another_one_differs() -> None:
    def answers(index: int) -> list[Any]:
        person = observer.Observer.drawn(seed=1, index=index)
        return [person.judgement("lapgan", 100, f"picture {i}") for i in range(50)]

    assert answers(0) == answers(0)
    assert [a.answered_real for a in answers(0)] != [a.answered_real for a in answers(1)]


@given(st.floats(-30, 30))
def test_nobody_is_ever_quite_sure(logit: float) -> None:
    assert 0.01 <= observer.with_lapses(observer.logistic(logit)) <= 0.99


def test_reaction_times_look_like_those_of_people() -> None:
    times_ms = [
        observer.Observer.drawn(1, index).judgement("real", 100, "a picture").reaction_ms
        for index in range(2000)
    ]
    assert statistics.median(times_ms) == pytest.approx(620, rel=0.05)
    assert min(times_ms) > 100 and max(times_ms) < 5000
    # Skewed to the right, as reaction times are.
    assert statistics.mean(times_ms) > statistics.median(times_ms)


def test_exposures_are_planned_in_whole_frames_halves_down() -> None:
    frames = [planned_frames(exposure_ms, walk.FRAME_MS) for exposure_ms in EXPOSURES_MS]
    assert frames == [3, 4, 6, 9, 12, 18, 24, 39, 60, 84, 120]
    assert planned_frames(75, 1000 / 180) == 13  # 13.5, exactly half
    assert planned_frames(1, walk.FRAME_MS) == 1


# ---- the way through the pages ----


def send_bots(study: Study, server: str, **options: Any) -> str:
    output = StringIO()
    arguments = {"participants": 2, "seed": 7, **options}
    call_command("bots", study.slug, server=server, stdout=output, stderr=StringIO(), **arguments)
    return output.getvalue()


def test_two_bots_take_a_study_from_welcome_to_thanks(
    small_study: Study, live_server: Any, tmp_path: Path
) -> None:
    output = send_bots(small_study, live_server.url, truth=tmp_path / "truth.csv")
    assert "sittings finished: 2 of 2" in output
    # One trial in a hundred is mistimed, and asked again.
    n = 2 * (4 + 24) + Trial.objects.filter(kind="repeat").count()
    assert f"responses sent {n}, stored {n}, replayed 0" in output
    assert f"{n} answers, 0 lost, 0 doubled" in output

    taken = list(Sitting.objects.select_related("participant"))
    assert [sitting.status for sitting in taken] == ["finished", "finished"]
    assert all(sitting.is_simulated and sitting.participant.is_simulated for sitting in taken)
    assert all(sitting.screen["frame_ms"] == pytest.approx(1000 / 60, abs=1e-4) for sitting in taken)
    for sitting in taken:
        assert sitting.trials.exclude(kind="repeat").filter(status="answered").count() == 4 + 24

    with (tmp_path / "truth.csv").open(encoding="utf-8") as file:
        truth = {(row["source"], int(row["exposure_ms"])): float(row["p"]) for row in csv.DictReader(file)}
    assert set(truth) == {(source, exposure_ms) for source in SOURCES for exposure_ms in (50, 100, 400)}
    assert truth["real", 50] == pytest.approx(0.60)


def test_bots_answer_what_their_observer_would(small_study: Study, live_server: Any) -> None:
    """The source they judge by is the picture's own, and the answer lands at its trial."""
    send_bots(small_study, live_server.url, participants=1)
    person = observer.Observer.drawn(seed=7, index=0)
    stored = Response.objects.values_list(
        "answer",
        "trial__exposure_ms",
        "trial__shown__stimulus__source__name",
        "trial__shown__stimulus__image__sha256",
    )
    assert len(stored) == 28 + Trial.objects.filter(kind="repeat").count()
    for answer, exposure_ms, source, sha256 in stored:
        expected = person.judgement(source, exposure_ms, sha256).answered_real
        assert answer == ("real" if expected else "generated")


def test_bots_that_are_not_known_as_such_take_everything_back(small_study: Study, live_server: Any) -> None:
    crowd = Crowd(small_study, live_server.url, n_people=2, seed=1)
    crowd.mark = "a-word-that-another-installation-signed"
    with pytest.raises(BotError, match="was not marked simulated; expected a server with the DATABASE_URL"):
        crowd.run()
    (sitting,) = Sitting.objects.all()
    assert (sitting.status, sitting.trials.count()) == ("erased", 0)


def test_a_lost_answer_is_noticed(small_study: Study, people: Any) -> None:
    person = people(small_study).begin()
    trials = person.block()["trials"]
    person.answer(trials)
    tokens = {trial["token"] for trial in trials}
    tally = walk.Tally(sitting=person.sitting.public_id, tokens=tokens | {"never-stored"})
    stored = stored_answers([tally])
    assert (stored.answers, stored.lost, stored.doubled) == (4, 1, 0)


def test_a_contradicted_answer_is_noticed(small_study: Study, people: Any) -> None:
    person = people(small_study).begin()
    trials = person.block()["trials"]
    person.answer(trials)
    person.answer(trials[:1], answer="generated")
    tally = walk.Tally(sitting=person.sitting.public_id, tokens={trial["token"] for trial in trials})
    assert stored_answers([tally]).doubled == 1


# ---- what is refused ----


def test_a_draft_is_refused_with_the_command_that_opens_it(draft_study: Study) -> None:
    with pytest.raises(CommandError, match=r"study small is a draft: open it first"):
        call_command("bots", "small", participants=1)


def test_a_closed_study_is_refused(small_study: Study) -> None:
    close_study(small_study)
    with pytest.raises(CommandError, match="study small is closed: bots need an open or a piloted study"):
        call_command("bots", "small", participants=1)


def test_an_unknown_study_is_refused_with_those_there_are(small_study: Study) -> None:
    with pytest.raises(
        CommandError, match="expected a study named smell, found none; the studies here: small"
    ):
        call_command("bots", "smell", participants=1)


@pytest.mark.parametrize(
    ("options", "found"),
    [({"server": "localhost:8000"}, "'localhost:8000'"), ({"participants": 0}, "0 participants")],
)
def test_senseless_numbers_and_addresses_are_refused(
    small_study: Study, options: dict[str, Any], found: str
) -> None:
    arguments = {"participants": 1, "server": "http://127.0.0.1:9", **options}
    with pytest.raises(CommandError, match=f"expected a server such as http.*{found}"):
        call_command("bots", "small", stderr=StringIO(), **arguments)


def test_a_server_that_is_not_there_is_refused_at_once(small_study: Study) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(CommandError, match=f"127.0.0.1:{port}/s/small/: expected an answer, got none in 0 s"):
        call_command("bots", "small", participants=1, server=f"http://127.0.0.1:{port}", stderr=StringIO())


# ---- a bad connection ----


class NoPause(threading.Event):
    """Never set, and nobody waits for it: retries follow each other at once."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


class Moody(http.server.BaseHTTPRequestHandler):
    """Hangs up on the first request, is busy at the second, answers the third."""

    bodies: list[bytes]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        if len(self.bodies) == 1:
            self.close_connection = True
            return
        status, answer = (503, b"busy") if len(self.bodies) == 2 else (200, b'{"ok": true}')
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture
def moody_server() -> Iterator[http.server.HTTPServer]:
    Moody.bodies = []
    with http.server.HTTPServer(("127.0.0.1", 0), Moody) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_message_is_sent_again_unchanged_until_it_is_acknowledged(
    moody_server: http.server.HTTPServer,
) -> None:
    browser = Browser(f"http://127.0.0.1:{moody_server.server_port}", random.Random(1), NoPause())
    message = {"responses": [{"reaction_ms": 512.3}]}
    try:
        assert browser.post_json("/api/responses", message, "token") == {"ok": True}
    finally:
        browser.close()
    assert [json.loads(body) for body in Moody.bodies] == [message] * 3
    assert browser.n_retries == 2


def test_a_bot_does_not_leave_its_site() -> None:
    browser = Browser("http://127.0.0.1:9", random.Random(1))
    with pytest.raises(BotError, match="a bot does not leave its site"):
        browser.get("https://example.org/")


def test_a_stopped_bot_asks_for_nothing_more(moody_server: http.server.HTTPServer) -> None:
    browser = Browser(f"http://127.0.0.1:{moody_server.server_port}", random.Random(1))
    browser.stopped.set()
    with pytest.raises(BotError, match="stopped"):
        browser.post_json("/api/responses", {}, "token")
    assert Moody.bodies == []
