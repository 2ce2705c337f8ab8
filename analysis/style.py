"""How figures look: the colour and marker of every source, and matplotlib settings that repeat exactly.

Knows appearance alone; what is drawn is in `figures`. The same data give the same bytes: no dates, a fixed
salt for the ids inside an SVG, text drawn as outlines so that no font is needed to read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

INK = "#1c1c1c"
QUIET = "#6b6b68"
RULE = "#d8d8d4"
WARNING = "#b35900"
SIMULATED = "Simulated people: not evidence"  # stands on every figure of theirs

RC: Any = {  # Any: matplotlib spells out its keys as a type
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so it is the same everywhere
    "font.size": 9.0,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.0,
    "text.color": INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "tachisto",
    "pdf.fonttype": 42,
}

# Nothing that differs between two runs goes into a file.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": "Tachisto"},
}


@dataclass(frozen=True)
class SourceStyle:
    """How one source appears: its name in text, its colour, its marker in matplotlib's letters and its size.

    size: in points; thin markers need more to look as large as full ones.
    """

    label: str
    colour: str
    marker: str
    size: float = 5.5


KNOWN: dict[str, SourceStyle] = {
    "real": SourceStyle("real", "#000000", "o"),
    "gan": SourceStyle("GAN", "#d55e00", "s"),
    "lapgan": SourceStyle("LAPGAN", "#0072b2", "^"),
    "cc-lapgan": SourceStyle("CC-LAPGAN", "#009e73", "D"),
}
FURTHER = (("#cc79a7", "v", 5.5), ("#e69f00", "P", 7.0), ("#56b4e9", "X", 7.0))


def source_styles(sources: list[str]) -> dict[str, SourceStyle]:
    """The style of each source. Sources beyond the paper's four take the further colours in the order given.

    Beyond those, colours come round again, with a number in place of the marker.
    """
    styles: dict[str, SourceStyle] = {}
    others = [name for name in sources if name not in KNOWN]
    for number, name in enumerate(others):
        colour, marker, size = FURTHER[number % len(FURTHER)]
        turn = number // len(FURTHER)
        styles[name] = SourceStyle(name, colour, marker if turn == 0 else f"${turn + 1}$", size)
    return {name: KNOWN.get(name) or styles[name] for name in sources}
