"""Drawing a large set so that a kill costs one slice: finished slices wait beside the set and are joined at last."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from generator.checkpoint import read_checkpoint
from generator.device import chosen_device
from generator.errors import ImageSetError
from generator.image_set import merge, open_image_set
from generator.sampler import agreed_sampler
from generator.sampling import sample_to_zip
from generator.whole_file import write_errors

SLICE_IMAGES = 16_384
FOLDER_SUFFIX = ".slices"


def sample_in_slices(
    checkpoint: str | Path,
    *,
    count: int,
    seed: int,
    out: Path,
    first: int = 0,
    slice_images: int = SLICE_IMAGES,
    dtype: str | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write the set that `sample_to_zip` writes, going on from the slices in `OUT.slices`; its path.

    The folder vanishes with the last slice. Raises GeneratorError as `sample_to_zip`, and if the folder holds slices
    of another set; finished slices stay.
    """
    folder = out.with_name(out.name + FOLDER_SUFFIX)
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        sampler = agreed_sampler(folder, chosen_device(), dtype)
    sha256 = read_checkpoint(checkpoint).sha256
    parts = []
    for start in range(first, first + count, slice_images):
        length, before = min(slice_images, first + count - start), start - first
        part = folder / f"{start:012d}.zip"
        if not (part.is_file() and _images_there(part, sha256, seed) == length):
            sample_to_zip(
                checkpoint,
                count=length,
                seed=seed,
                out=part,
                first=start,
                sampler=sampler,
                progress=partial(_from, before, progress),
            )
        parts.append(part)
        progress(before + length)
    merge(parts, out)
    shutil.rmtree(folder)
    return out


def _from(before: int, progress: Callable[[int], None], done: int) -> None:
    progress(before + done)


def _images_there(part: Path, sha256: str, seed: int) -> int:
    """How many images a finished slice holds. Raises ImageSetError if they are of another checkpoint or seed."""
    with open_image_set(part) as stored:
        said = stored.manifest
        if (said["checkpoint"] or {}).get("sha256") != sha256 or said["seed"] != seed:
            raise ImageSetError(
                f"{part}: expected a slice of seed {seed} and checkpoint {sha256[:12]}, found one of another set; "
                f"choose another --out, or remove the folder {part.parent}"
            )
        return len(stored)
