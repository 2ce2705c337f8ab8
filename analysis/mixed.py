"""The mixed model: answers with people and images as crossed random effects, fitted by Laplace's approximation.

Knows the model, its penalised likelihood and the search for its standard deviations. Which rows and levels
go in, and the levels averaged over people and images, are in `mixed_levels`; the blocked Cholesky
factors are in `crossed`.

    link(P(judged real)) = coefficients of the cell + person + person by group + image

with normal person, person-by-group and image effects. Standard deviations maximise Laplace's approximation of
the likelihood with coefficients and effects found together by penalised reweighted least squares (as lme4's
glmer with nAGQ=0: Bates, Maechler, Bolker and Walker 2015, J. Stat. Soft. 67(1)); then the coefficients alone
are moved to the maximum of the approximation, without which levels would be drawn towards one half where
images were seen a few times each. `is_full` moves both together, as nAGQ=1 does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, gammaln, log_ndtr, ndtr

from analysis.crossed import Effects, Factors, Layout, Precision

NO_EFFECT = 1e-6  # standard deviation of an effect that a model leaves out
LEAST_SD, GREATEST_SD = 0.01, 10.0
STEP = 0.02  # of log standard deviations, for the curvature
FURTHEST = 0.2  # of a log standard deviation, by the term beyond Laplace


class Working(NamedTuple):
    """Log likelihood; by row its derivative by the linear predictor, minus the second one, and its own two."""

    log_likelihood: float
    score: np.ndarray
    weight: np.ndarray
    change: np.ndarray
    bend: np.ndarray


def logit_working(predictor: np.ndarray, k: np.ndarray, n: np.ndarray) -> Working:
    share = expit(predictor)
    value = k @ predictor - n @ np.logaddexp(0, predictor)
    weight = n * share * (1 - share)
    bend = weight * (1 - 6 * share * (1 - share))
    return Working(float(value), k - n * share, weight, weight * (1 - 2 * share), bend)


def probit_working(predictor: np.ndarray, k: np.ndarray, n: np.ndarray) -> Working:
    log_share, log_rest = log_ndtr(predictor), log_ndtr(-predictor)
    log_density = -(predictor**2) / 2 - np.log(2 * np.pi) / 2
    to_share, to_rest = np.exp(log_density - log_share), np.exp(log_density - log_rest)
    value = k @ log_share + (n - k) @ log_rest
    of_share, of_rest = to_share * (to_share + predictor), to_rest * (to_rest - predictor)
    curvature = k * of_share + (n - k) * of_rest
    up = to_share * (1 - of_share) - of_share * (to_share + predictor)
    down = of_rest * (to_rest - predictor) - to_rest * (1 - of_rest)
    bend = k * (-up * (2 * to_share + predictor) - 2 * of_share * (1 - of_share))
    bend += (n - k) * (down * (2 * to_rest - predictor) - 2 * of_rest * (1 - of_rest))
    return Working(float(value), k * to_share - (n - k) * to_rest, curvature, k * up + (n - k) * down, bend)


@dataclass(frozen=True)
class Link:
    """How a share follows from the linear predictor. `share` and `density` take arrays."""

    working: Callable[[np.ndarray, np.ndarray, np.ndarray], Working]
    share: Callable[[np.ndarray], np.ndarray]
    density: Callable[[np.ndarray], np.ndarray]


LINKS = {
    "logit": Link(logit_working, expit, lambda x: expit(x) * expit(-x)),
    "probit": Link(probit_working, ndtr, lambda x: np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)),
}


@dataclass(frozen=True)
class MixedModel:
    """A fitted model. Standard deviations are on the scale of the link; NaN for an effect that was left out.

    coefficients and their covariance (given the standard deviations). log_sd_covariance: of the logarithms of
    (person_sd, person_group_sd, image_sd), NaN where one is left out or at the end of its range.
    log_likelihood: Laplace's approximation, with the binomial constant.
    """

    link: str
    coefficients: np.ndarray
    covariance: np.ndarray
    person_sd: float
    person_group_sd: float
    image_sd: float
    log_sd_covariance: np.ndarray
    log_likelihood: float
    n_rows: int

    @property
    def sds(self) -> np.ndarray:
        return np.array([self.person_sd, self.person_group_sd, self.image_sd])

    @property
    def total_sd(self) -> float:
        """Standard deviation of the sum of all effects."""
        return float(np.sqrt(np.nansum(self.sds**2)))


@dataclass
class Fit:
    """One data set with the effects found last, from which the next search starts."""

    layout: Layout
    k: np.ndarray
    n: np.ndarray
    link: Link
    ridge: float
    now: Effects
    factors: Factors

    def precision(self, sds: np.ndarray) -> Precision:
        person, by_group, image = 1 / sds**2
        return Precision(person, by_group, image, self.ridge)

    def laplace(self, sds: np.ndarray, coefficients: np.ndarray | None = None) -> float:
        """Laplace's log likelihood at these standard deviations; given coefficients are held, else maximised."""
        precision, is_held = self.precision(sds), coefficients is not None
        effects = self.now if coefficients is None else self.now._replace(coefficients=coefficients)
        working, value = self.penalised(effects, precision)
        for _ in range(100):
            factors = self.layout.factors(working.weight, precision)
            step = factors.step(self.layout.gradient(working.score, effects, precision), is_held=is_held)
            size = 1.0
            for _ in range(30):
                ahead = effects.moved(step, size)
                ahead_working, ahead_value = self.penalised(ahead, precision)
                if ahead_value >= value - 1e-9 * abs(value):
                    break
                size /= 2
            effects, working, value = ahead, ahead_working, ahead_value
            if step.greatest * size < 1e-7:
                break
        self.now, self.factors = effects, factors
        return value - factors.log_determinant(sds) / 2

    def beyond_laplace(self, sds: np.ndarray) -> float:
        """The next term of the expansion that Laplace's approximation begins, for the integrals over images.

        An image is judged a few times, too few for its effect to be about normal; people are judged hundreds of
        times. Tierney and Kadane 1986, J. Am. Stat. Assoc. 81:82-86.
        """
        self.laplace(sds)
        working, _ = self.penalised(self.now, self.precision(sds))
        image, n_images, second = self.layout.image, self.layout.n_images, self.factors.image
        third = np.bincount(image, working.change, n_images)
        fourth = np.bincount(image, working.bend, n_images)
        return float((5 * third**2 / (24 * second**3) - fourth / (8 * second**2)).sum())

    def maximised(self, sds: np.ndarray, tolerance: float) -> float:
        """Laplace's log likelihood at these standard deviations, with coefficients at its own maximum."""
        coefficients = self.now.coefficients
        for _ in range(50):
            self.laplace(sds, coefficients)
            step = self.factors.coefficient_covariance() @ self.coefficient_gradient(sds)
            coefficients = coefficients + step
            if np.abs(step).max() < tolerance:
                break
        return self.laplace(sds, coefficients)

    def coefficient_gradient(self, sds: np.ndarray) -> np.ndarray:
        """Derivatives of Laplace's log likelihood by the coefficients, the effects at their most probable values.

        The determinant changes with the weights of rows, and these with the coefficients and with the effects
        that follow them.
        """
        layout, working = self.layout, self.penalised(self.now, self.precision(sds))[0]
        pull = self.factors.variances()[0] * working.change / 2
        nowhere = layout.zero()
        follows = self.factors.step(layout.gradient(pull, nowhere, self.precision(sds)), is_held=True)
        score = working.score - pull + working.weight * layout.predictor(follows)
        return layout.gradient(score, self.now, self.precision(sds)).coefficients

    def sd_gradient(self, sds: np.ndarray) -> np.ndarray:
        """Derivatives of `laplace` by the logarithms of the standard deviations, right after it was computed.

        The penalised likelihood is at its maximum, so its own derivatives by coefficients and effects are zero; the
        determinant changes with the weights of rows, and these with all effects.
        """
        layout, precision = self.layout, self.precision(sds)
        of_rows, variance = self.factors.variances()
        pull = of_rows * self.penalised(self.now, precision)[0].change / 2
        follows = self.factors.step(layout.gradient(pull, layout.zero(), precision))
        kinds = ("person", "person_group", "image")
        parts = [[getattr(each, kind) for each in (self.now, follows, variance, precision)] for kind in kinds]
        return np.array([t * (u * (u - 2 * v) + alone).sum() - u.size for u, v, alone, t in parts])

    def penalised(self, effects: Effects, precision: Precision) -> tuple[Working, float]:
        working = self.link.working(self.layout.predictor(effects), self.k, self.n)
        return working, working.log_likelihood - effects.penalty(precision) / 2


