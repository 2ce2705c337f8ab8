"""Default texts of a study in every language; a researcher edits them in the study, where they are frozen and hashed.

Functions, so that a new wording needs no migration.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class StudyTexts:
    """What a study itself says to participants, in one language; empty lines part paragraphs."""

    title: str
    description: str
    consent_text: str
    debrief_text: str
    eligibility: str = ""


DEFAULTS: dict[str, StudyTexts] = {
    "en": StudyTexts(
        title="Real or generated?",
        description="You will see small pictures for a very short time. Some are real photos, some were made by a computer program. After each one you say which you think it was.",
        consent_text="""\
Taking part is voluntary. You can stop at any moment, without giving a reason and without any disadvantage: every page has a link for it.

We store your answers, how fast they came, and technical facts about your screen (refresh rate and window size), under a random code. We do not store your name or your IP address. If you came through a recruiting panel, the panel's id of you is kept apart from your answers, only to prevent a second sitting and to pay you.

At the end you receive a receipt code. With it you can have your answers erased later.

The answers may be published without anything that identifies you.""",
        debrief_text="""\
This study asks how real the pictures of image generators look to people, and how that changes with the time they can look. Some of the pictures were photos; the others were drawn by neural networks that had learned from photos.""",
    ),
    "de": StudyTexts(
        title="Echt oder generiert?",
        description="Sie sehen kleine Bilder, jedes nur ganz kurz. Manche sind echte Fotos, andere hat ein Computerprogramm erzeugt. Nach jedem Bild sagen Sie, wofür Sie es halten.",
        consent_text="""\
Die Teilnahme ist freiwillig. Sie können jederzeit aufhören, ohne Angabe von Gründen und ohne Nachteile; auf jeder Seite gibt es dafür einen Link.

Wir speichern Ihre Antworten, wie schnell sie kamen, und technische Angaben zu Ihrem Bildschirm (Bildwiederholrate und Fenstergröße) unter einem zufälligen Code. Ihren Namen und Ihre IP-Adresse speichern wir nicht. Wenn Sie über ein Panel zu uns gekommen sind, bewahren wir die Kennung, die Sie dort haben, getrennt von Ihren Antworten auf. Sie dient nur dazu, eine zweite Teilnahme zu verhindern und Sie zu bezahlen.

Am Ende erhalten Sie einen Quittungscode. Damit können Sie Ihre Antworten später löschen lassen.

Die Antworten können veröffentlicht werden, aber nichts, was auf Sie schließen lässt.""",
        debrief_text="""\
Diese Studie untersucht, wie echt die Bilder von Bildgeneratoren auf Menschen wirken und wie das von der Zeit abhängt, die sie zum Hinsehen haben. Ein Teil der Bilder waren Fotos; die übrigen haben neuronale Netze gezeichnet, die von Fotos gelernt hatten.""",
    ),
}


# Where pictures stay until the answer; they say the ratio, as HYPE-infinity does.
UNTIMED: dict[str, StudyTexts] = {
    "en": replace(
        DEFAULTS["en"],
        description="You will see small pictures. Half of them are real photos, half were made by a computer program. Each stays on the screen until you have said which you think it is: take the time you need.",
        debrief_text="""\
This study asks how often people who may look as long as they like take the pictures of image generators for photos, and photos for generated pictures. Half of the pictures were photos; the others were drawn by neural networks that had learned from photos.""",
    ),
    "de": replace(
        DEFAULTS["de"],
        description="Sie sehen kleine Bilder. Die eine Hälfte sind echte Fotos, die andere hat ein Computerprogramm erzeugt. Jedes bleibt auf dem Bildschirm, bis Sie gesagt haben, wofür Sie es halten: Nehmen Sie sich die Zeit, die Sie brauchen.",
        debrief_text="""\
Diese Studie untersucht, wie oft Menschen, die beliebig lange hinsehen dürfen, die Bilder von Bildgeneratoren für Fotos halten und Fotos für generierte Bilder. Die Hälfte der Bilder waren Fotos; die übrigen haben neuronale Netze gezeichnet, die von Fotos gelernt hatten.""",
    ),
}


def usual(*, is_timed: bool) -> dict[str, StudyTexts]:
    """The default texts of a study by language: of one that shows pictures briefly, or until the answer."""
    return DEFAULTS if is_timed else UNTIMED


def description() -> str:
    return DEFAULTS["en"].description


def consent() -> str:
    return DEFAULTS["en"].consent_text


def debrief() -> str:
    return DEFAULTS["en"].debrief_text
