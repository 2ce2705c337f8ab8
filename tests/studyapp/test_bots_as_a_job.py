"""Simulated people sent from the admin: a worker lets them sit, says how far they are, and stops when told to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from studyapp.bots import sending
from studyapp.bots.sending import StoppedError, Telling, bots_of, queue_bots, send_bots
from studyapp.jobs import JobError, leased_slice, retry_job, stop_job
from studyapp.models import Job, JobSlice, Response, Sitting, Study


@pytest.fixture
def site(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's own server in the place of one that the worker would start: it has the test's database."""

    @contextmanager
    def running() -> Iterator[Any]:
        yield live_server

    monkeypatch.setattr(sending, "own_web_server", running)


def page_of(study: Study) -> str:
    return reverse("admin:studyapp_study_bots", args=[study.pk])


def test_simulated_people_are_asked_for_sent_and_told(
    site: None, small_study: Study, researcher: Client
) -> None:
    researcher.post(page_of(small_study), {"n_people": "2", "seed": "5"})
    job = bots_of(small_study).get()
    assert (job.status, job.created_by) == (Job.Status.WAITING, "ann")
    send_bots(job.slices.get().pk)
    job.refresh_from_db()
    assert job.status == Job.Status.DONE
    assert Sitting.objects.filter(is_simulated=True, status="finished").count() == 2
    n_answers = Response.objects.count()
    assert job.outcome["step"].startswith(f"2 finished, {n_answers} answers in ")
    page = researcher.get(page_of(small_study)).content.decode()
    assert "2 finished, " in page and 'data-changes="no"' in page
    assert "2 simulated people through small" in researcher.get("/admin/studyapp/job/").content.decode()


def test_sent_twice_the_second_ones_are_others(small_study: Study, researcher: Client) -> None:
    page = page_of(small_study)
    assert researcher.get(page).context["form"].initial["seed"] == 1
    researcher.post(page, {"n_people": "2", "seed": "1"})
    answer = researcher.get(page)
    assert answer.context["form"].initial["seed"] == 2
    assert 'data-changes="yes"' in answer.content.decode()


def test_a_study_that_takes_nobody_says_so(draft_study: Study, researcher: Client) -> None:
    page = page_of(draft_study)
    assert "Simulated people need a piloted or an open study" in researcher.get(page).content.decode()
    answer = researcher.post(page, {"n_people": "2", "seed": "1"})
    assert answer.status_code == 200 and not Job.objects.exists()
    assert "study small is a draft: open it first" in answer.context["form"].errors["__all__"][0]


@pytest.mark.parametrize("n_people", [0, sending.MOST_PEOPLE + 1])
def test_so_many_and_no_more(small_study: Study, n_people: int) -> None:
    with pytest.raises(JobError, match=f"people: expected 1 to 100, got {n_people}"):
        queue_bots(small_study, n_people=n_people, seed=1, by="test")


def test_who_may_only_look_sends_nobody(small_study: Study, staff_with: Callable[..., Client]) -> None:
    client = staff_with("view_study")
    assert client.get(page_of(small_study)).status_code == 403
    assert client.post(page_of(small_study), {"n_people": "2", "seed": "1"}).status_code == 403
    page = client.get(reverse("admin:studyapp_study_change", args=[small_study.pk])).content.decode()
    assert page_of(small_study) not in page


def test_people_who_cannot_get_in_fail_the_job_at_once_with_the_reason(
    small_study: Study, site: None
) -> None:
    job = queue_bots(small_study, n_people=2, seed=1, by="test")
    Study.objects.update(status=Study.Status.PAUSED)
    send_bots(job.slices.get().pk)
    job.refresh_from_db()
    assert job.status == Job.Status.FAILED and "study small is paused" in job.error


def test_a_stopped_job_lets_nobody_go_on_and_can_be_tried_again(small_study: Study) -> None:
    job = queue_bots(small_study, n_people=2, seed=1, by="test")
    with leased_slice(job.slices.get().pk) as item:
        assert item is not None
        telling = Telling(item, n_answers=56)
        telling(14)
        job.refresh_from_db()
        assert job.outcome["step"] == "14 of about 56 answers"
        assert JobSlice.objects.get().share == 0.25
        stop_job(job)
        telling.told_s = float("-inf")
        with pytest.raises(StoppedError):
            telling(28)
    retry_job(job)
    job.refresh_from_db()
    assert job.status == Job.Status.WAITING
