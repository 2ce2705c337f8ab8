"""Default texts of a study; a researcher edits them in the study, where they are frozen and hashed.

Functions, so that a new wording needs no migration.
"""

DESCRIPTION = (
    "You will see small pictures for a very short time. Some are real photos, some were made by a "
    "computer program. After each one you say which you think it was."
)

CONSENT = """\
Taking part is voluntary. You can stop at any moment, without giving a reason and without any disadvantage: every page has a link for it.

We store your answers, how fast they came, and technical facts about your screen (refresh rate and window size), under a random code. We do not store your name or your IP address. If you came through a recruiting panel, the panel's id of you is kept apart from your answers, only to prevent a second sitting and to pay you.

At the end you receive a receipt code. With it you can have your answers erased later.

The answers may be published without anything that identifies you."""

DEBRIEF = """\
This study asks how real the pictures of image generators look to people, and how that changes with the time they can look. Some of the pictures were photos; the others were drawn by neural networks that had learned from photos."""


def description() -> str:
    return DESCRIPTION


def consent() -> str:
    return CONSENT


def debrief() -> str:
    return DEBRIEF
