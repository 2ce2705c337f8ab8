"""How the classifier is taught: its recipe, its batches, its one run without stops.

Five minutes long, so it starts anew after a kill. The test images are looked at once, at the end, for the
accuracy that the model card quotes; nothing is chosen by them.
"""

import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from generator.datasets import LabelledImages
from generator.errors import ConfigError, TrainingError
from generator.features.network import SIZE_PX, Config, FeatureNetwork
from generator.pixels import unit_from_bytes
from generator.settings import configured

TOP_KEYS = {"dataset", "seed", "use", "model", "training"}
USES = ("ruler", "critic")  # distances are measured on its features; discriminators look through it
MOMENTUM = 0.9

Progress = Callable[[float, float], None]  # share of the budget that is used, mean loss of late


@dataclass(frozen=True)
class Teaching:
    """Budget and rhythm of the training. Raises ValueError.

    The learning rate rises in a straight line over `warm_up_share` of the images and falls to zero over the
    rest; images are mirrored half of the time and shifted by up to `shift_px`.
    """

    images: int = 320_000
    batch_size: int = 128
    learning_rate: float = 0.1
    warm_up_share: float = 0.15
    weight_decay: float = 5e-4
    shift_px: int = 3

    def __post_init__(self) -> None:
        if not 2 <= self.batch_size <= self.images:
            raise ValueError(f"expected a batch_size in 2..{self.images} (images), got {self.batch_size}")
        if not (0 < self.warm_up_share < 1 and self.learning_rate > 0 and self.weight_decay >= 0):
            raise ValueError("expected warm_up_share in (0, 1), learning_rate above 0, weight_decay from 0")
        if not 0 <= self.shift_px < SIZE_PX:
            raise ValueError(f"expected shift_px in 0..{SIZE_PX - 1}, got {self.shift_px}")

    def rate(self, share_done: float) -> float:
        """The learning rate at that point of the budget."""
        rising = share_done / self.warm_up_share
        falling = (1 - share_done) / (1 - self.warm_up_share)
        return self.learning_rate * min(rising, falling)


@dataclass(frozen=True)
class FeatureRecipe:
    """A checked recipe of a classifier; `use` is one of USES."""

    dataset: str
    seed: int
    use: str
    config: Config
    teaching: Teaching


def read_feature_recipe(path: Path) -> FeatureRecipe:
    """The recipe in a TOML file. Raises ConfigError."""
    try:
        table: Mapping[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{path}: expected a recipe in TOML, {error}") from None
    if unknown := sorted(set(table) - TOP_KEYS):
        raise ConfigError(
            f"{path}: unknown key {', '.join(unknown)}; known are {', '.join(sorted(TOP_KEYS))}"
        )
    dataset, seed = table.get("dataset"), table.get("seed", 0)
    if not isinstance(dataset, str) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"{path}: expected a text for dataset and a whole number from 0 for seed")
    use = table.get("use", USES[0])
    if use not in USES:
        raise ConfigError(f"{path}: use: expected {' or '.join(USES)}, got {use!r}")
    return FeatureRecipe(
        dataset,
        seed,
        use,
        configured(Config, table.get("model", {}), f"{path} [model]"),
        configured(Teaching, table.get("training", {}), f"{path} [training]"),
    )


def trained_network(
    recipe: FeatureRecipe, images: LabelledImages, progress: Progress = lambda share, loss: None
) -> tuple[FeatureNetwork, float]:
    """The taught network in evaluation mode, and the CPU minutes it took.

    Raises TrainingError for images of another size, without labels or with other classes than the recipe's,
    and when the loss is no longer finite.
    """
    labels = _fitting_labels(recipe.config, images)
    teaching = recipe.teaching
    torch.manual_seed(recipe.seed)
    began = time.process_time()
    network = FeatureNetwork(recipe.config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.SGD(
        network.parameters(), lr=0.0, momentum=MOMENTUM, nesterov=True, weight_decay=teaching.weight_decay
    )
    steps = teaching.images // teaching.batch_size
    chosen = _endless_orders(len(images), teaching.batch_size)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = teaching.rate((step + 0.5) / steps)
        at = next(chosen)
        batch = _varied(torch.from_numpy(images.pixels[at.numpy()]), teaching.shift_px)
        with torch.autocast("cpu", torch.bfloat16):
            _, scores = network(batch)
        loss = F.cross_entropy(scores.float(), labels[at])
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the classifier's loss is no longer finite after {step * teaching.batch_size} images: "
                "lower learning_rate"
            )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 50 == 0:
            progress(step / steps, loss.item())
    return network.eval(), (time.process_time() - began) / 60


def _fitting_labels(config: Config, images: LabelledImages) -> Tensor:
    if images.pixels.shape[1:3] != (SIZE_PX, SIZE_PX):
        raise TrainingError(
            f"the classifier is taught on {SIZE_PX}x{SIZE_PX} pixels, {images.name} has "
            f"{images.pixels.shape[2]}x{images.pixels.shape[1]}"
        )
    if images.channels != 3:
        raise TrainingError(f"the classifier is taught on RGB images, those of {images.name} are gray")
    if images.labels is None or len(images.class_names) != config.classes:
        raise TrainingError(
            f"the classifier has {config.classes} classes, {images.name} has "
            f"{'no labels' if images.labels is None else len(images.class_names)}"
        )
    return torch.from_numpy(images.labels)


def _endless_orders(count: int, batch_size: int) -> Iterator[Tensor]:
    """Indices of batch after batch: every image once before any comes again."""
    waiting = torch.empty(0, dtype=torch.int64)
    while True:
        while len(waiting) < batch_size:
            waiting = torch.cat([waiting, torch.randperm(count)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def _varied(pixels: Tensor, shift_px: int) -> Tensor:
    """Images (N, 3, S, S) in [-1, 1] of uint8 pixels (N, S, S, 3), each mirrored or not and shifted."""
    count, size = len(pixels), pixels.shape[1]
    planes = F.pad(unit_from_bytes(pixels).permute(0, 3, 1, 2), [shift_px] * 4, mode="reflect")
    rows, columns = torch.randint(2 * shift_px + 1, (2, count, 1)) + torch.arange(size)
    mirrored = torch.rand(count, 1) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    images = planes[torch.arange(count)[:, None, None], :, rows[:, :, None], columns[:, None, :]]
    return images.permute(0, 3, 1, 2)  # channels last in memory, as the convolutions read it
