"""What was measured against collapse while a model trained, as a table with the newest line of each part.

Knows how it is shown; what is measured, and when it is a bad sign, is the generator's.
"""

from collections.abc import Sequence
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from studyapp.admin.columns import NOTHING, count
from studyapp.training import AlarmLine

# What a column shows, by the name of its measure in the file.
MEASURES = {
    "discriminator": ("discriminator’s loss", "{:.3f}"),
    "detail": ("fine detail, real = 1", "{:.2f}"),
    "pairwise": ("distance between samples, real = 1", "{:.2f}"),
    "classes": ("share of classes amiss", "{:.0%}"),
}


def alarm_table(lines: Sequence[AlarmLine]) -> SafeString:
    """A row for each part, in the order of the lines; empty where nothing is written yet."""
    rows = format_html_join(
        "", "{}", ((_row(part, list(found)),) for part, found in groupby(lines, key=lambda line: line.part))
    )
    if not rows:
        return rows
    heads = format_html_join("", "<th>{}</th>", ((title,) for title, _ in MEASURES.values()))
    return format_html(
        '<div class="scrolls"><table class="alarms">'
        "<thead><tr><th>part</th><th>images seen</th>{}<th>alarms</th></tr></thead>"
        "<tbody>{}</tbody></table></div>",
        heads,
        rows,
    )


def _row(part: str, lines: Sequence[AlarmLine]) -> SafeString:
    newest = next((line for line in reversed(lines) if line.measures), lines[-1])
    cells = format_html_join(
        "",
        "<td>{}</td>",
        (
            (form.format(newest.measures[name]) if name in newest.measures else NOTHING,)
            for name, (_, form) in MEASURES.items()
        ),
    )
    return format_html(
        "<tr><th>{}</th><td>{}</td>{}<td>{}</td></tr>",
        part,
        count(newest.images_seen),
        cells,
        _sayings(newest, lines),
    )


def _sayings(newest: AlarmLine, lines: Sequence[AlarmLine]) -> SafeString | str:
    """The alarms that stand; then those that have ended and what else was told, with the images seen then."""
    kinds = {_kind(said) for said in newest.alarms}
    past: dict[str, str] = {}
    for line in lines:
        for said in [*line.alarms, *([line.told] if line.told else [])]:
            if _kind(said) not in kinds:
                past[_kind(said)] = f"image {count(line.images_seen)}: {said}"
    marked = [("problem", said) for said in newest.alarms] + [("aside", said) for said in past.values()]
    if not marked:
        return "none"
    return format_html("<ul>{}</ul>", format_html_join("", '<li class="{}">{}</li>', marked))


def _kind(sentence: str) -> str:
    """An alarm's sentence without the value in it."""
    return sentence.partition(":")[0]
