"""Exports that a worker builds from their freeze, to be downloaded when they are ready: the bytes of `export_zip`."""

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet

from studyapp.export_files import FORMATS, ExportError
from studyapp.export_zip import FORMS, write_zip
from studyapp.files import write_whole
from studyapp.models import ExportFreeze, Job
from studyapp.products import kept_file, queue_product, with_freezes

if TYPE_CHECKING:
    from studyapp.product_work import Work

# Written while a browser waits, so many trials take longer than proxies do.
LARGE_TRIALS = 300_000


def n_closed(freeze: ExportFreeze) -> int:
    """How many trials the tables of an export have."""
    trials = freeze.description["counts"]["trials"]
    return trials["answered"] + trials["timed_out"] + trials["interrupted"]


def is_large(*freezes: ExportFreeze) -> bool:
    """Whether exports have together more trials than a download is written for."""
    return sum(map(n_closed, freezes)) > LARGE_TRIALS


def builds_of(freeze: ExportFreeze) -> QuerySet[Job]:
    """The jobs that build or have built this export, newest first."""
    return with_freezes(Job.objects.filter(kind=Job.Kind.EXPORT, freeze=freeze)).order_by("-pk")


def build_of(freeze: ExportFreeze, form: str) -> Job | None:
    """The newest job that builds or has built this export in a form, and is not over without a file."""
    jobs = builds_of(freeze).filter(arguments__form=form)
    return next((job for job in jobs if job.status in Job.OPEN or kept_file(job) is not None), None)


def queue_build(freeze: ExportFreeze, form: str, *, by: str) -> Job:
    """The job that builds this export: the one there is, else a new one. Raises ExportError for an unfit form."""
    if form not in FORMS:
        raise ExportError(f"format: expected one of {', '.join(FORMS)}, got {form[:80]!r}")
    if form in FORMATS:
        FORMATS[form].require()
    with transaction.atomic():
        # Of two who ask at once the second waits here.
        ExportFreeze.objects.select_for_update().only("pk").get(pk=freeze.pk)
        return build_of(freeze, form) or queue_product(Job.Kind.EXPORT, freeze, by=by, form=form)


def make(work: "Work") -> dict[str, Any]:
    """Write the zip that a download would have given."""
    total, n_rows = 3 * n_closed(work.freeze), 0  # responses, stimuli and timing have a row a trial

    def heard(more: int) -> None:
        nonlocal n_rows
        n_rows += more
        work.go_on("writing rows", min(n_rows / max(total, 1), 0.99))

    with write_whole(work.out) as file:
        form = work.arguments["form"]
        (summary,) = write_zip(file, [work.freeze], form=form, heard=heard, on_the_way=work.folder)
    return {"n_erased": summary.n_erased_since}
