"""Large exports as jobs: the bytes of a download, whole or not at all, whatever becomes of workers, for some days."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studyapp import built_exports, jobs, product_work, products
from studyapp.built_exports import queue_build
from studyapp.export import freeze_study, one_moment
from studyapp.export_zip import FORMS, zipped_export
from studyapp.models import ExportFreeze, Job, JobSlice, Sitting, Study
from studyapp.product_work import MAKERS, Work, make_product
from studyapp.roles import Role, give
from studyapp.sittings import erase_sitting
from studyapp.sweeper import sweep
from tests.conftest import Person
from tests.studyapp.conftest import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_products")]


@pytest.fixture
def freeze(small_study: Study, people: Callable[[Study], Person]) -> ExportFreeze:
    somebody = people(small_study).begin()
    somebody.answer(somebody.block()["trials"])
    return freeze_study(small_study)


@pytest.fixture
def job(freeze: ExportFreeze) -> Job:
    return queue_build(freeze, "csv", by="ann")


def streamed(freeze: ExportFreeze, form: str = "csv") -> bytes:
    with zipped_export([freeze], form=form) as file:
        return file.read()


def leavings(job: Job) -> list[Path]:
    """Whatever lies about of a job."""
    return [*settings.EXPORTS_DIR.glob(f"*{job.pk}*"), *settings.JOBS_DIR.glob(str(job.pk))]


def expire(job: Job) -> None:
    """As if the worker had been killed and its lease had run out."""
    job.slices.update(lease_until_utc=timezone.now() - timedelta(seconds=1))


def test_what_a_worker_builds_has_the_bytes_of_the_download_in_every_form(freeze: ExportFreeze) -> None:
    for form in FORMS:
        job = queue_build(freeze, form, by="ann")
        assert queue_build(freeze, form, by="bob") == job
        make_product(job.slices.get().pk)
        assert products.file_of(job).read_bytes() == streamed(freeze, form)
        assert queue_build(freeze, form, by="bob") == job
        assert not jobs.job_folder(job.pk).exists()


def test_of_many_who_ask_at_once_all_get_one_build(freeze: ExportFreeze) -> None:
    n_askers = 4

    def ask(number: int) -> int:
        try:
            return queue_build(freeze, "csv", by=f"asker {number}").pk
        finally:
            connection.close()

    with ThreadPoolExecutor(n_askers) as askers:
        with transaction.atomic():
            ExportFreeze.objects.select_for_update().get()
            asked = [askers.submit(ask, number) for number in range(n_askers)]
            time.sleep(
                0.5
            )  # nobody can write yet: all have looked whether there is a build, if they do not wait
        found = {future.result() for future in asked}
    assert found == set(Job.objects.values_list("pk", flat=True))
    assert len(found) == 1


def test_the_command_writes_the_same_zip(freeze: ExportFreeze, tmp_path: Path) -> None:
    told = StringIO()
    call_command("export_responses", "small", "--zip", str(tmp_path / "small.zip"), stdout=told)
    assert (tmp_path / "small.zip").read_bytes() == streamed(freeze)
    assert str(tmp_path / "small.zip") in told.getvalue()
    with pytest.raises(CommandError, match="not allowed with argument"):
        call_command("export_responses", "small", "--zip", "x", "--out", "y")


def test_what_a_killed_worker_began_is_built_by_the_next_one(job: Job) -> None:
    half_written = jobs.job_folder(job.pk) / "ab12" / ".product.zip.1.part"
    half_written.parent.mkdir(parents=True)
    half_written.write_bytes(b"half of it")
    job.slices.update(status=JobSlice.Status.RUNNING, attempts=1, lease_owner="killed")
    expire(job)
    assert products.kept_file(job) is None
    assert jobs.send_overdue() == 1
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    assert (job.status, job.slices.get().attempts) == ("done", 2)
    assert products.file_of(job).read_bytes() == streamed(job.freeze)
    sweep()
    assert leavings(job) == [products.file_of(job)]


def test_a_worker_that_lost_its_lease_puts_nothing_away(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(work: Work) -> dict[str, Any]:
        expire(job)
        monkeypatch.setitem(MAKERS, Job.Kind.EXPORT, built_exports.make)
        make_product(job.slices.get().pk)  # the next worker
        work.out.write_bytes(b"another export")
        return {"n_erased": 0}

    monkeypatch.setitem(MAKERS, Job.Kind.EXPORT, slow)
    make_product(job.slices.get().pk)
    item = job.slices.get()
    assert (item.status, item.attempts) == ("done", 2)
    assert products.file_of(job).read_bytes() == streamed(job.freeze)


def test_a_job_that_is_stopped_half_way_leaves_nothing_and_can_go_on(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(work: Work) -> dict[str, Any]:
        work.out.write_bytes(b"half of it")
        jobs.stop_job(job)
        work.renew()
        work.go_on("writing rows")
        raise AssertionError("it went on")

    monkeypatch.setitem(MAKERS, Job.Kind.EXPORT, stopped)
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    assert (job.status, job.slices.get().status, leavings(job)) == ("stopped", "waiting", [])
    monkeypatch.setitem(MAKERS, Job.Kind.EXPORT, built_exports.make)
    jobs.retry_job(job)
    make_product(job.slices.get().pk)
    assert products.file_of(job).is_file()


def test_progress_is_told_and_the_lease_renewed(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[JobSlice] = []

    def watched(work: Work) -> dict[str, Any]:
        expire(job)
        work.go_on("writing rows", 0.5)
        work.renew()
        told.append(job.slices.get())
        return built_exports.make(work)

    monkeypatch.setitem(MAKERS, Job.Kind.EXPORT, watched)
    make_product(job.slices.get().pk)
    assert told[0].share == 0.5
    assert told[0].lease_until_utc is not None
    assert told[0].lease_until_utc > timezone.now() + timedelta(seconds=60)


def until(holds: Callable[[], bool]) -> bool:
    """Whether something comes true within ten seconds."""
    give_up_s = time.monotonic() + 10
    while not holds():
        if time.monotonic() > give_up_s:
            return False
        time.sleep(0.01)
    return True


def has_lease(job: Job) -> bool:
    """Whether others see that somebody holds the job at this moment; asked on a connection of its own."""

    def asked() -> bool:
        try:
            return JobSlice.objects.filter(job=job, lease_until_utc__gt=timezone.now()).exists()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as another:
        return another.submit(asked).result()


def test_a_lease_is_kept_while_the_maker_reads_in_one_long_transaction(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The maker asks for nothing; a round of the thread that fails on the way ends nothing."""
    monkeypatch.setattr(product_work, "LOOK_EVERY_S", 0.01)
    renew, failed, kept = Work.renew, [], []

    def fails_once(work: Work) -> None:
        if not failed:
            failed.append(work)
            raise OperationalError("database is locked")
        renew(work)

    def slow(work: Work) -> dict[str, Any]:
        expire(job)
        with one_moment():
            ExportFreeze.objects.count()
            kept.append(until(lambda: has_lease(job)))
        return built_exports.make(work)

    monkeypatch.setattr(Work, "renew", fails_once)
    monkeypatch.setitem(MAKERS, Job.Kind.EXPORT, slow)
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    assert (job.status, kept, len(failed)) == ("done", [True], 1)


