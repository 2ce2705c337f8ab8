"""The worker's side of `products`: a lease that is kept while the work lasts, and a file that appears whole.

The lease is renewed by a thread with a connection of its own, for an export reads inside one long transaction in
which nothing can be written.
"""

import logging
import secrets
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from celery import shared_task
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from studyapp import built_exports, reports
from studyapp.celery import worker_ends
from studyapp.export_files import ExportError
from studyapp.files import put_in_place, sha256_of
from studyapp.jobs import LEASE, hand_back, held_row, job_folder, leased_slice, note_alive
from studyapp.models import ExportFreeze, Job, JobSlice
from studyapp.products import file_of

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
# Would be the same at every attempt.
REFUSALS = (ExportError, reports.ReportRefused)


class EndedError(Exception):
    """The work is not wanted any more: its job was stopped, another worker has it, or this one is to end."""


@dataclass
class Work:
    """A product that this worker makes: of what, where, and how the maker says how far it is."""

    row: JobSlice
    freeze: ExportFreeze
    arguments: dict[str, Any]
    folder: Path  # for whatever is needed on the way; gone afterwards
    step: str = ""
    share: float = 0.0
    _is_over: threading.Event = field(default_factory=threading.Event)
    _is_lost: threading.Event = field(default_factory=threading.Event)

    @property
    def out(self) -> Path:
        """Where the maker puts the zip."""
        return self.folder / "product.zip"

    def go_on(self, step: str = "", share: float = 0.0) -> None:
        """Say how far it is, and ask whether to go on. Raises EndedError."""
        self.step, self.share = step or self.step, share or self.share
        if self._is_lost.is_set() or worker_ends():
            raise EndedError

    def renew(self) -> None:
        """Renew the lease and store how far it is, unless the job was stopped or is another worker's."""
        with transaction.atomic():  # one write to the disk, for participants write, too
            self._renew()

    def _renew(self) -> None:
        mine = held_row(self.row).filter(job__status__in=Job.OPEN)
        if not mine.update(share=self.share, lease_until_utc=timezone.now() + LEASE):
            self._is_lost.set()
            return
        Job.objects.filter(pk=self.row.job_id, status__in=Job.OPEN).update(outcome={"step": self.step})
        note_alive()  # its rounds have to wait: a worker does one task at a time

    def keep(self) -> None:
        """Renew until the work is over; runs in a thread."""
        try:
            while not self._is_over.wait(LOOK_EVERY_S):
                try:
                    self.renew()
                except DatabaseError as error:  # the lease lasts for a while yet
                    logger.warning("the lease of %s could not be renewed: %s", self.row, error)
        finally:
            connection.close()


Maker = Callable[[Work], dict[str, Any]]
# The maker of a product, by the kind of its job: writes `work.out`, gives what is to be known of it.
MAKERS: dict[str, Maker] = {Job.Kind.REPORT: reports.make, Job.Kind.EXPORT: built_exports.make}


@shared_task(name="studyapp.make_product")
def make_product(slice_id: int) -> None:
    """Make the product of a job, whole or not at all."""
    with leased_slice(slice_id, REFUSALS) as item:
        if item is None or item.job.freeze is None:
            return
        folder = job_folder(item.job_id) / secrets.token_hex(4)
        folder.mkdir(parents=True)
        work = Work(item, item.job.freeze, item.job.arguments, folder)
        keeper = threading.Thread(target=work.keep, daemon=True)
        keeper.start()
        try:
            facts = MAKERS[item.job.kind](work)
            work.go_on("putting it away", 1.0)
            _put_away(work, facts)
        except EndedError:
            hand_back(item)
        finally:
            work._is_over.set()
            keeper.join()
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # what lost workers left there, the sweeper takes away
                folder.parent.rmdir()


def _put_away(work: Work, facts: dict[str, Any]) -> None:
    """The file gets its place in the transaction that says so; a kill before its end has it made again."""
    outcome = {**facts, "file_sha256": sha256_of(work.out), "n_bytes": work.out.stat().st_size}
    work._is_over.set()
    with transaction.atomic():
        mine = held_row(work.row).filter(job__status__in=Job.OPEN)
        if not mine.update(status=JobSlice.Status.DONE, share=1.0, error="", lease_until_utc=None):
            raise EndedError
        job = Job.objects.filter(pk=work.row.job_id, status__in=Job.OPEN)
        if not job.update(status=Job.Status.DONE, error="", outcome=outcome, finished_utc=timezone.now()):
            raise EndedError  # somebody stopped it a moment ago
        put_in_place(work.out, file_of(work.row.job))
