"""Every sentence in every language: the catalogues, the templates they serve, and who is spoken to in which."""

import ast
import gettext
import hashlib
import re
from html.parser import HTMLParser

import polib
import pytest
from django.conf import settings
from django.test import Client
from django.utils.translation.template import templatize

from studyapp.life import open_study
from studyapp.models import Study
from studyapp.presets import PresetError, create_study
from studyapp.texts import DEFAULTS
from tests.conftest import Person

APP = settings.BASE_DIR / "studyapp"
TEMPLATES = sorted((APP / "templates" / "study").glob("*.html"))
CATALOGUES = [APP / "locale" / code / "LC_MESSAGES" / "django.po" for code, _ in settings.LANGUAGES[1:]]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%|<[^>]+>")
# Letters that are no words: the keys' names, ours, and a key that scripts write into a text.
NO_WORDS = {"F", "J", "Tachisto"}


def marked_sentences() -> set[str]:
    """Every sentence (singular) that templates and modules mark for translation."""
    found = set()
    for template in TEMPLATES:
        found |= calls_of_gettext(templatize(template.read_text()))
    for module in APP.rglob("*.py"):
        found |= calls_of_gettext(module.read_text())
    return found


def calls_of_gettext(code: str) -> set[str]:
    """First arguments of gettext's functions; what Django makes of a template is Python, call by call."""
    names = r"(?:\b_|\bn?gettext(?:_lazy)?)\("
    found = set()
    for call in re.finditer(names, code):
        end = len(code)
        # The shortest text up to a closing parenthesis that is an expression is the whole call.
        for close in re.finditer(r"\)", code[call.start() : end]):
            try:
                tree = ast.parse(code[call.start() : call.start() + close.end()].strip(), mode="eval").body
            except SyntaxError:
                continue
            if isinstance(tree, ast.Call) and tree.args and isinstance(tree.args[0], ast.Constant):
                found.add(tree.args[0].value)
            break
    return found


