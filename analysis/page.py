"""The report as one HTML page that needs nothing else: no network, no script, figures inside.

Knows markup and its looks alone; what is said comes in as sections. Everything that comes in is escaped.
"""

from __future__ import annotations

import base64
import re
from html import escape
from string import Template

from analysis.sections import Figure, Section, Table

SENTENCE = 30  # characters and more
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
section:first-of-type h2 { margin-top: .75rem; }
figure { margin: .5rem 0 .75rem; }
figure img { display: block; width: 100%; height: auto; background: #fff; border: 1px solid var(--rule); }
figcaption { color: var(--quiet); font-size: .8rem; line-height: 1.4; text-align: left; }
figcaption { margin-top: .5rem; }
.scroll { overflow-x: auto; }
.table { margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .8rem; line-height: 1.35; }
th, td { padding: .2rem 0 .2rem .6rem; text-align: right; border-bottom: 1px solid var(--rule); }
td { white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; }
.name { text-align: left; padding-left: 0; }
td.name + td.name { white-space: normal; overflow-wrap: anywhere; padding-left: .8rem; }
td.sentence { white-space: normal; min-width: 11rem; }
tr.starts td { border-top: 2px solid var(--rule); }
nav { display: none; }
a { color: var(--accent); }
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
  figure, tr, .alerts { break-inside: avoid; }
  h2 { break-after: avoid; }
  .scroll { overflow: visible; }
}
""".strip()


def page(
    title: str, about: str, alerts: list[str], sections: list[Section], pictures: dict[str, bytes]
) -> str:
    """The whole page; `pictures` holds an SVG for each figure of the sections, by its name."""
    return PAGE.substitute(
        title=escape(title),
        about=escape(about),
        style=STYLE,
        contents="\n".join(
            f'<li><a href="#{anchor(each)}">{escape(each.title)}</a></li>' for each in sections
        ),
        alerts=alert_box(alerts),
        sections="\n".join(section_html(each, pictures) for each in sections),
    )


def anchor(section: Section) -> str:
    return re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-")


def alert_box(alerts: list[str]) -> str:
    if not alerts:
        return ""
    points = "".join(f"<li>{escape(sentence)}</li>" for sentence in alerts)
    return f'<div class="alerts" role="note"><h2>Before you read on</h2><ul>{points}</ul></div>'


def section_html(section: Section, pictures: dict[str, bytes]) -> str:
    parts = [f'<section id="{anchor(section)}"><h2>{escape(section.title)}</h2>']
    if section.figure:
        parts.append(figure_html(section.figure, pictures[section.figure.name]))
    parts += [f"<p>{escape(paragraph)}</p>" for paragraph in section.text]
    if section.table:
        parts.append(table_html(section.table))
    return "\n".join([*parts, "</section>"])


def figure_html(figure: Figure, svg: bytes) -> str:
    data = base64.b64encode(svg).decode("ascii")
    return (
        f'<figure><img alt="{escape(figure.alt)}" src="data:image/svg+xml;base64,{data}">'
        f"<figcaption>{escape(figure.caption)}</figcaption></figure>"
    )


def table_html(table: Table) -> str:
    """A table; a thin rule starts each new name in the first column of a long one."""
    head = "".join(cell("th", text, place < table.n_names) for place, text in enumerate(table.head))
    names = [row[0] for row in table.rows]
    is_grouped = len(set(names)) < len(names)
    body = []
    for place, row in enumerate(table.rows):
        starts = is_grouped and place > 0 and names[place - 1] != row[0]
        cells = "".join(cell("td", text, column < table.n_names) for column, text in enumerate(row))
        body.append(f'<tr class="starts">{cells}</tr>' if starts else f"<tr>{cells}</tr>")
    return (
        f'<figure class="table"><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div><figcaption>{escape(table.caption)}</figcaption></figure>"
    )


def cell(tag: str, text: str, is_name: bool) -> str:
    """A cell; a name as long as a sentence may take several lines."""
    kinds = "name sentence" if len(text) > SENTENCE else "name"
    return f'<{tag} class="{kinds}">{escape(text)}</{tag}>' if is_name else f"<{tag}>{escape(text)}</{tag}>"
