"""What every test may ask for: a small open study with four sources, and a participant at its API."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import settings

from studyapp.catalogue import import_images
from studyapp.life import open_study
from studyapp.models import Sitting, Study
from studyapp.presets import create_study
from tests.image_sets import write_image_set

# How long an example takes says nothing of the claim, and shared machines stand still at times. A change is checked
# with the same examples every time; `make check-long` goes looking for new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("new", deadline=None, derandomize=False)
settings.load_profile("same")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the tests that take minutes, and no others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        is_long = item.get_closest_marker("long") is not None
        chosen[is_long == config.getoption("--long")].append(item)
    config.hook.pytest_deselected(items=chosen[False])
    # What waits for real services takes longest: first, so that others run beside it and nobody waits at the end.
    items[:] = sorted(chosen[True], key=lambda item: item.get_closest_marker("services") is None)


SOURCES = ("real", "gan", "lapgan", "cc-lapgan")


@pytest.fixture
def draft_study(db: None, tmp_path: Path) -> Study:
    """A draft: four sources of 40 random 8x8 pictures, 3 exposures, 24 trials, 4 practice trials, 5 examples."""
    for source in SOURCES:
        import_images(write_image_set(tmp_path / f"{source}.zip", source=source), by="test")
    return create_study(
        "lapgan", "small", n_trials=24, practice_trials=4, n_examples=5, exposures_ms=[50, 100, 400]
    )


@pytest.fixture
def small_study(draft_study: Study) -> Study:
    return open_study(draft_study)


class Person:
    """A participant without a browser: the same requests, and answers as the test says."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.client = Client()

    def url(self, name: str = "") -> str:
        return f"/s/{self.study.slug}/{name}"

    def consent(self, query: str = "") -> Any:
        return self.client.post(self.url("consent/"), {"decision": "agree", "panel_query": query})

    @property
    def sitting(self) -> Sitting:
        return Sitting.objects.get(pk=self.sitting_pk)

    def begin(self, query: str = "") -> "Person":
        before = set(Sitting.objects.values_list("pk", flat=True))
        assert self.consent(query).status_code == 302
        (self.sitting_pk,) = set(Sitting.objects.values_list("pk", flat=True)) - before
        return self

    def post(self, name: str, body: Any) -> Any:
        return self.client.post(self.url(f"api/{name}"), json.dumps(body), content_type="application/json")

    def block(self, after: int = 0) -> dict[str, Any]:
        answer = self.post("block", {"after": after})
        assert answer.status_code == 200, answer.content
        return answer.json()

    def pictures(self, block: dict[str, Any]) -> bytes:
        url = self.url(f"api/pictures?first={block['first']}&last={block['last']}")
        return self.client.get(url).content

    def message(self, trial: dict[str, Any], **changes: Any) -> dict[str, Any]:
        return {
            "trial": trial["token"],
            "status": "answered",
            "answer": "real",
            "reaction_ms": 512.25,
            "reaction_origin": "frame",
            "input_kind": "key",
            "planned_frames": 3,
            "measured_frames": 3,
            "measured_ms": 50.0,
            "frame_ms": 16.667,
            "timing_ok": True,
            "timing_witness": "element_timing",
            "flags": [],
            "lost_focus": False,
            "shown_utc": "2026-11-20T10:30:00.123Z",
        } | changes

    def answer(self, trials: list[dict[str, Any]], **changes: Any) -> list[dict[str, Any]]:
        reply = self.post("responses", {"responses": [self.message(trial, **changes) for trial in trials]})
        assert reply.status_code == 200, reply.content
        return reply.json()["results"]

    def sit_through(self, **changes: Any) -> "Person":
        """Answer every trial, block by block, and finish."""
        while True:
            block = self.block()
            if block["finished"]:
                break
            self.answer(block["trials"], **changes)
        assert self.post("finish", {}).status_code == 200
        return self


@pytest.fixture
def person(small_study: Study) -> Person:
    """Somebody who has consented to the small study."""
    return Person(small_study).begin()


@pytest.fixture
def people() -> Callable[[Study], Person]:
    return Person
