"""Reports as jobs: made from a freeze by the analysis itself, kept, shown safely, gone with the answers in them."""

import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.files import FilesError
from studyapp import life, products, reports
from studyapp.audit import AuditEntry
from studyapp.export import freeze_study
from studyapp.files import sha256_of, write_whole
from studyapp.jobs import job_folder, stop_job
from studyapp.models import ExportFreeze, Job, JobSlice, Sitting, Study, Unblinding
from studyapp.product_work import MAKERS, Work, make_product
from studyapp.results import is_unblinded
from studyapp.roles import Role, give
from studyapp.sittings import erase_sitting
from studyapp.sweeper import sweep
from studyapp.verification import verify
from tests.conftest import Person
from tests.studyapp.conftest import signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_products")]


@pytest.fixture
def freeze(small_study: Study, people: Callable[[Study], Person]) -> ExportFreeze:
    """Somebody who has agreed, and answered nothing yet."""
    people(small_study).begin()
    return freeze_study(small_study)


@pytest.fixture
def job(freeze: ExportFreeze) -> Job:
    return products.queue_product(Job.Kind.REPORT, freeze, by="ann", live=True)


def page(study: Study, name: str = "reports", *more: int) -> str:
    return reverse(f"admin:studyapp_study_{name}", args=[study.pk, *more])


def kept(job: Job, html: str = "<p>how real?</p>", n_erased: int = 0) -> Job:
    """The job as it is once its report is there."""
    place = products.file_of(job)
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr(f"{reports.folder_name(job)}/{reports.PAGE}", html)
    job.status, job.finished_utc = Job.Status.DONE, timezone.now()
    job.outcome = {"n_erased": n_erased, "file_sha256": sha256_of(place), "n_bytes": place.stat().st_size}
    job.save()
    job.slices.update(status=JobSlice.Status.DONE)
    return job


def test_a_worker_makes_the_report_and_keeps_it_with_what_it_comes_from(
    small_study: Study, people: Callable[[Study], Person]
) -> None:
    for answer in ("real", "generated"):
        people(small_study).begin().sit_through(answer=answer)
    job = products.queue_product(Job.Kind.REPORT, freeze_study(small_study), by="ann", live=True)
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    assert (job.status, job.error, job.slices.get().status) == ("done", "", "done")
    with zipfile.ZipFile(products.file_of(job)) as archive:
        told = json.loads(archive.read(f"small-report-{job.pk}/results.json"))
    freeze = ExportFreeze.objects.get()
    assert job.outcome["data_sha256"] == freeze.files["csv"]["responses.csv"]["sha256"]
    assert told["provenance"]["code_sha256"] == job.outcome["code_sha256"]
    assert job.outcome["file_sha256"] == sha256_of(products.file_of(job))
    assert b"<!doctype html>" in (reports.page_of(job) or b"")
    assert not job_folder(job.pk).exists()


def test_data_that_the_analysis_refuses_give_the_job_up_with_its_own_sentence(job: Job) -> None:
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    assert (job.status, job.slices.get().attempts) == ("failed", 1)
    assert job.error.startswith("responses.csv has a header but no rows: expected")
    assert not products.file_of(job).exists()
    assert not job_folder(job.pk).exists()


@pytest.mark.parametrize(
    ("returncode", "said", "kind", "words"),
    [
        (1, "step: reading\nreport: row 3: expected a number,\ngot x\n", reports.ReportRefused, "row 3"),
        (1, "step: reading\nTraceback\nKeyError: 3\n", RuntimeError, "ended with 1: KeyError: 3"),
        (-9, "step: drawing\n", RuntimeError, "signal 9"),
        (
            FilesError.exit_code,
            "report: out: expected a place to write",
            RuntimeError,
            "out: expected a place",
        ),
    ],
)
def test_only_a_refusal_of_the_analysis_is_final(returncode: int, said: str, kind: type, words: str) -> None:
    error = reports.failure(returncode, said)
    assert type(error) is kind
    assert words in str(error)


