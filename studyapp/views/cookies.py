"""The sitting's secret in the browser: one HttpOnly cookie a study, and how a request finds its sitting."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from studyapp import sittings
from studyapp.models import Sitting, Study

NAME = "sitting"
KEPT_S = 30 * 24 * 3600


def study_or_404(slug: str) -> Study:
    """An open or closed study; a draft is not there for participants."""
    study = (
        sittings.for_participants(Study.objects.filter(slug=slug)).exclude(status=Study.Status.DRAFT).first()
    )
    if study is None:
        raise Http404("There is no study at this address.")
    return study


def sitting_of(request: HttpRequest, study: Study) -> Sitting | None:
    return sittings.by_secret(study, request.COOKIES.get(NAME, ""))


def sitting_at(request: HttpRequest, slug: str) -> Sitting | None:
    """The sitting of this browser in the study at this address, with its study."""
    secret = request.COOKIES.get(NAME, "")
    return sittings.by_secret_at(slug, secret) if secret else None


def keep_secret(response: HttpResponse, study: Study, secret: str) -> None:
    response.set_cookie(
        NAME,
        secret,
        max_age=KEPT_S,
        path=reverse("study:welcome", args=[study.slug]),
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
