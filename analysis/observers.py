"""Simulated observers: data with a known truth, in the export's columns. A simulation, never evidence.

Knows one model of a person who looks at pictures: logit P(says real) = curve(source, exposure) + person
+ person by source + image, all three drawn from normal distributions. Feeds tests, coverage runs and
benchmarks; every row it makes is marked simulated. Takes its randomness from a seed or a generator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit

# Tachisto's default durations; the paper names only the ends and that there were 11.
EXPOSURES_MS = (50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000)

# Share judged real by the typical person for the typical image at the shortest and the longest exposure;
# between them the logit is linear in log time. Shaped after Denton et al. 2015, arXiv:1506.05751.
CURVES: dict[str, tuple[float, ...]] = {
    "real": (0.60, 0.93),
    "gan": (0.30, 0.08),
    "lapgan": (0.42, 0.38),
    "cc-lapgan": (0.46, 0.44),
}


@dataclass(frozen=True)
class Observers:
    """A study to simulate. Standard deviations are on the logit scale; typical values from public data.

    curves: share judged real by the typical person for the typical image, by source: at the shortest and the
    longest exposure with the logit linear in log time between, or at every exposure.
    weights: share of the trials by source, of any sum; all cells alike where none is given. images: how many
    a source has, where it is not images_per_source.

    Raises ValueError where a person would have to see an image twice, or where a number makes no sense.
    """

    n_people: int = 15
    n_trials: int = 660
    images_per_source: int = 1000
    person_sd: float = 0.55
    person_source_sd: float = 0.3
    image_sd: float = 1.0
    curves: dict[str, tuple[float, ...]] = field(default_factory=lambda: dict(CURVES))
    exposures_ms: tuple[int, ...] = EXPOSURES_MS
    images_may_repeat: bool = False  # a person may meet an image again, at another exposure
    weights: dict[str, float] = field(default_factory=dict)
    images: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("n_people", "n_trials", "images_per_source"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if min(self.person_sd, self.person_source_sd, self.image_sd) < 0:
            raise ValueError("expected standard deviations of at least 0")
        for name, shares in self.curves.items():
            if len(shares) not in (2, len(self.exposures_ms)):
                raise ValueError(
                    f"curve of {name}: expected 2 shares or {len(self.exposures_ms)}, got {len(shares)}"
                )
        if self.weights and (
            set(self.weights) != set(self.curves)
            or not all(0 < weight < math.inf for weight in self.weights.values())
        ):
            raise ValueError(
                f"weights: expected a positive one for each of {', '.join(self.curves)}, got {self.weights}"
            )
        if not set(self.images) <= set(self.curves):
            raise ValueError(
                f"images: expected those of {', '.join(self.curves)}, got {', '.join(self.images)}"
            )
        for name, trials, images in zip(
            self.curves, self.trials_of_sources, self.images_of_sources, strict=True
        ):
            self._check_source(name, trials, images)

    def _check_source(self, name: str, trials: float, images: int) -> None:
        n_exposures = len(self.exposures_ms)
        if self.weights and trials < 1:
            raise ValueError(
                f"{name}: expected at least 1 trial of {self.n_trials} a person, its weight gives {trials:.2g}"
            )
        if self.weights:
            most = math.ceil(trials - 1e-9)
            in_a_cell = math.ceil(most / n_exposures)
        else:
            in_a_cell = math.ceil(self.n_trials / self.n_cells)
            most = n_exposures * in_a_cell
        seen = in_a_cell if self.images_may_repeat else most
        if seen > images:
            which = f"of {name}" if self.images or self.weights else "of a source"
            raise ValueError(
                f"{self.n_trials} trials show up to {seen} images {which} to each person, but there are "
                f"{images}: take more images or fewer trials"
            )

    @property
    def n_cells(self) -> int:
        return len(self.curves) * len(self.exposures_ms)

    @property
    def is_even(self) -> bool:
        """Whether all sources have as many trials and images."""
        return len(set(self.trials_of_sources)) == len(set(self.images_of_sources)) == 1

    @property
    def trials_of_sources(self) -> np.ndarray:
        """Trials a person, shape (sources,); where it is no whole number, people differ by one."""
        weights = np.asarray([self.weights.get(name, 1.0) for name in self.curves])
        return self.n_trials * weights / weights.sum()

    @property
    def images_of_sources(self) -> np.ndarray:
        """Images, shape (sources,)."""
        return np.asarray([self.images.get(name, self.images_per_source) for name in self.curves])

    @property
    def most_images(self) -> int:
        """Those of the source that has most: what images are numbered by."""
        return int(self.images_of_sources.max())


class Answers(NamedTuple):
    """One simulated study as codes, one entry a trial, people in blocks of n_trials.

    cell = source * number of exposures + exposure; image = source * most_images + number in it.
    """

    person: np.ndarray
    image: np.ndarray
    cell: np.ndarray
    judged_real: np.ndarray


def typical_logits(observers: Observers) -> np.ndarray:
    """logit P(says real) of the typical person and image, shape (sources, exposures)."""
    log_ms = np.log(np.asarray(observers.exposures_ms, dtype=float))
    span = log_ms[-1] - log_ms[0]
    place = (log_ms - log_ms[0]) / span if span > 0 else np.zeros(len(log_ms))
    knots = [logit(np.asarray(shares, dtype=float)) for shares in observers.curves.values()]
    return np.stack([each if len(each) != 2 else each[0] + (each[1] - each[0]) * place for each in knots])


def true_proportions(observers: Observers) -> np.ndarray:
    """P(says real) averaged over all people and images, shape (sources, exposures).

    The average of a logistic curve over a normal distribution, by Gauss-Hermite quadrature.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = np.sqrt(observers.person_sd**2 + observers.person_source_sd**2 + observers.image_sd**2)
    shares = expit(typical_logits(observers)[..., None] + spread * nodes)
    return shares @ weights / weights.sum()


