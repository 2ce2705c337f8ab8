"""Training jobs: parts side by side in pieces, a checkpoint at the end, and nothing lost on the way."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command
from django.utils import timezone

from generator import tasks
from generator.checkpoint import read_checkpoint
from generator.datasets import Request, load
from generator.recipe import recipe_of_text
from generator.train import train
from studyapp import jobs
from studyapp.checkpoints import trained_file, trained_names
from studyapp.jobs import job_folder
from studyapp.models import ImageSet, Job, JobSlice
from studyapp.training import checkpoint_file, held_piece, losses_of, queue_training
from tests.image_sets import write_image_set

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_checkpoints_left")]

RECIPE = """
source = "lapgan"
family = "lapgan"
dataset = "image-set"
seed = 3
[model]
levels = [4, 8]
noise_values = 8
noise_planes = [1]
widths = [8, 8]
discriminator_widths = [8, 8]
penalties = [0.05, 0.02]
[training]
images = 1200
batch_size = 8
checkpoint_every = 400
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_image_set(tmp_path / "pictures.zip", source="real", n_images=60)


@pytest.fixture
def job(data: Path) -> Job:
    return queue_training(recipe=RECIPE, data=str(data), name="small", by="me")


def expire(item: JobSlice) -> None:
    """As if the worker that holds the slice had been killed and its lease had run out."""
    JobSlice.objects.filter(pk=item.pk).update(lease_until_utc=timezone.now() - timedelta(seconds=1))


def work_off(job: Job) -> None:
    """Do the work that is waiting, one piece after the other, as one worker would."""
    for _ in range(100):
        job.refresh_from_db()
        waiting = job.slices.filter(status="waiting")
        if job.status not in Job.OPEN or not waiting:
            return
        for item in waiting:
            tasks.train_slice(item.pk)
    raise AssertionError(f"{job} is still {job.status}")


def short_pieces(monkeypatch: pytest.MonkeyPatch, n_steps: int) -> None:
    """Let every piece end after so many steps, whatever the clock says."""
    from studyapp.training import TrainingPiece

    def goes_on(piece: TrainingPiece, images_seen: int, share: float) -> bool:
        piece.steps = getattr(piece, "steps", 0) + 1  # type: ignore[attr-defined]
        return piece.report(images_seen, share) and piece.steps <= n_steps  # type: ignore[attr-defined]

    monkeypatch.setattr(TrainingPiece, "goes_on", goes_on)


def test_every_part_of_the_model_is_a_slice_of_its_own_and_is_sent(job: Job):
    assert list(job.slices.values_list("part", "status")) == [("4px", "waiting"), ("8px", "waiting")]
    assert not job.slices.filter(sent_utc=None).exists()
    assert job.arguments["plan"]["source"] == "lapgan"


def test_pieces_become_the_checkpoint_of_one_run(job: Job, data: Path, tmp_path: Path, monkeypatch):
    """A tenth of the budget a piece: ten times saved, handed back and begun again."""
    short_pieces(monkeypatch, 15)
    work_off(job)
    assert (job.status, job.error) == ("done", "")
    assert set(job.slices.values_list("status", "done", "share", "attempts")) == {("done", 1200, 1.0, 0)}
    assert trained_names() == ["small"]
    recipe = recipe_of_text(RECIPE, "recipe")
    with tasks.one_thread():
        whole = train(recipe, load("image-set", Request("train", data)), tmp_path / "whole.safetensors")
    expected, found = (read_checkpoint(path).model.state_dict() for path in (whole, trained_file("small")))
    assert all(torch.equal(value, found[name]) for name, value in expected.items())
    assert [(line.part, line.images_seen) for line in losses_of(job)] == [("4px", 1000), ("8px", 1000)]
    assert trained_file("small").with_suffix(".png").is_file()
    assert not job_folder(job.pk).exists()


