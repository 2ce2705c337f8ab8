"""The generator's commands: `python -m generator train | sample | evaluate | dataset | ...`.

Shows progress and prints refusals as one sentence; the work is done elsewhere. Modules that load torch are
imported by the commands that need them, so that the others start at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from generator.command_line import parser
from generator.errors import GeneratorError

FAILED, INTERRUPTED = 1, 130
PROJECT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 refused, 2 wrong usage, 130 interrupted."""
    given = parser(COMMANDS).parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        given.run(given, errors)
    except GeneratorError as error:
        errors.print(f"error: {error}", style="bold red", markup=False)
        return FAILED
    except KeyboardInterrupt:
        errors.print("interrupted; nothing half-written was left behind", markup=False)
        return INTERRUPTED
    return 0


def train_command(given: argparse.Namespace, errors: Console) -> None:
    """`train CONFIG --out CKPT`"""
    from generator.datasets import load
    from generator.device import chosen_device
    from generator.recipe import read_recipe
    from generator.train import train

    device = chosen_device(given.device)
    changes = list(given.set)
    if given.minutes is not None:
        changes += [f"training.minutes={given.minutes}", "training.images=0"]
    recipe = read_recipe(given.config, changes)
    with _bar(
        errors, BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[losses]}")
    ) as bar:
        images = load(recipe.dataset, _request("train", given, bar, recipe.config.size_px))
        _show_notes(errors, images.notes)
        tasks: dict[str, Any] = {}

        def report(part: str, share: float, losses: dict[str, float]) -> None:
            if part not in tasks:
                tasks[part] = bar.add_task(f"{recipe.source} {part}", total=1.0, losses="")
            bar.update(tasks[part], completed=share)
            if losses:
                shown = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
                bar.update(tasks[part], losses=shown)

        def tell(sentence: str) -> None:
            bar.console.print(sentence, style="bold yellow", markup=False)

        train(recipe, images, given.out, resume=given.resume, device=device, progress=report, told=tell)
    print(given.out)


def sample_command(given: argparse.Namespace, errors: Console) -> None:
    """`sample CKPT --count N --seed K --out SET.zip`"""
    from generator.device import chosen_device
    from generator.sampler import usual_sampler
    from generator.sampling import sample_to_zip
    from generator.sampling_in_slices import sample_in_slices

    with _bar(errors, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task(f"{given.checkpoint}", total=given.count)
        asked: dict[str, Any] = {
            "count": given.count,
            "seed": given.seed,
            "out": given.out,
            "first": given.first,
            "progress": lambda done: bar.update(task, completed=done),
        }
        if given.resume:
            sample_in_slices(given.checkpoint, dtype=given.dtype, **asked)
        else:
            sampler = usual_sampler(chosen_device(), given.dtype)
            sample_to_zip(given.checkpoint, sampler=sampler, **asked)
    print(given.out)


def dataset_command(given: argparse.Namespace, errors: Console) -> None:
    """`dataset NAME --out SET.zip`"""
    from generator.datasets import load
    from generator.real_sets import write_real_set

    with _bar(errors, BarColumn(), DownloadColumn(), TimeRemainingColumn()) as bar:
        images = load(given.name, _request(given.split, given, bar, given.size))
    if given.count is not None and given.count > len(images):
        errors.print(
            f"WARNING: {images.name} has {len(images)} images in its {given.split} split, fewer than the "
            f"{given.count} asked for: all of them are written",
            style="bold yellow",
            markup=False,
        )
    _show_notes(errors, images.notes)
    write_real_set(
        images.drawn(min(given.count or len(images), len(images)), given.seed), given.seed, given.out
    )
    print(given.out)


def evaluate_command(given: argparse.Namespace, errors: Console) -> None:
    """`evaluate GENERATED --out DIR`"""
    from generator.evaluation.evaluate import evaluation_of, require_folder, write_evaluation
    from generator.evaluation.inception import read_pool_network
    from generator.evaluation.material import Material, looked_at, read_real, read_samples, read_training
    from generator.features.described import read_classifier

    require_folder(given.out)
    pool = None if given.inception is None else read_pool_network(given.inception)
    with _bar(errors, BarColumn(), MofNCompleteColumn()) as bar:
        tasks: dict[str, Any] = {}

        def told(doing: str, done: int, in_all: int) -> None:
            if doing not in tasks:
                tasks[doing] = bar.add_task(doing, total=in_all, losses="")
            bar.update(tasks[doing], completed=done)

        classifier = read_classifier()
        samples = read_samples(given.generated, given.count, given.seed, told)
        dataset = samples.images.name
        request = _request("study", given, bar, samples.images.pixels.shape[1])
        real = read_real(dataset, request)
        training = read_training(dataset, given.train, request)
        _show_notes(errors, real.notes)
        material = Material(
            samples,
            looked_at(real, given.seed),
            None if training is None else looked_at(training, given.seed),
            classifier,
            given.seed,
            shows_real=not given.without_real,
            told=told,
            sets=given.sets,
            pool=pool,
        )
        written = write_evaluation(evaluation_of(material), given.out)
    print(*written, sep="\n")


def train_features_command(given: argparse.Namespace, errors: Console) -> None:
    """`train-features CONFIG --held-out PATH --out FILE`"""
    from generator.datasets import Request, load
    from generator.features.card import ship_classifier
    from generator.features.training import read_feature_recipe

    recipe = read_feature_recipe(given.config)
    with _bar(
        errors, BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TextColumn("{task.fields[losses]}")
    ) as bar:
        images = load(recipe.dataset, _request("train", given, bar))
        held_out = load(recipe.dataset, Request("study", given.held_out))
        _show_notes(errors, images.notes)
        task = bar.add_task("classifier", total=1.0, losses="")
        ship_classifier(
            recipe,
            images,
            held_out,
            given.out,
            progress=lambda share, loss: bar.update(task, completed=share, losses=f"loss {loss:.3f}"),
        )
    print(given.out)


def card_command(given: argparse.Namespace, errors: Console) -> None:
    """`card CKPT --hardware TEXT --by-eye TEXT`"""
    from generator.card import write_card

    print(write_card(given.checkpoint, hardware=given.hardware, by_eye=given.by_eye))


def _request(split: str, given: argparse.Namespace, bar: Progress, size_px: int | None = None) -> Any:
    from generator.datasets import Request

    tasks: list[Any] = []

    def report(here: int, in_all: int) -> None:
        if not tasks:
            tasks.append(bar.add_task("fetching images", total=in_all, losses=""))
        bar.update(tasks[0], completed=here)

    data_folder = Path(os.environ.get("TACHISTO_DATA", PROJECT / "var")) / "datasets"
    return Request(split, given.data, given.download, data_folder, report, size_px)


def _show_notes(errors: Console, notes: Sequence[str]) -> None:
    for note in notes:
        loud = note.startswith("NOT THE OFFICIAL")
        errors.print(
            f"{'WARNING' if loud else 'note'}: {note}", style="bold yellow" if loud else "", markup=False
        )


@contextmanager
def _bar(errors: Console, *columns: Any) -> Iterator[Progress]:
    """Progress on a terminal's error stream; silent elsewhere."""
    with Progress(
        TextColumn("{task.description}"), *columns, console=errors, disable=not errors.is_terminal
    ) as bar:
        yield bar


COMMANDS: dict[str, Callable[[argparse.Namespace, Console], None]] = {
    "train": train_command,
    "sample": sample_command,
    "evaluate": evaluate_command,
    "train-features": train_features_command,
    "dataset": dataset_command,
    "card": card_command,
}

if __name__ == "__main__":
    sys.exit(main())
