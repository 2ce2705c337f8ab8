"""The evaluation as one HTML page that needs nothing else: no network, no script, pictures inside.

Knows markup and its looks alone; what is said comes in as sections. Everything that comes in is escaped.
"""

import base64
import io
from collections.abc import Sequence
from html import escape
from string import Template

from PIL import Image

from generator.evaluation.section import Cell, Measure, Picture, Section, Table

PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<nav aria-label="Contents"><ol>
$contents
</ol></nav>
<main>
<header><h1>$title</h1><p class="about">$about</p></header>
$alerts
$sections
</main>
</body>
</html>
"""
)

STYLE = """
:root { --paper: #f7f7f5; --ink: #1c1c1c; --quiet: #5f5f5c; --rule: #d8d8d4; --accent: #0072b2; --warning: #b35900;
  color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.5 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; }
main { max-width: 42rem; margin: 0 auto; padding: 1.25rem 1rem 4rem; }
p { margin: .6rem 0; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
.about { color: var(--quiet); margin: .25rem 0 .75rem; }
.alerts { border-left: 4px solid var(--warning); padding: .25rem 0 .25rem 1rem; margin: .75rem 0; }
.alerts h2 { color: var(--warning); font-size: 1rem; margin: 0; }
.alerts ul { margin: .25rem 0 0; padding-left: 1.1rem; font-size: .9rem; }
section:first-of-type h2 { margin-top: 1rem; }
figure { margin: .75rem 0 1rem; }
figure img { display: block; width: 100%; height: auto; image-rendering: pixelated; background: #fff;
  border: 1px solid var(--rule); padding: 4px; }
figcaption, caption { color: var(--quiet); font-size: .8rem; line-height: 1.4; text-align: left; }
figcaption { margin-top: .5rem; }
caption { caption-side: bottom; padding-top: .5rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; line-height: 1.35; }
th, td { padding: .25rem 0 .25rem .8rem; text-align: right; border-bottom: 1px solid var(--rule); }
td { white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal; }
summary { color: var(--quiet); font-size: .8rem; cursor: pointer; }
dl { font-size: .8rem; line-height: 1.4; color: var(--quiet); margin: .5rem 0; }
dt { color: var(--ink); margin-top: .4rem; }
dd { margin: 0; }
nav { display: none; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); }
@media (min-width: 1200px) {
  nav { display: block; position: fixed; top: 1.5rem; left: max(1.5rem, calc(50% - 38rem)); width: 14rem;
    font-size: .85rem; }
  nav ol { list-style: none; margin: 0; padding: 0; }
  nav li { margin: .3rem 0; }
  nav a { text-decoration: none; }
}
@media print {
  body { background: #fff; font-size: 10pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  figure, table { break-inside: avoid; }
}
"""


def page(
    title: str, about: str, alerts: Sequence[str], sections: Sequence[Section], provenance: Sequence[str]
) -> str:
    """The page: title, one line about it, what to be careful of, the sections, how it was made."""
    shown = [*sections, Section("made", "How this was made", tuple(provenance))]
    return PAGE.substitute(
        title=escape(title),
        style=STYLE,
        about=escape(about),
        alerts=_alerts(alerts),
        contents="\n".join(
            f'<li><a href="#{escape(section.key)}">{escape(section.title)}</a></li>' for section in shown
        ),
        sections="\n".join(_section(section) for section in shown),
    )


def _alerts(alerts: Sequence[str]) -> str:
    if not alerts:
        return ""
    items = "".join(f"<li>{escape(alert)}</li>" for alert in alerts)
    return f'<aside class="alerts"><h2>Before you read on</h2><ul>{items}</ul></aside>'


def _section(section: Section) -> str:
    parts = [f'<section id="{escape(section.key)}"><h2>{escape(section.title)}</h2>']
    parts += [f"<p>{escape(sentence)}</p>" for sentence in section.text]
    parts += [_picture(picture) for picture in section.pictures]
    if section.measures:
        parts.append(_measures(section.measures))
    parts += [_table(table) for table in section.tables]
    return "\n".join([*parts, "</section>"])


def _picture(picture: Picture) -> str:
    content = io.BytesIO()
    Image.fromarray(picture.pixels).save(content, "PNG", optimize=True)
    source = base64.b64encode(content.getvalue()).decode()
    caption = escape(picture.caption)
    height_px, width_px = picture.pixels.shape[:2]
    return (
        f'<figure><img src="data:image/png;base64,{source}" width="{width_px}" height="{height_px}" '
        f'alt="{caption}"><figcaption>{caption}</figcaption></figure>'
    )


def _measures(measures: Sequence[Measure]) -> str:
    names = {m.of_reference for m in measures if m.reference is not None}
    if len(names) > 1:
        raise ValueError(f"expected one kind of reference in a section, got {sorted(names)}")
    head = ("measure", "unit", "samples", *names)
    rows = tuple(
        (
            m.title,
            m.unit,
            number(m.value),
            *("" if m.reference is None else number(m.reference) for _ in names),
        )
        for m in measures
    )
    definitions = "".join(f"<dt>{escape(m.title)}</dt><dd>{escape(m.definition)}</dd>" for m in measures)
    what = "How this is counted" if len(measures) == 1 else "How these are counted"
    return (
        f"{_table(Table('', head, rows))}\n<details><summary>{what}</summary><dl>{definitions}</dl></details>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    caption = f"<caption>{escape(table.caption)}</caption>" if table.caption else ""
    return f'<div class="scroll"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def number(value: float) -> str:
    """A number with three digits that matter, whole numbers from a hundred on."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)
