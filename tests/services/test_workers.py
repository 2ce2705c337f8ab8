"""Jobs on real workers, over every broker."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studyapp.serving import worker_command

pytestmark = pytest.mark.services
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120


def manage(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


JOBS = """
import json
from studyapp.models import Job, JobSlice, ImageSet
print(json.dumps({
    "jobs": list(Job.objects.values_list("status", "error")),
    "attempts": list(JobSlice.objects.order_by("first").values_list("attempts", flat=True)),
    "sets": list(ImageSet.objects.values_list("source", "n_images")),
}))
"""


def state(environment: dict[str, str], question: str = JOBS) -> dict:
    return json.loads(manage(environment, "shell", "--verbosity", "0", "-c", question).splitlines()[-1])


@contextmanager
def worker(environment: dict[str, str], *, is_first: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """A worker as `demo` starts it, with all its children in one group; the sweeper's clock is the first one's."""
    command = worker_command()
    if not is_first:
        at = command.index("--schedule")
        command = [word for word in command[:at] + command[at + 2 :] if word != "--beat"]
        command += ["--hostname", "second@%h"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DJANGO_SETTINGS_MODULE", "BROKER_URL", "DATABASE_URL")
    }
    environment = clean | {"TACHISTO_DATA": str(tmp_path / "var")}
    manage(environment, "migrate", "--verbosity", "0")
    return environment


@pytest.mark.parametrize("broker", ["filesystem", "redis", "rabbitmq"])
def test_a_queued_generation_ends_in_the_catalogue(environment, service, broker):
    if broker != "filesystem":
        environment["BROKER_URL"] = service(broker)
    with worker(environment):
        said = manage(environment, "generate", "--checkpoint", "gan-photos", "--count", "20", "--wait")
    assert "is in the catalogue" in said
    assert state(environment)["sets"] == [["gan", 20]]


def test_a_slice_whose_worker_is_killed_is_made_by_the_next_one(environment):
    """The queue has lost the message with the worker; the lease in the database brings the work back."""
    manage(environment, "generate", "--checkpoint", "lapgan-photos", "--count", "1000")
    with worker(environment):
        wait_until(environment, lambda now: now["attempts"] == [1])
    expire_leases(environment)
    with worker(environment):
        wait_until(environment, lambda now: now["jobs"][0][0] == "done")
    assert state(environment)["sets"] == [["lapgan", 1000]]


TRAINING = """
import json
from studyapp.models import Job, JobSlice
print(json.dumps({
    "jobs": list(Job.objects.values_list("status", "error")),
    "parts": list(
        JobSlice.objects.exclude(part="").order_by("first").values_list("part", "status", "done", "lease_owner")
    ),
}))
"""
RECIPE = """
source = "lapgan"
family = "lapgan"
dataset = "photos"
seed = 5
[model]
levels = [8, 32]
noise_values = 8
noise_planes = [1]
widths = [8, 8]
discriminator_widths = [8, 8]
penalties = [0.05, 0.02]
[training]
images = {images}
batch_size = 8
checkpoint_every = 400
"""


@pytest.fixture
def recipe(tmp_path: Path):
    """`recipe(images)` is a file with a tiny LAPGAN of two levels that sees so many images."""

    def written(images: int) -> Path:
        path = tmp_path / "tiny.toml"
        path.write_text(RECIPE.format(images=images))
        return path

    return written


def test_levels_train_on_two_workers_at_once_and_what_comes_out_draws(environment, recipe):
    with worker(environment), worker(environment, is_first=False):
        said = manage(environment, "train", "--config", str(recipe(8000)), "--name", "tiny", "--wait")
        assert "checkpoint tiny is there" in said
        manage(environment, "generate", "--checkpoint", "tiny", "--count", "20", "--wait")
    now = state(environment, TRAINING)
    assert [part[:3] for part in now["parts"]] == [["8px", "done", 8000], ["32px", "done", 8000]]
    assert len({owner for *_, owner in now["parts"]}) == 2, "both levels were trained by one worker"
    assert state(environment)["sets"] == [["lapgan", 20]]


def test_training_whose_worker_is_killed_ends_as_if_it_had_not_been(environment, recipe, tmp_path):
    """Killed with -9 in the middle of a level: the next worker goes on from what was saved last."""
    config = recipe(4000)
    manage(environment, "train", "--config", str(config), "--name", "tiny")
    with worker(environment):
        wait_until(environment, lambda now: now["parts"][0][2] >= 800, TRAINING)
    killed = state(environment, TRAINING)
    assert "running" in [status for _, status, *_ in killed["parts"]], (
        "nothing was under way when it was killed"
    )
    expire_leases(environment)
    with worker(environment):
        wait_until(environment, lambda now: now["jobs"][0][0] == "done", TRAINING)
    require_model_of_one_run(environment, config, tmp_path, {"8px": 4000, "32px": 4000})


def test_the_part_that_teaches_all_levels_follows_on_whichever_worker(environment, recipe, tmp_path):
    config = recipe(1600)
    config.write_text(config.read_text().replace("[training]", "joint = true\n[training]"))
    with worker(environment), worker(environment, is_first=False):
        manage(environment, "train", "--config", str(config), "--name", "tiny", "--wait")
    parts = state(environment, TRAINING)["parts"]
    assert [part[:2] for part in parts] == [["8px", "done"], ["32px", "done"], ["joint", "done"]]
    require_model_of_one_run(environment, config, tmp_path, {"8px": 1600, "32px": 1600, "joint": 1600})


def require_model_of_one_run(
    environment: dict[str, str], config: Path, tmp_path: Path, images_seen: dict[str, int]
) -> None:
    """The checkpoint `tiny` has the weights that one process without a break would have given."""
    import torch

    from generator.checkpoint import read_checkpoint
    from generator.datasets import Request, load
    from generator.recipe import read_recipe
    from generator.tasks import one_thread
    from generator.train import train

    images = load("photos", Request("train", None))
    with one_thread():
        whole = train(read_recipe(config), images, tmp_path / "whole.safetensors")
    found = read_checkpoint(Path(environment["TACHISTO_DATA"]) / "checkpoints" / "tiny.safetensors")
    expected = read_checkpoint(whole)
    assert found.origin.images_seen == expected.origin.images_seen == images_seen
    weights = found.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in expected.model.state_dict().items())


def test_a_worker_that_is_asked_to_end_saves_its_training_first(environment, recipe):
    manage(environment, "train", "--config", str(recipe(1_000_000)))
    with worker(environment) as process:
        wait_until(environment, lambda now: now["parts"][0][2] > 0, TRAINING)
        process.terminate()
        process.wait(timeout=20)  # as long as `demo` waits
    part, status, images_seen, _ = state(environment, TRAINING)["parts"][0]
    assert (part, status) == ("8px", "waiting")
    assert images_seen > 0


def expire_leases(environment: dict[str, str]) -> None:
    """Two minutes of lease are over at once, also those of a slice that was made and not yet put into a set."""
    manage(
        environment,
        "shell",
        "-c",
        "from studyapp.models import JobSlice; from django.utils import timezone; "
        "JobSlice.objects.exclude(lease_until_utc=None).update(lease_until_utc=timezone.now())",
    )


def wait_until(environment: dict[str, str], holds, question: str = JOBS) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds(now := state(environment, question)):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE_S} s: {now}")
        time.sleep(0.5)
