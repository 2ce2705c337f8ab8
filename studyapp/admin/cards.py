"""The figures at the head of a study's page, each with the address of the rows behind it.

Counts only: nothing here says how often pictures were judged real, so that who runs a study stays blind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studyapp import tallies
from studyapp.admin.columns import count, list_url, share
from studyapp.models import Sitting, Study, Trial
from studyapp.opening import images_needed
from studyapp.protocols import DesignError


@dataclass(frozen=True)
class Figure:
    """One number with its name and unit, and the list it was counted from."""

    label: str
    value: str
    url: str = ""


@dataclass(frozen=True)
class Card:
    """A few figures that belong together. `note` says what to read into them."""

    title: str
    figures: tuple[Figure, ...]
    note: str = ""


def cards(study: Study) -> list[Card]:
    """What to look at now: the pictures while the design is a draft, the data afterwards."""
    if study.status == Study.Status.DRAFT:
        return [pictures_card(study)]
    is_pilot = study.status == Study.Status.PILOTING
    rows = [row for row in tallies.totals(study) if row["is_pilot"] == is_pilot]
    sittings = {(row["is_simulated"], row["status"]): row["sittings"] for row in rows}
    trials = _main_trials(rows)
    of_people = [row for row in rows if not row["is_simulated"]]
    timing = {ok: sum(row[f"n_{name}"] for row in of_people) for ok, name in tallies.TIMINGS.items()}
    return [
        sittings_card(study, sittings),
        trials_card(study, trials),
        timing_card(study, timing),
        simulated_card(study, sittings, trials),
        *pilot_cards(study),
    ]


Counts = dict[tuple[bool, str], int]


def _main_trials(rows: Sequence[Mapping[str, Any]]) -> Counts:
    """(is simulated, status) -> main trials, those not yet closed under planned; from the counters."""
    counts: Counts = {}
    for row in rows:
        closed = {str(status): row[f"n_main_{status}"] for status in tallies.CLOSED}
        for status, n in {**closed, "planned": row["n_main_planned"] - sum(closed.values())}.items():
            key = (row["is_simulated"], status)
            counts[key] = counts.get(key, 0) + n
    return counts


def _people(study: Study, sitting: str = "") -> dict[str, Any]:
    """Filters of a list for sittings of people that the cards count: of the pilot while it runs, else all but those."""
    return {
        f"{sitting}study__id__exact": study.pk,
        f"{sitting}is_simulated__exact": 0,
        f"{sitting}is_pilot__exact": int(study.status == Study.Status.PILOTING),
    }


def pictures_card(study: Study) -> Card:
    """Images held and needed by source, before a study is opened."""
    sources = list(study.sources.select_related("image_set"))
    if not sources:
        return Card("Pictures", (), "No source yet: add at least the one named real, below.")
    try:
        needed = images_needed(study.protocol_settings(), study.n_examples)
    except DesignError as error:
        return Card("Pictures", (), f"{str(error)[0].upper()}{str(error)[1:]}.")
    figures = tuple(
        Figure(
            f"{source.name}, {count(needed[source.name])} needed",
            count(source.image_set.n_images),
            list_url("imageset", source__exact=source.image_set.source),
        )
        for source in sources
    )
    return Card("Images by source", figures, "Each person sees an image at most once.")


def sittings_card(study: Study, sittings: Counts) -> Card:
    figures = []
    for status in Sitting.Status.values:
        n_sittings = sittings.get((False, status), 0)
        of = f" / {study.quota}" if study.quota and status == Sitting.Status.FINISHED else ""
        url = list_url("sitting", **_people(study), status__exact=status)
        figures.append(Figure(status, count(n_sittings) + of, url))
    return Card("Sittings of people", tuple(figures))


def trials_card(study: Study, trials: Counts) -> Card:
    def url(statuses: str) -> str:
        return list_url(
            "trial",
            **_people(study, "sitting__"),
            kind__exact=Trial.Kind.MAIN.value,
            **{"status__in" if "," in statuses else "status__exact": statuses},
        )

    rows = {
        "answered": "answered",
        "timed out": "timed_out",
        "interrupted": "interrupted",
        "planned, not yet answered": ",".join(Trial.OPEN),
    }
    figures = (
        Figure(label, count(sum(trials.get((False, s), 0) for s in statuses.split(","))), url(statuses))
        for label, statuses in rows.items()
    )
    return Card("Main trials of people", tuple(figures))


def timing_card(study: Study, timing: Mapping[bool | None, int]) -> Card:
    right, wrong, unknown = timing.get(True, 0), timing.get(False, 0), timing.get(None, 0)

    def url(**which: Any) -> str:
        return list_url(
            "response",
            **_people(study, "trial__sitting__"),
            **which,
        )

    return Card(
        "Exposures as planned",
        (
            Figure("of those measured", share(right, right + wrong), url(timing_ok__exact=1)),
            Figure("mistimed, flagged and kept", count(wrong), url(timing_ok__exact=0)),
            Figure("not measured", count(unknown), url(timing_ok__isnull=True)),
        ),
        "Practice included.",
    )


def simulated_card(study: Study, sittings: Counts, trials: Counts) -> Card:
    n_sittings = sum(n for (is_simulated, _), n in sittings.items() if is_simulated)
    n_trials = trials.get((True, Trial.Status.ANSWERED.value), 0)
    finished = sittings.get((True, Sitting.Status.FINISHED.value), 0)
    here = _people(study) | {"is_simulated__exact": 1}
    return Card(
        "Simulated",
        (
            Figure("sittings", count(n_sittings), list_url("sitting", **here)),
            Figure("finished", count(finished), list_url("sitting", status__exact="finished", **here)),
            Figure(
                "main trials answered",
                count(n_trials),
                list_url(
                    "trial",
                    **_people(study, "sitting__") | {"sitting__is_simulated__exact": 1},
                    kind__exact="main",
                    status__exact="answered",
                ),
            ),
        ),
        "Left out of exports unless asked for.",
    )


def pilot_cards(study: Study) -> list[Card]:
    """The pilot's sittings once the study is open, if there are any; while it is piloted all cards are about them."""
    if study.status == Study.Status.PILOTING or not (n_pilot := study.sittings.filter(is_pilot=True).count()):
        return []
    url = list_url("sitting", study__id__exact=study.pk, is_pilot__exact=1)
    return [Card("Pilot", (Figure("sittings", count(n_pilot), url),), "Kept apart: exported on their own.")]
