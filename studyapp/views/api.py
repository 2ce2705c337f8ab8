"""What the trial page asks and tells: JSON in, JSON or raw pictures out, every refusal with its status.

The rules are `sittings`; the shape of a response message is `messages`.
"""

import functools
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from studyapp import languages, messages, sittings
from studyapp.limits import TooOften
from studyapp.models import Sitting
from studyapp.packs import PackError
from studyapp.screens import refusal
from studyapp.views.cookies import sitting_at, study_or_404

log = logging.getLogger(__name__)
MAX_BODY_BYTES = 64 * 1024
OTHER_VERSION = gettext_lazy("The site has been renewed while this page was open.")
NO_SITTING = gettext_lazy(
    "This browser has lost the sitting that it had begun, as it does when its cookies are deleted. If you have a "
    "personal link, open it again in this browser: it leads back to where you stopped. Otherwise save your unsent "
    "answers and give them to the people who invited you; then you can start again."
)


class Refused(Exception):
    """An answer other than 200; `code` is for the page, `sentence` for people."""

    def __init__(self, status: int, code: str, sentence: str, **more: Any) -> None:
        super().__init__(sentence)
        self.status, self.body = status, {"error": code, "message": sentence, **more}


def private(response: HttpResponse) -> HttpResponse:
    """No cache may keep an answer, no proxy may change it: its size must tell nothing."""
    response.headers["Cache-Control"] = "no-store, no-transform"
    return response


def json_body(request: HttpRequest) -> Any:
    if request.content_type != "application/json":
        raise Refused(415, "type", f"expected application/json, got {request.content_type or 'no type'}")
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
        raise Refused(413, "too_large", f"expected at most {MAX_BODY_BYTES} bytes, got {length}")

    def no_constant(name: str) -> None:
        raise ValueError(f"{name} is no JSON")

    try:
        return json.loads(request.body, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "malformed", f"expected JSON: {error}") from None


def answering(view: Callable[[HttpRequest, Sitting], HttpResponse]) -> Callable[..., HttpResponse]:
    """Find the sitting, call the view, turn refusals into their answers."""

    @functools.wraps(view)
    def wrapped(request: HttpRequest, slug: str) -> HttpResponse:
        try:
            sitting = sitting_at(request, slug)
            if sitting is None:
                languages.speak(study_or_404(slug), request)
                raise Refused(401, "no_sitting", str(NO_SITTING))
            languages.speak(sitting.study, request, sitting)
            response = view(request, sitting)
        except Refused as refused:
            response = JsonResponse(refused.body, status=refused.status)
        except sittings.SittingError as error:
            response = JsonResponse({"error": error.code, "message": str(error)}, status=409)
        except messages.UnknownFields as error:
            # The page is newer than this server, as amid an update: it keeps its answers until they fit.
            told = {"error": "version", "message": str(OTHER_VERSION), "detail": str(error)}
            response = JsonResponse(told, status=409)
        except messages.MalformedMessage as error:
            body = {"error": "malformed", "message": str(error), "index": error.index}
            response = JsonResponse(body, status=400)
        except PackError as error:
            # Asking again cannot help: the page stops, keeps what it has, and says so.
            log.error("%s", error)
            body = {
                "error": "no_pictures",
                "message": _("The pictures of this study cannot be read at the moment."),
            }
            response = JsonResponse(body, status=409)
        except TooOften as error:
            # Nothing was stored: the page keeps its answers and sends them again after that time.
            sentence = _("Your browser asks very often; your answers are kept and sent in a moment.")
            body = {"error": "too_often", "message": sentence}
            headers = {"Retry-After": str(error.retry_after_s)}
            response = JsonResponse(body, status=429, headers=headers)
        except OperationalError:
            # A busy or absent database: nothing was stored, the page keeps its answers and tries again.
            sentence = _("The server is busy; your answers are kept and sent again.")
            body = {"error": "busy", "message": sentence}
            response = JsonResponse(body, status=503, headers={"Retry-After": "2"})
        return private(response)

    return wrapped


def csrf_refusal(request: HttpRequest, slug: str) -> HttpResponse:
    """The reply where the CSRF token is missing or wrong: a browser that lost all its cookies lost its sitting, too."""

    def view(request: HttpRequest, sitting: Sitting) -> HttpResponse:
        raise Refused(403, "csrf", _("This page was open for too long. Please load it again."))

    return answering(view)(request, slug)