def test_a_later_stage_is_handed_out_when_the_one_before_is_done(data: Path, tmp_path: Path, monkeypatch):
    """Two levels and then the part that teaches both: queued too early, it waits; at the end it is one run's model."""
    recipe = RECIPE.replace("[training]", "joint = true\n[training]")
    job = queue_training(recipe=recipe, data=str(data), name="joint", by="me")
    four, eight, last = job.slices.all()
    assert [(item.part, item.stage) for item in (four, eight, last)] == [("4px", 0), ("8px", 0), ("joint", 1)]
    assert list(job.slices.filter(sent_utc=None)) == [last]
    tasks.train_slice(four.pk)
    tasks.train_slice(last.pk)
    assert jobs.send_overdue() == 0
    last.refresh_from_db()
    assert (last.status, last.attempts, last.sent_utc) == ("waiting", 0, None)
    tasks.train_slice(eight.pk)
    last.refresh_from_db()
    assert last.sent_utc is not None, "the last level's worker wakes one for the next stage"
    JobSlice.objects.filter(pk=last.pk).update(sent_utc=None)
    assert jobs.send_overdue() == 1, "and the sweeper does, if that message was lost"
    short_pieces(monkeypatch, 60)
    work_off(job)
    assert (job.status, job.error) == ("done", "")
    with tasks.one_thread():
        images = load("image-set", Request("train", data))
        whole = train(recipe_of_text(recipe, "recipe"), images, tmp_path / "whole.safetensors")
    expected, found = (read_checkpoint(path) for path in (whole, trained_file("joint")))
    assert found.origin.images_seen == {"4px": 1200, "8px": 1200, "joint": 1200}
    weights = found.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in expected.model.state_dict().items())
    assert [line.part for line in losses_of(job)] == ["4px", "8px", "joint"]


def test_what_was_trained_can_be_generated_from_by_name(job: Job):
    work_off(job)
    wanted = jobs.queue_generation(checkpoint="small", count=5, seed=1)
    tasks.generate_slice(wanted.slices.get().pk)
    wanted.refresh_from_db()
    assert (wanted.status, wanted.error) == ("done", "")
    image_set = ImageSet.objects.get()
    assert (image_set.source, image_set.n_images, image_set.width_px) == ("lapgan", 5, 8)
    assert image_set.checkpoint_sha256 == read_checkpoint(trained_file("small")).sha256


def test_a_worker_that_is_killed_loses_what_it_did_since_it_saved(job: Job, monkeypatch):
    class Killed(BaseException):
        """Stands for a signal: nothing in the product catches it."""

    from studyapp.training import TrainingPiece

    report = TrainingPiece.goes_on

    def killed_at_600(piece: TrainingPiece, images_seen: int, share: float) -> bool:
        if images_seen >= 600:
            raise Killed
        return report(piece, images_seen, share)

    first = job.slices.get(part="4px")
    monkeypatch.setattr(TrainingPiece, "goes_on", killed_at_600)
    with pytest.raises(Killed):
        tasks.train_slice(first.pk)
    first.refresh_from_db()
    assert (first.status, first.attempts) == ("running", 1)
    saved = read_checkpoint(job_folder(job.pk) / "4px.safetensors").origin.images_seen
    assert saved == {"4px": 400, "8px": 0}

    seen: list[int] = []

    def noted(piece: TrainingPiece, images_seen: int, share: float) -> bool:
        seen.append(images_seen)
        return True

    monkeypatch.setattr(TrainingPiece, "goes_on", noted)
    assert jobs.send_overdue() == 0, "its lease still holds"
    expire(first)
    assert jobs.send_overdue() == 1
    tasks.train_slice(first.pk)
    assert seen[0] == 400
    first.refresh_from_db()
    assert (first.status, first.done, first.attempts) == ("done", 1200, 0)


def test_a_stopped_job_keeps_its_state_and_goes_on_from_there(job: Job, monkeypatch):
    short_pieces(monkeypatch, 50)
    for item in job.slices.all():
        tasks.train_slice(item.pk)
    with held_piece(job.slices.first().pk, tasks.REFUSALS) as piece:
        assert piece.report(400, 1 / 3)
        jobs.stop_job(job)
        assert not piece.report(400, 1 / 3), "a running piece learns that it shall end"
        piece.hand_back(400, 1 / 3)
    job.refresh_from_db()
    assert job.status == "stopped"
    assert read_checkpoint(checkpoint_file(job)).origin.images_seen == {"4px": 400, "8px": 400}
    assert jobs.send_overdue() == 0
    tasks.train_slice(job.slices.first().pk)
    assert set(job.slices.values_list("status", "done")) == {("waiting", 400)}
    with pytest.raises(jobs.JobError, match="expected a job that waits or runs, it is stopped"):
        jobs.stop_job(job)
    jobs.retry_job(job)
    work_off(job)
    assert job.status == "done"
    assert set(job.slices.values_list("done", flat=True)) == {1200}


