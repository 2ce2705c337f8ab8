"""Which pictures convince most and least: scores, and strips of the pictures where they can be had.

Knows what is said of images and draws the strips. Scores are in `images`, pixels come from `pictures`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import images
from analysis.columns import listed
from analysis.pictures import pictures
from analysis.quoted import rounded
from analysis.results import Results
from analysis.section import Figure, Number, Section, Table
from analysis.style import QUIET, source_styles
from analysis.wording import NBSP, count, counted, label, percent

STRIP = 8  # pictures at either end
STEP = 1.25  # from one picture to the next, in widths of a picture
LARGEST_PX = 192  # of a picture in the mosaic: what print can show
NAMED = 3  # images at either end in the table on the page


def most_and_least(results: Results) -> Section | None:
    """Scores of images with their uncertainty; strips of the extremes if the pictures are at hand."""
    table = images.image_scores(results.codes, results.tables)
    sources = dict(iter(table.groupby("source", sort=False)))
    known = {name: images.reliability(own) for name, own in sources.items()}
    spread = listed(f"{own['source_sd'].iloc[0]:.2f} for {label(str(name))}" for name, own in sources.items())
    seen = table["n_trials"]
    held = listed(
        f"{percent(share)} for {label(str(name))}" if share == share else f"nothing for {label(str(name))}"
        for name, share in known.items()
    )
    text = (
        f"Images differ from each other by a standard deviation (logit) of {spread} (estimates without an interval). Each was judged {counted(seen.median(), 'time')} in the "
        f"median ({count(seen.min())} to {count(seen.max())}). Scores are drawn towards the mean of their source by how little is known; of "
        f"that spread they hold {held}. Where that share is small, the order of single images is mostly luck."
    )
    rows = []
    for name, own in sources.items():
        if own["source_sd"].iloc[0] == 0:
            rows.append(nothing_stands_out(str(name), own))
            continue
        few = len(own) <= 2 * NAMED
        ends = (
            [(row, "") for row in own.itertuples()]
            if few
            else [
                *((row, "most") for row in own.head(NAMED).itertuples()),
                *((row, "least") for row in own.tail(NAMED).itertuples()),
            ]
        )
        rows += [
            [
                label(str(name)),
                short(str(row.image)),
                which,
                count(row.n_trials),
                count(row.k),
                percent(row.score),
                f"{100 * row.low:.0f}–{100 * row.high:.0f}",
            ]
            for row, which in ends
        ]
    caption = (
        f"The images judged real most and least of each source: times judged, judged real, score with its 95{NBSP}% interval "
        f"({images.METHOD}; for new people, averaged over the presentation times). All images in images.csv."
    )
    head = ["source", "image", "", "trials", "real", "score", "interval"]
    numbers = [
        Number(
            f"spread of images: {name}", rounded(own["source_sd"].iloc[0]), "standard deviation (logit)",
            "effects of images of the source, for new images", images.METHOD,
        )
        for name, own in sources.items()
    ]  # fmt: skip
    shown = Table(caption, head, rows, n_names=3, name="images", frame=table)
    return Section("Most and least convincing pictures", [text], shown, strips(results, sources), numbers)


def nothing_stands_out(source: str, own: pd.DataFrame) -> list[str]:
    """A row for a source whose images are not seen to differ: naming some would be arbitrary."""
    first = own.iloc[0]
    n, k = (count(own[name].sum()) for name in ("n_trials", "k"))
    return [label(source), f"none of {count(len(own))} stands out", "", n, k, percent(first["score"]), ""]


def short(image: str) -> str:
    """The end of an image's name, which tells it apart."""
    return image if len(image) <= 34 else f"…{image[-33:]}"


def strips(results: Results, sources: dict[Any, pd.DataFrame]) -> Figure | None:
    """A figure of the extremes of each source; None where no pictures were found."""
    if results.pictures is None:
        return None
    ends = {
        str(name): (own.head(STRIP), own.tail(STRIP)[::-1])
        for name, own in sources.items()
        if len(own) >= 2 * STRIP and own["source_sd"].iloc[0] > 0  # without spread the order is arbitrary
    }
    wanted = [image for pair in ends.values() for own in pair for image in own["image"]]
    found = pictures(wanted, results.pictures, results.folders)
    if not found:
        return None
    return Figure(
        name="pictures",
        draw=partial(draw_strips, ends=ends, found=found, results=results),
        inches=(6.4, 6.4 * 2 * len(ends) / (STRIP + 0.15)),
        alt="The most and least convincing pictures of each source, with their scores.",
        caption=(
            f"The {STRIP} pictures of each source that were judged real most (first row) and least (second row), with their scores: "
            f"the share of new people expected to judge them real. All at one scale, enlarged without smoothing; {count(len(found))} of "
            f"{count(len(wanted))} pictures were at hand."
        ),
    )


def draw_strips(ax: Axes, ends: dict[str, Any], found: dict[str, np.ndarray], results: Results) -> None:
    """Two rows a source, as one mosaic (64 pictures drawn one by one would cost seconds), with a score below each."""
    styles = source_styles(results.sources)
    rows = [
        (name, own, words)
        for name, pair in ends.items()
        for own, words in zip(pair, ("most", "least"), strict=True)
    ]
    size = min(max(max(pixels.shape[:2]) for pixels in found.values()), LARGEST_PX)
    step = round(STEP * size)
    mosaic = np.full((len(rows) * step, STRIP * step, 3), 255, dtype=np.uint8)
    ax.set_axis_off()
    for row, (name, own, words) in enumerate(rows):
        top = row * step
        ax.text(
            -0.15 * step, top + size / 2, f"{label(name)}\n{words}", fontsize=7.5, color=styles[name].colour,
            weight="bold", ha="center", va="center", rotation=90,
        )  # fmt: skip
        for column, image in enumerate(own.itertuples()):
            left = column * step
            middle = left + size / 2
            if image.image in found:
                mosaic[top : top + size, left : left + size] = resized(found[image.image], size)
            else:
                ax.text(
                    middle,
                    top + size / 2,
                    "not\nat hand",
                    fontsize=7,
                    color=QUIET,
                    ha="center",
                    va="center",
                )
            ax.text(
                middle,
                top + 1.03 * size,
                f"{100 * image.score:.0f} %",
                fontsize=7,
                ha="center",
                va="top",
            )
    ax.imshow(mosaic, interpolation="nearest")
    ax.set(xlim=(-0.3 * step, (STRIP - 0.15) * step), ylim=(len(rows) * step, 0))


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """A picture as a square of that many pixels: its own ones, none in between."""
    down, right = (np.arange(size) * length // size for length in pixels.shape[:2])
    return pixels[np.ix_(down, right)]
