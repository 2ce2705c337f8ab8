"""Samples: image i of a checkpoint and a seed, the same whatever is drawn with it.

Noise belongs to (seed, i) by a hash. What is left is rounding: the sums inside a network may be ordered by
the size of the batch. So images are always drawn in blocks of 64 that begin at multiples of 64, with the
neighbours that a slice does not ask for drawn along and thrown away; every image then has the same
neighbours in every call. Each block is drawn and encoded by one thread, several blocks at a time: threads
that share one block wait for each other, on a busy machine most of the time.
"""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from generator.checkpoint import Checkpoint, read_checkpoint
from generator.errors import CheckpointError, GeneratorError
from generator.families import FAMILIES
from generator.image_set import About, EncodedImage, encoded, write_image_set
from generator.noise import balanced_labels, image_keys
from generator.pixels import bytes_from_unit
from generator.provenance import commit, now_utc, software

BLOCK = 64
LARGEST_SEED = 2**63 - 1

Result = TypeVar("Result")


def sample_to_zip(
    checkpoint: str | Path,
    *,
    count: int,
    seed: int,
    out: Path,
    first: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Path:
    """Write images first..first+count of (checkpoint, seed) as an image set; its path.

    checkpoint is a path or a shipped name; progress is called with the number of images stored so far.
    Raises GeneratorError for a bad checkpoint, count, seed or a full disk; then nothing is written.
    """
    if count < 1 or first < 0 or not 0 <= seed <= LARGEST_SEED:
        raise GeneratorError(
            f"expected count >= 1, first >= 0, seed in 0..2^63-1; got count {count}, first {first}, seed {seed}"
        )
    loaded = read_checkpoint(checkpoint)
    require_trained(loaded, checkpoint)
    images = _encoded(loaded, seed, first, count)
    return write_image_set(Path(out), _about(loaded, seed), _counted(images, progress))


def sampled_pixels(checkpoint: Checkpoint, seed: int, first: int, count: int) -> NDArray[np.uint8]:
    """Images first..first+count as uint8 (count, H, W, 3)."""

    def drawn(start: int) -> NDArray[np.uint8]:
        return _drawn_block(checkpoint, seed, start)[0][_inside(start, first, count)]

    return np.concatenate(list(_in_threads(drawn, _block_starts(first, count))))


def require_trained(checkpoint: Checkpoint, name: str | Path) -> None:
    """Raise CheckpointError if a part of the model has not seen an image yet."""
    untrained = [part for part, seen in checkpoint.origin.images_seen.items() if not seen]
    if untrained:
        raise CheckpointError(
            f"{name}: {', '.join(untrained)} not trained yet; go on with `train ... --resume` first"
        )


def _encoded(checkpoint: Checkpoint, seed: int, first: int, count: int) -> Iterator[EncodedImage]:
    """Images first..first+count in order."""

    def stored(start: int) -> list[EncodedImage]:
        pixels, labels = _drawn_block(checkpoint, seed, start)
        here = _inside(start, first, count)
        told = [None] * BLOCK if labels is None else labels.tolist()
        indices = range(start, start + BLOCK)[here]
        return encoded(indices.start, pixels[here], told[here], indices)

    for block in _in_threads(stored, _block_starts(first, count)):
        yield from block


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


@torch.inference_mode()
def _drawn_block(
    checkpoint: Checkpoint, seed: int, start: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """The block's pixels (64, H, W, 3) and its labels (64,), or None without classes."""
    keys = image_keys(seed, start, BLOCK)
    classes = checkpoint.config.classes
    labels = balanced_labels(seed, start, BLOCK, classes) if classes else None
    images = FAMILIES[checkpoint.family].sample(checkpoint.model, checkpoint.config, keys, labels)
    pixels = bytes_from_unit(images).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels, None if labels is None else labels.numpy()


def _block_starts(first: int, count: int) -> range:
    return range(first - first % BLOCK, first + count, BLOCK)


def _inside(start: int, first: int, count: int) -> slice:
    """The part of the block from `start` that lies in first..first+count."""
    return slice(max(first - start, 0), min(first + count - start, BLOCK))


def _counted(
    images: Iterator[EncodedImage], progress: Callable[[int], None] | None
) -> Iterator[EncodedImage]:
    for done, image in enumerate(images, start=1):
        yield image
        if progress is not None:
            progress(done)


def _about(checkpoint: Checkpoint, seed: int) -> About:
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
        sampler={"block": BLOCK, "dtype": "float32", "labels": "balanced" if config["classes"] else None},
        software=software("torch"),
        commit=commit(),
        credits=[dataclasses.asdict(credit) for credit in origin.credits],
        notes=list(origin.notes),
        created_utc=now_utc(),
    )
