"""A study's reports: made by a worker, kept, opened in the browser and taken home; nobody who does stays blind."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp.accounts import person
from studyapp.admin.columns import count
from studyapp.admin.jobs import progress_bar, with_progress
from studyapp.admin.live_page import LivePage
from studyapp.admin.step_pages import study_or_404
from studyapp.export import freeze_study
from studyapp.export_files import ExportError
from studyapp.jobs import JobError, retry_job, stop_job
from studyapp.models import ExportFreeze, Job, Study
from studyapp.products import kept_file, products_of, queue_product, remove
from studyapp.reports import folder_name, page_of
from studyapp.results import is_unblinded
from studyapp.roles import DATA, EDIT, may

MOST_FREEZES = 20
MOST_REPORTS = 50
# Shows what the page has in itself and no more: no script, no network, no form, no page around it, and an origin
# that is not the site's.
REPORT_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)


class ReportPages(LivePage):
    """For whoever may see a study's data."""

    def get_urls(self) -> list[URLPattern]:
        views: tuple[tuple[str, Callable[..., HttpResponseBase], str], ...] = (
            ("", self.reports_view, "reports"),
            ("<int:pk>/report.html", self.report_view, "report"),
            ("<int:pk>/report.zip", self.report_zip_view, "report_zip"),
        )
        pages = [
            path(
                f"<path:object_id>/reports/{end}",
                self.admin_site.admin_view(view),
                name=f"studyapp_study_{name}",
            )
            for end, view, name in views
        ]
        return pages + super().get_urls()

    def reports_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All reports of a study; on POST one is made, stopped, tried again or deleted."""
        study = self._study_with_data(request, object_id)
        if request.method == "POST":
            act = self._make if "make" in request.POST else self._change_report
            act(request, study)
            return redirect("admin:studyapp_study_reports", study.pk)
        reports = list(with_progress(products_of(study, Job.Kind.REPORT))[:MOST_REPORTS])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Reports of {study}",
            "study": study,
            "is_draft": study.status == Study.Status.DRAFT,
            "is_blind": not is_unblinded(study, person(request)),
            "has_simulated": study.sittings.filter(is_simulated=True).exists(),
            "has_pilot": study.sittings.filter(is_pilot=True).exists(),
            "freezes": study.freezes.all()[:MOST_FREEZES],
            "reports": [_told(job) for job in reports],
            "changes": any(job.status in Job.OPEN for job in reports),
            "may_delete": may(request.user, study, EDIT),
        }
        return TemplateResponse(request, "admin/studyapp/study/reports.html", context)

    def _study_with_data(self, request: HttpRequest, object_id: str) -> Study:
        study = study_or_404(self, request, object_id)
        if not may(request.user, study, DATA):
            raise PermissionDenied
        return study

    def _make(self, request: HttpRequest, study: Study) -> None:
        who = request.user.get_username()
        try:
            freeze = self._freeze(request, study, who)
        except ExportError as error:
            messages.error(request, f"{error}.")
            return
        job = queue_product(Job.Kind.REPORT, freeze, by=who, live="live" in request.POST)
        self.end_blindness(request, study)
        self.log_change(request, study, f"Asked for report {job.pk} (freeze {freeze.name[:8]}).")

    def _freeze(self, request: HttpRequest, study: Study, who: str) -> ExportFreeze:
        """The earlier freeze that was chosen, else one of this moment."""
        if name := request.POST.get("freeze"):
            earlier = study.freezes.filter(name=name).first()
            if earlier is None:
                raise Http404
            return earlier
        return freeze_study(
            study, include_simulated="simulated" in request.POST, pilot="pilot" in request.POST, by=who
        )

    def _change_report(self, request: HttpRequest, study: Study) -> None:
        for name, change in CHANGES.items():
            if pk := request.POST.get(name):
                job = _report(study, int(pk) if pk.isdecimal() else 0)
                if name == "delete" and not may(request.user, study, EDIT):
                    raise PermissionDenied
                try:
                    change(job, request.user.get_username())
                except JobError as error:
                    messages.error(request, f"{error}.")
                else:
                    self.log_change(request, study, f"Report {job.pk}: {name}.")
                return
        raise Http404

    def report_view(self, request: HttpRequest, object_id: str, pk: int) -> HttpResponseBase:
        """The report as it was made, in a page that can do nothing."""
        study = self._study_with_data(request, object_id)
        if not is_unblinded(study, person(request)):
            return self._ask_first(request, study)
        page = page_of(_report(study, pk))
        if page is None:
            raise Http404
        self.log_change(request, study, f"Opened report {pk}.")
        return HttpResponse(
            page,
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": REPORT_POLICY, "X-Content-Type-Options": "nosniff"},
        )

    def report_zip_view(self, request: HttpRequest, object_id: str, pk: int) -> HttpResponseBase:
        """The whole folder of a report."""
        study = self._study_with_data(request, object_id)
        if not is_unblinded(study, person(request)):
            return self._ask_first(request, study)
        job = _report(study, pk)
        file = kept_file(job)
        if file is None:
            raise Http404
        self.log_change(request, study, f"Downloaded report {pk}.")
        return FileResponse(
            file.open("rb"),
            as_attachment=True,
            filename=f"{folder_name(job)}.zip",
            content_type="application/zip",
        )

    def _ask_first(self, request: HttpRequest, study: Study) -> HttpResponse:
        messages.warning(
            request, "Whoever opens a report is no longer blind: say first that you want to look."
        )
        return redirect("admin:studyapp_study_unblind", study.pk)


# What somebody may do to a report, by the name of the button.
CHANGES: dict[str, Callable[[Job, str], None]] = {
    "stop": lambda job, who: stop_job(job),
    "retry": lambda job, who: retry_job(job),
    "delete": lambda job, who: remove(job, "somebody deleted it", by=who),
}


def _report(study: Study, pk: int) -> Job:
    job = products_of(study, Job.Kind.REPORT).filter(pk=pk).first()
    if job is None:
        raise Http404
    return job


def _told(job: Job) -> dict[str, Any]:
    """A report as a line of the page."""
    is_kept = kept_file(job) is not None
    words = job.error or job.outcome.get("removed", "")
    if job.status == Job.Status.DONE and not is_kept:
        words = f"deleted: {words or 'its file is not there any more, or somebody in it had their answers erased'}"
    return {
        "job": job,
        "freeze": job.freeze,
        "is_kept": is_kept,
        "is_open": job.status in Job.OPEN,
        "is_over": job.status in (Job.Status.FAILED, Job.Status.STOPPED),
        "progress": progress_bar(job),
        "words": words,
        "n_trials": count(sum(_closed(job.freeze))) if job.freeze else "",
    }


def _closed(freeze: ExportFreeze) -> Iterator[int]:
    trials = freeze.description["counts"]["trials"]
    return (trials[name] for name in ("answered", "timed_out", "interrupted"))