def fit(
    design: np.ndarray,
    cell: np.ndarray,
    person: np.ndarray,
    image: np.ndarray | None,
    k: np.ndarray,
    n: np.ndarray | None = None,
    *,
    group: np.ndarray | None = None,
    link: str = "logit",
    ridge: float = 0.0,
    is_full: bool = False,
    is_corrected: bool = False,
) -> MixedModel:
    """The model of k positive answers of n (one each, if not given) a row.

    design: (cells, coefficients); cell, person, image: codes from 0, one a row; no image effect where `image`
    is None. group: the group of each cell, for person-by-group effects; an image belongs to one group. ridge:
    precision of a normal prior of the coefficients, for cells in which all answers are alike. is_corrected: go one
    term beyond Laplace in the integrals over images.
    Raises ValueError where an image is in two groups.
    """
    trials = np.ones(len(k)) if n is None else np.asarray(n, dtype=float)
    positive = np.asarray(k, dtype=float)
    first, second, is_turned = person, image, False
    if group is None and image is not None and person.max() > image.max():
        # Without groups people and images are alike, and factors cost the cube of the first.
        first, second, is_turned = image, person, True
    layout = Layout.of(design, cell, first, second, group)
    moves = np.array([True, group is not None, second is not None])
    nothing_known = layout.factors(trials / 4, Precision(1.0, 1.0, 1.0, 1.0))
    found = Fit(layout, positive, trials, LINKS[link], ridge, layout.zero(), nothing_known)

    sds = np.where(moves, 0.5, NO_EFFECT)

    def descent(log_sd: np.ndarray) -> tuple[float, np.ndarray]:
        at = filled(sds, moves, log_sd)
        return -found.laplace(at), -found.sd_gradient(at)[moves]

    best = minimised(descent, np.log(sds[moves]), jac=True)
    if is_full:
        best = minimised(lambda log_sd: -found.maximised(filled(sds, moves, log_sd), 1e-6), best)
    log_sd_covariance = np.full((3, 3), np.nan)
    log_sd_covariance[np.ix_(moves, moves)] = inverse_curvature(
        lambda log_sd: -found.laplace(filled(sds, moves, log_sd)), best
    )
    if is_corrected:
        known = np.nan_to_num(log_sd_covariance[np.ix_(moves, moves)])
        best = best + one_step(lambda log_sd: found.beyond_laplace(filled(sds, moves, log_sd)), best, known)
    sds = filled(sds, moves, best)
    value = found.maximised(sds, 1e-6 if is_full else 1e-4)
    covariance = found.factors.coefficient_covariance()
    coefficients = found.now.coefficients
    order = [2, 1, 0] if is_turned else [0, 1, 2]
    sds = np.where(moves, sds, np.nan)[order]
    constant = (gammaln(trials + 1) - gammaln(positive + 1) - gammaln(trials - positive + 1)).sum()
    return MixedModel(
        link=link,
        coefficients=coefficients,
        covariance=covariance,
        person_sd=float(sds[0]),
        person_group_sd=float(sds[1]),
        image_sd=float(sds[2]),
        log_sd_covariance=log_sd_covariance[np.ix_(order, order)],
        log_likelihood=float(value + constant),
        n_rows=len(positive),
    )


