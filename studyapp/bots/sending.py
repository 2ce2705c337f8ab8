"""Simulated people as a job: asked for in the admin, sent by a worker through a web server of its own."""

import time
from dataclasses import dataclass

from celery import shared_task
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from studyapp.bots.browser import BotError
from studyapp.bots.crowd import Crowd, Outcome, require_open
from studyapp.bots.web_server import own_web_server
from studyapp.celery import worker_ends
from studyapp.jobs import LEASE, JobError, hand_back, held_row, leased_slice, note_alive, send
from studyapp.models import Job, JobSlice, Study

MOST_PEOPLE = 100
TELL_EVERY_S = 2.0


class StoppedError(Exception):
    """The job was stopped, another worker has it, or this one is to end."""


def queue_bots(study: Study, *, n_people: int, seed: int, by: str) -> Job:
    """A new job that sends simulated people through a study.

    Raises BotError for a study that takes nobody, JobError for a number of people out of range.
    """
    require_open(study)
    if not 1 <= n_people <= MOST_PEOPLE:
        raise JobError(f"people: expected 1 to {MOST_PEOPLE}, got {n_people}")
    arguments = {"study": study.pk, "slug": study.slug, "count": n_people, "seed": seed}
    with transaction.atomic():
        job = Job.objects.create(kind=Job.Kind.BOTS, arguments=arguments, created_by=by)
        item = JobSlice.objects.create(job=job, first=0, last=n_people, part="bots")
        transaction.on_commit(lambda: send([item]))
    return job


def bots_of(study: Study) -> QuerySet[Job]:
    """The jobs that send people through a study, newest first."""
    return Job.objects.filter(kind=Job.Kind.BOTS, arguments__study=study.pk).order_by("-pk")


@dataclass
class Telling:
    """Says how far the people of a job are, every few seconds, and keeps its lease."""

    row: JobSlice
    n_answers: int
    told_s: float = float("-inf")

    def __call__(self, n_stored: int) -> None:
        """Raises StoppedError once the job is not ours any more."""
        if time.monotonic() - self.told_s < TELL_EVERY_S:
            return
        self.told_s = time.monotonic()
        with transaction.atomic():
            mine = held_row(self.row).filter(job__status__in=Job.OPEN)
            share = min(n_stored / self.n_answers, 1.0)
            if worker_ends() or not mine.update(share=share, lease_until_utc=timezone.now() + LEASE):
                raise StoppedError
            step = f"{n_stored:,} of about {self.n_answers:,} answers"
            Job.objects.filter(pk=self.row.job_id).update(outcome={"step": step})
            note_alive()  # its rounds have to wait: a worker does one task at a time


@shared_task(name="studyapp.send_bots")
def send_bots(slice_id: int) -> None:
    """Let the people of a job sit. A worker that is killed leaves sittings unfinished; others come in their place."""
    with leased_slice(slice_id, (BotError,)) as item:
        if item is None:
            return
        try:
            _finish(item, _sent(item))
        except StoppedError:
            hand_back(item)


def _sent(item: JobSlice) -> Outcome:
    arguments = item.job.arguments
    study = Study.objects.filter(pk=arguments["study"]).first()
    if study is None:
        raise BotError(f"study {arguments['slug']} is gone")
    n_people = arguments["count"]
    telling = Telling(item, n_people * (study.n_test_trials + study.practice_trials))
    telling(0)
    with own_web_server() as server:
        outcome = Crowd(study, server.url, n_people=n_people, seed=arguments["seed"]).run(telling)
    if not outcome.is_complete:
        why = outcome.failures[0] if outcome.failures else "what was acknowledged is not what is stored"
        raise BotError(f"{n_people - outcome.finished} of {n_people} did not finish as they should: {why}")
    return outcome


def _finish(item: JobSlice, outcome: Outcome) -> None:
    said = f"{outcome.finished} finished, {outcome.stored.answers:,} answers in {outcome.seconds:.0f} s"
    with transaction.atomic():
        mine = held_row(item).filter(job__status__in=Job.OPEN)
        if not mine.update(status=JobSlice.Status.DONE, share=1.0, error="", lease_until_utc=None):
            raise StoppedError
        Job.objects.filter(pk=item.job_id).update(
            status=Job.Status.DONE, error="", outcome={"step": said}, finished_utc=timezone.now()
        )
