"""Exporting a study: tidy tables of what was asked and answered, a codebook, and the study itself as JSON.

The one way out for the command, the admin and the API. What an export holds is fixed first (`freezes`); the columns
are `export_columns`, how they are written is `export_files`.
"""

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, FilteredRelation, Q, QuerySet, Sum

from studyapp import __version__, audit
from studyapp.export_columns import CODEBOOK, RESPONSES, SITTINGS, STIMULI, TABLES, TIMING, WORKED_OUT
from studyapp.export_files import FORMATS, KINDS, ExportError, utc_text, write_rows
from studyapp.files import sha256_of, write_whole
from studyapp.freezes import ROWS_AT_ONCE, Portion, frozen_rows, n_erased_since, portions, stored
from studyapp.models import ExportFreeze, ImageSet, Response, Sitting, Study, Trial, TrialStimulus
from studyapp.quality import qualities_of

Rows = Generator[tuple[Any, ...], None, None]
# Is told how many more rows are written, now and then; what it raises ends the export.
Heard = Callable[[int], None]
CLOSED = (Trial.Status.ANSWERED, Trial.Status.TIMED_OUT, Trial.Status.INTERRUPTED)
# Columns of `responses` that a trial has only once its browser has told of it.
REPORTED = tuple(
    place
    for place, column in enumerate(RESPONSES)
    if getattr(column.value, "name", "").startswith("response__")
)


@dataclass(frozen=True)
class ExportSummary:
    """What was written: rows by file name, the files, whether simulated people are among them, and its freeze.

    `counts` adds up: planned = answered + timed_out + interrupted + withdrawn + open.
    """

    rows: dict[str, int]
    paths: list[Path]
    is_simulated: bool
    freeze: ExportFreeze
    n_erased_since: int = 0

    @property
    def counts(self) -> dict[str, int]:
        return self.freeze.description["counts"]["trials"]


def study_to_export(slug: str | None = None) -> Study:
    """The study of this name; without a name the only one that was opened, else the newest open one.

    Raises ExportError where there is none, listing those there are.
    """
    opened = Study.objects.exclude(status=Study.Status.DRAFT)
    if slug is not None:
        found = Study.objects.filter(slug=slug).first()
    else:
        newest = opened.filter(status=Study.Status.OPEN).order_by("-opened_utc", "-pk").first()
        found = opened.get() if opened.count() == 1 else newest
    if found is None:
        known = ", ".join(Study.objects.order_by("slug").values_list("slug", flat=True)) or "none"
        expected = f"a study named {slug}" if slug else "an open study"
        raise ExportError(f"expected {expected}, found none; the studies here: {known}")
    return found


def freeze_named(study: Study, beginning: str) -> ExportFreeze:
    """The newest freeze of a study whose name begins so. Raises ExportError, naming the newest there are."""
    freeze = study.freezes.filter(name__startswith=beginning).first()
    if freeze is None:
        known = ", ".join(study.freezes.values_list("name", flat=True)[:10]) or "none"
        raise ExportError(
            f"--freeze: expected an export of study {study.slug}, got {beginning!r}; the newest there are: {known}"
        )
    return freeze


def wished_freeze(
    study: Study, earlier: str | None, *, include_simulated: bool = False, pilot: bool = False, by: str = ""
) -> ExportFreeze:
    """The earlier export whose name begins so; where none is named, one of this moment, as `freeze_study` makes it.

    Raises ExportError, also for a choice of sittings in an earlier export, which holds those that it held.
    """
    if not earlier:
        return freeze_study(study, include_simulated=include_simulated, pilot=pilot, by=by)
    if include_simulated or pilot:
        raise ExportError(
            f"export {earlier[:8]} holds the sittings that were chosen when it was made: expected it alone, or a "
            "choice of sittings (simulated ones, the pilot's) without it, got both"
        )
    return freeze_named(study, earlier)


