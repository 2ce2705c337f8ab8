"""Samples: image i of a checkpoint and a seed, the same whatever is drawn with it.

Noise belongs to (seed, i) by a hash. What is left is rounding: the sums inside a network may be ordered by
the size of the batch. So images are always drawn in blocks that begin at multiples of the block's length, with
the neighbours that a slice does not ask for drawn along and thrown away; every image then has the same
neighbours in every call. Each block is drawn and encoded by one thread, several blocks at a time: threads
that share one block wait for each other, on a busy machine most of the time.
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from generator.checkpoint import Checkpoint, read_checkpoint
from generator.device import chosen_device
from generator.errors import CheckpointError, GeneratorError
from generator.families import FAMILIES
from generator.image_set import About, EncodedImage, encoded, write_image_set
from generator.memory import keep_freed_memory
from generator.networks.drawing_form import drawing_form
from generator.noise import balanced_labels, image_keys
from generator.pixels import bytes_from_unit
from generator.provenance import commit, now_utc, software
from generator.sampler import DTYPES, Sampler, usual_sampler

LARGEST_SEED = 2**63 - 1

Result = TypeVar("Result")


def sample_to_zip(
    checkpoint: str | Path,
    *,
    count: int,
    seed: int,
    out: Path,
    first: int = 0,
    sampler: Sampler | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Path:
    """Write images first..first+count of (checkpoint, seed) as an image set; its path.

    checkpoint is a path or a shipped name; sampler the quickest here if none is given; progress is called with the
    number of images stored so far, once for each block.
    Raises GeneratorError for a bad checkpoint, count, seed or a full disk; then nothing is written.
    """
    if count < 1 or first < 0 or not 0 <= seed <= LARGEST_SEED:
        raise GeneratorError(
            f"expected count >= 1, first >= 0, seed in 0..2^63-1; got count {count}, first {first}, seed {seed}"
        )
    loaded = read_checkpoint(checkpoint)
    require_trained(loaded, checkpoint)
    drawing = drawing_of(loaded, seed, sampler)
    images = _stored(drawing, first, count, progress)
    return write_image_set(Path(out), about(drawing), images)


def sampled_pixels(
    checkpoint: Checkpoint, seed: int, first: int, count: int, sampler: Sampler | None = None
) -> NDArray[np.uint8]:
    """Images first..first+count as uint8 (count, H, W, C)."""
    drawing = drawing_of(checkpoint, seed, sampler)

    def drawn(start: int) -> NDArray[np.uint8]:
        return drawing.block(start)[0][drawing.inside(start, first, count)]

    return np.concatenate(list(_in_threads(drawn, drawing.starts(first, count))))


@dataclass(frozen=True)
class Drawing:
    """A checkpoint ready to draw the images of one seed. `form` is its model for drawing, on the device."""

    checkpoint: Checkpoint
    seed: int
    sampler: Sampler
    device: torch.device
    form: nn.Module

    @torch.inference_mode()
    def block(self, start: int) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
        """The pixels (block, H, W, C) of the block from `start`, and its labels (block,), None without classes."""
        length, config = self.sampler.block, self.checkpoint.config
        keys = image_keys(self.seed, start, length).to(self.device)
        labels = balanced_labels(self.seed, start, length, config.classes) if config.classes else None
        told = None if labels is None else labels.to(self.device)
        dtype = DTYPES[self.sampler.dtype]
        with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            images = FAMILIES[self.checkpoint.family].sample(self.form, config, keys, told)
        pixels = bytes_from_unit(images).permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return pixels, None if labels is None else labels.numpy()

    def starts(self, first: int, count: int) -> range:
        """Where the blocks begin that hold images first..first+count."""
        length = self.sampler.block
        return range(first - first % length, first + count, length)

    def inside(self, start: int, first: int, count: int) -> slice:
        """The part of the block from `start` that lies in first..first+count."""
        return slice(max(first - start, 0), min(first + count - start, self.sampler.block))


def drawing_of(checkpoint: Checkpoint, seed: int, sampler: Sampler | None = None) -> Drawing:
    """A checkpoint ready to draw on the device of this machine, with the quickest sampler unless one is given."""
    keep_freed_memory()
    device = chosen_device()
    chosen = sampler or usual_sampler(device)
    form = drawing_form(checkpoint.model, DTYPES[chosen.dtype], device)
    return Drawing(checkpoint, seed, chosen, device, form)


def require_trained(checkpoint: Checkpoint, name: str | Path) -> None:
    """Raise CheckpointError if a part of the model has not seen an image yet."""
    untrained = [part for part, seen in checkpoint.origin.images_seen.items() if not seen]
    if untrained:
        raise CheckpointError(
            f"{name}: {', '.join(untrained)} not trained yet; go on with `train ... --resume` first"
        )


def _stored(
    drawing: Drawing, first: int, count: int, progress: Callable[[int], None]
) -> Iterator[EncodedImage]:
    """Images first..first+count in order, ready to be stored."""

    def stored(start: int) -> list[EncodedImage]:
        pixels, labels = drawing.block(start)
        here = drawing.inside(start, first, count)
        told = [None] * len(pixels) if labels is None else labels.tolist()
        indices = range(start, start + len(pixels))[here]
        return encoded(indices.start, pixels[here], told[here], indices)

    done = 0
    for block in _in_threads(stored, drawing.starts(first, count)):
        yield from block
        done += len(block)
        progress(done)


def _in_threads(work: Callable[[int], Result], starts: Iterable[int]) -> Iterator[Result]:
    """What `work` makes of every start, in order; few blocks are in memory at a time."""
    threads = torch.get_num_threads()
    waiting: deque[Future[Result]] = deque()
    with one_thread_each(), ThreadPoolExecutor(threads) as pool:
        for start in starts:
            waiting.append(pool.submit(work, start))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let torch use one thread for each call, so that calls can run beside each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def about(drawing: Drawing) -> About:
    """What a set of these images says of them."""
    checkpoint, seed = drawing.checkpoint, drawing.seed
    origin = checkpoint.origin
    config: dict[str, Any] = dataclasses.asdict(checkpoint.config)
    return About(
        source=origin.source,
        is_real=False,
        family=checkpoint.family,
        dataset=origin.dataset,
        class_names=list(origin.class_names),
        width_px=checkpoint.config.size_px,
        height_px=checkpoint.config.size_px,
        checkpoint={"sha256": checkpoint.sha256, "recipe": checkpoint.recipe, "config": config},
        seed=seed,
        sampler=dataclasses.asdict(drawing.sampler) | {"labels": "balanced" if config["classes"] else None},
        software=software("torch"),
        commit=commit(),
        credits=[dataclasses.asdict(credit) for credit in origin.credits],
        notes=list(origin.notes),
        created_utc=now_utc(),
    )
