"""The small charts of a study's live page, drawn as SVG by the server: bars, who is left, percent judged real.

Knows drawing alone; numbers come from `live` and `results`, colours and type from the style sheet.
"""

import math
from collections.abc import Mapping, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from studyapp.admin.columns import count
from studyapp.admin.loss_plot import spread

WIDTH_PX, HEIGHT_PX = 360, 180
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 34, 12, 12, 24
LABELS_PX = 78  # at the right end of curves
# As in the report: real black circle, gan, lapgan, cc-lapgan, then whatever else there is.
COLOURS = {"real": "real", "gan": "gan", "lapgan": "lapgan", "cc-lapgan": "cc-lapgan"}
OTHERS = ("other-1", "other-2", "other-3")


def framed(inside: SafeString, label: str, *, height_px: int = HEIGHT_PX) -> SafeString:
    return format_html(
        '<svg class="live-plot" viewBox="0 0 {0} {1}" role="img" aria-label="{2}">{3}</svg>',
        WIDTH_PX,
        height_px,
        label,
        inside,
    )


def bars(rows: Sequence[tuple[str, int, int]], label: str) -> SafeString | str:
    """Upright bars: (name, whole, part of it drawn darker). The first and the last name stand below."""
    most = max((whole for _, whole, _ in rows), default=0)
    if not most:
        return ""
    step_px = (WIDTH_PX - LEFT_PX - RIGHT_PX) / len(rows)
    width_px = max(1.0, min(step_px - 1, 48))
    floor_px = HEIGHT_PX - BOTTOM_PX

    def bar(index: int, n: int, css: str) -> tuple[str, str, str, str, str]:
        height_px = (floor_px - TOP_PX) * n / most
        x_px = LEFT_PX + index * step_px
        return css, f"{x_px:.1f}", f"{floor_px - height_px:.1f}", f"{width_px:.1f}", f"{height_px:.1f}"

    drawn = [bar(i, whole, "whole") for i, (_, whole, _) in enumerate(rows)]
    drawn += [bar(i, part, "part") for i, (_, _, part) in enumerate(rows) if part]
    rectangles = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', (tuple(each) for each in drawn)
    )
    return framed(format_html("{}{}", rectangles, _axes(most, [rows[0][0], rows[-1][0]])), label)


def _axes(most: int, ends: Sequence[str]) -> SafeString:
    floor_px = HEIGHT_PX - BOTTOM_PX
    first, last = (ends[0], ends[-1]) if ends[0] != ends[-1] else (ends[0], "")
    return format_html(
        '<line x1="{0}" y1="{2}" x2="{1}" y2="{2}"/>'
        '<text x="{3}" y="{4}" text-anchor="end">{5}</text><text x="{3}" y="{2}" text-anchor="end">0</text>'
        '<text x="{0}" y="{6}">{7}</text><text x="{1}" y="{6}" text-anchor="end">{8}</text>',
        LEFT_PX,
        WIDTH_PX - RIGHT_PX,
        floor_px,
        LEFT_PX - 6,
        TOP_PX + 8,
        count(most),
        floor_px + 18,
        first,
        last,
    )