def freeze_study(
    study: Study, *, include_simulated: bool = False, pilot: bool = False, by: str = ""
) -> ExportFreeze:
    """What an export of the study would hold now, fixed; where nothing has happened since, the newest there is.

    Simulated sittings are left out, unless asked for or when nobody else has answered; those of the pilot are
    exported alone, with `pilot` or while it runs. Raises ExportError for a draft.
    """
    if study.status == Study.Status.DRAFT:
        raise ExportError(f"study {study.slug} is a draft and has no answers: open it first")
    with one_moment():
        sittings = exported_sittings(study, include_simulated, pilot)
        rows = frozen_rows(sittings)
        description = study_description(study, sittings)
    is_pilot = pilot or study.status == Study.Status.PILOTING
    return stored(study, rows, description, include_simulated=include_simulated, is_pilot=is_pilot, by=by)


def export_study(
    study: Study,
    folder: Path,
    *,
    include_simulated: bool = False,
    pilot: bool = False,
    file_format: str = "csv",
    by: str = "",
) -> ExportSummary:
    """Write the study's tables, codebook.csv and study.json into `folder`; other files there stay.

    Raises ExportError for a draft, an unknown format, a folder that cannot be written.
    """
    require_format(file_format)
    freeze = freeze_study(study, include_simulated=include_simulated, pilot=pilot, by=by)
    return export_freeze(freeze, folder, file_format=file_format)


def require_format(file_format: str) -> None:
    """Raises ExportError for a format that does not exist or that cannot be written here."""
    if file_format not in FORMATS:
        raise ExportError(f"format: expected one of {', '.join(FORMATS)}, got {file_format!r}")
    FORMATS[file_format].require()


def unheard(n_rows: int) -> None:
    """Nobody wants to know."""


def export_freeze(
    freeze: ExportFreeze, folder: Path, *, file_format: str = "csv", heard: Heard = unheard
) -> ExportSummary:
    """Write what was frozen: the same bytes each time, but for sittings that were erased since.

    Rows are the closed trials, in order of sitting and trial; `heard` must leave the database alone. Old files are
    replaced when all new ones are on disk.
    Raises ExportError for an unknown format and a folder that cannot be written.
    """
    require_format(file_format)
    try:
        with one_moment():
            summary = _written(freeze, folder, file_format, heard)
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise ExportError(
            f"{folder}: expected a folder that can be written, got: {error.strerror}; choose another"
        ) from error
    if not summary.n_erased_since and file_format not in freeze.files:
        freeze.files[file_format] = {
            name: {"rows": n_rows, "sha256": sha256_of(folder / name)}
            for name, n_rows in summary.rows.items()
        }
        freeze.save(update_fields=["files"])
    return summary


