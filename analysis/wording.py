"""Numbers as the report says them: percents, points, counts and intervals in words.

Knows how a value reads; which values are said, and why, is in `sections` and `alerts`. A space that must
not break the line is U+00A0, a minus is U+2212.
"""

from __future__ import annotations

from collections.abc import Collection
from math import isnan

from analysis.style import KNOWN

NBSP = "\u00a0"
UNKNOWN = "–"


def percent(proportion: float, digits: int = 0) -> str:
    """A proportion as `42 %`; an en dash for NaN."""
    return UNKNOWN if isnan(proportion) else f"{100 * proportion:.{digits}f}{NBSP}%"


def points(difference: float, digits: int | None = None) -> str:
    """A difference of proportions in percentage points, with a true minus sign; below 1 with one decimal."""
    if digits is None:
        digits = 1 if abs(difference) < 0.01 else 0
    return signed(f"{100 * difference:.{digits}f}")


def signed(number: str) -> str:
    return number.replace("-", "\u2212") if float(number) != 0 else number.lstrip("-")


def count(number: float) -> str:
    """A whole number with a comma between thousands."""
    return f"{int(number):,}"


def span(numbers: Collection[float]) -> str:
    """The least and the greatest of whole numbers, `191 to 212`, or the one that all are."""
    return " to ".join(dict.fromkeys((count(min(numbers)), count(max(numbers)))))


def counted(number: float, one: str, many: str | None = None) -> str:
    """`1 person`, `15 people`."""
    return f"{count(number)}{NBSP}{one if int(number) == 1 else (many or one + 's')}"


def milliseconds(ms: float, digits: int = 0) -> str:
    return UNKNOWN if isnan(ms) else signed(f"{ms:.{digits}f}")


def ratio(value: float) -> str:
    """A ratio with one decimal; an en dash for NaN."""
    return UNKNOWN if isnan(value) else f"{value:.1f}"


def exposure(ms: float) -> str:
    return f"{ms:g}{NBSP}ms"


def label(source: str) -> str:
    """A source's name in text: `GAN` for gan, unknown names as they are."""
    return KNOWN[source].label if source in KNOWN else source


def p_value(p: float) -> str:
    """A p value with three decimals; an en dash for NaN."""
    return UNKNOWN if isnan(p) else "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