def filled(sds: np.ndarray, moves: np.ndarray, log_sd: np.ndarray) -> np.ndarray:
    """All three standard deviations from the logarithms of those that move."""
    whole = sds.copy()
    whole[moves] = np.exp(log_sd)
    return whole


def minimised(objective: Callable[[np.ndarray], Any], start: np.ndarray, *, jac: bool = False) -> np.ndarray:
    """Logarithms of standard deviations at the least value, quasi-Newton in their range.

    jac: whether the objective gives its gradient beside its value; else differences stand for it.
    """
    found = minimize(
        objective,
        start,
        jac=jac or None,
        method="L-BFGS-B",
        bounds=[(np.log(LEAST_SD), np.log(GREATEST_SD))] * len(start),
        options={"eps": 3e-4, "ftol": 1e-10, "gtol": 1e-3, "maxiter": 60},
    )
    return np.asarray(found.x)


def inverse_curvature(objective: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Covariance of log standard deviations from the curvature of minus the log likelihood; NaN at an end."""
    inside = (at > np.log(LEAST_SD) + 2 * STEP) & (at < np.log(GREATEST_SD) - 2 * STEP)
    places = np.flatnonzero(inside)
    steps = STEP * np.eye(len(at))
    middle = objective(at)
    curvature = np.empty((len(places), len(places)))
    ahead = {place: objective(at + steps[place]) for place in places}
    for row, one in enumerate(places):
        behind = objective(at - steps[one])
        curvature[row, row] = (ahead[one] - 2 * middle + behind) / STEP**2
        for column, other in enumerate(places[:row]):
            both = objective(at + steps[one] + steps[other])
            mixed = (both - ahead[one] - ahead[other] + middle) / STEP**2
            curvature[row, column] = curvature[column, row] = mixed
    covariance = np.full((len(at), len(at)), np.nan)
    if len(places) and (np.linalg.eigvalsh(curvature) > 0).all():
        covariance[np.ix_(places, places)] = np.linalg.inv(curvature)
    return covariance


def one_step(term: Callable[[np.ndarray], float], at: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """How far a further term of the log likelihood moves its maximum, about; at most by `FURTHEST`.

    One Newton step from the maximum without the term: the expansion holds near it and nowhere else.
    """
    middle = term(at)
    slopes = np.array([(term(at + step) - middle) / STEP for step in STEP * np.eye(len(at))])
    return np.clip(covariance @ slopes, -FURTHEST, FURTHEST)
