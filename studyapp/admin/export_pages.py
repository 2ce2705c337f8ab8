"""The page on which a study's data is taken home, now or as it was before, and the same for several studies at once."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp.admin.columns import count
from studyapp.admin.product_rows import (
    change_product,
    earlier_wished,
    file_answer,
    product_or_404,
    shown_products,
)
from studyapp.admin.step_pages import study_or_404
from studyapp.built_exports import LARGE_TRIALS, is_large, n_closed, queue_build
from studyapp.export import wished_freeze
from studyapp.export_files import ExportError
from studyapp.export_zip import FORMS, zip_name, zipped_export
from studyapp.freezes import n_erased_since, with_erased
from studyapp.models import ExportFreeze, Job, Study
from studyapp.roles import DATA, may

MOST_EARLIER = 20
FORM_NAMES = {
    "csv": "CSV, safe for spreadsheets",
    "jsonl": "JSON lines, every text exactly as it is stored",
    "parquet": "Parquet, with types",
    "psych-ds": "a Psych-DS folder",
}


class ExportPages(admin.ModelAdmin):
    """Exports for whoever may look at studies; each one stands in the study's history."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<path:object_id>/export/", view(self.export_view), name="studyapp_study_export"),
            path(
                "<path:object_id>/export/<int:pk>.zip",
                view(self.built_view),
                name="studyapp_study_built_export",
            ),
        ]
        return [*own, *super().get_urls()]

    @admin.action(description="Export the selected studies", permissions=["view"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Study]) -> HttpResponseBase | None:
        return self._download(request, [study for study in queryset if may(request.user, study, DATA)])

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """What the export holds, and on POST the zip: of this moment, or of an earlier one."""
        study = study_or_404(self, request, object_id)
        if not may(request.user, study, DATA):
            raise PermissionDenied
        if request.method == "POST":
            if change_product(self, request, study, Job.Kind.EXPORT):
                return redirect("admin:studyapp_study_export", study.pk)
            form = request.POST.get("form", "csv")
            if form not in FORMS:
                raise Http404
            answer = self._download(
                request,
                [study],
                earlier=earlier_wished(request, study),
                include_simulated="simulated" in request.POST,
                pilot="pilot" in request.POST,
                form=form,
            )
            return answer or redirect("admin:studyapp_study_export", study.pk)
        n_of = {
            (is_pilot, is_simulated): n
            for is_pilot, is_simulated, n in study.sittings.order_by()
            .values_list("is_pilot", "is_simulated")
            .annotate(n=Count("pk"))
        }
        now = study.status == Study.Status.PILOTING  # what is exported if nothing is ticked
        n_people, n_simulated = (n_of.get((now, is_simulated), 0) for is_simulated in (False, True))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Export {study}",
            "study": study,
            "n_people": n_people,
            "n_simulated": n_simulated,
            "of_pilot": [n_of.get((True, False), 0), n_of.get((True, True), 0)],
            "has_pilot": any(is_pilot for is_pilot, _ in n_of),
            "only_simulated": not n_people and bool(n_simulated),
            "forms": FORM_NAMES.items(),
            **shown_products(request, study, Job.Kind.EXPORT),
            "large": count(LARGE_TRIALS),
            "earlier": [
                (freeze, sums_up(freeze), n_erased_since(freeze))
                for freeze in with_erased(study.freezes.all())[:MOST_EARLIER]
            ],
        }
        return TemplateResponse(request, "admin/studyapp/study/export.html", context)

    def built_view(self, request: HttpRequest, object_id: str, pk: int) -> HttpResponseBase:
        """The zip that a worker has built."""
        study = study_or_404(self, request, object_id)
        if not may(request.user, study, DATA):
            raise PermissionDenied
        job = product_or_404(study, Job.Kind.EXPORT, pk)
        return self._given(request, job)

    def _given(self, request: HttpRequest, job: Job) -> FileResponse:
        freeze, form = job.freeze, job.arguments["form"]
        if freeze is None:
            raise Http404
        answer = file_answer(job, zip_name([freeze]))
        self.log_change(request, freeze.study, f"Exported (freeze {freeze.name[:8]}, {form}).")
        return answer

    def _download(
        self,
        request: HttpRequest,
        studies: list[Study],
        *,
        earlier: str = "",
        include_simulated: bool = False,
        pilot: bool = False,
        form: str = "csv",
    ) -> FileResponse | None:
        who = request.user.get_username()
        try:
            freezes = [
                wished_freeze(study, earlier, include_simulated=include_simulated, pilot=pilot, by=who)
                for study in studies
            ]
        except ExportError as error:
            messages.error(request, f"{error}.")
            return None
        return self._answer(request, freezes, form)

    def _answer(self, request: HttpRequest, freezes: list[ExportFreeze], form: str) -> FileResponse | None:
        if len(freezes) > 1 and is_large(*freezes):
            n_trials = count(sum(map(n_closed, freezes)))
            messages.error(
                request,
                f"Together these have {n_trials} trials: export them one by one, each on its own page.",
            )
            return None
        if len(freezes) == 1 and (is_large(*freezes) or "build" in request.POST):
            return self._built(request, freezes[0], form)
        try:
            file = zipped_export(freezes, form=form)
        except ExportError as error:
            messages.error(request, f"{error}.")
            return None
        except OSError as error:
            messages.error(request, f"The export could not be written: the disk refused ({error.strerror}).")
            return None
        for freeze in freezes:
            self.log_change(request, freeze.study, f"Exported (freeze {freeze.name[:8]}, {form}).")
        return FileResponse(
            file, as_attachment=True, filename=zip_name(freezes), content_type="application/zip"
        )

    def _built(self, request: HttpRequest, freeze: ExportFreeze, form: str) -> FileResponse | None:
        """The zip where a worker has it ready, else nothing, and a worker is asked for it."""
        try:
            job = queue_build(freeze, form, by=request.user.get_username())
        except ExportError as error:
            messages.error(request, f"{error}.")
            return None
        if job.status == Job.Status.DONE:
            return self._given(request, job)
        self.log_change(request, freeze.study, f"Asked for an export (freeze {freeze.name[:8]}, {form}).")
        messages.success(request, "A worker builds it; download it below when it is ready.")
        return None


def sums_up(freeze: ExportFreeze) -> str:
    """The trials of an export, in words that add up."""
    trials = freeze.description["counts"]["trials"]
    parts = [f"{count(n)} {name.replace('_', ' ')}" for name, n in trials.items() if name != "planned" and n]
    return f"{count(trials['planned'])} planned" + (f" = {' + '.join(parts)}" if parts else "")
