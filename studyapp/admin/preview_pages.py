"""What participants will read, in each language of a study: its pages as they are, going nowhere."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import translation

from studyapp.admin.step_pages import StepPages, study_or_404
from studyapp.durations import minutes
from studyapp.models import Sitting, Study
from studyapp.views.pages import of_study

SAMPLE_CODE = "ABCD-EFGH"
TITLES = {"welcome": "Welcome", "consent": "Consent", "thanks": "Thanks and debrief"}


def told(study: Study, page: str) -> dict[str, Any]:
    """What a page says to somebody who could be the first."""
    own: dict[str, dict[str, Any]] = {
        "welcome": {"minutes": minutes(study), "closed_door": "", "has_sitting": False, "has_codes": False},
        "consent": {"attempt": ""},
        "thanks": {
            "status_of_sitting": Sitting.Status.FINISHED,
            "completion_code": SAMPLE_CODE,
            "receipt_code": SAMPLE_CODE * 2,
        },
    }
    return {"query": "", "language_links": [], "is_preview": True, **own[page]}


class PreviewPages(StepPages):
    """For whoever may look at studies; a draft is shown as it was last saved."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        preview = path("<path:object_id>/preview/<slug:page>/", view, name="studyapp_study_preview")
        return [preview, *super().get_urls()]

    def preview_view(self, request: HttpRequest, object_id: str, page: str) -> HttpResponse:
        """One page in one language; its form and its links begin nothing."""
        study = study_or_404(self, request, object_id)
        if not self.has_view_permission(request, study):
            raise PermissionDenied
        language = request.GET.get("language", study.language)
        if page not in TITLES or language not in study.languages:
            raise Http404
        with translation.override(language):
            return of_study(request, page, study, language, **told(study, page))


def previews(study: Study) -> list[tuple[str, str, str]]:
    """(page, its title, language) of everything there is to look at."""
    return [(page, title, language) for language in study.languages for page, title in TITLES.items()]
