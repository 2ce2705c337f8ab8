"""The live page: what it counts, that it keeps its reader blind, and that it answers shortly when nothing is new."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studyapp import sittings
from studyapp.admin.live_plots import bars, judged_real_plot, still_there
from studyapp.audit import AuditEntry
from studyapp.live import live_figures
from studyapp.models import Heartbeat, Sitting, SittingCells, Study, Unblinding
from studyapp.results import judged_real, unblind
from studyapp.sweeper import sweep
from tests.conftest import SOURCES, Person

FACTS = {"frame_ms": 16.667, "jitter_ms": 0.1, "width_px": 390, "height_px": 844, "pixel_ratio": 3}


def page(study: Study, name: str = "live") -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk])


def part(client: Client, study: Study, etag: str = "") -> Any:
    return client.get(page(study), headers={"X-Part": "live", "If-None-Match": etag})


@pytest.fixture
def watched(small_study: Study, people: Callable[[Study], Person]) -> Study:
    """Three saw the welcome page, one declined; one finished, one left after two trials, one has just come."""
    visitor = people(small_study)
    for _ in range(3):
        assert visitor.client.post(visitor.url("landed/")).status_code == 204
    visitor.client.post(visitor.url("consent/"), {"decision": "decline"})
    done = people(small_study).begin()
    done.post("screen", FACTS | {"witness": "callback"})
    done.sit_through()
    gone = people(small_study).begin()
    gone.answer(gone.block()["trials"][:2])
    Sitting.objects.filter(pk=gone.sitting_pk).update(consent_utc=timezone.now() - timedelta(hours=5))
    people(small_study).begin().block()
    small_study.refresh_from_db()
    return small_study


def test_the_funnel_counts_how_far_people_came(watched: Study) -> None:
    figures = live_figures(watched)
    assert figures["funnel"] == {
        "landed": 3,
        "declined": 1,
        "consented": 3,
        "screened": 1,
        "begun": 3,
        "finished": 1,
        "withdrawn": 0,
        "erased": 0,
    }
    assert figures["left_after"] == [[2, 1]]
    assert figures["refresh_hz"] == [[60, 1]]
    assert sum(n for _, n, _ in figures["sittings_over_time"]) == 3
    assert sum(n for _, n in figures["reactions"]) == 28 + 2


def test_all_trials_add_up_also_after_an_erasure(watched: Study) -> None:
    done = watched.sittings.get(status="finished")
    before = live_figures(watched)["trials"]
    assert sittings.erase(watched, sittings.receipt_code(done))
    trials = live_figures(watched)["trials"]
    assert trials["planned"] == before["planned"] == sum(n for name, n in trials.items() if name != "planned")
    assert (trials["withdrawn"], trials["answered"]) == (28, 2)


def test_looking_at_a_link_counts_nobody(small_study: Study, people: Callable[[Study], Person]) -> None:
    visitor = people(small_study)
    for name in ("", "consent/", "landed/"):
        visitor.client.get(visitor.url(name))
    assert live_figures(Study.objects.get())["funnel"]["landed"] == 0


def test_nothing_new_is_a_short_answer(
    researcher: Client, watched: Study, people: Callable[[Study], Person]
) -> None:
    first = part(researcher, watched)
    assert "<html" not in first.content.decode()
    again = part(researcher, watched, first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    people(watched).begin()
    assert part(researcher, watched, first.headers["ETag"]).status_code == 200


def test_the_page_keeps_its_reader_blind_until_they_ask(researcher: Client, watched: Study) -> None:
    blind = researcher.get(page(watched)).content.decode()
    assert "You are blind to the results" in blind
    assert researcher.get(page(watched, "unblind")).status_code == 200
    assert not Unblinding.objects.exists()
    told = researcher.post(page(watched, "unblind"), follow=True).content.decode()
    assert "source-lapgan" in told
    entry = LogEntry.objects.get()
    assert "unblinded" in entry.change_message
    researcher.post(page(watched, "unblind"))
    assert LogEntry.objects.count() == Unblinding.objects.count() == 1


def test_nobody_is_unblinded_unless_it_stands_in_the_audit_log(researcher: Client, watched: Study) -> None:
    user = User.objects.get()
    with pytest.raises(UnicodeEncodeError):
        unblind(watched, user, how="\ud800")  # half a letter: the log takes no such entry
    assert not Unblinding.objects.exists()
    assert unblind(watched, user, how="Looked.")
    assert not unblind(watched, user, how="Looked again.")
    (entry,) = AuditEntry.objects.filter(study="small")
    assert (entry.actor, entry.action, entry.detail) == ("ann", "unblinded", {"how": "Looked."})


def test_somebody_else_stays_blind(
    researcher: Client, staff_with: Callable[..., Client], watched: Study
) -> None:
    researcher.post(page(watched, "unblind"))
    other = staff_with("view_study").get(page(watched)).content.decode()
    assert "You are blind to the results" in other
    assert staff_with("view_job").get(page(watched)).status_code == 403


def test_results_are_counted_from_ended_sittings_alone(
    watched: Study, people: Callable[[Study], Person]
) -> None:
    cells = judged_real(watched)
    assert set(cells) == set(SOURCES)
    assert sum(n for by_ms in cells.values() for n, _ in by_ms.values()) == 24
    people(watched).begin().sit_through(answer="generated")
    cells = judged_real(watched)
    n, n_real = (
        sum(column) for column in zip(*(cell for by in cells.values() for cell in by.values()), strict=True)
    )
    assert (n, n_real) == (48, 24)


def test_results_forget_an_erased_sitting(watched: Study) -> None:
    assert judged_real(watched)
    assert sittings.erase(watched, sittings.receipt_code(watched.sittings.get(status="finished")))
    assert judged_real(watched) == {}
    assert not SittingCells.objects.exists()


def test_the_page_costs_the_same_for_many_sittings(
    researcher: Client,
    small_study: Study,
    people: Callable[[Study], Person],
    django_assert_max_num_queries: Any,
) -> None:
    for _ in range(5):
        people(small_study).begin().block()
    with django_assert_max_num_queries(16):
        part(researcher, small_study)


def test_a_worker_that_made_its_round_is_there(watched: Study) -> None:
    assert live_figures(watched)["work"]["worker_is_late"]
    sweep()
    assert not live_figures(watched)["work"]["worker_is_late"]
    Heartbeat.objects.update(seen_utc=timezone.now() - timedelta(minutes=5))
    assert live_figures(watched)["work"]["worker_is_late"]


def test_a_draft_and_an_unknown_study_are_no_server_error(researcher: Client, draft_study: Study) -> None:
    assert researcher.get(page(draft_study)).status_code == 200
    assert researcher.get("/admin/studyapp/study/999/live/").status_code in (302, 404)


# ---- charts ----


def test_bars_are_as_high_as_their_numbers():
    drawn = str(bars([("a", 10, 5), ("b", 5, 0)], "two"))
    heights = [float(height) for height in re.findall(r'<rect[^>]* height="([\d.]+)"', drawn)]
    assert heights[0] == 2 * heights[1] == 2 * heights[2]
    assert bars([("a", 0, 0)], "none") == "" == bars([], "none")


def test_the_curve_of_who_is_left_falls_where_people_left():
    drawn = str(still_there(4, [[2, 1], [3, 1]], 10))
    assert "2 of 4 sittings are still there at the end" in drawn


def test_a_source_with_markup_in_its_name_is_text_in_the_chart():
    drawn = str(judged_real_plot({"<script>": {50: (2, 1), 100: (4, 4)}}))
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