def test_a_report_that_found_no_place_on_the_disk_is_tried_again(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "report: report.html: expected a place to write, found no space left on device"
    ends = f"import sys; print({said!r}, file=sys.stderr); sys.exit({FilesError.exit_code})"
    monkeypatch.setattr(reports, "COMMAND", (sys.executable, "-c", ends))
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    item = job.slices.get()
    assert (job.status, item.status, item.attempts) == ("running", "waiting", 1)
    assert "expected a place to write" in item.error


def test_a_report_is_gone_once_somebody_in_it_is_erased_and_can_be_made_again(
    researcher: Client, job: Job
) -> None:
    kept(job)
    study = job.freeze.study
    researcher.post(page(study, "unblind"))
    assert researcher.get(page(study, "report", job.pk)).status_code == 200
    erase_sitting(Sitting.objects.first(), by="participant")
    assert researcher.get(page(study, "report", job.pk)).status_code == 404  # before any worker has looked
    assert products.file_of(job).exists()
    sweep()
    assert not products.file_of(job).exists()
    assert "had them erased" in researcher.get(page(study)).content.decode()
    assert AuditEntry.objects.filter(action="deleted report", study="small").count() == 1
    again = kept(products.queue_product(Job.Kind.REPORT, job.freeze, by="ann"), n_erased=1)
    sweep()
    assert products.kept_file(again) is not None


def test_the_reports_of_a_pilot_go_with_its_sittings(draft_study: Study) -> None:
    life.take("pilot", draft_study)
    job = kept(products.queue_product(Job.Kind.REPORT, freeze_study(draft_study), by="ann"))
    assert job.freeze.is_pilot
    life.take("revise", draft_study)
    assert not products.file_of(job).exists()
    assert not Job.objects.exists()


def test_whoever_asks_for_a_report_is_unblinded_and_it_stands_in_the_log(
    researcher: Client, freeze: ExportFreeze
) -> None:
    study = freeze.study
    assert "no longer blind" in researcher.get(page(study)).content.decode()
    researcher.post(page(study), {"make": "yes"})
    job = Job.objects.get()
    assert (job.freeze, job.created_by, job.status) == (freeze, "ann", "waiting")
    assert is_unblinded(study, User.objects.get())
    kept(job)
    researcher.get(page(study, "report", job.pk))
    researcher.get(page(study, "report_zip", job.pk)).close()
    researcher.post(page(study), {"delete": job.pk})
    told = [entry.detail.get("how", entry.action) for entry in AuditEntry.objects.order_by("number")]
    assert [words.split(" (")[0] for words in told[-6:]] == [
        "Looked at results while it was open",
        f"Asked for report {job.pk}",
        f"Opened report {job.pk}.",
        f"Downloaded report {job.pk}.",
        "deleted report",
        f"Report {job.pk}: delete.",
    ]
    assert not products.file_of(job).exists()


def test_a_report_opens_for_whoever_may_see_results_and_says_that_they_want_to(job: Job) -> None:
    study = kept(job).freeze.study
    browsers = {}
    for role in (Role.ANALYST, Role.RECRUITER):
        browsers[role] = signed_in(role, is_staff=True)
        give(study, User.objects.get(username=role), role, by="test")
    for name in ("report", "report_zip"):
        assert browsers[Role.RECRUITER].get(page(study, name, job.pk)).status_code == 403
        asked = browsers[Role.ANALYST].get(page(study, name, job.pk))
        assert (asked.status_code, asked.url) == (302, page(study, "unblind"))
    assert browsers[Role.RECRUITER].get(page(study)).status_code == 403
    assert not Unblinding.objects.exists()
    browsers[Role.ANALYST].post(page(study, "unblind"))
    assert browsers[Role.ANALYST].get(page(study, "report", job.pk)).content == b"<p>how real?</p>"
    assert browsers[Role.ANALYST].post(page(study), {"delete": job.pk}).status_code == 403


def in_the_way(job: Job) -> Path:
    """A folder in the place of a product's file: the disk deletes no folder that way."""
    place = products.file_of(job)
    place.unlink()
    (place / "more").mkdir(parents=True)
    return place


def test_a_report_whose_file_cannot_be_deleted_is_not_said_to_be_gone(researcher: Client, job: Job) -> None:
    place, study = in_the_way(kept(job)), job.freeze.study
    before, told = job.outcome, researcher.post(page(study), {"delete": job.pk}, follow=True)
    shutil.rmtree(place)
    assert "the disk refused" in told.content.decode()
    job.refresh_from_db()
    assert job.outcome == before
    assert not AuditEntry.objects.filter(action="deleted report").exists()
    researcher.post(page(study), {"delete": job.pk})
    assert AuditEntry.objects.filter(action="deleted report").count() == 1
    again = researcher.post(page(study), {"delete": job.pk}, follow=True).content.decode()
    assert "it was deleted: somebody deleted it" in again


def test_one_report_that_cannot_be_deleted_keeps_no_other(job: Job) -> None:
    other = kept(products.queue_product(Job.Kind.REPORT, job.freeze, by="ann"))
    place = in_the_way(kept(job))
    erase_sitting(Sitting.objects.get(), by="participant")
    sweep()
    assert (place.is_dir(), products.file_of(other).exists()) == (True, False)
    shutil.rmtree(place)
    sweep()
    assert AuditEntry.objects.filter(action="deleted report").count() == 2


def test_the_sweeper_takes_away_what_no_row_accounts_for_and_nothing_else(job: Job) -> None:
    """What a kill left behind, in any place; not what is kept or made just now, nor what came with a restore."""
    deleted, made, stopped = (
        kept(products.queue_product(Job.Kind.REPORT, job.freeze, by="ann")) for _ in range(3)
    )
    products.remove(deleted, "somebody deleted it", by="ann")
    Job.objects.filter(pk=stopped.pk).update(status=Job.Status.STOPPED, outcome={})
    reports_dir, exports_dir = settings.REPORTS_DIR, settings.EXPORTS_DIR
    strays = [
        products.file_of(deleted),
        products.file_of(stopped),
        reports_dir / "900000001.zip",
        exports_dir / f"{made.pk}.zip",  # of a report is no export
        exports_dir / ".900000001.zip.ab12.part",
        settings.JOBS_DIR / "900000001",
    ]
    stay = [products.file_of(made), products.file_of(job), reports_dir / "mine.txt"]
    restored = [exports_dir / "900000002.zip", settings.JOBS_DIR / "900000002"]
    for path in [*strays, *stay, *restored]:
        path.mkdir() if path.parent == settings.JOBS_DIR else path.write_bytes(b"left")
        if path not in restored:
            os.utime(path, times=(0, 0))
    try:
        sweep()
        assert [path for path in strays if path.exists()] == []
        assert all(path.exists() for path in [*stay, *restored])
    finally:
        stay[-1].unlink()
        restored[1].rmdir()


def test_a_report_is_served_as_a_page_that_can_do_nothing_and_under_its_own_study_alone(
    researcher: Client, job: Job
) -> None:
    study = kept(job).freeze.study
    researcher.post(page(study, "unblind"))
    answer = researcher.get(page(study, "report", job.pk))
    policy = answer.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "sandbox", "frame-ancestors 'none'", "img-src data:"} <= set(policy)
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(b"".join(researcher.get(page(study, "report_zip", job.pk))))) as archive:
        assert archive.namelist() == [f"small-report-{job.pk}/report.html"]
    other = Study.objects.create(slug="other", title="Other")
    researcher.post(page(other, "unblind"))
    for name in ("report", "report_zip"):
        assert researcher.get(page(other, name, job.pk)).status_code == 404
    assert researcher.post(page(other), {"delete": job.pk}).status_code == 404


