"""Training in the admin: queued from a form, seen while it runs, stopped, gone on with, generated from."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from generator import tasks
from studyapp.admin.alarm_table import alarm_table
from studyapp.admin.loss_plot import LABEL_PX, loss_plot, spread, thinned
from studyapp.models import Job
from studyapp.training import AlarmLine, LossLine, queue_training
from tests.image_sets import write_image_set
from tests.studyapp.test_training_jobs import RECIPE, work_off

pytestmark = pytest.mark.usefixtures("no_checkpoints_left")
TRAIN = "admin:studyapp_job_train"


@pytest.fixture
def job(db: None, tmp_path: Path) -> Job:
    data = write_image_set(tmp_path / "pictures.zip", source="real", n_images=60)
    return queue_training(recipe=RECIPE, data=str(data), name="small", by="ann")


def page_of(job: Job) -> str:
    return reverse("admin:studyapp_job_change", args=[job.pk])


def test_a_recipe_that_ships_is_shown_to_begin_with_and_queued(researcher: Client):
    page = researcher.get(reverse(TRAIN), {"recipe": "tiny"})
    recipe = page.context["form"].initial["recipe"]
    assert 'family = "lapgan"' in recipe
    answer = researcher.post(reverse(TRAIN), {"recipe": recipe, "data_path": "", "name": "first-try"})
    job = Job.objects.get()
    assert answer.url == page_of(job)
    assert (job.kind, job.created_by, job.arguments["name"]) == ("train", "ann", "first-try")
    assert list(job.slices.values_list("part", flat=True)) == ["8px", "16px", "32px"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("recipe", "", "required"),
        ("recipe", RECIPE + "epochs = 3", "unknown key epochs"),
        ("data_path", "/no/such/folder", "found nothing at /no/such/folder"),
        ("name", "gan-photos", "named gan-photos already"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_its_field(
    researcher: Client, field: str, value: str, words: str
):
    form = {"recipe": RECIPE, "data_path": "", "name": "", field: value}
    errors = researcher.post(reverse(TRAIN), form).context["form"].errors
    assert list(errors) == [field]
    assert words in str(errors[field])
    assert not Job.objects.exists()


def test_a_finished_training_shows_its_losses_and_samples_and_is_offered_to_generate_from(
    researcher: Client, job: Job
):
    text = researcher.get(page_of(job)).content.decode()
    assert 'data-changes="yes"' in text
    assert "The first are written after a thousand images" in text
    work_off(job)
    text = researcher.get(page_of(job)).content.decode()
    assert 'data-changes="no"' in text
    assert text.count('<svg class="loss-plot"') == 2
    assert "1,000 images seen" in text
    assert "100 %, 2,400 images seen" in text
    sheet = re.search(r'src="([^"]+samples\.png[^"]*)"', text)
    assert sheet is not None
    assert researcher.get(sheet[1]).content.startswith(b"\x89PNG")
    link = reverse("admin:studyapp_imageset_generate") + "?checkpoint=small"
    assert link in text
    form = researcher.get(link).context["form"]
    assert form["checkpoint"].initial == "small"
    answer = researcher.post(link, {"checkpoint": "small", "count": 20, "seed": 1})
    assert answer.status_code == 302
    assert Job.objects.filter(kind="generate", arguments__checkpoint="small").exists()


def test_a_job_is_stopped_and_goes_on_by_post_alone(researcher: Client, job: Job):
    stop, retry = (reverse(f"admin:studyapp_job_{name}", args=[job.pk]) for name in ("stop", "retry"))
    assert researcher.get(stop).status_code == 405
    assert researcher.post(stop).url == page_of(job)
    text = researcher.get(page_of(job)).content.decode()
    assert "The job was stopped" in text
    assert "Go on" in text
    tasks.train_slice(job.slices.first().pk)
    assert set(job.slices.values_list("status", "done")) == {("waiting", 0)}
    again = researcher.post(stop, follow=True)
    assert "expected a job that waits or runs, it is stopped" in " ".join(map(str, again.context["messages"]))
    researcher.post(retry)
    job.refresh_from_db()
    assert job.status == "waiting"


def test_who_may_not_queue_may_neither_train_nor_stop(staff_with: Callable[..., Client], job: Job):
    client = staff_with("view_job")
    text = client.get(page_of(job)).content.decode()
    assert "Stop" not in text
    assert client.post(reverse("admin:studyapp_job_stop", args=[job.pk])).status_code == 403
    assert client.get(reverse(TRAIN)).status_code == 403
    job.refresh_from_db()
    assert job.status == "waiting"


def test_the_samples_are_for_staff_alone_and_only_when_there_are_some(researcher: Client, job: Job):
    sheet = reverse("admin:studyapp_job_sheet", args=[job.pk])
    assert researcher.get(sheet).status_code == 404
    assert Client().get(sheet).status_code == 302
    assert not list(settings.CHECKPOINTS_DIR.glob("*"))


def test_markup_in_a_recipe_is_shown_as_text(researcher: Client, job: Job):
    Job.objects.update(arguments={**job.arguments, "recipe": "<script>alert(1)</script>"})
    text = researcher.get(page_of(job)).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


# ---- alarms ----


def measured(part: str, images_seen: int, *alarms: str, told: str = "", **measures: float) -> AlarmLine:
    return AlarmLine(part, images_seen, measures, list(alarms), told)


def test_alarms_of_a_job_stand_on_its_page_from_the_first_measurement_to_the_end(
    researcher: Client, tmp_path: Path
):
    """Planted: a model that learns nothing keeps drawing what it began with."""
    data = write_image_set(tmp_path / "pictures.zip", source="real", n_images=60)
    still = RECIPE.replace("[training]", "learning_rate = 1e-12\n[training]\nwatch_every = 400")
    job = queue_training(recipe=still, data=str(data), name="still", by="ann")
    assert "The first are measured after ten thousand images" in researcher.get(page_of(job)).content.decode()
    tasks.train_slice(job.slices.get(part="8px").pk)
    first = researcher.get(page_of(job)).content.decode()
    work_off(job)
    for text in (first, researcher.get(page_of(job)).content.decode()):
        assert re.search(r'<tr><th>8px</th><td>1,200</td>.*<li class="problem">samples are \w+: \d', text)


def test_the_newest_measurements_are_shown_with_what_stands_and_what_is_over():
    drawn = str(
        alarm_table(
            [
                measured("8px", 10_000, detail=0.3),
                measured("8px", 20_000, "samples are blurred: 0.3 times", detail=0.3, pairwise=1.0),
                measured("8px", 25_000, told="out of memory with batches of 8 images, goes on with 4"),
                measured(
                    "8px", 30_000, "samples are alike: 0.21 times", detail=0.9, pairwise=0.213, classes=0.1
                ),
                measured("16px", 10_000, discriminator=1.2345),
            ]
        )
    )
    row_8, row_16 = re.findall(r"<tr><th>\d+px.*?</tr>", drawn)
    assert re.findall(r"<td>([^<]*)</td>", row_8) == ["30,000", "–", "0.90", "0.21", "10%"]
    assert '<li class="problem">samples are alike: 0.21 times</li>' in row_8
    assert '<li class="aside">image 20,000: samples are blurred: 0.3 times</li>' in row_8
    assert "image 25,000: out of memory" in row_8
    assert re.findall(r"<td>([^<]*)</td>", row_16) == ["10,000", "1.234", "–", "–", "–", "none"]
    assert str(alarm_table([])) == ""


# ---- the plot ----


def lines(n: int) -> list[LossLine]:
    return [LossLine("8px", 1000 * i, {"discriminator": 1.0 / i, "generator": 2.0}) for i in range(1, n + 1)]


def test_a_plot_ends_at_the_images_seen_and_begins_at_none():
    drawn = str(loss_plot("8px", lines(4)))
    assert "4,000 images seen" in drawn
    points = re.search(r'class="loss-discriminator" points="([^"]+)"', drawn)
    assert points is not None
    xs = [float(point.split(",")[0]) for point in points[1].split()]
    assert xs == sorted(xs)
    # Equal steps of images are equal steps on the axis, the first as far from its beginning.
    assert xs[3] - xs[2] == pytest.approx(xs[1] - xs[0], abs=0.2)
    assert xs[0] - 44 == pytest.approx(xs[1] - xs[0], abs=0.2)


def test_losses_that_never_change_are_drawn():
    assert "nan" not in str(loss_plot("8px", [LossLine("8px", 1000, {"generator": 1.0})]))


@given(st.integers(1, 3000))
def test_long_trainings_are_thinned_and_keep_the_newest_line(n: int):
    shown = thinned(lines(n))
    assert len(shown) <= 200
    assert shown[-1].images_seen == 1000 * n


@given(st.lists(st.floats(0, 200), min_size=1, max_size=5))
def test_labels_do_not_overlap_and_keep_their_order(heights: list[float]):
    placed = spread(heights)
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    gaps = [placed[b] - placed[a] for a, b in pairwise(order)]
    assert all(gap >= LABEL_PX - 1e-6 for gap in gaps)
    assert all(now >= was for now, was in zip(placed, heights, strict=True))
