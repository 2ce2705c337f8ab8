"""The database itself is asked which columns the participants' requests read: SQLite's authorizer refuses the truth.

Which picture is which is behind `stimulus.image`; planning and the debrief alone look as far as the source.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection

from studyapp.models import Stimulus
from studyapp.participant_role import HIDDEN

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="SQLite's authorizer; PostgreSQL's own way is in tests/services"
    ),
]
ALL = None
# What no request of a participant may read, and what planning and the debrief may.
TRUTH = {table: set(columns) if columns else ALL for table, columns in HIDDEN.items()}
SOURCES = {"studyapp_stimulus": {"source_id"}, "studyapp_studysource": ALL}
FACTS = {"frame_ms": 16.7, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}


@contextmanager
def refusing(*hidden: dict[str, set[str] | None]) -> Iterator[None]:
    """Whoever reads one of these columns gets an error, however the query is put."""

    def judge(action, table, column, database, trigger):
        if action != sqlite3.SQLITE_READ:
            return sqlite3.SQLITE_OK
        is_hidden = any(t.get(table, set()) is ALL or column in t.get(table, set()) for t in hidden)
        return sqlite3.SQLITE_DENY if is_hidden else sqlite3.SQLITE_OK

    connection.connection.set_authorizer(judge)
    try:
        yield
    finally:
        connection.connection.set_authorizer(None)


@pytest.mark.parametrize(
    "read",
    [
        lambda: list(Stimulus.objects.values_list("image_id")),
        lambda: list(Stimulus.objects.filter(image__sha256="ab")),
        lambda: list(Stimulus.objects.order_by("source__image_set__is_real").values_list("pk")),
        lambda: Stimulus.objects.first().image,
    ],
)
def test_the_truth_cannot_be_selected_filtered_or_sorted_by_behind_the_guard(small_study, read):
    with refusing(TRUTH), pytest.raises(DatabaseError, match="prohibited"):
        read()


def test_a_whole_sitting_and_its_debrief_read_nothing_of_the_pictures_but_their_source(small_study, people):
    type(small_study).objects.update(practice_feedback=True)
    with refusing(TRUTH):
        person = people(small_study).begin("PROLIFIC_PID=abc")
        person.post("screen", FACTS | {"witness": "callback"})
        for page in ("", "screen/", "examples/", "how/", "test/", "withdraw/"):
            assert person.client.get(person.url(page)).status_code == 200
        person.post("resume", {"shown": None})
        person.pictures(person.block())
        person.sit_through()
        assert person.client.get(person.url("thanks/")).status_code == 200
        other = people(small_study).begin()
        other.answer(other.block()["trials"])
        other.client.post(other.url("withdraw/"), {"data": "delete"})
        assert other.sitting.status == "erased"


def test_what_delivers_and_stores_does_not_even_read_the_source(small_study, people):
    person = people(small_study).begin()
    block = person.block()
    with refusing(TRUTH, SOURCES):
        assert len(person.pictures(block)) == 8 * 8 * 3 * len(block["trials"])
        assert person.client.get(person.url("api/examples")).status_code == 200
        assert {r["status"] for r in person.answer(block["trials"][:2])} == {"stored"}
        assert person.answer(block["trials"][:1], answer="generated")[0]["status"] == "conflict"
        assert person.block(after=0)["trials"]  # planned before: given out again
        for page in ("", "consent/", "test/", "withdraw/"):
            assert person.client.get(person.url(page)).status_code == 200
        other = people(small_study).begin()
        assert other.post("screen", FACTS | {"witness": "callback"}).status_code == 200
        other.client.post(other.url("withdraw/"), {"data": "keep"})
        assert other.sitting.status == "withdrawn"