def still_there(begun: int, left_after: Sequence[Sequence[int]], n_trials: int) -> SafeString | str:
    """Percent of the begun sittings that are still there after each trial, as steps."""
    if not begun:
        return ""
    last_trial = max([n_trials, *(done for done, _ in left_after)]) or 1
    floor_px = HEIGHT_PX - BOTTOM_PX

    def x_px(trial: int) -> float:
        return LEFT_PX + (WIDTH_PX - LEFT_PX - RIGHT_PX) * trial / last_trial

    def y_px(n: int) -> float:
        return TOP_PX + (floor_px - TOP_PX) * (1 - n / begun)

    here, points = begun, [(x_px(0), y_px(begun))]
    for done, n in left_after:
        points += [(x_px(done), y_px(here)), (x_px(done), y_px(here - n))]
        here -= n
    points.append((x_px(last_trial), y_px(here)))
    line = format_html(
        '<polyline class="curve" points="{}"/>', " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    )
    axes = format_html(
        '<line x1="{0}" y1="{2}" x2="{1}" y2="{2}"/>'
        '<text x="{3}" y="{4}" text-anchor="end">100 %</text><text x="{3}" y="{2}" text-anchor="end">0</text>'
        '<text x="{0}" y="{5}">trial 0</text><text x="{1}" y="{5}" text-anchor="end">{6}</text>',
        LEFT_PX,
        WIDTH_PX - RIGHT_PX,
        floor_px,
        LEFT_PX - 2,
        TOP_PX + 8,
        floor_px + 18,
        count(last_trial),
    )
    return framed(format_html("{}{}", line, axes), f"{here} of {begun} sittings are still there at the end")


def colour_names(sources: Sequence[str]) -> dict[str, str]:
    """Source -> the name of its colour in the style sheet."""
    others = [source for source in sources if source not in COLOURS]
    return {**COLOURS, **{source: OTHERS[i % len(OTHERS)] for i, source in enumerate(others)}}


def judged_real_plot(cells: Mapping[str, Mapping[int | None, tuple[int, int]]]) -> SafeString | str:
    """Percent judged real against the exposure (logarithmic), a curve for each source, its name at the right end.

    Empty where there are no answers, or no exposures (None): pictures that stay until the answer have no curve.
    """
    exposures = sorted({ms for by_ms in cells.values() for ms in by_ms if ms})
    if not exposures:
        return ""
    low, high = math.log(exposures[0]), math.log(exposures[-1])
    floor_px, right_px = HEIGHT_PX - BOTTOM_PX, WIDTH_PX - LABELS_PX
    colours = colour_names(list(cells))

    def x_px(ms: int) -> float:
        return (
            LEFT_PX
            + 6
            + (right_px - LEFT_PX - 12) * ((math.log(ms) - low) / (high - low) if high > low else 0.5)
        )

    def y_px(n: int, n_real: int) -> float:
        return TOP_PX + (floor_px - TOP_PX) * (1 - n_real / n)

    curves = {
        source: [(x_px(ms), y_px(n, n_real)) for ms, (n, n_real) in by_ms.items() if n and ms]
        for source, by_ms in cells.items()
    }
    curves = {source: points for source, points in curves.items() if points}
    ends = spread([points[-1][1] for points in curves.values()])
    lines = format_html_join(
        "",
        '<polyline class="source-{0}" points="{1}"/>{2}<text class="source-{0}" x="{3}" y="{4}">{5}</text>',
        (
            (
                colours[source],
                " ".join(f"{x:.1f},{y:.1f}" for x, y in points),
                format_html_join(
                    "",
                    '<circle class="source-{}" cx="{}" cy="{}" r="2.5"/>',
                    ((colours[source], f"{x:.1f}", f"{y:.1f}") for x, y in points),
                ),
                right_px + 4,
                f"{end + 4:.1f}",
                source,
            )
            for (source, points), end in zip(curves.items(), ends, strict=True)
        ),
    )
    axes = format_html(
        '<line x1="{0}" y1="{2}" x2="{1}" y2="{2}"/><line class="half" x1="{0}" y1="{3}" x2="{1}" y2="{3}"/>'
        '<text x="{4}" y="{5}" text-anchor="end">100 %</text><text x="{4}" y="{3}" text-anchor="end">50</text>'
        '<text x="{4}" y="{2}" text-anchor="end">0</text>'
        '<text x="{0}" y="{6}">{7} ms</text><text x="{1}" y="{6}" text-anchor="end">{8} ms</text>',
        LEFT_PX,
        right_px,
        floor_px,
        (floor_px + TOP_PX) / 2,
        LEFT_PX - 2,
        TOP_PX + 8,
        floor_px + 18,
        exposures[0],
        exposures[-1],
    )
    return framed(
        format_html("{}{}", axes, lines), "Percent judged real against presentation time, by source"
    )