def with_true_proportions(observers: Observers, shares: dict[str, np.ndarray]) -> Observers:
    """The same study with curves such that `true_proportions` are these shares (by source, at every exposure)."""
    logits = np.linspace(-12, 12, 2401)
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    spread = np.sqrt(observers.person_sd**2 + observers.person_source_sd**2 + observers.image_sd**2)
    averages = expit(logits[:, None] + spread * nodes) @ weights / weights.sum()
    curves = {name: tuple(expit(np.interp(wanted, averages, logits))) for name, wanted in shares.items()}
    return replace(observers, curves=curves)


def draw(observers: Observers, rng: np.random.Generator) -> Answers:
    """Answers of all people, everyone with the same number of trials in a cell (plus at most one).

    With weights, trials go to sources by weight and then to exposures alike, as the site plans them. Each person
    sees images drawn without replacement, so none twice; where images may repeat, a shuffled deck begins again
    when it is used up, so none comes twice in a cell.
    """
    n_sources, n_exposures = len(observers.curves), len(observers.exposures_ms)
    n_people, most_images = observers.n_people, observers.most_images
    counts = trials_of_cells(observers, rng)
    every_cell = np.tile(np.arange(observers.n_cells), n_people)
    cell = np.repeat(every_cell, counts.ravel()).reshape(n_people, observers.n_trials)
    source = cell // n_exposures
    # A person's trials are sorted by source: the r-th of a source takes the r-th image of a shuffled deck.
    first = np.stack([np.searchsorted(row, np.arange(n_sources)) for row in source])
    rank = np.arange(observers.n_trials) - np.take_along_axis(first, source, axis=1)
    people = np.arange(n_people)[:, None]
    image = (
        source * most_images
        + decks(observers, rng)[people, source, rank % observers.images_of_sources[source]]
    )
    log_odds = (
        typical_logits(observers).ravel()[cell]
        + observers.person_sd * rng.standard_normal((n_people, 1))
        + observers.person_source_sd * rng.standard_normal((n_people, n_sources))[people, source]
        + observers.image_sd * rng.standard_normal(n_sources * most_images)[image]
    )
    judged_real = rng.random(log_odds.shape) < expit(log_odds)
    person = np.broadcast_to(people, cell.shape)
    return Answers(person.ravel(), image.ravel(), cell.ravel(), judged_real.ravel())


def trials_of_cells(observers: Observers, rng: np.random.Generator) -> np.ndarray:
    """How many trials each person has in each cell, shape (people, cells).

    Shared out among sources in proportion to their weights, what is left over by the largest remainders; then
    among the cells of a source, or of all sources where there are no weights. Who gets one more is drawn anew for
    each person.
    """
    n_people, n_cells = observers.n_people, observers.n_cells
    order = rng.permuted(np.tile(np.arange(n_cells), (n_people, 1)), axis=1)
    place = np.argsort(order, axis=1)  # of each cell in the person's order
    exact = observers.trials_of_sources if observers.weights else np.asarray([float(observers.n_trials)])
    whole = np.floor(exact + 1e-9)
    in_groups = place.reshape(n_people, len(exact), -1)
    remainder = np.broadcast_to(np.round(exact - whole, 9), (n_people, len(exact)))
    first_served = np.argsort(np.lexsort((in_groups.min(axis=2), -remainder), axis=1), axis=1)
    n_group = (whole + (first_served < observers.n_trials - whole.sum())).astype(int)[:, :, None]
    each, over = np.divmod(n_group, in_groups.shape[2])
    within = np.argsort(np.argsort(in_groups, axis=2), axis=2)
    return (each + (within < over)).reshape(n_people, n_cells)


