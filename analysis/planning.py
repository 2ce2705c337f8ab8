"""What a study of a given size would find: half-widths, coverage and power by simulation, and rules for stopping.

Knows how simulated studies are measured with the package's own intervals, and how a study that looks at its
data while it runs may stop. People and pictures come from `observers`; the command is `power`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtri

from analysis import intervals
from analysis.counts import CountTables, cells_of, tabulate
from analysis.observers import Answers, Observers, draw, true_proportions

POINT, MEAN = "one source at one time", "mean of a source"
# Half-width to the difference that is found in four studies of five: the usual (z_0.975 + z_0.8) / z_0.975.
DETECTABLE = 1 + float(ndtri(0.8) / ndtri(0.975))


@dataclass(frozen=True)
class Measure:
    """One quantity over many simulated studies. Shares and half-widths are proportions.

    half_width: mean of half the 95 % interval. coverage: share of intervals that hold the truth. found: share
    of studies whose interval leaves out 0, for differences, else NaN; a truth of 0 makes it the error rate.
    *_error: Monte Carlo standard errors.
    """

    quantity: str
    truth: float
    half_width: float
    half_width_error: float
    coverage: float
    coverage_error: float
    found: float
    found_error: float

    @property
    def detectable(self) -> float:
        """The difference that four studies of five would find, about; NaN for what is no difference."""
        return np.nan if np.isnan(self.found) else DETECTABLE * self.half_width


class Simulation:
    """Simulated studies of one design, with what is true of them."""

    def __init__(self, observers: Observers, pair: tuple[str, str]) -> None:
        self.observers, self.pair = observers, pair
        names, times = list(observers.curves), observers.exposures_ms
        for name in pair:
            if name not in names:
                raise ValueError(f"expected two of the sources {', '.join(names)}, got {name!r}")
        self.cells = cells_of(names, times)
        self.truth = true_proportions(observers).ravel()
        over_times = [(self.cells["source"] == name).to_numpy() / len(times) for name in pair]
        self.difference = over_times[0] - over_times[1]
        at_time = np.eye(len(self.cells))
        first, second = (names.index(name) * len(times) for name in pair)
        self.differences_at = [
            at_time[first + place] - at_time[second + place] for place in range(len(times))
        ]

    def answers(self, rng: np.random.Generator) -> Answers:
        return draw(self.observers, rng)

    def tables(self, answers: Answers, n_people: int | None = None) -> CountTables:
        """Count tables of the first people (all, if no number is given)."""
        people = self.observers.n_people if n_people is None else n_people
        rows = people * self.observers.n_trials  # people stand in blocks
        person, image, cell, judged_real = (each[:rows] for each in answers)
        shown, image = np.unique(image, return_inverse=True)  # a set may have many more than anybody saw
        return tabulate(self.cells, person, image, cell, judged_real, n_people=people, n_images=len(shown))


def measures(observers: Observers, pair: tuple[str, str], *, replications: int, seed: int) -> list[Measure]:
    """What studies of this design find: a point, a source's mean, the pair's difference over times and at one.

    Points, means and differences at one time are averaged over all of their kind within a study, and their
    Monte Carlo errors are those of the averages. Where sources have different numbers of trials or images, such an
    average is true of none of them: points and means then come by source, too (`of_one_source`). Raises ValueError
    for a design that cannot be.
    """
    if replications < 2:
        raise ValueError(f"replications: expected at least 2, got {replications}")
    study, rng = Simulation(observers, pair), np.random.default_rng(seed)
    seen: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(replications):
        tables = study.tables(study.answers(rng))
        for quantity, found in measured(study, tables).items():
            seen.setdefault(quantity, []).append(found)
    truths = {"difference over times": float(study.difference @ study.truth)}
    return [summed(name, np.asarray(values), truths.get(name, np.nan)) for name, values in seen.items()]


def measured(study: Simulation, tables: CountTables) -> dict[str, tuple[float, float, float]]:
    """Half-width, coverage and share found of each quantity in one study."""
    cov = intervals.covariance(tables)
    points, means = intervals.cells(tables, cov), intervals.source_means(tables, cov)
    mean_truth = study.truth.reshape(len(study.observers.curves), -1).mean(axis=1)
    shown = cov.n > 0
    of_times = [contrast_outcome(study, cov, weights) for weights in study.differences_at]
    truth = {POINT: study.truth[shown], MEAN: mean_truth}
    alone = {} if study.observers.is_even else of_one_source({POINT: points, MEAN: means}, truth)
    return {
        POINT: (*proportion_outcome(points, truth[POINT]), np.nan),
        MEAN: (*proportion_outcome(means, truth[MEAN]), np.nan),
        "difference over times": contrast_outcome(study, cov, study.difference),
        "difference at one time": tuple(np.mean(of_times, axis=0)),
        **alone,
    }


def of_one_source(
    tables: dict[str, pd.DataFrame], truth: dict[str, np.ndarray]
) -> dict[str, tuple[float, float, float]]:
    """The outcomes of points and means for each source alone, named as `source_quantity` does."""
    return {
        source_quantity(kind, name): (*proportion_outcome(rows, truth[kind][rows.index]), np.nan)
        for kind, table in tables.items()
        for name, rows in table.groupby("source", sort=False)
    }


def source_quantity(kind: str, source: str) -> str:
    """What a point or a mean of one source is called: `one source at one time` becomes `gan at one time`."""
    return {POINT: f"{source} at one time", MEAN: f"mean of {source}"}[kind]


def proportion_outcome(table: pd.DataFrame, truth: np.ndarray) -> tuple[float, float]:
    low, high = table["low"].to_numpy(), table["high"].to_numpy()
    return float((high - low).mean() / 2), float(((low <= truth) & (truth <= high)).mean())


def contrast_outcome(
    study: Simulation, cov: intervals.Covariance, weights: np.ndarray
) -> tuple[float, float, float]:
    _, low, high = intervals.contrast(cov, weights)
    truth = float(weights @ study.truth)
    return (high - low) / 2, float(low <= truth <= high), float(low > 0 or high < 0)


def summed(quantity: str, values: np.ndarray, truth: float) -> Measure:
    mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return Measure(quantity, truth, mean[0], error[0], mean[1], error[1], mean[2], error[2])


@dataclass(frozen=True)
class Stopping:
    """What a rule for stopping leads to over many simulated studies. Half-widths are proportions.

    people: mean number at the end; reached: share of studies that stopped before the last look; coverage: of
    the difference over times at the end; found: share whose interval leaves out 0 at the end, the error rate
    where nothing is there. *_error: Monte Carlo standard errors.
    """

    rule: str
    people: float
    people_error: float
    reached: float
    coverage: float
    coverage_error: float
    found: float
    found_error: float


RULES = {
    "fixed": "all people, one look",
    "precision": "stop when the half-width is small enough",
    "significance": "stop when the difference leaves out 0 (do not: shown for its error rate)",
}


def stopping(
    observers: Observers,
    pair: tuple[str, str],
    *,
    half_width: float,
    first: int,
    every: int,
    replications: int,
    seed: int,
    is_null: bool = False,
) -> list[Stopping]:
    """Each rule of RULES on the same simulated studies, looking at the pair's difference over times.

    Looks begin at `first` people and come `every` so many, up to the design's number. `is_null` gives both of
    the pair the first one's curve, so that whatever is found is an error. Raises ValueError where there is no
    look to take.
    """
    if not 2 <= first <= observers.n_people or every < 1:
        raise ValueError(
            f"expected a first look at 2..{observers.n_people} people and steps of at least 1, got {first} and {every}"
        )
    if is_null:
        curves = {**observers.curves, pair[1]: observers.curves[pair[0]]}
        observers = replace(observers, curves=curves)
    study, rng = Simulation(observers, pair), np.random.default_rng(seed)
    truth = float(study.difference @ study.truth)
    ends: dict[str, list[tuple[int, float, float]]] = {rule: [] for rule in RULES}
    for _ in range(replications):
        looks = list(looked(study, study.answers(rng), first, every))
        for rule, (people, low, high) in chosen_looks(looks, half_width).items():
            ends[rule].append((people, float(low <= truth <= high), float(low > 0 or high < 0)))
    return [
        end_of(rule, np.asarray(values, dtype=float), observers.n_people) for rule, values in ends.items()
    ]


def looked(study: Simulation, answers: Answers, first: int, every: int) -> Iterator[tuple[int, float, float]]:
    """People so far, and the interval of the pair's difference, at each look; the last sees everybody."""
    most = study.observers.n_people
    for people in [*range(first, most, every), most]:
        cov = intervals.covariance(study.tables(answers, people))
        yield people, *intervals.contrast(cov, study.difference)[1:]


def chosen_looks(
    looks: list[tuple[int, float, float]], half_width: float
) -> dict[str, tuple[int, float, float]]:
    """The look at which each rule ends a study."""
    last = looks[-1]
    narrow = (look for look in looks if (look[2] - look[1]) / 2 <= half_width)
    clear = (look for look in looks if look[1] > 0 or look[2] < 0)
    return {"fixed": last, "precision": next(narrow, last), "significance": next(clear, last)}


def end_of(rule: str, values: np.ndarray, most: int) -> Stopping:
    mean, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
    reached = float((values[:, 0] < most).mean())
    return Stopping(rule, mean[0], error[0], reached, mean[1], error[1], mean[2], error[2])