@contextmanager
def one_moment() -> Iterator[None]:
    """All reads inside see the database as it was at the first one, and no writer has to wait.

    Django's own transactions take SQLite's write lock at once, which would hold up participants for as long
    as the export lasts. A caller's transaction is such a moment already.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


def _told(rows: Rows, heard: Heard) -> Rows:
    with closing(rows):
        for n_rows, row in enumerate(rows, start=1):
            yield row
            if n_rows % ROWS_AT_ONCE == 0:
                heard(ROWS_AT_ONCE)


def _written(freeze: ExportFreeze, folder: Path, file_format: str, heard: Heard) -> ExportSummary:
    found: dict[str, Rows] = {
        "responses": closed_trials(freeze),
        "stimuli": shown_stimuli(freeze),
        "timing": reported_trials(freeze),
        "sittings": judged_sittings(freeze),
    }
    tables = {table: _told(rows_of_table, heard) for table, rows_of_table in found.items()}
    rows: dict[str, int] = {}
    with ExitStack() as files:
        # Every file gets its name at the end of the block, after the last one was written without a fault.
        for table, values in tables.items():
            name = f"{table}.{file_format}"
            file = files.enter_context(write_whole(folder / name))
            files.enter_context(closing(values))
            rows[name] = FORMATS[file_format].write(file, TABLES[table], values)
        file = files.enter_context(write_whole(folder / "codebook.csv"))
        rows["codebook.csv"] = write_rows(file, CODEBOOK, codebook(file_format))
    erased = n_erased_since(freeze)
    description = {
        **freeze.description,
        "freeze": {"name": freeze.name, "rows_sha256": freeze.rows_sha256, "sittings_erased_since": erased},
        "exported_utc": utc_text(freeze.created_utc),
        "files": {
            name: {"rows": n_rows, "sha256": sha256_of(folder / name)} for name, n_rows in rows.items()
        },
    }
    with write_whole(folder / "study.json") as file:
        # Sorted, for a database gives keys back in an order of its own, and the same export has the same bytes.
        told = json.dumps(description, indent=2, ensure_ascii=False, sort_keys=True)
        file.write(told.encode() + b"\n")
    paths = [folder / name for name in (*rows, "study.json")]
    return ExportSummary(rows, paths, freeze.description["is_simulated"], freeze, erased)


# ---- rows ----


def exported_sittings(study: Study, include_simulated: bool, pilot: bool) -> QuerySet[Sitting]:
    """The sittings of an export: people's; all if simulated ones are asked for or alone have answers.

    Those of the pilot are never among others: they are exported on their own, if asked for or while it runs.
    """
    is_pilot = pilot or study.status == Study.Status.PILOTING
    of_part = study.sittings.filter(is_pilot=is_pilot)
    of_people = of_part.filter(is_simulated=False)
    if include_simulated or not Trial.objects.filter(sitting__in=of_people, status__in=CLOSED).exists():
        return of_part
    return of_people


def closed_trials(freeze: ExportFreeze) -> Rows:
    """Rows of `responses`, by sitting and ordinal, a few sittings at a time."""
    for portion in portions(freeze):
        rows = (
            Trial.objects.filter(sitting__in=list(portion), status__in=CLOSED)
            .annotate(asked=FilteredRelation("shown", condition=Q(shown__position=0)))
            .order_by("sitting_id", "ordinal")
            .values_list("sitting_id", "ordinal", *(column.value for column in RESPONSES))
        )
        for sitting, ordinal, *row in rows:
            then = portion[sitting]
            if not then.has(ordinal):
                continue
            if ordinal in then.unreported:
                for place in REPORTED:
                    row[place] = None
            yield tuple(row)


def shown_stimuli(freeze: ExportFreeze) -> Rows:
    """Rows of `stimuli`: the pictures of the closed trials, in the same order."""
    names = dict(ImageSet.objects.values_list("pk", "class_names"))
    place = [column.name for column in STIMULI].index("class_name")
    for portion in portions(freeze):
        rows = (
            TrialStimulus.objects.filter(sitting__in=list(portion), trial__status__in=CLOSED)
            .order_by("sitting_id", "trial__ordinal", "position")
            .values_list(
                "sitting_id",
                "trial__ordinal",
                "stimulus__image__image_set_id",
                *(column.value for column in STIMULI),
            )
        )
        for sitting, ordinal, image_set, *row in rows:
            if portion[sitting].has(ordinal):
                row[place] = class_name(names[image_set], row[place])
                yield tuple(row)


def class_name(names: list[Any], index: int | None) -> str | None:
    """What an image shows, by the number of its class in its image set."""
    return str(names[index]) if index is not None and index < len(names) else None


def reported_trials(freeze: ExportFreeze) -> Rows:
    """Rows of `timing`: what the browser told of closed trials, in the same order."""
    for portion in portions(freeze):
        rows = (
            Response.objects.filter(trial__sitting__in=list(portion), trial__status__in=CLOSED)
            .order_by("trial__sitting_id", "trial__ordinal")
            .values_list("trial__sitting_id", "trial__ordinal", *(column.value for column in TIMING))
        )
        for sitting, ordinal, *row in rows:
            then = portion[sitting]
            if then.has(ordinal) and ordinal not in then.unreported:
                yield tuple(row)


def is_in(portion: Portion) -> Callable[[int, int], bool]:
    """Whether a trial, by its sitting and ordinal, is in the freeze."""
    return lambda sitting, ordinal: portion[sitting].has(ordinal)


def judged_sittings(freeze: ExportFreeze) -> Rows:
    """Rows of `sittings`, each with how plausible its answers are at its end."""
    n_stored = sum(column.value is not WORKED_OUT for column in SITTINGS)
    for portion in portions(freeze):
        found = qualities_of(list(portion), counts=is_in(portion))
        rows = (
            freeze.sittings.filter(sitting__in=list(portion))
            .order_by("sitting_id")
            .values_list("sitting_id", *(c.value for c in SITTINGS[:n_stored]))
        )
        for sitting, *row in rows:
            told = found[sitting]
            numbers = (told.answers, told.too_fast, told.longest_run, told.switches, told.catch_missed)
            yield (*row, *numbers, " ".join(told.flags))


# ---- what describes them ----


CODEBOOK_MEANINGS = {
    "file": "the table that the column is in",
    "column": "its name in the header",
    "type": "how its values are to be read",
    "unit": "what they count or measure; empty: nothing",
    "values": "range or list of values, and what an empty field means",
    "meaning": "what they say",
    "example": "one value",
}


def codebook(file_format: str = "csv") -> Iterator[tuple[str, ...]]:
    """A row a column of every table, the codebook's own included: file, column, type, unit, values, ..."""
    for table, columns in TABLES.items():
        for c in columns:
            yield f"{table}.{file_format}", c.name, KINDS[c.kind].type, c.unit, c.values, c.meaning, c.example
    for name in CODEBOOK:
        yield "codebook.csv", name, KINDS["text"].type, "", "text", CODEBOOK_MEANINGS[name], name


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else utc_text(moment)


