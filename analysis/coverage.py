"""How often intervals hold the truth: simulated studies whose truth is known, design by design.

    python -m analysis.coverage [--replications 600] [--seed 1]

prints the table of `docs/analysis.md`. Knows the designs, the four families of quantities and how hits are
counted; the people come from `observers`, the intervals from `intervals`. The truth is the share over new
people and new images.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analysis.binomial import wilson
from analysis.counts import CountTables, cells_of, tabulate
from analysis.intervals import Covariance, covariance, differences, proportion_intervals
from analysis.observers import Observers, draw, true_proportions

POINT, MEAN, DIFFERENCE, CONTRAST = FAMILIES = ("point", "source mean", "difference", "contrast")
SHARES = (POINT, MEAN)  # the other two are differences of shares


def design(n_people: int, n_trials: int, person: float, both: float, image: float, images: int) -> Observers:
    return Observers(
        n_people=n_people,
        n_trials=n_trials,
        images_per_source=images,
        person_sd=person,
        person_source_sd=both,
        image_sd=image,
        images_may_repeat=True,
    )


SIZES = ((15, 670), (100, 220))  # people, trials of each
SPREADS = (  # SD on the logit scale of people, people by source, images; images per source
    (0.0, 0.0, 0.0, 250),
    (0.5, 0.3, 0.5, 250),
    (0.5, 0.3, 1.0, 250),
    (1.0, 0.4, 0.5, 250),
    (1.0, 0.4, 1.0, 250),
    (0.75, 0.4, 0.75, 50),
    (0.5, 0.3, 1.0, 1000),
)
DESIGNS = tuple(
    design(people, trials, person, both, image, images)
    for (people, trials), (person, both, image, images) in product(SIZES, SPREADS)
)


@dataclass(frozen=True)
class Quantities:
    """What is estimated: weighted sums of cells, by family, with their truth; each field (quantities,).

    weights: (quantities, cells). group: the source that a share belongs to, empty for differences.
    """

    family: np.ndarray
    group: np.ndarray
    weights: np.ndarray
    truth: np.ndarray

    @property
    def is_share(self) -> np.ndarray:
        return np.isin(self.family, SHARES)


def quantities(observers: Observers) -> Quantities:
    """Every point and source mean, CC-LAPGAN minus LAPGAN at each exposure, and two contrasts over exposures."""
    sources, n_exposures = list(observers.curves), len(observers.exposures_ms)
    points = np.eye(observers.n_cells)
    by_source = points.reshape(len(sources), n_exposures, -1)
    means = by_source.mean(axis=1)
    place = {name: number for number, name in enumerate(sources)}
    real, lapgan, cc_lapgan = (place[name] for name in ("real", "lapgan", "cc-lapgan"))
    rows = {
        POINT: (np.repeat(sources, n_exposures), points),
        MEAN: (np.asarray(sources), means),
        DIFFERENCE: (np.full(n_exposures, ""), by_source[cc_lapgan] - by_source[lapgan]),
        CONTRAST: (
            np.full(2, ""),
            np.stack([means[cc_lapgan] - means[lapgan], means[real] - means[cc_lapgan]]),
        ),
    }
    weights = np.concatenate([each for _, each in rows.values()])
    return Quantities(
        family=np.repeat(list(rows), [len(each) for _, each in rows.values()]),
        group=np.concatenate([group for group, _ in rows.values()]),
        weights=weights,
        truth=weights @ true_proportions(observers).ravel(),
    )


Bars = Callable[[CountTables, Covariance, Quantities], tuple[np.ndarray, np.ndarray]]


def two_way(tables: CountTables, cov: Covariance, wanted: Quantities) -> tuple[np.ndarray, np.ndarray]:
    """The headline intervals: low and high of each quantity."""
    low, high = np.empty((2, len(wanted.truth)))
    is_share = wanted.is_share
    shares = proportion_intervals(cov.parts(wanted.weights[is_share]), wanted.group[is_share])
    others = differences(cov, wanted.weights[~is_share])
    low[is_share], high[is_share] = shares["low"], shares["high"]
    low[~is_share], high[~is_share] = others["low"], others["high"]
    return low, high


def binomial(tables: CountTables, cov: Covariance, wanted: Quantities) -> tuple[np.ndarray, np.ndarray]:
    """The usual bars, every trial taken as independent: Wilson's for points, Wald's for the rest."""
    shares = np.nan_to_num(tables.n_real / tables.n_trials)
    estimate = wanted.weights @ shares
    variance = wanted.weights**2 @ (shares * (1 - shares) / tables.n_trials)
    half = float(ndtri(0.975)) * np.sqrt(variance)
    low, high = estimate - half, estimate + half
    is_point = wanted.family == POINT
    low[is_point], high[is_point] = wilson(tables.n_real, tables.n_trials)
    return low, high


def studies(observers: Observers, n_studies: int, seed: int) -> Iterator[CountTables]:
    """Count tables of simulated studies, each from a generator of its own."""
    frame = cells_of(list(observers.curves), observers.exposures_ms)
    n_images = len(observers.curves) * observers.images_per_source
    for rng in np.random.default_rng(seed).spawn(n_studies):
        yield tabulate(frame, *draw(observers, rng), n_people=observers.n_people, n_images=n_images)


def coverage(observers: Observers, n_studies: int, seed: int, *bars: Bars) -> list[pd.DataFrame]:
    """How often each kind of bar holds the truth, one table a kind, all from the same simulated studies.

    One row a family: family, covered (mean share of studies), worst (the least covered single quantity),
    width (mean, in percentage points).
    """
    wanted = quantities(observers)
    hits, widths = np.zeros((2, len(bars), len(wanted.truth)))
    for tables in studies(observers, n_studies, seed):
        cov = covariance(tables)
        for kind, bar in enumerate(bars):
            low, high = bar(tables, cov, wanted)
            hits[kind] += (low <= wanted.truth) & (wanted.truth <= high)
            widths[kind] += high - low
    found = []
    for kind in range(len(bars)):
        each = pd.DataFrame(
            {"family": wanted.family, "hits": hits[kind] / n_studies, "width": 100 * widths[kind] / n_studies}
        ).groupby("family")
        table = pd.DataFrame(
            {"covered": each["hits"].mean(), "worst": each["hits"].min(), "width": each["width"].mean()}
        )
        found.append(table.reindex(list(FAMILIES)).rename_axis("family").reset_index())
    return found


def line(observers: Observers, headline: pd.DataFrame, usual: pd.DataFrame) -> str:
    """A design as a row of the table in markdown."""
    spread = f"{observers.person_sd:g}/{observers.person_source_sd:g}/{observers.image_sd:g}"

    def joined(values: pd.Series, scale: float, digits: int) -> str:
        return " / ".join(f"{scale * value:.{digits}f}" for value in values)

    cells = (
        f"{observers.n_people} x {observers.n_trials}",
        spread,
        f"{observers.images_per_source:,}",
        joined(headline["covered"], 100, 1),
        joined(headline["worst"], 100, 1),
        joined(headline["width"], 1, 1),
        joined(usual["covered"], 100, 0),
    )
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| people x trials | SD: people / people by source / images | images a source | covered, % "
    "| worst single, % | width, points | binomial bars, % |\n|---|---|---|---|---|---|---|"
)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m analysis.coverage", description=__doc__.split("\n")[0])
    parser.add_argument("--replications", type=int, default=600, help="simulated studies a design (600)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    print(HEAD)
    for number, observers in enumerate(DESIGNS):
        tables = coverage(observers, options.replications, options.seed + number, two_way, binomial)
        print(line(observers, *tables), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
