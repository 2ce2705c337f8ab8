"""Languages of the pages: which one a study speaks to whom.

The sentences of the pages are in `locale/`, those of a study in its rows (`models.Study.texts_in`). A sitting keeps
the language in which its person consented.
"""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from studyapp.models import Sitting, Study

PARAMETER = "language"


def chosen(study: Study, request: HttpRequest, sitting: Sitting | None) -> str:
    """The sitting's language; before there is one that of the link or form, else the browser's first choice."""
    if sitting is not None:
        return sitting.language
    offered = study.languages
    asked = request.POST.get(PARAMETER) or request.GET.get(PARAMETER)
    accepted = parse_accept_lang_header(request.headers.get("Accept-Language", ""))
    wishes = [asked, *(tag.partition("-")[0] for tag, _ in accepted)]
    return next((wish for wish in wishes if wish in offered), study.language)


def speak(study: Study, request: HttpRequest, sitting: Sitting | None = None) -> str:
    """Write everything from here to the reply in this person's language, which comes back."""
    language = chosen(study, request, sitting)
    translation.activate(language)
    return language


@dataclass(frozen=True)
class LanguageLink:
    """The same page in a language: its code, its own name for itself, and where it is."""

    code: str
    name: str
    query: str


def links(study: Study, request: HttpRequest) -> list[LanguageLink]:
    """A link for every language that a study offers, keeping the rest of the address; none if it offers but one."""
    if len(study.languages) < 2:
        return []
    names = dict(settings.LANGUAGES)
    found = []
    for code in study.languages:
        query = request.GET.copy()
        query[PARAMETER] = code
        found.append(LanguageLink(code, names[code], query.urlencode()))
    return found


class LanguageMiddleware(LocaleMiddleware):
    """The browser's language for pages without a study; the researcher's pages are in English alone."""

    def process_view(self, request: HttpRequest, *_: object) -> None:
        if request.resolver_match is not None and request.resolver_match.namespace == "admin":
            translation.activate("en")
