"""A study's reports: made by a worker, kept, opened in the browser and taken home; nobody who does stays blind."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp.accounts import person
from studyapp.admin.live_page import LivePage
from studyapp.admin.product_rows import (
    change_product,
    earlier_wished,
    file_answer,
    product_or_404,
    shown_products,
)
from studyapp.admin.step_pages import study_or_404
from studyapp.export import wished_freeze
from studyapp.export_files import ExportError
from studyapp.models import Job, Study
from studyapp.products import queue_product
from studyapp.reports import folder_name, page_of
from studyapp.results import is_unblinded
from studyapp.roles import DATA, may

MOST_FREEZES = 20
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
            if not change_product(self, request, study, Job.Kind.REPORT):
                self._make(request, study)
            return redirect("admin:studyapp_study_reports", study.pk)
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
            **shown_products(request, study, Job.Kind.REPORT),
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
            freeze = wished_freeze(
                study,
                earlier_wished(request, study),
                include_simulated="simulated" in request.POST,
                pilot="pilot" in request.POST,
                by=who,
            )
        except ExportError as error:
            messages.error(request, f"{error}.")
            return
        self.end_blindness(request, study)
        job = queue_product(Job.Kind.REPORT, freeze, by=who, live="live" in request.POST)
        self.log_change(request, study, f"Asked for report {job.pk} (freeze {freeze.name[:8]}).")

    def report_view(self, request: HttpRequest, object_id: str, pk: int) -> HttpResponseBase:
        """The report as it was made, in a page that can do nothing."""
        study = self._study_with_data(request, object_id)
        if not is_unblinded(study, person(request)):
            return self._ask_first(request, study)
        page = page_of(product_or_404(study, Job.Kind.REPORT, pk))
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
        job = product_or_404(study, Job.Kind.REPORT, pk)
        answer = file_answer(job, f"{folder_name(job)}.zip")
        self.log_change(request, study, f"Downloaded report {pk}.")
        return answer

    def _ask_first(self, request: HttpRequest, study: Study) -> HttpResponse:
        messages.warning(
            request, "Whoever opens a report is no longer blind: say first that you want to look."
        )
        return redirect("admin:studyapp_study_unblind", study.pk)