def test_losses_that_are_not_finite_end_the_job_and_say_where(data: Path):
    wild = RECIPE.replace("[training]", "learning_rate = 1e30\n[training]")
    job = queue_training(recipe=wild, data=str(data), name="wild")
    work_off(job)
    assert job.status == "failed"
    assert job.error.startswith(("4px: the loss ", "8px: the loss "))
    assert " at image " in job.error
    assert "wild" not in trained_names()


def test_data_that_do_not_fit_end_the_job_at_once(tmp_path: Path):
    other = write_image_set(tmp_path / "other.zip", source="real", n_images=20, width=6, height=6)
    job = queue_training(recipe=RECIPE, data=str(other))
    tasks.train_slice(job.slices.first().pk)
    job.refresh_from_db()
    assert job.status == "failed"
    assert job.error.startswith("the model draws 8x8 pixels, expected such images")


def test_the_sweeper_has_a_job_ended_whose_last_worker_was_killed(job: Job, monkeypatch):
    for item in job.slices.all():
        with held_piece(item.pk, tasks.REFUSALS) as piece:
            tasks.train_piece(piece)
    job.refresh_from_db()
    assert (job.status, set(job.slices.values_list("status", flat=True))) == ("running", {"done"})
    assert jobs.send_overdue() == 0, "the message may still be under way"
    JobSlice.objects.update(sent_utc=timezone.now() - timedelta(minutes=5))
    assert jobs.send_overdue() == 1
    tasks.train_slice(job.slices.first().pk)
    job.refresh_from_db()
    assert job.status == "done"
    JobSlice.objects.update(sent_utc=timezone.now() - timedelta(minutes=5))
    assert jobs.send_overdue() == 0


def test_a_part_whose_lease_was_lost_is_not_handed_back(job: Job):
    item = job.slices.first()
    with held_piece(item.pk, tasks.REFUSALS) as piece:
        JobSlice.objects.filter(pk=item.pk).update(lease_owner="another:1")
        assert not piece.report(8, 0.1)
        piece.hand_back(8, 1.0)
    item.refresh_from_db()
    assert (item.status, item.lease_owner) == ("running", "another:1")


@pytest.mark.parametrize(
    ("recipe", "arguments", "words"),
    [
        ("source = ", [], r"recipe.toml: recipe: expected a recipe in TOML"),
        (RECIPE + "epochs = 3", [], r"recipe \[training\]: unknown key epochs"),
        (RECIPE.replace("[4, 8]", "[8, 4]"), [], "sizes that rise from at least 4"),
        (RECIPE.replace('family = "lapgan"', 'family = "vae"'), [], "vae"),
        (RECIPE, ["--data", "/no/such/folder"], "data: expected a folder or file on this machine"),
        (RECIPE, ["--name", "My Model"], "name: expected at most 100 small letters"),
        (RECIPE, ["--name", "lapgan-photos"], "there is a checkpoint or a job named lapgan-photos already"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(
    tmp_path: Path, recipe: str, arguments: list[str], words: str
):
    path = tmp_path / "recipe.toml"
    path.write_text(recipe)
    with pytest.raises(CommandError, match=words) as refusal:
        call_command("train", "--config", str(path), *arguments)
    assert "\n" not in str(refusal.value)
    assert not Job.objects.exists()


def test_the_command_says_what_it_queued(tmp_path: Path, data: Path, capsys):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    call_command("train", "--config", str(path), "--data", str(data))
    job = Job.objects.get()
    assert job.arguments["name"] == f"lapgan-image-set-{job.pk}"
    assert (
        f"job {job.pk} is queued: checkpoint {job.arguments['name']}, parts 4px, 8px"
        in capsys.readouterr().out
    )


def test_a_name_is_taken_from_the_first_queueing_on(job: Job, data: Path):
    with pytest.raises(jobs.JobError, match="a checkpoint or a job named small already"):
        queue_training(recipe=RECIPE, data=str(data), name="small")


def test_half_a_line_of_losses_is_not_shown(job: Job):
    job_folder(job.pk).mkdir(parents=True)
    line = json.dumps({"part": "4px", "images_seen": 1000, "generator": 0.5})
    (job_folder(job.pk) / "4px.safetensors.losses").write_text(f"{line}\n{line[:20]}")
    (found,) = losses_of(job)
    assert (found.part, found.images_seen, found.losses) == ("4px", 1000, {"generator": 0.5})
