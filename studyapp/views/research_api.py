"""The researchers' API: studies, live figures, exports, links; JSON in, JSON or a zip out. See docs/research-api.json.

Whoever asks says a token's word; what they may see is what its owner may see in the admin.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from studyapp import audit
from studyapp.admin.export_pages import sums_up
from studyapp.api_tokens import token_of
from studyapp.built_exports import build_of, is_large, n_closed
from studyapp.export import freeze_study
from studyapp.export_files import ExportError
from studyapp.export_zip import FORMS, zip_name, zipped_export
from studyapp.freezes import n_erased_since, with_erased
from studyapp.limits import TooOften
from studyapp.links import HEADER as LINK_HEADER
from studyapp.links import EndedStudyError, LinkError, link_rows, make_links
from studyapp.live import live_figures
from studyapp.models import ApiToken, ExportFreeze, Study
from studyapp.products import kept_file
from studyapp.roles import DATA, NAMES, SEE, SITE_WIDE, may, studies_with

MAX_BODY_BYTES = 10_000
# Rows of a list at once: where nobody says, and at most.
PAGE_ROWS, MOST_ROWS = 100, 500
MAX_LINKS = 10_000
MAX_LINKS_BYTES = 2_000_000
# What somebody may ask of an export.
WISHES = {"include_simulated", "pilot"}


class Refused(Exception):
    """An answer other than the wished for; `code` is for programs, `sentence` for people."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.body = status, {"error": code, "message": sentence}


View = Callable[..., HttpResponseBase]


def for_tokens(**views: View) -> View:
    """One address by its methods, behind a token: `for_tokens(GET=..., POST=...)`."""

    @csrf_exempt  # no cookie opens this door
    @functools.wraps(next(iter(views.values())))
    def answer(request: HttpRequest, **where: str) -> HttpResponseBase:
        try:
            token = token_in(request)
            user, needed = token.user, SCOPES.get(views.get(request.method or ""))
            if needed and token.scope != needed:
                raise Refused(
                    403,
                    "scope",
                    f"This token may “{token.get_scope_display()}”; make one in the admin that may "
                    f"“{needed.label}”.",
                )
            if request.method not in views:
                raise Refused(405, "method", f"expected {' or '.join(views)}, got {request.method}")
            response = views[request.method](request, user, **where)
        except Refused as refused:
            response = JsonResponse(refused.body, status=refused.status)
            if refused.status == 401:
                response.headers["WWW-Authenticate"] = "Bearer"
            if refused.status == 405:
                response.headers["Allow"] = ", ".join(views)
        except TooOften as error:
            told = {"error": "too_often", "message": f"Ask again in {error.retry_after_s} s."}
            response = JsonResponse(told, status=429, headers={"Retry-After": str(error.retry_after_s)})
        response.headers["Cache-Control"] = "no-store"
        return response

    return answer


def token_in(request: HttpRequest) -> ApiToken:
    """The token that the request carries. Raises Refused 401, TooOften."""
    scheme, _, word = request.headers.get("Authorization", "").partition(" ")
    token = token_of(word.strip()) if scheme.lower() == "bearer" and word.isascii() else None
    if token is None:
        raise Refused(
            401,
            "no_token",
            "Expected the header `Authorization: Bearer TOKEN` with a valid token; make one in the admin.",
        )
    return token


def study_of(user: User, slug: str, right: str = SEE) -> Study:
    """A study that this person may see. Raises Refused: whoever may not see it does not learn that it exists."""
    study = Study.objects.filter(slug=slug).first()
    if study is None or not may(user, study, right):
        raise Refused(404, "no_study", "There is no study of this name that your account may look at.")
    return study


# ---- what is told ----


def told_study(study: Study) -> dict[str, Any]:
    return {
        "slug": study.slug,
        "title": study.title,
        "status": study.status,
        "version": study.version,
        "quota": study.quota,
        "opened_utc": moment_or_none(study.opened_utc),
        "closed_utc": moment_or_none(study.closed_utc),
    }


