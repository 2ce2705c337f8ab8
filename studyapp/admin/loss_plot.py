"""Losses of a training as small line plots, one a part, drawn as SVG by the server; images seen on the axis.

Knows drawing alone. Colours and type are the style sheet's.
"""

from collections.abc import Sequence
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from studyapp.admin.columns import count
from studyapp.training import LossLine

WIDTH_PX, HEIGHT_PX = 360, 170
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 44, 96, 26, 30
LABEL_PX = 14  # height of a line of text
MOST_POINTS = 200
# What is drawn. Penalties have another scale, which would flatten the two that tell of a collapse.
SERIES = ("discriminator", "generator")


def loss_plots(lines: Sequence[LossLine]) -> SafeString:
    """A plot for each part, in the order of the lines; empty where no line is written yet."""
    parts = [(part, list(found)) for part, found in groupby(lines, key=lambda line: line.part)]
    plots = format_html_join("", "{}", ((loss_plot(part, found),) for part, found in parts))
    return format_html('<div class="loss-plots">{}</div>', plots) if plots else plots


def loss_plot(part: str, lines: Sequence[LossLine]) -> SafeString:
    """One part's losses against the images that it has seen."""
    shown = thinned(lines)
    names = [name for name in SERIES if any(name in line.losses for line in shown)]
    values = [line.losses[name] for line in shown for name in names if name in line.losses]
    low, high = min(values, default=0.0), max(values, default=1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    most_images = shown[-1].images_seen

    def x_px(images_seen: int) -> float:
        return LEFT_PX + (WIDTH_PX - LEFT_PX - RIGHT_PX) * images_seen / most_images

    def y_px(loss: float) -> float:
        return TOP_PX + (HEIGHT_PX - TOP_PX - BOTTOM_PX) * (high - loss) / (high - low)

    ends = spread([y_px(last_value(shown, name)) for name in names])
    curves = format_html_join(
        "",
        '<polyline class="loss-{0}" points="{1}"/><text class="loss-{0}" x="{2}" y="{3}">{0}</text>',
        (
            (
                name,
                " ".join(
                    f"{x_px(line.images_seen):.1f},{y_px(line.losses[name]):.1f}"
                    for line in shown
                    if name in line.losses
                ),
                f"{WIDTH_PX - RIGHT_PX + 6}",
                f"{end + 4:.1f}",
            )
            for name, end in zip(names, ends, strict=True)
        ),
    )
    return format_html(
        '<svg class="loss-plot" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-label="Losses of {part} up to {images} images seen">'
        '<text class="loss-title" x="0" y="14">{part}</text>'
        '<line x1="{left}" y1="{bottom}" x2="{right}" y2="{bottom}"/>'
        '<text class="loss-tick" x="{beside}" y="{bottom}" text-anchor="end">{low}</text>'
        '<text class="loss-tick" x="{beside}" y="{top}" text-anchor="end">{high}</text>'
        '<text class="loss-tick" x="{left}" y="{under}">0</text>'
        '<text class="loss-tick" x="{right}" y="{under}" text-anchor="end">{images} images seen</text>'
        "{curves}</svg>",
        w=WIDTH_PX,
        h=HEIGHT_PX,
        part=part,
        images=count(most_images),
        left=LEFT_PX,
        right=WIDTH_PX - RIGHT_PX,
        bottom=HEIGHT_PX - BOTTOM_PX,
        top=TOP_PX + 4,
        beside=LEFT_PX - 6,
        under=HEIGHT_PX - BOTTOM_PX + 16,
        low=f"{low:.2f}",
        high=f"{high:.2f}",
        curves=curves,
    )


def thinned(lines: Sequence[LossLine]) -> list[LossLine]:
    """At most about `MOST_POINTS` of the lines, evenly spaced, the last one among them."""
    step = -(-len(lines) // MOST_POINTS)
    return list(lines[::-1][::step])[::-1]


def last_value(lines: Sequence[LossLine], name: str) -> float:
    """The newest value of a loss."""
    return next(line.losses[name] for line in reversed(lines) if name in line.losses)


def spread(heights_px: Sequence[float]) -> list[float]:
    """The same heights in the same order, moved down so far that lines of text do not overlap."""
    placed: dict[int, float] = {}
    lowest = float("-inf")
    for index in sorted(range(len(heights_px)), key=lambda index: heights_px[index]):
        lowest = placed[index] = max(heights_px[index], lowest + LABEL_PX)
    return [placed[index] for index in range(len(heights_px))]
