"""How wide the intervals of a study will be, from the analysis's own simulation of its design, in a child process."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from studyapp.models import Study
from studyapp.protocols.trial import REAL

# Shares judged real at the shortest and the longest time that are assumed: people see through pictures with time.
CURVES = {REAL: (0.70, 0.90)}
GENERATED = (0.50, 0.30)
REPLICATIONS = 100
TIMEOUT_S = 120
MOST_PEOPLE = 1000


class PowerError(RuntimeError):
    """No simulation came of it; the message says why."""


@dataclass(frozen=True)
class OfSource:
    """One source: how many trials each person has of it, and its half-widths, as in `Expected`."""

    name: str
    trials: float
    one_cell: float | None
    one_source: float | None


@dataclass(frozen=True)
class Expected:
    """Half-widths of 95 % intervals for new people and new images, in percentage points, for so many people.

    pair: the two sources to tell apart; difference: theirs over all times; detectable: the smallest such difference
    found in four of five studies; None where the simulation has no number. one_cell and one_source are averages over
    sources; sources: each of them, where they have different numbers of trials or images, else none.
    """

    people: int
    pair: tuple[str, str]
    one_cell: float | None
    one_source: float | None
    difference: float | None
    detectable: float | None
    sources: tuple[OfSource, ...] = ()


def command_of(study: Study, people: Sequence[int], replications: int) -> list[str]:
    """The simulation of a study's design as a command line."""
    sources = list(study.sources.filter(is_catch=False).select_related("image_set"))
    names = [source.name for source in sources]
    if REAL not in names or len(names) < 2:
        raise PowerError(
            f"expected a source named {REAL} and at least one other, got {', '.join(names) or 'none'}"
        )
    if not people or not all(2 <= n <= MOST_PEOPLE for n in people):
        raise PowerError(f"expected 2 to {MOST_PEOPLE} people, got {', '.join(map(str, people)) or 'none'}")
    curves = [(name, *CURVES.get(name, GENERATED)) for name in names]
    if not study.is_timed:  # one time, whichever, at which people have seen what there is to see
        curves = [(name, longest, longest) for name, _, longest in curves]
    generated = [name for name in names if name != REAL]
    first, second = (generated * 2)[:2] if len(generated) > 1 and study.is_timed else (REAL, generated[0])
    by_source = [
        *(("--curve", f"{name}={low}:{high}") for name, low, high in curves),
        *(("--weight", f"{source.name}={source.weight:g}") for source in sources),
        *(("--images-of", f"{source.name}={source.image_set.n_images}") for source in sources),
    ]
    return [
        *(sys.executable, "-m", "analysis.power", "--json", "--seed", "1"),
        *("--people", *map(str, people), "--trials", str(study.n_trials)),
        *("--images", str(min(source.image_set.n_images for source in sources))),
        *("--exposures", *map(str, study.exposures_ms or [1000]), "--replications", str(replications)),
        *(word for option in by_source for word in option),
        *("--difference", first, second),
    ]


def expected(study: Study, people: Sequence[int], *, replications: int = REPLICATIONS) -> list[Expected]:
    """What to expect for each number of people; takes seconds to a minute. Raises PowerError."""
    command = command_of(study, people, replications)
    try:
        done = subprocess.run(
            command, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise PowerError(
            f"the simulation took longer than {TIMEOUT_S} seconds: ask fewer numbers of people"
        ) from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        raise PowerError(f"the simulation could not be run: {reason[:300]}")
    return [_read(design) for design in json.loads(done.stdout)["designs"]]


def _read(design: dict) -> Expected:
    told = {row["quantity"]: row for row in design["quantities"]}

    def points(quantity: str, name: str = "half_width") -> float | None:
        share = told.get(quantity, {}).get(name)
        return None if share is None else 100 * share

    first, second = design["difference"]
    return Expected(
        people=design["people"],
        pair=(first, second),
        one_cell=points("one source at one time"),
        one_source=points("mean of a source"),
        difference=points("difference over times"),
        detectable=points("difference over times", "detectable"),
        sources=tuple(
            OfSource(name, source["trials"], points(f"{name} at one time"), points(f"mean of {name}"))
            for source in design["sources"]
            for name in [source["source"]]
            if f"mean of {name}" in told
        ),
    )