def told_export(freeze: ExportFreeze) -> dict[str, Any]:
    return {
        "name": freeze.name,
        "study": freeze.study.slug,
        "version": freeze.description["version"],
        "created_utc": moment_or_none(freeze.created_utc),
        "created_by": freeze.created_by,
        "include_simulated": freeze.include_simulated,
        "is_pilot": freeze.is_pilot,
        "rows_sha256": freeze.rows_sha256,
        "trials": freeze.description["counts"]["trials"],
        "sums_up": sums_up(freeze),
        "sittings_erased_since": n_erased_since(freeze),
        "files": freeze.files,
    }


def moment_or_none(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()


# ---- the addresses ----


def listed(
    request: HttpRequest, name: str, rows: QuerySet[Any], told: Callable[[Any], dict[str, Any]]
) -> JsonResponse:
    """The part of a list that is asked for by `limit` and `offset`, and where the next part begins. Raises Refused."""
    limit = whole_number_in(request, "limit", PAGE_ROWS, range(1, MOST_ROWS + 1))
    offset = whole_number_in(request, "offset", 0, range(10**9))
    found = list(rows[offset : offset + limit + 1])
    next_offset = offset + limit if len(found) > limit else None
    return JsonResponse({name: [told(row) for row in found[:limit]], "next_offset": next_offset})


def whole_number_in(request: HttpRequest, name: str, default: int, allowed: range) -> int:
    """A whole number of the address. Raises Refused."""
    text = request.GET.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) in allowed):
        expected = f"a whole number of {allowed[0]} to {allowed[-1]}"
        raise Refused(400, "malformed", f"{name}: expected {expected}, got {text[:80]!r}")
    return int(text)


def list_studies(request: HttpRequest, user: User) -> JsonResponse:
    seen = Study.objects.order_by("slug")
    if not user.has_perm(SITE_WIDE[SEE]):
        seen = seen.filter(pk__in=studies_with(user, SEE))
    return listed(request, "studies", seen, told_study)


