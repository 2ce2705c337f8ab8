"""What a browser knows of a trial before its picture is looked at, and a classifier that tries to guess from it.

Everything but pixels: names, places, lengths, headers, and how long the reply took. A leak in any one of them shows.
"""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from studyapp.models import Study
from studyapp.protocols.trial import REAL
from tests.conftest import Person

N_BINS, N_FOLDS = 8, 5


def observed(study: Study, n_trials: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(features [trial, feature], whether its picture was real) of at least so many trials, sitting after sitting."""
    features: list[list[float]] = []
    truth: list[bool] = []
    while len(features) < n_trials:
        person = Person(study).begin()
        while not (block := person.block())["finished"]:
            for place, trial in enumerate(block["trials"]):
                features.append([place, *trial_features(trial), *reply_features(person, trial)])
            person.answer(block["trials"])
        shown = person.sitting.trials.order_by("ordinal").values_list(
            "shown__stimulus__source__name", flat=True
        )
        truth += [name == REAL for name in shown]
    return np.array(features, dtype=float), np.array(truth)


def trial_features(trial: dict) -> list[float]:
    return [trial["ordinal"], trial["exposure_ms"], len(trial["kind"]), *codes(trial["token"])]


def codes(token: str) -> list[float]:
    """Numbers that follow from a random name: its first letters, its length, a sum."""
    letters = [ord(letter) for letter in token]
    return [*letters[:4], len(letters), sum(letters)]


def reply_features(person: Person, trial: dict) -> list[float]:
    """Length, headers and duration of the reply that brings this one picture."""
    url = person.url(f"api/pictures?first={trial['ordinal']}&last={trial['ordinal']}")
    start_s = time.perf_counter()
    reply = person.client.get(url)
    duration_s = time.perf_counter() - start_s
    head = "".join(f"{name}: {value}\n" for name, value in reply.headers.items())
    return [duration_s, len(reply.content), len(reply.headers), len(head), sum(map(ord, head))]


def guesses(features: NDArray[np.float64], truth: NDArray[np.bool_], seed: int = 1) -> NDArray[np.float64]:
    """Log-odds of real for each trial, learned from the other folds: a naive Bayes over features in eight bins."""
    folds = np.random.default_rng(seed).permutation(len(truth)) % N_FOLDS
    scores = np.zeros(len(truth))
    for fold in range(N_FOLDS):
        learn, guess = folds != fold, folds == fold
        for column in features.T:
            edges = np.unique(np.quantile(column[learn], np.linspace(0, 1, N_BINS + 1)[1:-1]))
            bins = np.searchsorted(edges, column, side="right")
            counts = [
                np.bincount(bins[learn & (truth == value)], minlength=N_BINS) + 1.0 for value in (True, False)
            ]
            odds = np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())
            scores[guess] += odds[bins[guess]]
    return scores


def auc(scores: Sequence[float] | NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Chance that a real trial scores above a generated one, ties counted half: 0.5 is guessing."""
    real, generated = np.asarray(scores)[truth], np.asarray(scores)[~truth]
    above = (real[:, None] > generated[None, :]).mean()
    return float(above + (real[:, None] == generated[None, :]).mean() / 2)


def leaked(study: Study, n_trials: int) -> float:
    """The area under the curve of the classifier over so many fresh trials."""
    features, truth = observed(study, n_trials)
    return auc(guesses(features, truth), truth)
