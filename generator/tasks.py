"""The door between the queue and the models: a task makes the images of one slice, or trains a part a while.

The web asks for it by name with the slice's id; leases, attempts and errors are rows of the site. Modules
that load torch are imported by the tasks, so that a worker without work stays small.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from celery import shared_task

from generator.errors import CheckpointError, ConfigError, DataError, ImageSetError, TrainingError
from studyapp import catalogue

if TYPE_CHECKING:
    from generator.datasets import LabelledImages

# Would be the same at every attempt: an unfit checkpoint, unfit data, a loss that is not finite.
REFUSALS = (CheckpointError, ConfigError, DataError, ImageSetError, TrainingError)


@shared_task(name="generator.generate_slice")
def generate_slice(slice_id: int) -> None:
    """Generate the images of job slice `slice_id`; the last slice done completes the image set."""
    from generator.device import chosen_device
    from generator.sampler import agreed_sampler
    from generator.sampling import sample_to_zip

    with catalogue.held_slice(slice_id, REFUSALS) as work:
        if work is None:
            return
        work.out.parent.mkdir(parents=True, exist_ok=True)
        sample_to_zip(
            work.checkpoint,
            count=work.last - work.first,
            seed=work.seed,
            out=work.out,
            first=work.first,
            sampler=agreed_sampler(work.out.parent, chosen_device()),
            progress=work.report,
        )
    complete_job(work.job_id)


def complete_job(job_id: int) -> None:
    """Join the parts once the last slice is done; two workers may both do it, to the same bytes."""
    from generator.image_set import merge

    parts = catalogue.parts_when_complete(job_id)
    if parts is None:
        return
    whole: Path = parts[0].with_name("whole.zip")
    merge(parts, whole)
    catalogue.register_generated(job_id, whole)


@shared_task(name="generator.train_slice")
def train_slice(slice_id: int) -> None:
    """Train the part of job slice `slice_id` for a piece; after the last piece of all parts, join them."""
    with catalogue.held_piece(slice_id, REFUSALS) as piece:
        if piece is not None:
            train_piece(piece)
    with catalogue.finished_training(slice_id) as parts:
        if parts is not None:
            join(parts.recipe, parts.folder, parts.out)
            labelled_images.cache_clear()


def train_piece(piece: catalogue.TrainingPiece) -> None:
    """Go on with one part until its piece or its budget is over, and show what the parts give so far."""
    from generator.device import chosen_device
    from generator.parts import files_before, part_file, parts_begun
    from generator.recipe import recipe_of_text
    from generator.train import train_part

    recipe = recipe_of_text(piece.recipe, "recipe")
    images = labelled_images(recipe.dataset, piece.data, piece.datasets, recipe.config.size_px)

    def goes_on(images_seen: int, share: float) -> bool:
        return piece.goes_on(images_seen, share) and not catalogue.worker_ends()

    with one_thread():
        images_seen, share = train_part(
            recipe,
            images,
            part_file(piece.folder, piece.part),
            piece.part,
            goes_on=goes_on,
            device=chosen_device(),
            after=files_before(recipe, piece.folder, piece.part),
        )
    if begun := parts_begun(recipe, piece.folder):
        join(piece.recipe, piece.folder, piece.folder / f"{catalogue.SO_FAR}.safetensors", begun)
    piece.hand_back(images_seen, share)


def join(recipe: str, folder: Path, out: Path, parts: Sequence[str] = ()) -> None:
    """Put parts in a folder together, all where none is named, with a sheet of samples beside the checkpoint."""
    from generator.parts import join_parts, write_sheet
    from generator.recipe import recipe_of_text

    write_sheet(join_parts(recipe_of_text(recipe, "recipe"), folder, out, parts), out.with_suffix(".png"))


@lru_cache(maxsize=1)
def labelled_images(dataset: str, data: Path | None, data_folder: Path, size_px: int) -> "LabelledImages":
    """Training images; kept from piece to piece, for reading them may take longer than a few steps."""
    from generator.datasets import Request, load

    return load(dataset, Request("train", data, False, data_folder, size_px=size_px))


@contextmanager
def one_thread() -> Iterator[None]:
    """Parts train side by side in as many workers as there are: one core each, and the same sums everywhere."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
