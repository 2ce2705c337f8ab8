"""What comes with every response and every block, as SQL: the ORM takes ten times as long to write these questions.

One function a statement, alike for SQLite and PostgreSQL. When each is asked, and under which lock, is `sittings`; the
statement of the counters is in `tallies`, that of the buckets in `limits`.
"""

import json
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from studyapp.models import Response, Sitting, Study, Trial


def _filled(statement: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """The statement with a place for every single value: a tuple fills a list in brackets, a list of tuples several."""
    places, singles = [], []
    for value in values:
        if not isinstance(value, tuple | list):
            places.append("%s")
            singles.append(value)
            continue
        rows = value if isinstance(value, list) else [value]
        places.append(", ".join(f"({', '.join(['%s'] * len(row))})" for row in rows))
        singles += chain.from_iterable(rows)
    return statement % tuple(places), singles


def _rows(statement: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(*_filled(statement, values))
        return cursor.fetchall()


def _changed(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(*_filled(statement, values))


# ---- who asks ----


def _columns(model: type[models.Model], names: str) -> list[str]:
    """These columns in the order in which a model takes them; it reads others when it is asked for them."""
    known, asked = [field.attname for field in model._meta.concrete_fields], set(names.split())
    if unknown := asked.difference(known):
        raise ValueError(f"expected columns of {model.__name__}, got {', '.join(sorted(unknown))}")
    return [name for name in known if name in asked]


# What the trial page's requests need of a sitting and its study; planning asks for the rest.
SITTING = _columns(Sitting, "id study_id status language design_seed")
STUDY = _columns(Study, "id slug n_trials catch_trials practice_feedback width_px height_px pack_sha256")
_BY_SECRET = f"""
SELECT {", ".join(f"sitting.{name}" for name in SITTING)}, {", ".join(f"study.{name}" for name in STUDY)}
FROM studyapp_sitting sitting JOIN studyapp_study study ON study.id = sitting.study_id
WHERE sitting.secret_sha256 = %s AND study.slug = %s AND study.status <> 'draft'
"""  # noqa: S608  # nosec B608


def sitting_by_secret(slug: str, secret_sha256: str) -> Sitting | None:
    """The sitting with this secret in the study at this address, with its study; of both only what is asked often."""
    for row in _rows(_BY_SECRET, secret_sha256, slug):
        sitting = Sitting.from_db(DEFAULT_DB_ALIAS, SITTING, row[: len(SITTING)])
        sitting.study = Study.from_db(DEFAULT_DB_ALIAS, STUDY, row[len(SITTING) :])
        return sitting
    return None


def status_of(sitting_pk: int) -> str:
    """Where a sitting stands."""
    return _rows("SELECT status FROM studyapp_sitting WHERE id = %s", sitting_pk)[0][0]


# ---- responses ----


class Known(NamedTuple):
    """What the database has of a trial that a message names; `digest` and `receipt` of its answer, if it has one."""

    pk: int
    kind: str
    status: str
    digest: str | None
    receipt: str | None


def known_trials(sitting_pk: int, tokens: Sequence[str]) -> tuple[str, dict[str, Known]]:
    """The status of a sitting, and by token those of the trials named that are its own."""
    # + 0: SQLite would look through all trials of the sitting else, instead of the few that are named.
    rows = _rows(
        """
        SELECT sitting.status, trial.token, trial.id, trial.kind, trial.status, response.body_sha256, response.receipt
        FROM studyapp_sitting sitting
        LEFT JOIN studyapp_trial trial ON trial.token IN %s AND trial.sitting_id + 0 = sitting.id
        LEFT JOIN studyapp_response response ON response.trial_id = trial.id
        WHERE sitting.id = %s
        """,
        tuple(tokens),
        sitting_pk,
    )
    return rows[0][0], {token: Known(*known) for _status, token, *known in rows if token is not None}


RESPONSE = [field.attname for field in Response._meta.concrete_fields if not field.primary_key]
_STORE = f"INSERT INTO studyapp_response ({', '.join(RESPONSE)}) VALUES %s"  # noqa: S608  # nosec B608


def store_responses(responses: Sequence[Response]) -> None:
    """New responses as rows, and their trials closed by them unless they were closed before."""
    ops = connections[DEFAULT_DB_ALIAS].ops
    adapted: dict[str, Callable[[Any], Any]] = {
        "flags": lambda flags: ops.adapt_json_value(flags, None),
        "received_utc": ops.adapt_datetimefield_value,
        "shown_utc": ops.adapt_datetimefield_value,
    }

    def value(response: Response, name: str) -> Any:
        found = getattr(response, name)
        return adapted[name](found) if name in adapted else found

    _changed(_STORE, [tuple(value(response, name) for name in RESPONSE) for response in responses])
    _changed(
        """
        UPDATE studyapp_trial SET status = (
            SELECT response.status FROM studyapp_response response WHERE response.trial_id = studyapp_trial.id
        ) WHERE id IN %s AND status IN %s
        """,
        tuple(response.trial_id for response in responses),
        Trial.OPEN,
    )


# ---- trials ----


class Planned(NamedTuple):
    """A trial that has not been shown: what its browser may learn of it, and its key."""

    pk: int
    token: str
    ordinal: int
    kind: str
    exposure_ms: int | None


def waiting_trials(sitting_pk: int, after: int, n_trials: int) -> list[Planned]:
    """The first open trials of a sitting with an ordinal above `after`."""
    rows = _rows(
        """
        SELECT id, token, ordinal, kind, exposure_ms FROM studyapp_trial
        WHERE sitting_id = %s AND ordinal > %s AND status IN %s
        ORDER BY ordinal LIMIT %s
        """,
        sitting_pk,
        after,
        Trial.OPEN,
        n_trials,
    )
    return [Planned(*row) for row in rows]


def counted_trials(sitting_pk: int) -> dict[tuple[str, str], int]:
    """(kind, status) -> how many trials of the sitting."""
    statement = (
        "SELECT kind, status, COUNT(*) FROM studyapp_trial WHERE sitting_id = %s GROUP BY kind, status"
    )
    return {(kind, status): n for kind, status, n in _rows(statement, sitting_pk)}


DESIGN = _columns(Study, "id protocol exposures_ms n_trials practice_trials catch_trials repeat_percent")
_DESIGN = f"SELECT {', '.join(DESIGN)} FROM studyapp_study WHERE id = %s"  # noqa: S608  # nosec B608


def study_design(study_pk: int) -> Study:
    """A study as far as planning a sitting needs it."""
    (row,) = _rows(_DESIGN, study_pk)
    study = Study.from_db(DEFAULT_DB_ALIAS, DESIGN, row)
    study.exposures_ms = json.loads(study.exposures_ms)
    return study


def history(sitting_pk: int) -> list[tuple[int, int, str, str, str | None, bool | None, str]]:
    """(position, exposure, kind, status, answer, timing_ok, source) of every picture of a sitting, in order."""
    return _rows(
        """
        SELECT shown.position, trial.exposure_ms, trial.kind, trial.status, response.answer, response.timing_ok,
            source.name
        FROM studyapp_trial trial
        JOIN studyapp_trialstimulus shown ON shown.trial_id = trial.id
        JOIN studyapp_stimulus stimulus ON stimulus.id = shown.stimulus_id
        JOIN studyapp_studysource source ON source.id = stimulus.source_id
        LEFT JOIN studyapp_response response ON response.trial_id = trial.id
        WHERE trial.sitting_id = %s ORDER BY trial.ordinal, shown.position
        """,
        sitting_pk,
    )


def unseen(study_pk: int, sitting_pk: int, source: str, n_images: int) -> list[int]:
    """Primary keys of the least-planned images of a source that this sitting has not had, ties at random."""
    rows = _rows(
        """
        SELECT stimulus.id FROM studyapp_stimulus stimulus
        JOIN studyapp_studysource source ON source.id = stimulus.source_id
        WHERE source.study_id = %s AND source.name = %s AND stimulus.is_example = FALSE
        AND stimulus.id NOT IN (SELECT stimulus_id FROM studyapp_trialstimulus WHERE sitting_id = %s)
        ORDER BY stimulus.times_planned, RANDOM() LIMIT %s
        """,
        study_pk,
        source,
        sitting_pk,
        n_images,
    )
    return [pk for (pk,) in rows]


def add_trials(
    sitting_pk: int, new: Sequence[tuple[str, int, str, int | None]], shown: Sequence[Sequence[int]]
) -> list[Planned]:
    """New trials (token, ordinal, kind, exposure), given to their browser, with the stimuli of each."""
    pks = dict(
        _rows(
            "INSERT INTO studyapp_trial (sitting_id, status, token, ordinal, kind, exposure_ms) VALUES %s "
            "RETURNING ordinal, id",
            [(sitting_pk, Trial.Status.ISSUED, *trial) for trial in new],
        )
    )
    trials = [Planned(pks[trial[1]], *trial) for trial in new]
    _changed(
        "INSERT INTO studyapp_trialstimulus (trial_id, sitting_id, stimulus_id, position) VALUES %s",
        [
            (trial.pk, sitting_pk, stimulus, position)
            for trial, stimuli in zip(trials, shown, strict=True)
            for position, stimulus in enumerate(stimuli)
        ],
    )
    _changed(
        "UPDATE studyapp_stimulus SET times_planned = times_planned + 1 WHERE id IN %s",
        tuple(chain.from_iterable(shown)),
    )
    return trials


# ---- pictures ----


def open_positions(sitting_pk: int, first: int, last: int) -> list[int]:
    """Where in the pack the pictures of the open trials with ordinals first..last are, in their order."""
    rows = _rows(
        """
        SELECT stimulus.position
        FROM studyapp_trial trial
        JOIN studyapp_trialstimulus shown ON shown.trial_id = trial.id
        JOIN studyapp_stimulus stimulus ON stimulus.id = shown.stimulus_id
        WHERE trial.sitting_id = %s AND trial.ordinal BETWEEN %s AND %s AND trial.status IN %s
        ORDER BY trial.ordinal, shown.position
        """,
        sitting_pk,
        first,
        last,
        Trial.OPEN,
    )
    return [position for (position,) in rows]
