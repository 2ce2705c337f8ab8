"""Jobs as rows: leases, attempts and the sweeper, whatever becomes of workers and messages."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from studyapp import jobs, waiting
from studyapp.catalogue import register_generated
from studyapp.models import Job, JobSlice
from tests.image_sets import write_image_set

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job():
    return jobs.queue_generation(checkpoint="lapgan-photos", count=2500, seed=7, by="me")


def expire(item: JobSlice) -> None:
    """As if the worker that holds the slice had been killed and its lease had run out."""
    JobSlice.objects.filter(pk=item.pk).update(lease_until_utc=timezone.now() - timedelta(seconds=1))


def test_a_job_is_cut_into_slices_that_cover_it_once_and_each_is_sent(job):
    assert list(job.slices.values_list("first", "last")) == [(0, 1024), (1024, 2048), (2048, 2500)]
    assert not job.slices.filter(sent_utc=None).exists()


def test_a_held_slice_is_nobody_elses_until_its_lease_ends(job):
    item = job.slices.first()
    with jobs.held_slice(item.pk) as work:
        assert (work.checkpoint, work.seed, work.first, work.last) == ("lapgan-photos", 7, 0, 1024)
        with jobs.held_slice(item.pk) as second:
            assert second is None
        expire(item)
        with jobs.held_slice(item.pk) as third:
            assert third is not None
    item.refresh_from_db()
    assert (item.status, item.done, item.attempts) == ("done", 1024, 2)


def test_a_slice_that_is_done_is_not_done_again(job):
    item = job.slices.first()
    with jobs.held_slice(item.pk):
        pass
    with jobs.held_slice(item.pk) as work:
        assert work is None


def test_a_worker_that_lost_its_lease_can_undo_nothing_of_the_next_one(job):
    item = job.slices.first()
    JobSlice.objects.filter(pk=item.pk).update(attempts=3)
    with jobs.held_slice(item.pk) as slow:
        expire(item)
        with jobs.held_slice(item.pk):
            slow.report(999)
            item.refresh_from_db()
            assert (item.done, item.attempts) == (0, 5)
        raise RuntimeError("its part was taken away")
    item.refresh_from_db()
    assert (item.status, item.done, item.error) == ("done", 1024, "")


def test_the_last_failure_of_a_worker_that_lost_its_lease_fails_no_job(job):
    item = job.slices.first()
    JobSlice.objects.filter(pk=item.pk).update(attempts=4)
    with jobs.held_slice(item.pk):
        JobSlice.objects.filter(pk=item.pk).update(status="done")
        raise RuntimeError("too late")
    job.refresh_from_db()
    item.refresh_from_db()
    assert (job.status, item.status) == ("running", "done")


def test_messages_for_the_rest_of_a_failed_job_do_not_set_it_running_again(job):
    first, second, _ = job.slices.all()
    for _ in range(5):
        with jobs.held_slice(first.pk):
            raise RuntimeError("no memory")
    with jobs.held_slice(second.pk) as work:
        assert work is None
    job.refresh_from_db()
    assert job.status == "failed"


def test_a_job_whose_last_worker_was_lost_before_the_end_is_completed_by_another():
    """All slices are done, nobody put them together: the sweeper has the last one done again, five times at most."""
    job = jobs.queue_generation(checkpoint="lapgan-photos", count=1500)
    first, last = job.slices.all()
    for item in (first, last):
        with jobs.held_slice(item.pk):
            pass
    assert jobs.send_overdue() == 0  # the one who did the last slice may be at it
    for attempt in range(2, 6):
        JobSlice.objects.update(lease_until_utc=timezone.now() - timedelta(seconds=1))
        assert jobs.send_overdue() == 1
        assert jobs.parts_when_complete(job.pk) is None
        with jobs.held_slice(last.pk) as work:
            assert work.row.attempts == attempt
        assert len(jobs.parts_when_complete(job.pk)) == 2
    JobSlice.objects.update(lease_until_utc=timezone.now() - timedelta(seconds=1))
    assert jobs.send_overdue() == 0
    job.refresh_from_db()
    assert job.status == "failed"
    assert "not put together" in job.error


def test_progress_renews_the_lease(job):
    item = job.slices.first()
    with jobs.held_slice(item.pk) as work:
        expire(item)
        work.report(400)
        item.refresh_from_db()
        assert item.done == 400
        assert item.lease_until_utc > timezone.now()


def test_an_error_is_kept_and_the_fifth_gives_the_job_up(job):
    item = job.slices.first()
    for attempt in range(1, 6):
        with jobs.held_slice(item.pk):
            raise RuntimeError(f"no memory {attempt}")
        item.refresh_from_db()
        assert item.error == f"RuntimeError: no memory {attempt}"
    job.refresh_from_db()
    assert (item.status, job.status) == ("poisoned", "failed")
    assert job.error == "images 0 to 1023 failed 5 times: RuntimeError: no memory 5"


def test_an_error_that_would_come_again_each_time_gives_the_job_up_at_once(job):
    item = job.slices.first()
    with jobs.held_slice(item.pk, refusals=(ValueError,)):
        raise ValueError("nope: expected a shipped name or a checkpoint file")
    job.refresh_from_db()
    item.refresh_from_db()
    assert (item.attempts, item.status, job.status) == (1, "poisoned", "failed")
    assert job.error == "nope: expected a shipped name or a checkpoint file"


def test_a_failed_job_can_be_tried_again(job):
    for _ in range(5):
        with jobs.held_slice(job.slices.first().pk):
            raise RuntimeError("no memory")
    job.refresh_from_db()
    jobs.retry_job(job)
    job.refresh_from_db()
    assert job.status == "waiting"
    assert set(job.slices.values_list("status", "attempts")) == {("waiting", 0)}
    with pytest.raises(jobs.JobError, match="expected a failed job"):
        jobs.retry_job(job)


def test_the_sweeper_sends_what_was_lost_and_nothing_else(job):
    assert jobs.send_overdue() == 0
    first, second, third = job.slices.all()
    with jobs.held_slice(first.pk), jobs.held_slice(second.pk):
        expire(first)  # its worker was killed
        JobSlice.objects.filter(pk=third.pk).update(  # its message was lost
            sent_utc=timezone.now() - timedelta(minutes=5)
        )
        assert jobs.send_overdue() == 2


def test_a_slice_that_kills_its_worker_each_time_is_given_up(job):
    item = job.slices.first()
    JobSlice.objects.filter(pk=item.pk).update(
        status="running", attempts=5, lease_until_utc=timezone.now() - timedelta(seconds=1)
    )
    jobs.send_overdue()
    job.refresh_from_db()
    assert job.status == "failed"
    assert "the worker was lost each time" in job.error


def test_a_broker_that_does_not_answer_loses_nothing(job, monkeypatch, caplog):
    from kombu.exceptions import OperationalError

    def unreachable(*_, **__):
        raise OperationalError("connection refused")

    monkeypatch.setattr(jobs.app, "send_task", unreachable)
    other = jobs.queue_generation(checkpoint="gan-photos", count=10)
    assert other.slices.get().sent_utc is None
    assert "will be sent later" in caplog.text
    monkeypatch.undo()
    assert jobs.send_overdue() == 1


def test_a_finished_job_has_its_image_set_and_no_parts_left(tmp_path):
    job = jobs.queue_generation(checkpoint="lapgan-photos", count=10)
    assert jobs.parts_when_complete(job.pk) is None
    with jobs.held_slice(job.slices.get().pk) as work:
        work.out.parent.mkdir(parents=True)
        write_image_set(work.out, source="lapgan", n_images=10)
    (part,) = jobs.parts_when_complete(job.pk)
    image_set = register_generated(job.pk, part)
    job.refresh_from_db()
    assert (job.status, job.image_set) == ("done", image_set)
    assert not Path(settings.JOBS_DIR / str(job.pk)).exists()
    assert jobs.parts_when_complete(job.pk) is None


def test_two_workers_who_finish_the_same_job_leave_one_image_set_and_no_parts(tmp_path):
    job = jobs.queue_generation(checkpoint="lapgan-photos", count=10)
    with jobs.held_slice(job.slices.get().pk) as work:
        work.out.parent.mkdir(parents=True)
        write_image_set(work.out, source="lapgan", n_images=10)
    half_written = work.out.with_name(".whole.zip.1.part")
    half_written.write_bytes(b"of the other worker")
    theirs = Path(shutil.copy(work.out, tmp_path))
    mine = register_generated(job.pk, work.out)
    assert register_generated(job.pk, theirs) == mine
    job.refresh_from_db()
    assert (job.status, job.image_set) == ("done", mine)
    assert not work.out.parent.exists()
    assert mine.path.is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--checkpoint", "x", "--count", "0"], "expected 1 to 1000000 images, got 0"),
        (["--checkpoint", "", "--count", "5"], "expected a shipped name such as lapgan-photos"),
        (["--checkpoint", "x", "--count", "5", "--seed", "-1"], "seed: expected 0 to"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused(arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("generate", *arguments)
    assert not Job.objects.exists()


def test_whoever_waits_hears_once_that_no_worker_comes_and_at_the_end_that_somebody_stopped_it(
    job, monkeypatch
):
    monkeypatch.setattr(waiting, "LOOK_EVERY_S", 0)
    monkeypatch.setattr(waiting, "PATIENCE_S", 0)
    warnings: list[str] = []
    looks = waiting.until_over(job, warnings.append)
    for _ in range(3):
        next(looks)
    assert len(warnings) == 1
    assert warnings[0].startswith("no worker has taken the job yet")
    jobs.stop_job(Job.objects.get(pk=job.pk))
    with pytest.raises(CommandError, match=f"^job {job.pk} stopped: somebody stopped it$"):
        list(looks)
