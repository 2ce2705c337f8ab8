"""The same questions under other rules: every sensible choice of exclusions, and what it changes.

Knows the choices (reaction times, exposure, people, whose variance) and asks all of them in all combinations:
each universe is a mask over the trials that are always analysed, counted again. The rules are in `rules`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.counts import Codes
from analysis.detection import by_person
from analysis.intervals import Covariance, covariance, differences, proportion_intervals
from analysis.rules import Declared

ALL = "all"
BETTER_THAN_GUESSING = "only people with d' above 0 (chosen by outcome)"


class Choice(NamedTuple):
    """One way to decide: its words, and the rules whose trials it leaves out."""

    words: str
    rules: tuple[Declared, ...] = ()


REACTIONS = (
    Choice("all reaction times"),
    Choice("200 ms to 10 s", (Declared("fast", 200), Declared("slow", 10_000))),
    Choice("300 ms to 5 s", (Declared("fast", 300), Declared("slow", 5_000))),
)
TIMING = (
    Choice("all exposures"),
    Choice("without known mistimed ones", (Declared("mistimed"),)),
    Choice("only those proved on time", (Declared("unproven"),)),
)
PEOPLE = (
    Choice("all people"),
    Choice(
        "attentive people (catch, one answer, lost)",
        (Declared("catch", 0.25), Declared("one-answer", 0.95), Declared("lost", 0.2)),
    ),
    Choice(BETTER_THAN_GUESSING),
)
CLUSTERS: dict[str, Callable[[Covariance], Covariance]] = {
    "people and images": lambda cov: cov,
    "people alone": lambda cov: replace(cov, images=cov.trial),
}


Questions = dict[str, np.ndarray]


class Universes(NamedTuple):
    """table: one row a universe and question, columns universe (from 0), reactions, timing, people, clusters,
    n_trials, n_people, quantity, estimate, low, high; universe 0 leaves out nothing more. n_empty: universes
    that no trial, or not every cell in question, was left for."""

    table: pd.DataFrame
    n_empty: int


def all_universes(
    codes: Codes, rows: pd.DataFrame, is_candidate: np.ndarray, shares: Questions, contrasts: Questions
) -> Universes:
    """All universes of a study.

    rows: all rows of the file, for the rules to look at; is_candidate: those that could be analysed, and codes: what
    they are as numbers. shares and contrasts: what is asked, as weights of the cells of these.
    """
    fits: dict[Declared, np.ndarray] = {}
    for choice in (*REACTIONS, *TIMING, *PEOPLE):
        for rule in choice.rules:
            fits[rule] = rule.fits(rows)[is_candidate]
    kept = {
        choice: ~np.logical_or.reduce(
            [np.zeros(len(codes.cell), dtype=bool), *(fits[rule] for rule in choice.rules)]
        )
        for choice in (*REACTIONS, *TIMING, *PEOPLE)
    }
    is_better = by_person(codes.tables()).d_prime > 0
    kept[PEOPLE[2]] = is_better[codes.person]
    found, n_empty = [], 0
    for number, (reactions, timing, people) in enumerate(product(REACTIONS, TIMING, PEOPLE)):
        mask = kept[reactions] & kept[timing] & kept[people]
        if not mask.any():
            n_empty += len(CLUSTERS)
            continue
        tables = codes.tables(mask)
        whole = covariance(tables)
        for place, (clusters, seen) in enumerate(CLUSTERS.items()):
            cov = seen(whole)
            asked = answers(cov, shares, contrasts)
            if asked is None:
                n_empty += 1
                continue
            found.append(
                asked.assign(
                    universe=number * len(CLUSTERS) + place,
                    reactions=reactions.words,
                    timing=timing.words,
                    people=people.words,
                    clusters=clusters,
                    n_trials=int(tables.n_trials.sum()),
                    n_people=int((tables.person_n.sum(axis=1) > 0).sum()),
                )
            )
    names = ["universe", "reactions", "timing", "people", "clusters", "n_trials", "n_people"]
    table = pd.concat(found, ignore_index=True)
    return Universes(table[[*names, "quantity", "estimate", "low", "high"]], n_empty)


def answers(cov: Covariance, shares: Questions, contrasts: Questions) -> pd.DataFrame | None:
    """Estimates and intervals of a universe; None where a cell that is asked for was emptied."""
    asked = list(shares.values()) + list(contrasts.values())
    if any((cov.n[weights != 0] == 0).any() or not weights.any() for weights in asked):
        return None
    parts = proportion_intervals(cov.parts(np.stack(list(shares.values()))), np.asarray(list(shares)))
    apart = differences(cov, np.stack(list(contrasts.values()))).rename(columns={"difference": "p"})
    table = pd.concat([parts[["p", "low", "high"]], apart[["p", "low", "high"]]], ignore_index=True)
    return table.rename(columns={"p": "estimate"}).assign(quantity=[*shares, *contrasts])
