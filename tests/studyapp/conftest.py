"""Who comes to the admin, and a study with something to see in it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client

from generator.tasks import labelled_images
from studyapp.jobs import queue_generation
from studyapp.models import Job, JobSlice, Study
from studyapp.products import PRODUCTS
from tests.conftest import Person


@pytest.fixture
def no_products() -> None:
    """Jobs of an earlier test had the same numbers: their files have gone with them."""
    for product in PRODUCTS.values():
        for file in product.folder.glob("*"):
            file.unlink()


def signed_in(username: str, **rights: Any) -> Client:
    user = User.objects.create_user(username, password="correct horse battery staple", **rights)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def researcher(db: None) -> Client:
    """A browser in which a superuser with an own password is signed in."""
    return signed_in("ann", is_staff=True, is_superuser=True)


@pytest.fixture
def staff_with(db: None) -> Callable[..., Client]:
    """A browser of somebody on the staff who has these permissions of ours and no others."""

    def make(*codenames: str) -> Client:
        client = signed_in(f"staff{User.objects.count()}", is_staff=True)
        user = User.objects.latest("pk")
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        return client

    return make


@pytest.fixture
def played_study(small_study: Study) -> Study:
    """The small study after one sitting to the end, one through a panel, and a second answer to one trial."""
    Person(small_study).begin().sit_through()
    half_way = Person(small_study).begin("PROLIFIC_PID=5f3a")
    trials = half_way.block()["trials"]
    half_way.answer(trials, timing_ok=False, flags=["late_onset"])
    half_way.answer(trials[:1], answer="generated")
    return small_study


@pytest.fixture
def failed_job(db: None) -> Job:
    """A generation job in two slices, the first done and the second given up."""
    job = queue_generation(checkpoint="lapgan-photos", count=1500, seed=7, by="ann")
    job.slices.filter(first=0).update(status=JobSlice.Status.DONE, done=1024)
    job.slices.filter(first=1024).update(status=JobSlice.Status.POISONED, attempts=5, error="out of memory")
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED, error="images 1024 to 1499 failed")
    return Job.objects.get(pk=job.pk)


@pytest.fixture
def no_checkpoints_left() -> Iterator[None]:
    """What a test trains is gone after it, and so are the images that it trained on."""
    labelled_images.cache_clear()
    yield
    for path in settings.CHECKPOINTS_DIR.glob("*"):
        path.unlink()