def one_study(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    study = study_of(user, slug)
    return JsonResponse({**told_study(study), "definition": study.definition})


def live(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    """Counts alone: never how often pictures were judged real."""
    return JsonResponse(live_figures(study_of(user, slug)))


def list_exports(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    freezes = with_erased(study_of(user, slug, DATA).freezes.select_related("study"))
    return listed(request, "exports", freezes, told_export)


def make_export(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    """Fix what an export holds now; where nothing is new, the newest there is."""
    study = study_of(user, slug, DATA)
    try:
        freeze = freeze_study(study, **truths_in(request, WISHES), by=user.get_username())
    except ExportError as error:
        raise Refused(409, "draft", f"{error}.") from error
    return JsonResponse(told_export(freeze), status=201)


def export_of(user: User, name: str) -> ExportFreeze:
    """An export that this person may see. Raises Refused."""
    # No database takes NUL, which an address can carry.
    freeze = ExportFreeze.objects.select_related("study").filter(name=name.replace("\0", "")).first()
    if freeze is None or not may(user, freeze.study, DATA):
        raise Refused(404, "no_export", "There is no export of this name that your account may look at.")
    return freeze


def known_form(form: Any) -> str:
    """A form of FORMS. Raises Refused."""
    if form not in FORMS:
        raise Refused(400, "format", f"format: expected one of {', '.join(FORMS)}, got {str(form)[:80]!r}")
    return str(form)


def download(request: HttpRequest, user: User, name: str) -> HttpResponseBase:
    """The files of an export as a zip, the same bytes each time: those that a worker has built, else written now."""
    form = known_form(request.GET.get("format", "csv"))
    freeze = export_of(user, name)
    job = build_of(freeze, form)
    built = kept_file(job) if job is not None else None
    if built is None and is_large(freeze):
        raise Refused(
            409,
            "large",
            f"This export has {n_closed(freeze):,} trials, too many to be written while you wait: ask for a build with "
            f'POST {request.path}/builds {{"format": "{form}"}}, and download it once the list there calls it ready.',
        )
    try:
        file = built.open("rb") if built is not None else zipped_export([freeze], form=form)
    except ExportError as error:
        raise Refused(409, "export", f"{error}.") from error
    audit.note(
        f"{user.get_username()} (API)", "exported", study=freeze.study.slug, how=f"freeze {name[:8]}, {form}"
    )
    return FileResponse(file, as_attachment=True, filename=zip_name([freeze]), content_type="application/zip")


def add_links(request: HttpRequest, user: User, slug: str) -> JsonResponse:
    """A link for each label that has none yet, all of them or none; the links of all these labels."""
    study = study_of(user, slug)
    if not may(user, study, NAMES):
        raise Refused(
            403, "role", "Links name people: they need the role owner, editor or recruiter in this study."
        )
    wish = json_object(request, MAX_LINKS_BYTES)
    labels, is_tester = wish.pop("labels", None), wish.pop("is_tester", False)
    if wish:
        raise Refused(400, "malformed", f"expected labels and is_tester, got {', '.join(sorted(wish))[:200]}")
    if not isinstance(is_tester, bool):
        raise Refused(400, "malformed", f"is_tester: expected true or false, got {str(is_tester)[:80]!r}")
    if not isinstance(labels, list) or not 1 <= len(labels) <= MAX_LINKS:
        got = f"{len(labels):,}" if isinstance(labels, list) else type(labels).__name__
        raise Refused(400, "malformed", f"labels: expected a list of 1 to {MAX_LINKS:,} texts, got {got}")
    for number, label in enumerate(labels, start=1):
        if not isinstance(label, str) or not label.strip():
            raise Refused(
                400, "malformed", f"label {number}: expected for whom the link is, got {str(label)[:80]!r}"
            )
    labels = [label.strip() for label in labels]  # as a list in CSV is read
    try:
        made = make_links(study, labels, is_tester=is_tester)
    except LinkError as error:
        status, code = (409, "ended") if isinstance(error, EndedStudyError) else (400, "links")
        raise Refused(status, code, f"{error}.") from error
    audit.note(f"{user.get_username()} (API)", "made links", study=study.slug, **vars(made))
    found: dict[str, dict[str, str]] = {}
    for row in link_rows(study, request.build_absolute_uri("/")):
        found.setdefault(row[0], dict(zip(LINK_HEADER, row, strict=True)))
    links = [found[label] for label in dict.fromkeys(labels)]
    return JsonResponse({**vars(made), "links": links}, status=201 if made.new else 200)


# What a token must be allowed besides looking and exporting.
SCOPES: dict[View | None, ApiToken.Scope] = {add_links: ApiToken.Scope.RECRUIT}


def truths_in(request: HttpRequest, wishes: set[str]) -> dict[str, bool]:
    """The body as an object of true and false under some of these names. Raises Refused."""
    wish = json_object(request)
    if unknown := set(wish) - wishes:
        told = ", ".join(sorted(unknown))[:200]
        raise Refused(400, "malformed", f"expected any of {', '.join(sorted(wishes))}, got {told}")
    for name, value in wish.items():
        if not isinstance(value, bool):
            raise Refused(400, "malformed", f"{name}: expected true or false, got {str(value)[:80]!r}")
    return wish


def json_object(request: HttpRequest, most_bytes: int = MAX_BODY_BYTES) -> dict[str, Any]:
    """The body as a JSON object; an empty one is an empty object. Raises Refused."""
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or int(length) > most_bytes:
        raise Refused(413, "too_large", f"expected at most {most_bytes} bytes, got {length[:20]}")
    if not request.body:
        return {}
    if request.content_type != "application/json":
        raise Refused(415, "type", f"expected application/json, got {request.content_type or 'no type'}")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "malformed", f"expected JSON: {error}") from None
    if not isinstance(body, dict):
        raise Refused(400, "malformed", f"expected a JSON object, got {type(body).__name__}")
    return body