def _number(body: Any, name: str, low: float, high: float) -> float:
    value = body.get(name) if isinstance(body, dict) else None
    try:
        return messages.number(low, high)(value)
    except ValueError as error:
        raise Refused(400, "malformed", f"{name}: expected {error}, got {str(value)[:40]!r}") from None


SCREEN_FIELDS = {
    "frame_ms": (1, 1000),
    "jitter_ms": (0, 10_000),
    "width_px": (1, 100_000),
    "height_px": (1, 100_000),
    "pixel_ratio": (0.1, 20),
}
# What a person measured with a bank card, where the study gives sizes in degrees: all of it or nothing.
CALIBRATION_FIELDS = {
    "card_device_px": (50, 20_000),
    "distance_mm": (100, 5_000),
    "size_device_px": (1, 20_000),
}


@require_POST
@answering
def screen(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    body = json_body(request)
    facts: dict[str, Any] = {name: _number(body, name, *bounds) for name, bounds in SCREEN_FIELDS.items()}
    facts["jank_share"] = _number({"jank_share": 0.0, **body}, "jank_share", 0, 1)
    if any(body.get(name) is not None for name in CALIBRATION_FIELDS):
        facts |= {name: _number(body, name, *bounds) for name, bounds in CALIBRATION_FIELDS.items()}
    facts["witness"] = body.get("witness")
    if facts["witness"] not in ("element_timing", "callback"):
        raise Refused(400, "malformed", "witness: expected element_timing or callback")
    sentence = refusal(sittings.whole_study(sitting), facts)
    sittings.note_screen(sitting, facts | {"will_do": not sentence})
    return JsonResponse({"ok": False, "message": sentence} if sentence else {"ok": True})


def octets(data: bytes) -> HttpResponse:
    return HttpResponse(data, content_type="application/octet-stream")


@require_GET
@answering
def examples(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    return octets(sittings.example_pictures(sitting.study))


@require_POST
@answering
def resume(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    body = json_body(request)
    shown: Any = body.get("shown", False) if isinstance(body, dict) else False
    try:
        if shown is not None and not (isinstance(shown, list) and len(shown) <= 1000):
            raise ValueError("a list of at most 1000 trials, or null")
        for name in shown or ():
            messages.token(name)
    except ValueError as error:
        raise Refused(400, "malformed", f"shown: expected {error}") from None
    return JsonResponse(asdict(sittings.resume(sitting, shown)))


@require_POST
@answering
def block(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    # The page's own address for blocks carries its version; a request without one is from no page.
    if request.GET.get("version", str(messages.VERSION)) != str(messages.VERSION):
        raise Refused(409, "version", str(OTHER_VERSION))
    after = int(_number(json_body(request), "after", 0, 1_000_000))
    trials, progress = sittings.next_block(sitting, after)
    return JsonResponse(
        {
            "trials": [vars(trial) for trial in trials],
            "first": trials[0].ordinal if trials else None,
            "last": trials[-1].ordinal if trials else None,
            **asdict(progress),
        }
    )


@require_GET
@answering
def pictures(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    first, last = request.GET.get("first", ""), request.GET.get("last", "")
    if not all(number.isascii() and number.isdigit() and len(number) <= 9 for number in (first, last)):
        raise Refused(400, "malformed", "first and last: expected the numbers of trials")
    if not 0 <= int(last) - int(first) < sittings.BLOCK_TRIALS:
        raise Refused(400, "malformed", f"expected at most {sittings.BLOCK_TRIALS} trials, first before last")
    sittings.require_started(sitting)
    return octets(sittings.block_pictures(sitting, int(first), int(last)))


@require_POST
@answering
def responses(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    receipts = sittings.record(sitting, messages.response_batch(json_body(request)))
    return JsonResponse({"results": [vars(receipt) for receipt in receipts]})


@require_POST
@answering
def finish(request: HttpRequest, sitting: Sitting) -> HttpResponse:
    json_body(request)
    sittings.finish(sitting)
    return JsonResponse({"next": reverse("study:thanks", args=[sitting.study.slug])})
