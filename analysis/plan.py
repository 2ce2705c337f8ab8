"""What was decided before looking at the answers: the choices of an analysis, kept with its results."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.bars import KINDS
from analysis.equivalence import MARGIN
from analysis.rules import Declared


@dataclass(frozen=True)
class Plan:
    """The choices of one report.

    seed: of everything that uses chance. margin: of equivalence to published levels, in proportions. pairs:
    sources (higher, lower) compared over times; none for those of `contrasts.planned_pairs`. as_declared:
    whether the rules that the studies declared before their data are applied; exclude: rules chosen beyond them, in
    the order tried. simulated: whether simulated people count. bars: of figure 1,
    a key of `bars.KINDS`; every other number keeps the headline interval.
    """

    seed: int = 1
    margin: float = MARGIN
    pairs: tuple[tuple[str, str], ...] = ()
    as_declared: bool = True
    exclude: tuple[Declared, ...] = ()
    simulated: bool = False
    bars: str = "two-way"

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise ValueError(f"margin: expected a proportion between 0 and 1, got {self.margin:g}")
        if self.bars not in KINDS:
            raise ValueError(f"bars: expected one of {', '.join(KINDS)}, got {self.bars!r}")
        if self.seed < 0:
            raise ValueError(f"seed: expected a whole number of at least 0, got {self.seed}")