def decks(observers: Observers, rng: np.random.Generator) -> np.ndarray:
    """For each person and source the images in the order in which they are seen, shape (people, sources, places).

    A source with fewer images than places has its own first, and nothing of meaning after them.
    """
    n_people, n_sources = observers.n_people, len(observers.curves)
    if not observers.images:
        images = np.arange(observers.images_per_source)
        return rng.permuted(np.tile(images, (n_people, n_sources, 1)), axis=2)
    # Sets may be large and of different sizes: drawn are those alone that somebody sees.
    seen = np.minimum(
        np.ceil(observers.trials_of_sources) + len(observers.exposures_ms), observers.images_of_sources
    )
    found = np.zeros((n_people, n_sources, int(seen.max())), dtype=int)
    for person in range(n_people):
        for source, images in enumerate(observers.images_of_sources):
            n_seen = int(seen[source])
            found[person, source, :n_seen] = rng.choice(images, n_seen, replace=False)
    return found


def simulate(observers: Observers, seed: int) -> pd.DataFrame:
    """A whole simulated study in the columns of `responses.csv`, as `read` returns it, in random trial order.

    Screens run at 60 Hz and show what was asked to the nearest frame; one trial in 200 is a frame late.
    """
    rng = np.random.default_rng(seed)
    answers = draw(observers, rng)
    n_rows = len(answers.cell)
    within = rng.permuted(np.tile(np.arange(observers.n_trials), (observers.n_people, 1)), axis=1)
    rows = np.sort(answers.person * observers.n_trials)  # first row of each person's block
    order = rows + within.ravel()
    person, image, cell = answers.person[order], answers.image[order], answers.cell[order]
    judged_real = answers.judged_real[order]
    sources = np.asarray(list(observers.curves), dtype=object)
    exposure_ms = np.asarray(observers.exposures_ms, dtype=float)[cell % len(observers.exposures_ms)]
    frame_ms = 16.667
    planned = np.maximum(1, np.rint(exposure_ms / frame_ms))
    is_late = rng.random(n_rows) < 1 / 200
    frames = planned + is_late
    ordinal = np.tile(np.arange(observers.n_trials), observers.n_people)
    start = pd.Timestamp("2026-11-20T10:00:00Z")
    return pd.DataFrame(
        {
            "study": text(np.full(n_rows, "simulation")),
            "study_version": text(np.full(n_rows, "simulated")),
            "participant": text(np.char.mod("p%04d", person)),
            "sitting": text(np.char.mod("s%04d", person)),
            "trial": text(np.char.mod("t%09d", np.arange(n_rows))),
            "ordinal": ordinal.astype(float),
            "kind": text(np.full(n_rows, "main")),
            "protocol": text(np.full(n_rows, "timed")),
            "source": text(sources[cell // len(observers.exposures_ms)].astype(str)),
            "image": text(np.char.mod("i%07d", image)),
            "exposure_ms": exposure_ms,
            "planned_frames": planned,
            "measured_ms": np.round(frames * frame_ms, 3),
            "measured_frames": frames,
            "frame_ms": np.full(n_rows, frame_ms),
            "timing_ok": pd.array(~is_late, dtype="boolean"),
            "timing_witness": text(np.full(n_rows, "simulated")),
            "response": text(np.where(judged_real, "real", "generated")),
            "judged_real": pd.array(judged_real, dtype="boolean"),
            "reaction_ms": np.round(np.exp(rng.normal(6.4, 0.35, n_rows)), 1),
            "lost_focus": pd.array(np.zeros(n_rows, dtype=bool), dtype="boolean"),
            "status": text(np.full(n_rows, "answered")),
            "is_simulated": pd.array(np.ones(n_rows, dtype=bool), dtype="boolean"),
            "shown_utc": start + pd.to_timedelta(person * 3600 + ordinal * 3, unit="s"),
        }
    )


def text(values: np.ndarray) -> pd.Categorical:
    return pd.Categorical(values.astype(str).astype(object))


def as_csv(rows: pd.DataFrame) -> str:
    """Rows as the export writes them: flags 1 and 0, times in ISO 8601 UTC, whole numbers without `.0`."""
    written = rows.copy()
    for name in written:
        column = written[name]
        if column.dtype == "boolean":
            written[name] = column.astype("Int8")
        elif isinstance(column.dtype, pd.DatetimeTZDtype):
            written[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(written.to_csv(index=False, lineterminator="\n", float_format="%.15g"))