def test_a_report_is_stopped_and_tried_again_on_the_page(researcher: Client, job: Job) -> None:
    study = job.freeze.study
    told = researcher.post(page(study), {"delete": job.pk}, follow=True).content.decode()
    assert "expected one that is made, it is waiting" in told
    researcher.post(page(study), {"stop": job.pk})
    job.refresh_from_db()
    assert job.status == "stopped"
    assert (
        "expected a job that waits"
        in researcher.post(page(study), {"stop": job.pk}, follow=True).content.decode()
    )
    researcher.post(page(study), {"retry": job.pk})
    job.refresh_from_db()
    assert job.status == "waiting"
    Job.objects.update(status=Job.Status.FAILED, error="row 3: expected a number")
    assert "row 3: expected a number" in researcher.get(page(study)).content.decode()


def test_every_state_of_a_report_can_be_looked_at_among_the_jobs(researcher: Client, job: Job) -> None:
    address = reverse("admin:studyapp_job_change", args=[job.pk])
    assert "report of small" in researcher.get(address).content.decode()
    Job.objects.update(outcome={"step": "drawing figure1"}, status=Job.Status.RUNNING)
    assert "drawing figure1" in researcher.get(address).content.decode()
    kept(job)
    assert page(job.freeze.study) in researcher.get(address).content.decode()
    assert researcher.get(reverse("admin:studyapp_job_changelist")).status_code == 200


