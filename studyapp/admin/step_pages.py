"""The pages on which a study takes a step of its life: a question first, the step on POST, refusals as messages."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp import life
from studyapp.admin.steps import WORDS
from studyapp.catalogue import CatalogueError
from studyapp.image_files import ImageSetError
from studyapp.life import live_sittings
from studyapp.models import Study
from studyapp.opening import OpeningError, advice
from studyapp.roles import EDIT, may


def study_or_404(model_admin: admin.ModelAdmin, request: HttpRequest, object_id: str) -> Study:
    """The study that an address of the admin names."""
    study = model_admin.get_object(request, unquote(object_id))
    if study is None:
        raise Http404
    return study


class StepPages(admin.ModelAdmin):
    """The steps of `life` as pages of one study and as actions on several."""

    def may_take_steps(self, request: HttpRequest, study: Study) -> bool:
        """Whoever may change this study; which state allows which step is the step's own rule."""
        return may(request.user, study, EDIT)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.step_view)
        pages = [
            path(f"<path:object_id>/{name}/", view, {"step_name": name}, name=f"studyapp_study_{name}")
            for name in life.STEPS
        ]
        return pages + super().get_urls()

    def step_view(self, request: HttpRequest, object_id: str, step_name: str) -> HttpResponse:
        """Ask, and on POST take a step."""
        study = study_or_404(self, request, object_id)
        if not self.may_take_steps(request, study):
            raise PermissionDenied
        if request.method == "POST":
            self._take(request, step_name, study)
            return redirect("admin:studyapp_study_change", study.pk)
        return self._confirmation(request, step_name, [study])

    def _take(self, request: HttpRequest, name: str, study: Study) -> None:
        try:
            life.take(name, study)
        except (OpeningError, CatalogueError, ImageSetError) as error:
            messages.error(request, f"{error}.")
        except OSError as error:
            messages.error(request, f"{study}: the disk refused ({error.strerror}). Nothing was changed.")
        else:
            self.log_change(request, study, WORDS[name].logged)
            messages.success(request, f"Study {study} {WORDS[name].done}")

    def _confirmation(
        self,
        request: HttpRequest,
        name: str,
        studies: Sequence[Study],
        hidden: Sequence[tuple[str, Any]] = (),
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": WORDS[name].question,
            "step": WORDS[name],
            "rows": [(study, _to_know(study, name)) for study in studies],
            "hidden": hidden,
        }
        return TemplateResponse(request, "admin/studyapp/study/step.html", context)

    def _step_selected(
        self, request: HttpRequest, queryset: QuerySet[Study], name: str
    ) -> HttpResponse | None:
        studies = [study for study in queryset if self.may_take_steps(request, study)]
        if request.POST.get("confirmed"):
            for study in studies:
                self._take(request, name, study)
            return None
        hidden = [("action", f"{name}_selected"), ("confirmed", "yes")]
        hidden += [(ACTION_CHECKBOX_NAME, str(study.pk)) for study in studies]
        return self._confirmation(request, name, studies, hidden)

    @admin.action(description="Open the selected studies", permissions=["change"])
    def open_selected(self, request: HttpRequest, queryset: QuerySet[Study]) -> HttpResponse | None:
        return self._step_selected(request, queryset, "open")

    @admin.action(description="Pause the selected studies", permissions=["change"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Study]) -> HttpResponse | None:
        return self._step_selected(request, queryset, "pause")

    @admin.action(description="Close the selected studies", permissions=["change"])
    def close_selected(self, request: HttpRequest, queryset: QuerySet[Study]) -> HttpResponse | None:
        return self._step_selected(request, queryset, "close")

    @admin.action(description="Archive the selected studies", permissions=["change"])
    def archive_selected(self, request: HttpRequest, queryset: QuerySet[Study]) -> HttpResponse | None:
        return self._step_selected(request, queryset, "archive")


def _to_know(study: Study, name: str) -> list[str]:
    """What somebody should know of this study before a step."""
    if study.status == Study.Status.DRAFT:
        return advice(study)
    if name == "revise" and (n_sittings := study.sittings.count()):
        return [f"{n_sittings} pilot sittings will be deleted"]
    if name in ("pause", "close") and (n_live := live_sittings(study).count()):
        return [f"{n_live} sittings may be under way; they can be finished"]
    return []
