"""The psychometric function: how the share of right answers rises with a stimulus level, from counts by level.

Knows one curve with its guess rate, lapse rate and overdispersion, how it is fitted to counts, and how the
fit moves when a count moves. Which counts are fitted, and the intervals for new people and new images, are in
`thresholds`.

    share right at x = guess + (1 - guess - lapse) S(x)

where S rises from 0 to 1 with S = 1/2 at the threshold, and from 0.05 to 0.95 over the width. Counts of a
level scatter as a beta-binomial whose extra variance is overdispersion squared, 0 being the binomial. The fit
is the mode of the posterior under the priors of Schuett, Harmeling, Macke and Wichmann 2016, Vision Research
122:105-123, as psignifit has them: found by its gradient in milliseconds instead of on a grid.

A curve that falls (share of generated pictures judged real) is the rising curve of the other answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, ndtr, polygamma, psi

TINY = 1e-9  # shares stay this far from 0 and 1
MIN_LEVELS = 3


@dataclass(frozen=True)
class Sigmoid:
    """A rising curve S(z) with S(0) = 1/2; `span` is the distance in z from S = 0.05 to S = 0.95."""

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    span: float


SIGMOIDS = {
    "logistic": Sigmoid(expit, lambda z: expit(z) * expit(-z), 2 * float(np.log(19))),
    "gauss": Sigmoid(ndtr, lambda z: np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), 2 * 1.6448536269514722),
}


@dataclass(frozen=True)
class Task:
    """What is known of the asymptotes before the data.

    guess: share right where nothing can be seen, if the task fixes it (1/2 with two alternatives), else None.
    The priors are b of a Beta(1, b) density: 1 is flat, 10 holds a rate below about 0.26. Without a prior of
    overdispersion counts are binomial.
    """

    guess: float | None = None
    guess_prior: float = 10.0
    lapse_prior: float = 10.0
    overdispersion_prior: float | None = 10.0


# psignifit's own two designs, and the timed test: a person who has seen nothing says `real` with any
# preference, and may for ever take many generated pictures for real ones.
YES_NO = Task()
TWO_ALTERNATIVES = Task(guess=0.5)
TIMED_REAL = Task(guess_prior=1.0)
TIMED_GENERATED = Task(guess_prior=1.0, lapse_prior=1.0)


@dataclass(frozen=True)
class Counts:
    """n trials and k right ones by level x (each a float array of one length, sorted by level)."""

    x: np.ndarray
    k: np.ndarray
    n: np.ndarray

    @property
    def low(self) -> float:
        return float(self.x[0])

    @property
    def spread(self) -> float:
        return float(self.x[-1] - self.x[0])

    @cached_property
    def step(self) -> float:
        """Least distance between two levels."""
        distinct = np.unique(self.x)
        return float(np.diff(distinct).min())


@dataclass(frozen=True)
class Curve:
    """A fitted psychometric function. threshold and width are in units of the levels.

    `log_posterior` is without its constant. `parameters` and `free` are what the fit moved (see `Objective`).
    """

    threshold: float
    width: float
    guess: float
    lapse: float
    overdispersion: float
    sigmoid: str
    task: Task
    counts: Counts
    log_posterior: float
    parameters: np.ndarray
    free: np.ndarray

    def share(self, x: np.ndarray) -> np.ndarray:
        """Share right at levels x."""
        shape = SIGMOIDS[self.sigmoid]
        rise = shape.value(shape.span * (np.asarray(x, dtype=float) - self.threshold) / self.width)
        return self.guess + (1 - self.guess - self.lapse) * rise


def fit(x: np.ndarray, k: np.ndarray, n: np.ndarray, task: Task = YES_NO, sigmoid: str = "gauss") -> Curve:
    """The most probable curve for k right answers of n trials at each level x.

    Levels may come in any order and more than once (blocks of one person each); levels without trials are
    left out. Takes milliseconds. Raises ValueError for counts that are none, or for fewer than 3 levels.
    """
    counts = checked_counts(x, k, n)
    plain = Objective(counts, task, SIGMOIDS[sigmoid])
    best = min((plain.minimum(start) for start in starts(counts, task)), key=lambda found: found[1])
    objective, (parameters, value) = plain, best
    if task.overdispersion_prior is not None and plain.would_spread(parameters):
        spread = replace(plain, is_spread=True)
        found = spread.minimum(np.append(parameters[:4], spread.first_overdispersion(parameters)))
        if found[1] < value:
            objective, (parameters, value) = spread, found
    return objective.curve(parameters, value, sigmoid)


def checked_counts(x: np.ndarray, k: np.ndarray, n: np.ndarray) -> Counts:
    levels, right, trials = (np.asarray(each, dtype=float) for each in (x, k, n))
    if not levels.shape == right.shape == trials.shape or levels.ndim != 1:
        raise ValueError(
            f"expected levels, right answers and trials of one length, got shapes {levels.shape}, {right.shape} "
            f"and {trials.shape}"
        )
    if not np.isfinite(levels).all():
        raise ValueError("expected finite levels")
    bad = ~((right >= 0) & (right <= trials))
    if bad.any():
        place = int(bad.argmax())
        raise ValueError(
            f"level {levels[place]:g}: expected a count in 0..{trials[place]:g}, got {right[place]:g}"
        )
    shown = trials > 0
    n_levels = len(np.unique(levels[shown]))
    if n_levels < MIN_LEVELS:
        raise ValueError(f"expected trials at {MIN_LEVELS} levels at least, got {n_levels}")
    order = np.flatnonzero(shown)[np.argsort(levels[shown], kind="stable")]
    return Counts(levels[order], right[order], trials[order])


def starts(counts: Counts, task: Task) -> list[np.ndarray]:
    """Where the search begins: a curve from the first share to the last, or one that began long before."""
    share = (counts.k + 0.5) / (counts.n + 1)
    bottom = task.guess if task.guess is not None else float(np.clip(share[0], 0.01, 0.9))
    top = float(np.clip(share[-1], min(bottom + 0.1, 0.95), 0.99))
    above = counts.x[share >= (bottom + top) / 2]
    crossing = float(above[0]) if len(above) else counts.low + counts.spread / 2
    rise = (top - bottom) / (1 - bottom)
    middle = counts.low + counts.spread / 2
    width = max(counts.spread / 2, 2.5 * counts.step)
    guess = 0.05 if task.guess is None else task.guess
    return [
        np.array([crossing, np.log(width), bottom, rise, 0.0]),
        np.array([middle, np.log(width), bottom, rise, 0.0]),
        np.array([counts.low, np.log(2 * counts.spread), guess, 0.95, 0.0]),
    ]


@dataclass(frozen=True)
class Objective:
    """Minus the log posterior of (threshold, log width, guess, rise, overdispersion), with its gradient.

    rise is the part of the way from guess to 1 that the curve goes: lapse = (1 - guess) (1 - rise). In it
    guess + lapse <= 1 is a box, which the search can keep to. Without `is_spread` overdispersion is 0.
    """

    counts: Counts
    task: Task
    sigmoid: Sigmoid
    is_spread: bool = False

    @cached_property
    def bounds(self) -> np.ndarray:
        """Low and high end of each parameter, shape (5, 2); equal for a parameter that is known."""
        low, spread, step = self.counts.low, self.counts.spread, self.counts.step
        inside = 1e-6 * spread  # the priors reach zero at their ends
        known = self.task.guess
        least = max(
            1e-4, 0.01 / float(np.sqrt(self.counts.n.max()))
        )  # below it, rounding drowns the difference
        return np.array(
            [
                (low - spread / 2 + inside, low + 1.5 * spread - inside),
                (np.log(step + inside), np.log(3 * spread - inside)),
                (0.0, 0.98) if known is None else (known, known),
                (0.02, 1.0),
                (least, 0.99) if self.is_spread else (0.0, 0.0),
            ]
        )

    def minimum(self, start: np.ndarray) -> tuple[np.ndarray, float]:
        """The parameters of the least value near `start`, and that value."""
        low, high = self.bounds.T
        free = high > low
        inside = np.clip(start, low, high)

        def at(moved: np.ndarray) -> tuple[float, np.ndarray]:
            parameters = inside.copy()
            parameters[free] = moved
            value, gradient = self.value_and_gradient(parameters)
            return value, gradient[free]

        found = minimize(
            at,
            inside[free],
            jac=True,
            method="L-BFGS-B",
            bounds=self.bounds[free],
            options={"maxiter": 200, "ftol": 1e-13, "gtol": 1e-7},
        )
        parameters = inside.copy()
        parameters[free] = found.x
        return parameters, float(found.fun)

    def value_and_gradient(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        share, by_parameter = self.share(parameters)
        likelihood, by_share, by_overdispersion = self.likelihood(share, parameters[4])
        gradient = np.append(by_parameter @ by_share, by_overdispersion)
        prior, prior_gradient = self.log_prior(parameters)
        return -(likelihood + prior), -(gradient + prior_gradient)

    def share(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Share right by level, and its derivatives by threshold, log width, guess and rise, (4, levels)."""
        threshold, log_width, guess, rise, _ = parameters
        per_unit = self.sigmoid.span / np.exp(log_width)
        z = per_unit * (self.counts.x - threshold)
        value, slope = self.sigmoid.value(z), self.sigmoid.slope(z)
        height = (1 - guess) * rise
        share = guess + height * value
        by_parameter = np.stack(
            [-height * slope * per_unit, -height * slope * z, 1 - rise * value, (1 - guess) * value]
        )
        return np.clip(share, TINY, 1 - TINY), by_parameter

    def likelihood(self, share: np.ndarray, overdispersion: float) -> tuple[float, np.ndarray, float]:
        """Log likelihood without its constant, and its derivatives by the shares and by overdispersion."""
        k, n = self.counts.k, self.counts.n
        if not self.is_spread:
            value = k @ np.log(share) + (n - k) @ np.log1p(-share)
            return float(value), k / share - (n - k) / (1 - share), 0.0
        size = 1 / overdispersion**2 - 1
        right, wrong = share * size, (1 - share) * size
        value = (
            gammaln(k + right) - gammaln(right) + gammaln(n - k + wrong) - gammaln(wrong)
            - gammaln(n + size) + gammaln(size)
        ).sum()  # fmt: skip
        of_right, of_wrong = psi(k + right) - psi(right), psi(n - k + wrong) - psi(wrong)
        by_size = (share * of_right + (1 - share) * of_wrong - psi(n + size) + psi(size)).sum()
        return float(value), size * (of_right - of_wrong), float(by_size * -2 / overdispersion**3)

    def log_prior(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        threshold, log_width, guess, rise, overdispersion = parameters
        task, width = self.task, float(np.exp(log_width))
        lapse = (1 - guess) * (1 - rise)
        gradient = np.zeros(5)
        value, gradient[0] = log_threshold_prior(threshold, self.counts.low, self.counts.spread)
        of_width, by_width = log_width_prior(width, self.counts.step, self.counts.spread)
        gradient[1] = by_width * width
        value += of_width
        if task.guess is None:
            value += (task.guess_prior - 1) * np.log1p(-guess)
            gradient[2] = -(task.guess_prior - 1) / (1 - guess)
        value += (task.lapse_prior - 1) * np.log1p(-lapse)
        by_lapse = -(task.lapse_prior - 1) / (1 - lapse)
        gradient[2] -= by_lapse * (1 - rise)
        gradient[3] = -by_lapse * (1 - guess)
        if self.is_spread and task.overdispersion_prior is not None:
            value += (task.overdispersion_prior - 1) * np.log1p(-overdispersion)
            gradient[4] = -(task.overdispersion_prior - 1) / (1 - overdispersion)
        return float(value), gradient

    def would_spread(self, parameters: np.ndarray) -> bool:
        """Whether the likelihood grows when overdispersion leaves 0 (its derivative by the square, there)."""
        share, _ = self.share(parameters)
        k, n = self.counts.k, self.counts.n
        pairs = k * (k - 1) / share + (n - k) * (n - k - 1) / (1 - share) - n * (n - 1)
        return bool(pairs.sum() > 0)

    def first_overdispersion(self, parameters: np.ndarray) -> float:
        """A start by moments: how far squared residuals exceed the binomial's."""
        share, _ = self.share(parameters)
        k, n = self.counts.k, self.counts.n
        excess = ((k - n * share) ** 2 / (n * share * (1 - share)) - 1).sum() / np.maximum(n - 1, 1).sum()
        return float(np.clip(np.sqrt(max(excess, 0.0)), 0.01, 0.5))

    def curve(self, parameters: np.ndarray, value: float, sigmoid: str) -> Curve:
        threshold, log_width, guess, rise, overdispersion = (float(each) for each in parameters)
        low, high = self.bounds.T
        margin = 1e-6 * (high - low)
        return Curve(
            threshold=threshold,
            width=float(np.exp(log_width)),
            guess=guess,
            lapse=(1 - guess) * (1 - rise),
            overdispersion=overdispersion,
            sigmoid=sigmoid,
            task=self.task,
            counts=self.counts,
            log_posterior=-value,
            parameters=parameters,
            free=(parameters > low + margin) & (parameters < high - margin),
        )


def log_threshold_prior(threshold: float, low: float, spread: float) -> tuple[float, float]:
    """Flat over the tested levels, falling as a cosine to zero half their spread beyond; and its derivative."""
    beyond = max(low - threshold, threshold - low - spread, 0.0)
    if beyond == 0:
        return 0.0, 0.0
    angle = np.pi * beyond / spread  # half the cosine's own: log((1 + cos 2a) / 2) = 2 log cos a
    towards = 1.0 if threshold > low else -1.0
    return float(2 * np.log(np.cos(angle))), float(-2 * np.tan(angle) * np.pi / spread * towards)


def log_width_prior(width: float, step: float, spread: float) -> tuple[float, float]:
    """Flat from two steps of the levels to their spread, cosines to zero at one step and at three spreads."""
    if width < 2 * step:
        angle = np.pi * (width - step) / (2 * step)
        return float(2 * np.log(np.sin(angle))), float(np.pi / step / np.tan(angle))
    if width > spread:
        angle = np.pi * (width - spread) / (4 * spread)
        return float(2 * np.log(np.cos(angle))), float(-np.pi / (2 * spread) * np.tan(angle))
    return 0.0, 0.0


def sensitivity(curve: Curve) -> np.ndarray:
    """How far each parameter of a fit moves when the share at a level moves, shape (5, levels).

    Rows: threshold, log width, guess, rise, overdispersion; columns: the levels of `curve.counts`. By the
    implicit function theorem; a parameter at the end of its range does not move. With the covariance of the
    shares this gives the variance of whatever is read off the curve, whoever the trials came from.
    """
    is_spread = curve.overdispersion > 0
    objective = Objective(curve.counts, curve.task, SIGMOIDS[curve.sigmoid], is_spread)
    parameters, free = curve.parameters, np.flatnonzero(curve.free)
    steps = 1e-5 * np.maximum(np.abs(parameters), 0.1)
    hessian = np.empty((len(free), len(free)))
    for row, place in enumerate(free):
        step = np.zeros(5)
        step[place] = steps[place]
        ahead, behind = (objective.value_and_gradient(parameters + sign * step)[1] for sign in (1, -1))
        hessian[row] = (ahead - behind)[free] / (2 * steps[place])
    hessian = (hessian + hessian.T) / 2

    share, by_parameter = objective.share(parameters)
    k, n = curve.counts.k, curve.counts.n
    if is_spread:
        size = 1 / curve.overdispersion**2 - 1
        of_right, of_wrong = polygamma(1, k + share * size), polygamma(1, n - k + (1 - share) * size)
        by_count = by_parameter * size * (of_right + of_wrong)
        spread_row = (share * of_right - (1 - share) * of_wrong) * -2 / curve.overdispersion**3
    else:
        by_count = by_parameter / (share * (1 - share))
        spread_row = np.zeros(len(k))
    pull = np.vstack([by_count, spread_row])[free] * n  # of a share, not of a count
    moved = np.zeros((5, len(k)))
    moved[free] = np.linalg.lstsq(hessian, pull, rcond=None)[0]
    return moved


def share_sensitivity(curve: Curve, x: np.ndarray) -> np.ndarray:
    """How far the fitted share at each x moves when the share at a level moves, shape (x, levels)."""
    where = Counts(np.asarray(x, dtype=float), np.zeros(len(x)), np.zeros(len(x)))
    _, by_parameter = Objective(where, curve.task, SIGMOIDS[curve.sigmoid]).share(curve.parameters)
    return by_parameter.T @ sensitivity(curve)[:4]