def test_the_command_asks_for_the_same_report(freeze: ExportFreeze) -> None:
    call_command("make_report", "small", "--freeze", freeze.name[:6], "--live")
    job = Job.objects.get()
    assert (job.kind, job.freeze, job.arguments) == ("report", freeze, {"live": True})
    with pytest.raises(CommandError, match="expected an export of study small, got 'x-'"):
        call_command("make_report", "small", "--freeze", "x-")


@pytest.mark.parametrize("choice", ["simulated", "pilot"])
def test_sittings_are_not_chosen_in_an_earlier_export(
    researcher: Client, freeze: ExportFreeze, tmp_path: Path, choice: str
) -> None:
    """By both commands and on both pages: the earlier export holds what it held, which is not what was asked for."""
    words = (
        f"export {freeze.name[:8]} holds the sittings that were chosen when it was made: expected it alone"
    )
    for command in (["make_report"], ["export_responses", "--out", str(tmp_path / "export")]):
        with pytest.raises(CommandError, match=words):
            call_command(*command, "small", "--freeze", freeze.name, f"--{choice}")
    for name in ("reports", "export"):
        wish = {"freeze": freeze.name, choice: "yes"}
        assert words[1:] in researcher.post(page(freeze.study, name), wish, follow=True).content.decode()
    assert not Job.objects.exists()
    assert not (tmp_path / "export").exists()
    assert ExportFreeze.objects.get() == freeze


def test_a_report_that_was_changed_is_found(job: Job) -> None:
    kept(job)
    assert next(verify(["reports"])).problems == ()
    products.file_of(job).write_bytes(b"another")
    (problem,) = next(verify(["reports"])).problems
    assert "was changed" in problem


def test_a_report_that_is_lost_is_found_until_somebody_deletes_it(researcher: Client, job: Job) -> None:
    products.file_of(kept(job)).unlink()
    (problem,) = next(verify(["reports"])).problems
    assert f"{products.file_of(job)} is missing" in problem
    researcher.post(page(job.freeze.study), {"delete": job.pk})
    assert next(verify(["reports"])).problems == ()


def test_a_report_has_its_name_on_the_disk_before_its_row_says_so(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut after the answer that it is done must not undo the renaming."""
    folder, written = products.file_of(job).parent.stat(), []
    to_disk = os.fsync

    def noted(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), folder):
            written.append(products.file_of(job).is_file())
        to_disk(descriptor)

    def make(work: Work) -> dict[str, int]:
        with write_whole(work.out) as file:
            file.write(b"a report")
        return {"n_erased": 0}

    monkeypatch.setitem(MAKERS, Job.Kind.REPORT, make)
    monkeypatch.setattr(os, "fsync", noted)
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    assert (job.status, written) == ("done", [True])


def test_a_report_that_is_stopped_at_the_last_moment_is_put_nowhere(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(work: Work) -> dict[str, int]:
        work.out.write_bytes(b"a report")
        stop_job(job)
        return {"n_erased": 0}

    monkeypatch.setitem(MAKERS, Job.Kind.REPORT, stopped)
    make_product(job.slices.get().pk)
    job.refresh_from_db()
    assert (job.status, products.file_of(job).exists()) == ("stopped", False)