def study_description(study: Study, sittings: QuerySet[Sitting]) -> dict[str, Any]:
    """The content of study.json but for its files: the frozen design, its texts, sources and counts."""
    return {
        "study": study.slug,
        "version": study.version,
        "status": study.status,
        "opened_utc": _moment(study.opened_utc),
        "closed_utc": _moment(study.closed_utc),
        "code_version": __version__,
        "audit_head": str(audit.head()),
        "definition": study.definition,
        "texts": {language: asdict(study.texts_in(language)) for language in study.languages},
        "sources": [
            {
                "name": source.name,
                "weight": source.weight,
                "image_set": image_set_provenance(source.image_set),
            }
            for source in study.sources.select_related("image_set")
        ],
        "counts": counts(study, sittings),
        "is_simulated": sittings.filter(is_simulated=True).exists(),
        "is_pilot": sittings.filter(is_pilot=True).exists(),
    }


def image_set_provenance(image_set: ImageSet) -> dict[str, Any]:
    """Where the pictures of a source come from, as far as it was told."""
    return {
        "name": image_set.name,
        "source": image_set.source,
        "is_real": image_set.is_real,
        "family": image_set.family,
        "dataset": image_set.dataset,
        "class_names": image_set.class_names,
        "width_px": image_set.width_px,
        "height_px": image_set.height_px,
        "n_images": image_set.n_images,
        "file_sha256": image_set.file_sha256,
        "checkpoint_sha256": image_set.checkpoint_sha256,
        "provenance": image_set.provenance,
        "imported_by": image_set.imported_by,
        "imported_utc": utc_text(image_set.imported_utc),
        "manifest": image_set.manifest,
    }


def counts(study: Study, sittings: QuerySet[Sitting]) -> dict[str, Any]:
    """Sittings by status, and trials: planned = answered + timed_out + interrupted + withdrawn + open.

    Withdrawn are the trials of erased sittings, of which nothing else is left.
    """
    by_status = dict(
        Trial.objects.filter(sitting__in=sittings.order_by())
        .order_by()
        .values_list("status")
        .annotate(n_trials=Count("pk"))
    )
    left_out = study.sittings.exclude(pk__in=sittings.values("pk"))
    trials = Counter({str(status): by_status.get(status, 0) for status in CLOSED})
    trials["open"] = sum(by_status.get(status, 0) for status in Trial.OPEN)
    erased = sittings.filter(status=Sitting.Status.ERASED).aggregate(n=Sum("tally__planned", default=0))
    trials["withdrawn"] = erased["n"]
    return {
        "sittings": {str(status): sittings.filter(status=status).count() for status in Sitting.Status.values},
        "simulated_sittings": sittings.filter(is_simulated=True).count(),
        "simulated_sittings_left_out": left_out.filter(is_simulated=True, is_pilot=False).count(),
        "pilot_sittings_left_out": left_out.filter(is_pilot=True).count(),
        "trials": {"planned": trials.total(), **trials},
    }


__all__ = [
    "ExportError",
    "ExportSummary",
    "export_freeze",
    "export_study",
    "freeze_named",
    "freeze_study",
    "one_moment",
    "study_to_export",
    "wished_freeze",
]
