"""The page on which a study's data is taken home, and the same for several studies at once."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp.admin.columns import count
from studyapp.admin.export_zip import zip_name, zipped_export
from studyapp.admin.step_pages import study_or_404
from studyapp.export_files import ExportError
from studyapp.models import Study


class ExportPages(admin.ModelAdmin):
    """Exports for whoever may look at studies; each one stands in the study's history."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        page = path("<path:object_id>/export/", view, name="studyapp_study_export")
        return [page, *super().get_urls()]

    @admin.action(description="Export the selected studies", permissions=["view"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Study]) -> HttpResponseBase | None:
        return self._download(request, list(queryset), include_simulated=False)

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """What the export holds, and on POST the zip."""
        study = study_or_404(self, request, object_id)
        if not self.has_view_permission(request, study):
            raise PermissionDenied
        if request.method == "POST":
            answer = self._download(request, [study], include_simulated="simulated" in request.POST)
            return answer or redirect("admin:studyapp_study_export", study.pk)
        n_by_kind = dict(study.sittings.order_by().values_list("is_simulated").annotate(n=Count("pk")))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Export {study}",
            "study": study,
            "n_people": count(n_by_kind.get(False, 0)),
            "n_simulated": count(n_by_kind.get(True, 0)),
            "only_simulated": not n_by_kind.get(False) and bool(n_by_kind.get(True)),
        }
        return TemplateResponse(request, "admin/studyapp/study/export.html", context)

    def _download(
        self, request: HttpRequest, studies: list[Study], *, include_simulated: bool
    ) -> FileResponse | None:
        try:
            file = zipped_export(studies, include_simulated=include_simulated)
        except ExportError as error:
            messages.error(request, f"{error}.")
            return None
        except OSError as error:
            messages.error(request, f"The export could not be written: the disk refused ({error.strerror}).")
            return None
        for study in studies:
            self.log_change(request, study, "Exported.")
        return FileResponse(
            file, as_attachment=True, filename=zip_name(studies), content_type="application/zip"
        )