class Words(HTMLParser):
    """Texts of a page that people see or hear, outside scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value or "" for name, value in attrs if name in ("aria-label", "alt", "title", "placeholder")
        ]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_word_of_a_participants_page_is_left_out_of_translation(template):
    text = re.sub(r"{% blocktranslate.*?{% endblocktranslate %}", "", template.read_text(), flags=re.DOTALL)
    words = Words()
    words.feed(re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}", "", text))
    assert set(re.findall(r"[^\W\d_]+", " ".join(words.found))) <= NO_WORDS


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_catalogue_translates_every_sentence_and_no_other(path):
    """`make messages` brings in new ones; a fuzzy one is a guess that a person has to look at."""
    entries = polib.pofile(str(path))
    assert {entry.msgid for entry in entries} == marked_sentences()
    assert [entry.msgid for entry in entries if entry.fuzzy or entry.obsolete or not entry.translated()] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_translation_has_the_places_and_the_markup_of_its_sentence(path):
    for entry in polib.pofile(str(path)):
        expected = sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
        for translation in [entry.msgstr, *entry.msgstr_plural.values()]:
            if translation:
                assert sorted(PLACEHOLDER.findall(translation)) == expected, entry.msgid


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_the_compiled_catalogue_says_what_the_readable_one_says(path):
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for entry in polib.pofile(str(path)):
        if entry.msgid_plural:
            for n, form in ((1, 0), (2, 1), (0, 1)):
                assert compiled.ngettext(entry.msgid, entry.msgid_plural, n) == entry.msgstr_plural[form]
        else:
            assert compiled.gettext(entry.msgid) == entry.msgstr


def test_a_study_has_default_texts_in_every_language_of_the_pages():
    assert list(DEFAULTS) == [code for code, _ in settings.LANGUAGES]


# ---- who is spoken to in which language ----

GERMAN = {"Accept-Language": "fr;q=0.9, de-AT;q=0.8, en;q=0.5"}
ENGLISH = {"Accept-Language": "en-GB"}


@pytest.fixture
def two_languages(draft_study: Study) -> Study:
    draft_study.translations = {"de": DEFAULTS["de"].__dict__}
    draft_study.save()
    return open_study(draft_study)


def page(client: Client, path: str, headers: dict[str, str]) -> str:
    return client.get(path, headers=headers).content.decode()


def test_the_browsers_language_is_spoken_where_the_study_offers_it(two_languages):
    german, english = (page(Client(), "/s/small/", headers) for headers in (GERMAN, ENGLISH))
    assert '<html lang="de"' in german and "Echt oder generiert?" in german and "Weiter" in german
    assert '<html lang="en"' in english and "Real or generated?" in english and "Continue" in english


def test_a_study_that_offers_one_language_speaks_it_to_everybody(small_study):
    told = page(Client(), "/s/small/", GERMAN)
    assert '<html lang="en"' in told and "Continue" in told and "Deutsch" not in told


def test_a_link_on_the_welcome_page_chooses_the_other_language_and_keeps_the_panels_id(two_languages):
    told = page(Client(), "/s/small/?PROLIFIC_PID=5f3a", ENGLISH)
    (link,) = re.findall(r'href="(\?[^"]*language=de)" lang="de"', told)
    german = page(Client(), "/s/small/" + link.replace("&amp;", "&"), ENGLISH)
    (onward,) = re.findall(r'href="(/s/small/consent/[^"]*)"', german)
    assert "PROLIFIC_PID=5f3a" in onward
    assert "Die Teilnahme ist freiwillig" in page(Client(), onward.replace("&amp;", "&"), ENGLISH)


def test_consent_is_stored_for_the_text_that_was_read_and_its_language_stays(two_languages):
    person = Person(two_languages)
    person.client.post(
        person.url("consent/"), {"decision": "agree", "panel_query": "", "language": "de"}, headers=ENGLISH
    )
    sitting = two_languages.sittings.get()
    assert sitting.language == "de"
    assert sitting.consent_sha256 == hashlib.sha256(DEFAULTS["de"].consent_text.encode()).hexdigest()
    for name in ("screen/", "examples/", "how/", "test/", "withdraw/", "erase/", "", "?language=en"):
        assert '<html lang="de"' in page(person.client, person.url(name), ENGLISH), name
    slow = {
        "frame_ms": 50,
        "jitter_ms": 0.1,
        "width_px": 800,
        "height_px": 600,
        "pixel_ratio": 1,
        "witness": "callback",
    }
    assert "20 Bilder in der Sekunde" in person.post("screen", slow).json()["message"]


def test_a_language_that_is_not_offered_is_not_taken_from_a_forged_form(two_languages):
    person = Person(two_languages)
    forged = {"decision": "agree", "panel_query": "", "language": "xx"}
    person.client.post(person.url("consent/"), forged, headers=ENGLISH)
    assert two_languages.sittings.get().language == "en"


def test_pages_without_a_study_speak_the_browsers_language_and_the_admin_english(db):
    assert "Hier ist nichts" in page(Client(), "/nowhere/", GERMAN)
    assert "Sign in" in page(Client(), "/admin/login/", GERMAN)
    assert '<html lang="en' in page(Client(), "/admin/login/", GERMAN)


def test_the_texts_of_every_language_are_frozen_with_the_study(two_languages):
    assert two_languages.definition["translations"]["de"]["title"] == "Echt oder generiert?"
    assert two_languages.definition["language"] == "en"


@pytest.mark.parametrize(
    ("translations", "reason"),
    [
        ({"en": dict(DEFAULTS["en"].__dict__)}, "expected languages among de, got en"),
        ({"de": {**DEFAULTS["de"].__dict__, "title": " "}}, "de: expected a text for title, got none"),
    ],
)
def test_a_language_without_all_its_texts_is_refused(draft_study, translations, reason):
    with pytest.raises(PresetError, match=reason):
        create_study("lapgan", "other", translations=translations)


def test_a_preset_comes_in_the_languages_asked_for(draft_study):
    study = create_study("lapgan", "other", languages=("de", "en"))
    assert study.languages == ["de", "en"]
    assert (study.title, study.texts_in("en").title) == ("Echt oder generiert?", "Real or generated?")
    with pytest.raises(PresetError, match="among en, de, got fr"):
        create_study("lapgan", "third", languages=("fr",))
