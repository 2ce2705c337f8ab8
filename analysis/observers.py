"""Simulated observers: data with a known truth, in the export's columns. A simulation, never evidence.

Knows one model of a person who looks at pictures: logit P(says real) = curve(source, exposure) + person
+ person by source + image, all three drawn from normal distributions. Feeds tests, coverage runs and
benchmarks; every row it makes is marked simulated. Takes its randomness from a seed or a generator.
"""

from __future__ import annotations

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
        in_a_cell = -(-self.n_trials // self.n_cells)
        seen = in_a_cell if self.images_may_repeat else len(self.exposures_ms) * in_a_cell
        if seen > self.images_per_source:
            raise ValueError(
                f"{self.n_trials} trials show up to {seen} images of a source to each person, but there are "
                f"{self.images_per_source}: raise images_per_source"
            )

    @property
    def n_cells(self) -> int:
        return len(self.curves) * len(self.exposures_ms)


class Answers(NamedTuple):
    """One simulated study as codes, one entry a trial, people in blocks of n_trials.

    cell = source * number of exposures + exposure; image = source * images_per_source + number in it.
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

    Each person sees images drawn without replacement, so none twice; where images may repeat, a shuffled deck
    begins again when it is used up, so none comes twice in a cell.
    """
    n_sources, n_exposures = len(observers.curves), len(observers.exposures_ms)
    n_people, n_images = observers.n_people, observers.images_per_source
    # Which cells get one trial more than the others differs from person to person.
    order = rng.permuted(np.tile(np.arange(observers.n_cells), (n_people, 1)), axis=1)
    cell = np.sort(order[:, np.arange(observers.n_trials) % observers.n_cells], axis=1)
    source = cell // n_exposures
    # A person's trials are sorted by source: the r-th of a source takes the r-th image of a shuffled deck.
    first = np.stack([np.searchsorted(row, np.arange(n_sources)) for row in source])
    rank = np.arange(observers.n_trials) - np.take_along_axis(first, source, axis=1)
    decks = rng.permuted(np.tile(np.arange(n_images), (n_people, n_sources, 1)), axis=2)
    people = np.arange(n_people)[:, None]
    image = source * n_images + decks[people, source, rank % n_images]
    log_odds = (
        typical_logits(observers).ravel()[cell]
        + observers.person_sd * rng.standard_normal((n_people, 1))
        + observers.person_source_sd * rng.standard_normal((n_people, n_sources))[people, source]
        + observers.image_sd * rng.standard_normal(n_sources * n_images)[image]
    )
    judged_real = rng.random(log_odds.shape) < expit(log_odds)
    person = np.broadcast_to(people, cell.shape)
    return Answers(person.ravel(), image.ravel(), cell.ravel(), judged_real.ravel())


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
