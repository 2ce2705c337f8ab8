"""Least squares with crossed people and images: the blocked Cholesky factors that the mixed model steps with.

Knows where each effect stands, how weights of rows become blocks of the normal equations, and how these are
solved. Leaves likelihood and search to `mixed`.

Images are eliminated first, for their block is diagonal; then person-by-group effects, one block of people
a group, for an image belongs to one group; then people; then coefficients. With S_g the information on the
people of group g after the images are gone, and t the precision of the person-by-group effects, eliminating
the latter leaves t I - t^2 (S_g + t I)^-1 on people, so that one inverse a group is all it takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpotri


class Precision(NamedTuple):
    """One divided by the variance of each kind of effect."""

    person: float
    person_group: float
    image: float
    coefficient: float


class Effects(NamedTuple):
    """Coefficients (coefficients,), people (P,), people by group (P, groups), images (J,)."""

    coefficients: np.ndarray
    person: np.ndarray
    person_group: np.ndarray
    image: np.ndarray

    def moved(self, step: Effects, size: float) -> Effects:
        return Effects(*(old + size * by for old, by in zip(self, step, strict=True)))

    def penalty(self, precision: Precision) -> float:
        """Sum of squares of the effects, each times its precision."""
        return float(
            precision.person * (self.person**2).sum()
            + precision.person_group * (self.person_group**2).sum()
            + precision.image * (self.image**2).sum()
            + precision.coefficient * (self.coefficients**2).sum()
        )

    @property
    def greatest(self) -> float:
        return max(float(np.abs(part).max(initial=0.0)) for part in self)


@dataclass(frozen=True)
class Layout:
    """Which effects each row has. Codes count from 0; images are numbered group by group.

    image_ends: (groups + 1,), images of group g are image_ends[g]..image_ends[g + 1]. `has_groups` is False
    where people have no effects by group: then all is one group, and those effects are empty.
    """

    design: np.ndarray
    cell: np.ndarray
    person: np.ndarray
    image: np.ndarray
    group_of_cell: np.ndarray
    image_ends: np.ndarray
    n_people: int
    has_groups: bool

    @classmethod
    def of(
        cls,
        design: np.ndarray,
        cell: np.ndarray,
        person: np.ndarray,
        image: np.ndarray | None,
        group: np.ndarray | None,
    ) -> Layout:
        """Raises ValueError where an image is in two groups."""
        group_of_cell = np.zeros(len(design), dtype=np.int64) if group is None else np.asarray(group)
        images = group_of_cell[cell] if image is None else image  # without images: one a group, held at 0
        group_of_image = np.full(int(images.max()) + 1, -1)
        group_of_image[images] = group_of_cell[cell]
        if (group_of_image[images] != group_of_cell[cell]).any():
            raise ValueError("expected each image in one group, found one in two")
        order = np.argsort(group_of_image, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        ends = np.searchsorted(group_of_image[order], np.arange(int(group_of_cell.max()) + 2))
        return cls(
            np.asarray(design, dtype=float), cell, person, place[images], group_of_cell, ends,
            int(person.max()) + 1, group is not None,
        )  # fmt: skip

    @property
    def n_groups(self) -> int:
        return len(self.image_ends) - 1

    @property
    def n_images(self) -> int:
        return int(self.image_ends[-1])

    @cached_property
    def group(self) -> np.ndarray:
        return self.group_of_cell[self.cell]

    @cached_property
    def person_group(self) -> np.ndarray:
        return self.person * self.n_groups + self.group

    @cached_property
    def person_image(self) -> np.ndarray:
        return self.person * self.n_images + self.image

    @cached_property
    def cell_person(self) -> np.ndarray:
        return self.cell * self.n_people + self.person

    @cached_property
    def cell_image(self) -> np.ndarray:
        return self.cell * self.n_images + self.image

    def zero(self) -> Effects:
        n_by_group = self.n_groups if self.has_groups else 0
        return Effects(
            np.zeros(self.design.shape[1]),
            np.zeros(self.n_people),
            np.zeros((self.n_people, n_by_group)),
            np.zeros(self.n_images),
        )

    def predictor(self, effects: Effects) -> np.ndarray:
        """The linear predictor of every row."""
        found = (self.design @ effects.coefficients)[self.cell] + effects.image[self.image]
        found += effects.person[self.person]
        return found + effects.person_group.ravel()[self.person_group] if self.has_groups else found

    def gradient(self, score: np.ndarray, effects: Effects, precision: Precision) -> Effects:
        """Derivatives of the penalised log likelihood, from the rows' scores."""
        by_person = np.bincount(self.person_group, score, self.n_people * self.n_groups)
        by_person = by_person.reshape(self.n_people, self.n_groups)
        return Effects(
            self.design.T @ np.bincount(self.cell, score, len(self.design))
            - precision.coefficient * effects.coefficients,
            by_person.sum(axis=1) - precision.person * effects.person,
            (by_person if self.has_groups else by_person[:, :0])
            - precision.person_group * effects.person_group,
            np.bincount(self.image, score, self.n_images) - precision.image * effects.image,
        )

    def factors(self, weight: np.ndarray, precision: Precision) -> Factors:
        return Factors(self, weight, precision)


