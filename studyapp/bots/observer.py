"""A simulated observer: how often pictures of a source are judged real, by whom, for how long seen.

logit P(real) = cell + person + picture, then lapses: now and then an answer is given blindly. The cell
is chosen so that the share judged real, averaged over all people and all pictures, is the curve below:
shaped after figure 5 of Denton et al. 2015, arXiv:1506.05751, whose levels are known within ten points.
The spreads are those found in public human data on generated pictures (Stein et al. 2023,
arXiv:2306.04675): between people about 0.55, between pictures about 1.0, on the logit scale.

Plain Python and pure: chance comes in as a generator or a seed, nothing is read from anywhere.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

PERSON_SD = 0.55
IMAGE_SD = 1.0
LAPSE_RATE = 0.02

# Share judged real at 50 ms and at 2000 ms; between them straight in logit over log time. LAPGAN falls to 0.35,
# between the two published readings of 40 and 30 %: 15 people can then tell it from CC-LAPGAN at 2000 ms mostly.
CURVES: dict[str, tuple[float, float]] = {
    "real": (0.60, 0.92),
    "cc-lapgan": (0.45, 0.46),
    "lapgan": (0.43, 0.35),
    "gan": (0.30, 0.10),
    "noise": (0.03, 0.02),  # of catch trials: only a slip makes a photo of it
}
# A generator that the paper does not know: taken for real half the time at a glance, less on a long look.
OTHER_CURVE = (0.50, 0.30)
SHORTEST_MS, LONGEST_MS = 50.0, 2000.0

MEDIAN_REACTION_MS = 620.0
REACTION_SPREAD = 0.35
PERSON_SPEED_SPREAD = 0.2
UNTIMED_SLOWDOWN = 3


def logit(p: float) -> float:
    return math.log(p / (1 - p))


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def planted_share(source: str, exposure_ms: float | None) -> float:
    """Share judged real, averaged over people and pictures, lapses included; flat outside 50..2000 ms.

    exposure_ms: None for a picture that stays until the answer, which tells no more than the longest look.
    """
    shortest, longest = map(logit, CURVES.get(source, OTHER_CURVE))
    place = math.log((exposure_ms or LONGEST_MS) / SHORTEST_MS) / math.log(LONGEST_MS / SHORTEST_MS)
    return logistic(shortest + (longest - shortest) * min(1.0, max(0.0, place)))


def with_lapses(p: float) -> float:
    """Probability of `real` when a share of the answers is given blindly, half of them real."""
    return (1 - LAPSE_RATE) * p + LAPSE_RATE / 2


STEPS = [step / 10 for step in range(-80, 81)]
_DENSITIES = [math.exp(-step * step / 2) for step in STEPS]
NORMAL_WEIGHTS = [density / sum(_DENSITIES) for density in _DENSITIES]


def averaged(cell_logit: float, spread: float) -> float:
    """The mean of logistic(cell_logit + N(0, spread)), lapses included.

    The trapezoid rule on +-8 SD: its error for a smooth function under a normal density is below 1e-10.
    """
    shares = (logistic(cell_logit + spread * step) for step in STEPS)
    return with_lapses(sum(w * share for w, share in zip(NORMAL_WEIGHTS, shares, strict=True)))


@lru_cache
def cell_logit(source: str, exposure_ms: float | None) -> float:
    """The logit of the typical person for the typical picture, so that the average is `planted_share`.

    By bisection: the average rises with the logit.
    """
    wanted, spread = planted_share(source, exposure_ms), math.hypot(PERSON_SD, IMAGE_SD)
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if averaged(middle, spread) < wanted else (low, middle)
    return (low + high) / 2


def planted_curve(
    sources: Iterable[str], exposures_ms: Iterable[int | None]
) -> list[tuple[str, int | None, float]]:
    """(source, exposure_ms, share judged real) of every cell, averaged over all people and pictures."""
    exposures_ms = list(exposures_ms)
    return [
        (source, exposure_ms, planted_share(source, exposure_ms))
        for source in sources
        for exposure_ms in exposures_ms
    ]


def image_effect(seed: int, image_sha256: str) -> float:
    """How much more real than others of its source a picture looks to everybody, in logits."""
    return random.Random(f"picture {image_sha256} of {seed}").gauss(0, IMAGE_SD)


@dataclass(frozen=True)
class Judgement:
    """What a simulated person answers to one picture."""

    answered_real: bool
    reaction_ms: float


@dataclass(frozen=True)
class Observer:
    """Simulated person number `index` of a seed. The same picture for the same time gets the same answer."""

    seed: int
    index: int
    person_effect: float
    median_reaction_ms: float

    @classmethod
    def drawn(cls, seed: int, index: int) -> "Observer":
        rng = random.Random(f"person {index} of {seed}")
        person_effect = rng.gauss(0, PERSON_SD)
        return cls(
            seed, index, person_effect, MEDIAN_REACTION_MS * rng.lognormvariate(0, PERSON_SPEED_SPREAD)
        )

    def p_real(self, source: str, exposure_ms: float | None, image_sha256: str) -> float:
        """Probability that this person calls this picture real, lapses included."""
        effects = self.person_effect + image_effect(self.seed, image_sha256)
        return with_lapses(logistic(cell_logit(source, exposure_ms) + effects))

    def judgement(self, source: str, exposure_ms: float | None, image_sha256: str) -> Judgement:
        """The answer, and its time from the onset of the mask: log-normal around the person's median.

        Without an exposure it counts from the picture's onset, and holds the time of looking, too.
        """
        rng = random.Random(f"answer of {self.index} to {image_sha256} at {exposure_ms} of {self.seed}")
        median_ms = self.median_reaction_ms * (1 if exposure_ms else UNTIMED_SLOWDOWN)
        return Judgement(
            answered_real=rng.random() < self.p_real(source, exposure_ms, image_sha256),
            reaction_ms=round(median_ms * rng.lognormvariate(0, REACTION_SPREAD), 1),
        )
