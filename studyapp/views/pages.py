"""The pages of a sitting, from the welcome to the thanks, and how errors look."""

import functools
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from studyapp import __version__, doors, languages, messages, recruiting, sittings
from studyapp.arrivals import LONGEST_QUERY, Arrival, arrival
from studyapp.durations import minutes
from studyapp.limits import TooOften
from studyapp.models import Sitting, SittingOutcome, Study, token_128
from studyapp.versions import successor
from studyapp.views import api
from studyapp.views.cookies import keep_secret, sitting_of, study_or_404

TOKEN = re.compile(r"[A-Za-z0-9]{22}")
WITH_CODES = (Sitting.Status.FINISHED, Sitting.Status.SCREENED, Sitting.Status.WITHDRAWN)


def message(
    request: HttpRequest, status: int, title: str, text: str, url: str = "", label: str = "", **more: Any
) -> HttpResponse:
    """An error or a refusal, looking like a page: what happened, that nothing is lost, what to do."""
    context = {"title": title, "text": text, "action_url": url, "action_label": label, **more}
    return render(request, "study/message.html", context, status=status)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return message(
        request,
        404,
        _("Nothing here"),
        _("There is no page at this address. Check the link you were given."),
        reverse("home"),
        _("To the studies"),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    text = _(
        "Something went wrong on our side. Answers that you gave are stored. Please try again in a minute."
    )
    return message(request, 500, _("This did not work"), text)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    match = request.resolver_match
    if match is not None and (match.url_name or "").startswith("api-"):
        return api.csrf_refusal(request, match.kwargs["slug"])
    text = _(
        "The page was open for too long, or your browser does not keep cookies for this site. "
        "Answers that you gave are stored. Go back, reload the page and try again."
    )
    return message(request, 403, _("Please reload the page"), text)


BUSY_S = 60


def paced(view: Callable[[HttpRequest, str], HttpResponse]) -> Callable[[HttpRequest, str], HttpResponse]:
    """A page that may be asked for, or its form sent, only so often over one link: then it asks for a moment.

    So it does when the database is busy or away: whoever comes is counted with a write.
    """

    @functools.wraps(view)
    def wrapped(request: HttpRequest, slug: str) -> HttpResponse:
        try:
            return view(request, slug)
        except (TooOften, OperationalError) as error:
            status, wait_s = (429, error.retry_after_s) if isinstance(error, TooOften) else (503, BUSY_S)
            text = _("Very many people have come at once. Please go back in a minute and try again.")
            refusal = message(request, status, _("One moment, please"), text)
            refusal.headers["Retry-After"] = str(wait_s)
            return refusal

    return wrapped


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    listed = Study.objects.filter(status=Study.Status.OPEN).exclude(recruiting__open_link=False)
    studies = [
        (study, study.texts_in(language).title, language)
        for study in sittings.for_participants(listed)
        for language in [languages.chosen(study, request, None)]
    ]
    return render(request, "study/home.html", {"studies": studies})


# What the diagnostics show: onsets half a second apart and more, in the middle of the page.
DIAGNOSIS = {
    "exposures_ms": [50, 75, 100, 150, 200, 300],
    "width_px": 32,
    "height_px": 32,
    "size_css_px": 128,
    "smoothing": False,
    "mask_gray": "#808080",
    "mask_ms": None,
    "fixation_ms": 100,
    "blank_ms": 300,
    "keys": {"real": "f", "generated": "j"},
}


@require_GET
def diagnostics(request: HttpRequest) -> HttpResponse:
    """How exactly the visitor's own screen shows pictures; for anybody, and kept nowhere."""
    return render(request, "study/diagnostics.html", {"config": DIAGNOSIS})


def of_study(
    request: HttpRequest, page: str, study: Study, language: str, *, status: int = 200, **context: Any
) -> HttpResponse:
    """A page of a study in a language; what the study itself says is in `texts`."""
    context = {"study": study, "texts": study.texts_in(language), "language": language, **context}
    return render(request, f"study/{page}.html", context, status=status)


@require_GET
@never_cache
@paced
def welcome(request: HttpRequest, slug: str) -> HttpResponse:
    study = study_or_404(slug)
    query = request.GET.urlencode()
    came = arrival(study, query)
    sittings.spend_on_link(study, came, is_look=True)
    sitting = sitting_of(request, study)
    has_sitting = sitting is not None and sitting.status == Sitting.Status.STARTED
    is_back = sittings.is_coming_back(study, came)
    newer = None if sitting or is_back else to_newer_version(request, study, "welcome")
    if newer is not None:
        return newer
    language = languages.speak(study, request, sitting if has_sitting else None)
    return of_study(
        request,
        "welcome",
        study,
        language,
        language_links=[] if has_sitting else languages.links(study, request),
        minutes=minutes(study),
        closed_door="" if is_back else closed_door(study, came),
        has_sitting=has_sitting,
        is_coming_back=is_back,
        has_codes=sitting is not None and sitting.status in WITH_CODES,
        query=query,
    )


def closed_door(study: Study, came: Arrival) -> str:
    """What somebody who comes like this is told instead of being let in, empty if they may begin."""
    try:
        doors.require_open(study, came, is_tester=doors.is_tester(study, came.link))
    except doors.Refused as refused:
        return str(refused)
    return ""


def to_newer_version(request: HttpRequest, study: Study, page: str) -> HttpResponse | None:
    """On to the open version that took over from this one, with all that the link said; None where they stay."""
    newer = successor(study)
    if newer is None:
        return None
    return redirect(reverse(f"study:{page}", args=[newer.slug], query=request.GET))


@require_http_methods(["GET", "POST"])
@never_cache
@paced
def consent(request: HttpRequest, slug: str) -> HttpResponse:
    study = study_or_404(slug)
    language = languages.speak(study, request)
    if request.method == "GET":
        query = request.GET.urlencode()
        came = arrival(study, query)
        sittings.spend_on_link(study, came, is_look=True)
        if not sittings.is_coming_back(study, came):
            if newer := to_newer_version(request, study, "consent"):
                return newer
            if closed_door(study, came):  # says so before a long text
                return redirect(reverse("study:welcome", args=[slug], query=request.GET))
        context: dict[str, Any] = {
            "language_links": languages.links(study, request),
            "query": query,
            "attempt": token_128(),
        }
        return of_study(request, "consent", study, language, **context)
    came = arrival(study, request.POST.get("panel_query", ""))
    if request.POST.get("decision") != "agree":
        sittings.spend_on_link(study, came)
        sittings.note_decline(study)
        came_with = QueryDict(request.POST.get("panel_query", "")[:LONGEST_QUERY], mutable=True)
        came_with[languages.PARAMETER] = language
        return redirect(reverse("study:declined", args=[slug], query=came_with))
    running = sitting_of(request, study)
    if running is not None and running.status == Sitting.Status.STARTED:
        return redirect("study:screen", slug)
    attempt = request.POST.get("attempt", "")
    try:
        _sitting, secret = sittings.begin(
            study,
            # A name that is too short to be ours could be another person's, too.
            attempt=attempt if TOKEN.fullmatch(attempt) else token_128(),
            language=language,
            arrival=came,
        )
    except doors.Refused as refused:
        more: dict[str, Any] = {"study": study, "texts": study.texts_in(language), "language": language}
        return message(request, 409, str(TITLES[refused.code]), str(refused), **more)
    response = redirect("study:screen", slug)
    keep_secret(response, study, secret)
    return response


TITLES = {
    "not_yet": gettext_lazy("The study has not begun"),
    "paused": gettext_lazy("The study takes a break"),
    "closed": gettext_lazy("The study is closed"),
    "full": gettext_lazy("The study is full"),
    "again": gettext_lazy("You took part already"),
    "link": gettext_lazy("This link is not complete"),
    "invited": gettext_lazy("By invitation"),
}


@csrf_exempt
@require_POST
@paced
def landed(request: HttpRequest, slug: str) -> HttpResponse:
    """A browser has shown the welcome page: counted, and nothing else comes of it."""
    study = study_or_404(slug)
    sittings.spend_on_link(study, is_look=True)
    sittings.note_landing(study)
    return HttpResponse(status=204)


@require_GET
@paced
def declined(request: HttpRequest, slug: str) -> HttpResponse:
    """Nothing is stored of those who do not agree; the code for them and the way back follow from their link."""
    study = study_or_404(slug)
    came = arrival(study, request.GET.urlencode())
    sittings.spend_on_link(study, came, is_look=True)
    told = recruiting.recruiting_of(study)
    code = recruiting.code_for(told, SittingOutcome.NO_CONSENT)
    return of_study(
        request,
        "declined",
        study,
        languages.speak(study, request),
        query=request.GET.urlencode(),
        completion_code=code,
        return_url=code and recruiting.return_address(told, came.panel, came.external_id, code),
    )


def with_sitting(
    view: Callable[[HttpRequest, Sitting], HttpResponse],
) -> Callable[[HttpRequest, str], HttpResponse]:
    """Pages inside a sitting: without one they lead to the welcome page, after its end to the thanks."""

    @never_cache
    @paced
    def wrapped(request: HttpRequest, slug: str) -> HttpResponse:
        study = study_or_404(slug)
        sitting = sitting_of(request, study)
        if sitting is None:
            return redirect("study:welcome", slug)
        languages.speak(study, request, sitting)
        return view(request, sitting)

    return wrapped


STEPS = {"screen": "examples", "examples": "how", "how": "test", "test": "thanks"}


def page_config(request: HttpRequest, sitting: Sitting, step: str) -> dict[str, Any]:
    """What the scripts of a page need to know; nothing in it depends on which pictures are real."""
    study = sitting.study
    pages = {name: reverse(f"study:{name}", args=[study.slug]) for name in ("thanks", "withdraw")}
    calls = ("screen", "resume", "block", "pictures", "responses", "finish", "examples")
    return {
        "study": study.slug,
        "code_version": __version__,
        "csrf_token": get_token(request),
        "sitting": sitting.public_id,
        "urls": {
            **pages,
            **{name: reverse(f"study:api-{name}", args=[study.slug]) for name in calls},
            "block": reverse("study:api-block", args=[study.slug], query={"version": messages.VERSION}),
            "next": reverse(f"study:{STEPS[step]}", args=[study.slug]),
        },
        "width_px": study.width_px,
        "height_px": study.height_px,
        "size_css_px": study.size_css_px,
        "size_deg": study.size_deg,
        "size_device_px": sitting.screen.get("size_device_px"),
        "smoothing": study.smoothing,
        "mask_kind": study.mask_kind,
        "mask_ms": study.mask_ms,
        "mask_gray": study.mask_gray,
        "fixation_ms": study.fixation_ms,
        "blank_ms": study.blank_ms,
        "keys": {"real": sitting.real_key, "generated": "j" if sitting.real_key == "f" else "f"},
        "break_every": study.break_every,
        "n_trials": study.n_test_trials,
        "practice_feedback": study.practice_feedback,
        "practice_trials": study.practice_trials,
        "n_examples": study.n_examples,
    }


def step(name: str) -> Callable[[HttpRequest, str], HttpResponse]:
    """The view of one page of the running sitting."""

    @require_GET
    @with_sitting
    def view(request: HttpRequest, sitting: Sitting) -> HttpResponse:
        if sitting.status != Sitting.Status.STARTED:
            return redirect("study:thanks", sitting.study.slug)
        if name != "screen" and not sitting.screen.get("will_do", True):
            return redirect("study:screen", sitting.study.slug)
        config = page_config(request, sitting, name)
        return of_study(request, name, sitting.study, sitting.language, sitting=sitting, config=config)

    return view


@require_GET
@with_sitting
def thanks(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    study = sitting.study
    if sitting.status == Sitting.Status.STARTED:
        return redirect("study:test", study.slug)
    finished = sitting.status == Sitting.Status.FINISHED
    return of_study(
        request,
        "thanks",
        study,
        sitting.language,
        status_of_sitting=sitting.status,
        completion_code=sitting.completion_code,
        return_url=recruiting.way_back(sitting),
        receipt_code="" if sitting.status == Sitting.Status.ERASED else sittings.receipt_code(sitting),
        score=sittings.score(sitting) if finished and study.shows_score else None,
        truth=sittings.truth(sitting) if finished and study.shows_score else [],
        n_missing=sittings.n_missing(sitting) if finished else 0,
    )


@require_http_methods(["GET", "POST"])
@with_sitting
def ineligible(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    """The end for whoever's screen will not do and cannot be changed."""
    study = sitting.study
    if sitting.status != Sitting.Status.STARTED:
        return redirect("study:thanks", study.slug)
    if request.method == "GET":
        return of_study(request, "ineligible", study, sitting.language, sitting=sitting)
    try:
        sittings.screen_out(sitting)
    except sittings.SittingError:
        return redirect(f"study:{sittings.stands_at(sitting)}", study.slug)
    return redirect("study:thanks", study.slug)


@require_http_methods(["GET", "POST"])
@with_sitting
def withdraw(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    study = sitting.study
    if sitting.status != Sitting.Status.STARTED:
        return redirect("study:thanks", study.slug)
    if request.method == "GET":
        back_url = reverse(f"study:{sittings.stands_at(sitting)}", args=[study.slug])
        return of_study(request, "withdraw", study, sitting.language, sitting=sitting, back_url=back_url)
    # Of two clicks the second finds the sitting ended: the thanks page tells how, to both.
    with suppress(sittings.SittingError):
        sittings.withdraw(sitting, keep_answers=request.POST.get("data") == "keep")
    return redirect("study:thanks", study.slug)


@require_http_methods(["GET", "POST"])
@never_cache
@paced
def erase(request: HttpRequest, slug: str) -> HttpResponse:
    study = study_or_404(slug)
    language = languages.speak(study, request, sitting_of(request, study))
    code = request.POST.get("receipt_code", "")[:100]
    is_done = request.method == "POST" and sittings.erase(study, code)
    is_unknown = request.method == "POST" and not is_done
    context = {"code": code, "is_done": is_done, "is_unknown": is_unknown}
    return of_study(request, "erase", study, language, status=422 if is_unknown else 200, **context)
