"""Recruiting in the admin: links, the ways back, an arrival to try, a panel's list beside ours, who is paid what."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from studyapp.admin.recruiting_forms import ArrivalForm, LinksForm, PanelListForm, RecruitingForm
from studyapp.admin.step_pages import StepPages, study_or_404
from studyapp.arrivals import what_an_arrival_says
from studyapp.csv_tables import TableError
from studyapp.links import LinkError, labels_of, link_rows, links_csv, make_links, qr_svg, qr_zip
from studyapp.models import Study
from studyapp.panels import PANELS, in_order
from studyapp.payment import payment_csv
from studyapp.reconciliation import AGREE, lines_csv, reconciled, verdict_counts
from studyapp.recruiting import recruiting_of
from studyapp.roles import NAMES, may, studies_with

MOST_SHOWN = 200


class RecruitingPages(StepPages):
    """For whoever may change studies; pages that tell of single people need the right to see panel identities, too."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponseBase]] = {
            "recruiting": self.recruiting_view,
            "links": self.links_view,
            "links.csv": self.links_csv_view,
            "qr.svg": self.qr_view,
            "qr.zip": self.qr_zip_view,
            "arrival": self.arrival_view,
            "reconcile": self.reconcile_view,
            "payment.csv": self.payment_view,
        }
        pages = [
            path(
                f"<path:object_id>/{name}" + ("" if "." in name else "/"),
                self.admin_site.admin_view(view),
                name=f"studyapp_study_{name.replace('.', '_')}",
            )
            for name, view in views.items()
        ]
        return [*pages, *super().get_urls()]

    def _recruited(self, request: HttpRequest, object_id: str, *, sees_people: bool = False) -> Study:
        study = study_or_404(self, request, object_id)
        may_recruit = self.may_take_steps(request, study) or study.pk in studies_with(request.user, NAMES)
        if not may_recruit or (sees_people and not may(request.user, study, NAMES)):
            raise PermissionDenied
        return study

    def _page(self, request: HttpRequest, study: Study, title: str, **more: Any) -> dict[str, Any]:
        back = reverse("admin:studyapp_study_recruiting", args=[study.pk])
        context = {"opts": self.opts, "title": title, "study": study, "back_url": back, **more}
        return {**self.admin_site.each_context(request), **context}

    def recruiting_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Links and ways back of one study, and on POST other ones."""
        study = self._recruited(request, object_id)
        form = RecruitingForm(recruiting_of(study), _sent(request)[0])
        if request.method == "POST" and form.is_valid():
            form.save()
            self.log_change(request, study, "Changed how people are recruited.")
            messages.success(request, "Recruiting is as you said, from now on.")
            return redirect("admin:studyapp_study_recruiting", study.pk)
        site = request.build_absolute_uri("/")
        states = Counter(state for _, kind, _, state in link_rows(study, site) if kind == "person")
        open_link = request.build_absolute_uri(reverse("study:welcome", args=[study.slug]))
        panels = [
            (PANELS[panel].title, open_link + PANELS[panel].address.replace(PANELS[panel].parameter, name, 1))
            for panel, name in in_order(study.panels).items()
            if panel in PANELS
        ]
        context = self._page(
            request,
            study,
            f"Recruiting for {study}",
            form=form,
            open_link=open_link,
            panels=panels,
            states=sorted(states.items()),
            n_links=states.total(),
            may_see_people=may(request.user, study, NAMES),
        )
        return TemplateResponse(request, "admin/studyapp/study/recruiting.html", context)

    def links_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make links, so many or for so many people."""
        study = self._recruited(request, object_id)
        form = LinksForm(*_sent(request))
        if request.method == "POST" and form.is_valid():
            table, count = form.cleaned_data["table"], form.cleaned_data["count"]
            try:
                labels = [""] * count if table is None else labels_of(table)
                made = make_links(study, labels, is_tester=form.cleaned_data["is_tester"])
            except LinkError as error:
                form.add_error(None, f"{error}.")
            else:
                self.log_change(request, study, f"{made.new} links made.")
                already = f"; {made.already} had one already" if made.already else ""
                messages.success(request, f"{made.new:,} links made{already}.")
                return redirect("admin:studyapp_study_recruiting", study.pk)
        context = self._page(request, study, f"Links into {study}", form=form, action="Make the links")
        return TemplateResponse(request, "admin/studyapp/form_page.html", context)

    def links_csv_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        study = self._recruited(request, object_id)
        self.log_change(request, study, "Links taken out as CSV.")
        content = links_csv(study, request.build_absolute_uri("/"))
        return _file(content, f"{study.slug}-links.csv", "text/csv; charset=utf-8")

    def qr_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The open link as a QR code, to look at."""
        study = self._recruited(request, object_id)
        address = request.build_absolute_uri(reverse("study:welcome", args=[study.slug]))
        return HttpResponse(qr_svg(address), content_type="image/svg+xml")

    def qr_zip_view(self, request: HttpRequest, object_id: str) -> FileResponse:
        """A QR code for each named link."""
        study = self._recruited(request, object_id)
        file = qr_zip(study, request.build_absolute_uri("/"))
        return FileResponse(
            file, as_attachment=True, filename=f"{study.slug}-qr.zip", content_type="application/zip"
        )

    def arrival_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What a pasted arrival address would be read as; nothing begins."""
        study = self._recruited(request, object_id)
        form = ArrivalForm(_sent(request)[0])
        told = None
        if request.method == "POST" and form.is_valid():
            told = what_an_arrival_says(study, form.cleaned_data["address"])
        context = self._page(request, study, "Try an arrival address", form=form, action="Read it", told=told)
        return TemplateResponse(request, "admin/studyapp/study/arrival.html", context)

    def reconcile_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A panel's list beside ours, on the page or as CSV; neither is kept."""
        study = self._recruited(request, object_id, sees_people=True)
        form = PanelListForm(study, *_sent(request))
        more: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            try:
                lines = reconciled(study, form.cleaned_data["panel"], form.cleaned_data["table"])
            except TableError as error:
                form.add_error("table", f"{error}.")
            else:
                self.log_change(request, study, "Compared with a panel's list.")
                if "as_csv" in request.POST:
                    return _file(lines_csv(lines), f"{study.slug}-compared.csv", "text/csv; charset=utf-8")
                odd = [line for line in lines if line.verdict != AGREE]
                more = {
                    "counts": sorted(verdict_counts(lines).items()),
                    "lines": odd[:MOST_SHOWN],
                    "n_more": max(0, len(odd) - MOST_SHOWN),
                }
        context = self._page(request, study, "Compare with a panel's list", form=form, **more)
        return TemplateResponse(request, "admin/studyapp/study/reconcile.html", context)

    def payment_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        study = self._recruited(request, object_id, sees_people=True)
        self.log_change(request, study, "Payment list taken out.")
        return _file(payment_csv(study), f"{study.slug}-payment.csv", "text/csv; charset=utf-8")


def _file(content: bytes, name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=content_type, headers=headers)


def _sent(request: HttpRequest) -> tuple[Any, Any]:
    """What a form was sent with, none of it where it is only looked at: an empty form counts as sent, too."""
    return (request.POST, request.FILES) if request.method == "POST" else (None, None)