def test_a_maker_hears_from_the_thread_that_its_job_was_stopped(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_work, "LOOK_EVERY_S", 0.01)
    heard = []

    def ended(work: Work) -> bool:
        try:
            work.go_on("writing rows")
        except product_work.EndedError:
            return True
        return False

    def stopped(work: Work) -> dict[str, Any]:
        jobs.stop_job(job)
        heard.append(until(lambda: ended(work)))
        work.go_on()
        raise AssertionError("it went on")

    monkeypatch.setitem(MAKERS, Job.Kind.EXPORT, stopped)
    make_product(job.slices.get().pk)
    assert (heard, job.slices.get().status, leavings(job)) == ([True], "waiting", [])


def test_a_built_export_goes_after_its_days_and_with_answers_that_are_erased(job: Job) -> None:
    make_product(job.slices.get().pk)
    Job.objects.update(finished_utc=timezone.now() - timedelta(days=7, seconds=1))
    sweep()
    job.refresh_from_db()
    assert (products.kept_file(job), leavings(job)) == (None, [])
    again = queue_build(job.freeze, "csv", by="ann")
    assert again != job
    make_product(again.slices.get().pk)
    again.refresh_from_db()
    erase_sitting(Sitting.objects.get(), by="participant")
    assert products.kept_file(again) is None
    third = queue_build(job.freeze, "csv", by="ann")
    make_product(third.slices.get().pk)
    assert products.file_of(third).read_bytes() == streamed(ExportFreeze.objects.get())
    sweep()
    assert (leavings(again), len(leavings(third))) == ([], 1)


def test_a_large_export_is_built_and_a_small_one_comes_at_once(
    researcher: Client, freeze: ExportFreeze, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = reverse("admin:studyapp_study_export", args=[freeze.study_id])
    at_once = b"".join(researcher.post(address))
    assert not Job.objects.exists()
    monkeypatch.setattr(built_exports, "LARGE_TRIALS", 1)
    assert "A worker builds it" in researcher.post(address, follow=True).content.decode()
    job = Job.objects.get()
    assert "waiting" in researcher.get(address).content.decode()
    make_product(job.slices.get().pk)
    built = reverse("admin:studyapp_study_built_export", args=[freeze.study_id, job.pk])
    assert built in researcher.get(address).content.decode()
    assert b"".join(researcher.get(built)) == b"".join(researcher.post(address)) == at_once
    other = Study.objects.create(slug="other", title="Other")
    elsewhere = reverse("admin:studyapp_study_built_export", args=[other.pk, job.pk])
    assert researcher.get(elsewhere).status_code == 404


def test_whoever_may_edit_a_study_deletes_its_built_exports_and_nobody_else(
    researcher: Client, job: Job
) -> None:
    make_product(job.slices.get().pk)
    address = reverse("admin:studyapp_study_export", args=[job.freeze.study_id])
    analyst = signed_in("analyst", is_staff=True)
    give(job.freeze.study, User.objects.get(username="analyst"), Role.ANALYST, by="test")
    button = f'name="delete" value="{job.pk}"'
    shown = {browser: button in browser.get(address).content.decode() for browser in (researcher, analyst)}
    assert shown == {researcher: True, analyst: False}
    assert analyst.post(address, {"delete": job.pk}).status_code == 403
    researcher.post(address, {"delete": job.pk})
    assert leavings(job) == []
    assert button not in researcher.get(address).content.decode()


def test_an_export_is_stopped_on_the_page(researcher: Client, job: Job) -> None:
    address = reverse("admin:studyapp_study_export", args=[job.freeze.study_id])
    researcher.post(address, {"stop": job.pk})
    assert Job.objects.get().status == "stopped"
    assert "Try again" in researcher.get(address).content.decode()