class Factors:
    """The normal equations at given weights of rows, factored."""

    def __init__(self, layout: Layout, weight: np.ndarray, precision: Precision) -> None:
        people, images, n_cells = layout.n_people, layout.n_images, len(layout.design)
        self.layout, self.precision = layout, precision
        self.image = np.bincount(layout.image, weight, images) + precision.image
        self.person_image = np.bincount(layout.person_image, weight, people * images).reshape(people, images)
        cell_person = np.bincount(layout.cell_person, weight, n_cells * people).reshape(n_cells, people)
        cell_image = np.bincount(layout.cell_image, weight, n_cells * images).reshape(n_cells, images)
        by_person = np.bincount(layout.person_group, weight, people * layout.n_groups)
        by_person = by_person.reshape(people, layout.n_groups)
        # numpy multiplies it by its own transpose at half the cost
        root = self.person_image / np.sqrt(self.image)
        q = layout.design.shape[1]
        self.coefficient_image = np.zeros((q, images))
        bottom = (layout.design.T * cell_person.sum(axis=1)) @ layout.design + precision.coefficient * np.eye(
            q
        )
        top = precision.person * np.eye(people)
        side = np.zeros((q, people))
        self.informations: list[np.ndarray] = []
        self.sides: list[np.ndarray] = []
        self.inverses: list[np.ndarray] = []
        self.group_factors: list[tuple[np.ndarray, bool]] = []
        for group in range(layout.n_groups):
            chosen = slice(layout.image_ends[group], layout.image_ends[group + 1])
            mine = layout.group_of_cell == group if layout.n_groups > 1 else slice(None)
            # Images of a group meet its own cells alone, and often no more than a few of the coefficients.
            touched = layout.design[mine].any(axis=0)
            design = layout.design[mine][:, touched]
            own = design.T @ cell_image[mine, chosen]
            self.coefficient_image[touched, chosen] = own
            own = own / np.sqrt(self.image[chosen])
            bottom[np.ix_(touched, touched)] -= own @ own.T
            information = -(root[:, chosen] @ root[:, chosen].T)
            information[np.diag_indices(people)] += by_person[:, group]
            to_people = np.zeros((q, people))
            to_people[touched] = design.T @ cell_person[mine] - own @ root[:, chosen].T
            if not layout.has_groups:
                top += information
                side += to_people
                continue
            t = precision.person_group
            factor = cho_factor(information + t * np.eye(people), lower=True)
            inverse = inverse_of(factor)
            top += t * np.eye(people) - t**2 * inverse
            weighted = to_people @ inverse
            side += t * weighted
            bottom -= weighted @ to_people.T
            self.informations.append(information)
            self.sides.append(to_people)
            self.inverses.append(inverse)
            self.group_factors.append(factor)
        self.top = cho_factor((top + top.T) / 2, lower=True)
        self.side = side
        self.bottom = bottom - side @ cho_solve(self.top, side.T)

    def log_determinant(self, sds: np.ndarray) -> float:
        """Of the penalised information on all effects but the coefficients, times their covariance."""
        layout = self.layout
        value = np.log(self.image).sum() + 2 * layout.n_images * np.log(sds[2])
        value += 2 * np.log(np.diag(self.top[0])).sum() + 2 * layout.n_people * np.log(sds[0])
        for factor, _ in self.group_factors:
            value += 2 * np.log(np.diag(factor)).sum() + 2 * layout.n_people * np.log(sds[1])
        return float(value)

    def variances(self) -> tuple[np.ndarray, Effects]:
        """Given the coefficients: the variance of the sum of each row's effects, and that of each effect alone."""
        layout, t = self.layout, self.precision.person_group
        of_person = inverse_of(self.top)
        of_sum = np.zeros_like(self.person_image)
        alone = layout.zero()._replace(person=np.diag(of_person))
        for group in range(layout.n_groups):
            chosen = slice(layout.image_ends[group], layout.image_ends[group + 1])
            of_both = of_person
            if layout.has_groups:  # of person and person by group together
                inverse = self.inverses[group]
                solved = t * inverse @ of_person
                of_both = inverse + t * solved @ inverse
                # Of the second alone: the sum less the first, twice whose covariance with the sum is taken back.
                alone.person_group[:, group] = np.diag(of_both) + np.diag(of_person) - 2 * np.diag(solved)
            mine, image = self.person_image[:, chosen], self.image[chosen]
            together = of_both @ mine
            alone.image[chosen] = 1 / image + (mine * together).sum(axis=0) / image**2
            of_sum[:, chosen] = np.diag(of_both)[:, None] + alone.image[chosen] - 2 * together / image
        return of_sum.ravel()[layout.person_image], alone

    def coefficient_covariance(self) -> np.ndarray:
        return np.linalg.pinv(self.bottom, hermitian=True)

    def step(self, gradient: Effects, *, is_held: bool = False) -> Effects:
        """The Newton step for a gradient; coefficients stay where they are if `is_held`."""
        layout, t = self.layout, self.precision.person_group
        from_image = gradient.image / self.image
        coefficients = gradient.coefficients - self.coefficient_image @ from_image
        person = gradient.person - self.person_image @ from_image
        by_group, solved = [], []
        for group in range(layout.n_groups if layout.has_groups else 0):
            chosen = slice(layout.image_ends[group], layout.image_ends[group + 1])
            mine = gradient.person_group[:, group] - self.person_image[:, chosen] @ from_image[chosen]
            by_group.append(mine)
            solved.append(cho_solve(self.group_factors[group], mine))
            person = person - (mine - t * solved[group])  # information @ solved
            coefficients = coefficients - self.sides[group] @ solved[group]
        if is_held:
            of_coefficients = np.zeros_like(coefficients)
        else:
            right = coefficients - self.side @ cho_solve(self.top, person)
            of_coefficients = np.linalg.lstsq(self.bottom, right, rcond=None)[0]
        of_person = cho_solve(self.top, person - self.side.T @ of_coefficients)
        of_group = np.zeros_like(gradient.person_group)
        total = np.zeros(layout.n_images)
        for group in range(layout.n_groups):
            chosen = slice(layout.image_ends[group], layout.image_ends[group + 1])
            whole = of_person
            if layout.has_groups:
                pull = self.informations[group] @ of_person + self.sides[group].T @ of_coefficients
                of_group[:, group] = cho_solve(self.group_factors[group], by_group[group] - pull)
                whole = of_person + of_group[:, group]
            total[chosen] = self.person_image[:, chosen].T @ whole
        total += self.coefficient_image.T @ of_coefficients
        return Effects(of_coefficients, of_person, of_group, (gradient.image - total) / self.image)


def inverse_of(factor: tuple[np.ndarray, bool]) -> np.ndarray:
    """The inverse of a matrix from its lower Cholesky factor, at a third of the cost of solving for it."""
    lower = np.tril(dpotri(factor[0], lower=True)[0])
    return lower + np.tril(lower, -1).T
