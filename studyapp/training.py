"""Training as jobs: a slice for each part of a model, worked on in pieces, and a checkpoint at the end.

A piece lasts less than a lease: the worker then saves where it is and hands the slice back as waiting, so
that a kill loses one piece at most and other work has its turn. What a piece does is the generator's.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify

from studyapp.checkpoints import SHIPPED_DIR, names_in, trained_file
from studyapp.jobs import IS_TOO_EARLY, LEASE, JobError, held_row, job_folder, leased_slice, send
from studyapp.models import Job, JobSlice
from studyapp.recipes import RecipeError, plan_of

# With the start and the saving a piece must end within the lease of two minutes.
PIECE_S = 100.0
# How often a running piece renews its lease and looks whether the job was stopped.
LOOK_EVERY_S = 1.0
SO_FAR = "so-far"


def queue_training(*, recipe: str, data: str = "", name: str = "", by: str = "") -> Job:
    """A new job that trains a recipe (TOML text), a slice for each part, sent on commit.

    data is the folder or file of the data set, for those that need one; name is the checkpoint's, by default
    SOURCE-DATASET-JOB. Takes seconds: the generator checks the recipe. Raises JobError.
    """
    if data and not Path(data).exists():
        raise JobError(f"data: expected a folder or file on this machine, found nothing at {data}")
    if name:
        _require_free(name)
    try:
        plan = plan_of(recipe)
    except RecipeError as error:
        raise JobError(str(error)) from error
    with transaction.atomic():
        job = Job.objects.create(
            kind=Job.Kind.TRAIN,
            arguments={"recipe": recipe, "data": data, "name": name, "plan": asdict(plan)},
            created_by=by,
        )
        if not name:
            job.arguments["name"] = slugify(f"{plan.source}-{plan.dataset}-{job.pk}")
            _require_free(job.arguments["name"], besides=job)
            job.save(update_fields=["arguments"])
        stages = {part: stage for stage, parts in enumerate(plan.stages) for part in parts}
        slices = JobSlice.objects.bulk_create(
            JobSlice(job=job, first=at, last=at + 1, part=part, stage=stages[part])
            for at, part in enumerate(plan.parts)
        )
        transaction.on_commit(lambda: send([item for item in slices if not item.stage]))
    return job


def _require_free(name: str, besides: Job | None = None) -> None:
    """Raises JobError unless a new checkpoint may bear this name."""
    if slugify(name) != name or len(name) > 100:
        raise JobError(f"name: expected at most 100 small letters, digits and dashes, got {name!r:.120}")
    others = Job.objects.filter(kind=Job.Kind.TRAIN, arguments__name=name).exclude(status=Job.Status.DONE)
    if besides is not None:
        others = others.exclude(pk=besides.pk)
    if name in names_in(SHIPPED_DIR) or trained_file(name).exists() or others.exists():
        raise JobError(f"name: there is a checkpoint or a job named {name} already; choose another")


@dataclass
class TrainingPiece:
    """What a worker needs to know to train a part for a while, and how it asks whether to go on."""

    row: JobSlice  # as it was leased
    recipe: str
    data: Path | None
    datasets: Path  # downloaded data sets
    part: str
    folder: Path
    seconds: float
    began_s: float = field(default_factory=time.monotonic)
    looked_s: float = 0.0

    def goes_on(self, images_seen: int, share: float) -> bool:
        """Whether to train on: time is left, the job was not stopped, and nobody else has the slice."""
        now_s = time.monotonic()
        if now_s - self.looked_s < LOOK_EVERY_S:
            return now_s - self.began_s < self.seconds
        self.looked_s = now_s
        return self.report(images_seen, share) and now_s - self.began_s < self.seconds

    def report(self, images_seen: int, share: float) -> bool:
        """Store how far the part is and renew the lease; False if the job was stopped or the lease is lost."""
        return bool(
            held_row(self.row)
            .filter(job__status__in=Job.OPEN)
            .update(done=images_seen, share=share, lease_until_utc=timezone.now() + LEASE)
        )

    def hand_back(self, images_seen: int, share: float) -> None:
        """The piece is done and saved: the slice waits for its next one, or is done with its budget.

        What can go on now is sent: the slice itself, or the next stage where this was the last slice of its own.
        """
        status = JobSlice.Status.DONE if share >= 1 else JobSlice.Status.WAITING
        is_ours = held_row(self.row).update(
            status=status,
            done=images_seen,
            share=share,
            attempts=0,  # in a row without a good piece
            error="",
            lease_until_utc=None,
        )
        if not is_ours:
            return
        waiting = JobSlice.objects.filter(
            job=self.row.job_id, job__status__in=Job.OPEN, status=JobSlice.Status.WAITING
        )
        own, next_stage = Q(pk=self.row.pk), Q(~IS_TOO_EARLY, stage=self.row.stage + 1)
        send(list(waiting.filter(next_stage if status == JobSlice.Status.DONE else own)))


@contextmanager
def held_piece(
    slice_id: int, refusals: tuple[type[Exception], ...], seconds: float = PIECE_S
) -> Iterator[TrainingPiece | None]:
    """Hold a slice while a piece of its training is done; the block calls `hand_back` at its end.

    Yields None when there is nothing to do. The fifth failure in a row gives the slice and its job up, an
    error of the `refusals` at once.
    """
    with leased_slice(slice_id, refusals) as item:
        if item is None:
            yield None
            return
        arguments: dict[str, Any] = item.job.arguments
        yield TrainingPiece(
            row=item,
            recipe=arguments["recipe"],
            data=Path(arguments["data"]) if arguments["data"] else None,
            datasets=settings.DATASETS_DIR,
            part=item.part,
            folder=job_folder(item.job_id),
            seconds=seconds,
        )


@dataclass(frozen=True)
class TrainedParts:
    """A job whose parts are all trained: where they lie, and where the whole shall lie."""

    recipe: str
    folder: Path
    out: Path


@contextmanager
def finished_training(slice_id: int) -> Iterator[TrainedParts | None]:
    """Hold the end of a job while its parts become one checkpoint; None unless all parts are trained.

    The job is done at the end of the block. After an error it stays as it is, with the error, and the
    sweeper has it tried again. Two workers may both do it, to the same bytes.
    """
    job = Job.objects.get(slices=slice_id)
    if job.status not in Job.OPEN or job.slices.exclude(status=JobSlice.Status.DONE).exists():
        yield None
        return
    folder, out = job_folder(job.pk), trained_file(job.arguments["name"])
    try:
        yield TrainedParts(job.arguments["recipe"], folder, out)
    except Exception as error:
        still = Job.objects.filter(pk=job.pk, status__in=Job.OPEN)
        if still.update(error=f"the parts could not be joined: {error}"):
            raise
        return  # the other worker was first, and took the parts away
    Job.objects.filter(pk=job.pk).update(status=Job.Status.DONE, error="", finished_utc=timezone.now())
    # The other worker may still write there: what it writes is not needed either.
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class LossLine:
    """Mean losses of one part up to a number of images seen."""

    part: str
    images_seen: int
    losses: dict[str, float]


def checkpoint_file(job: Job) -> Path:
    """The checkpoint of a training job: the finished one, else what its parts were joined to so far."""
    name = str(job.arguments.get("name", ""))
    return (
        trained_file(name) if job.status == Job.Status.DONE else job_folder(job.pk) / f"{SO_FAR}.safetensors"
    )


def losses_of(job: Job) -> list[LossLine]:
    """Losses of a training job in the order of parts and images; nothing where there are none yet."""
    return [
        LossLine(values.pop("part"), values.pop("images_seen"), values)
        for values in _part_lines(job, ".losses")
    ]


@dataclass(frozen=True)
class AlarmLine:
    """What was measured of one part against collapse at a moment, and the alarms that stood; or what was told."""

    part: str
    images_seen: int
    measures: dict[str, float]
    alarms: list[str]
    told: str


def alarms_of(job: Job) -> list[AlarmLine]:
    """Alarms of a training job in the order of parts and images; nothing where none are measured yet."""
    return [
        AlarmLine(
            part=values.pop("part"),
            images_seen=values.pop("images_seen"),
            alarms=values.pop("alarms", []),
            told=values.pop("told", ""),
            measures=values,
        )
        for values in _part_lines(job, ".alarms")
    ]


def _part_lines(job: Job, suffix: str) -> list[dict[str, Any]]:
    """The lines of JSON beside a job's checkpoint, or beside those of its parts, in the order of parts and images."""
    parts: list[str] = list(job.arguments.get("plan", {}).get("parts", []))
    is_done = job.status == Job.Status.DONE
    names = (
        [checkpoint_file(job)] if is_done else [job_folder(job.pk) / f"{part}.safetensors" for part in parts]
    )
    lines = [line for name in names for line in _lines(name.with_name(name.name + suffix))]
    return sorted(lines, key=lambda line: (parts.index(line["part"]), line["images_seen"]))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    texts = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    for text in texts:
        if text.endswith("\n"):  # a line that is being written has no end yet
            yield json.loads(text)
