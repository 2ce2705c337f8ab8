"""What can be typed after `python -m generator`, and the help that teaches it."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

DESCRIPTION = """\
Train image generators and write image sets.

An image set is a zip of PNG files with a manifest that says where each comes from;
`python manage.py import_images SET.zip --source NAME` takes it into the catalogue.
"""
EXAMPLES = """\
examples:
  python -m generator dataset photos --out real.zip --count 1200
      real images: crops of the photographs that come with scikit-image
  python -m generator dataset cifar10 --download --out real.zip
      the test images of CIFAR-10, downloaded and checked
  python -m generator sample lapgan-photos --count 1200 --seed 1 --out lapgan.zip
      images from weights that ship with Tachisto
  python -m generator train generator/configs/cc-lapgan-photos.toml --out mine.safetensors
      weights of your own; killed, go on with the same line and --resume
"""
TRAIN = """\
Train a model from a recipe, a TOML file as in generator/configs. Beside the checkpoint
lie CKPT.losses, a line of JSON every thousand images, CKPT.alarms, what was measured
against collapse, and CKPT.resume, to go on from. Alarms are told as they begin.
"""
SAMPLE = """\
Draw images from a checkpoint. Image i depends on the checkpoint, the seed and i alone,
so slices drawn anywhere (--first) fit together, if they are drawn in one precision
(--dtype). Killed, a large set goes on with the same line if that says --resume: finished
slices wait in SET.zip.slices.
"""
CARD = """\
Write the model card of a checkpoint, CKPT.md and CKPT.png, beside it: figures from its
header, a sheet of samples, and what you saw when you looked at them.
"""
FEATURES = """\
Train the classifier whose features the distances of `evaluate` are measured on, and write
its model card beside it. Tachisto ships it: generator/features/features-cifar10.safetensors.
"""
EVALUATE = """\
Measure samples against real images: one HTML page and evaluation.json in a folder.

GENERATED is a checkpoint (a file, or a name that ships: lapgan-cifar10), an image set
zip, or a folder or zip of anybody's pictures. --data names real images that were not
trained on, --train those that were, to look for copies among them.

With --inception an FID, too, on a TorchScript file of Inception-v3's 2,048 pool features,
called with uint8 images (N, 3, S, S). Such a file is a program that is run: name only one
that you trust.
"""
DATASET = """\
Write images of a data set as an image set.

  photos      crops of eight photographs, comes with scikit-image
  cifar10     the official binary files, by --data or --download
  stl10       the official binary files, 96x96, by --data or --download (2.6 GB)
  stl10-unlabeled   the same files: 100,000 images without labels to train on
  mnist       the official idx files, 28x28 gray, by --data or --download
  lsun        a folder or zip of pictures of any size (--data), as LSUN is exported:
              centre squares, shrunk to --size; the first folder below is the class
  folder      a folder or zip of PNG, JPEG or WebP pictures of one size (--data);
              subfolders are classes
  image-set   an image set (--data), to draw some of its images
"""

Run = Callable[..., None]


def parser(commands: Mapping[str, Run]) -> argparse.ArgumentParser:
    """The parser; what it parses carries the chosen command as `run`."""
    whole = argparse.ArgumentParser(prog="python -m generator", epilog=EXAMPLES, **_described(DESCRIPTION))
    found = whole.add_subparsers(required=True, metavar=" | ".join(commands))
    for name, (summary, description, add_arguments) in ARGUMENTS.items():
        command = found.add_parser(name, help=summary, **_described(description))
        command.set_defaults(run=commands[name])
        add_arguments(command)
    return whole


def _described(text: str) -> dict[str, Any]:
    return {"description": text, "formatter_class": argparse.RawDescriptionHelpFormatter}


def _train_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("config", type=Path, metavar="CONFIG", help="the recipe, a TOML file")
    command.add_argument("--out", type=Path, required=True, metavar="CKPT", help="checkpoint (.safetensors)")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change the recipe, such as model.width=256; may be repeated",
    )
    command.add_argument(
        "--minutes",
        type=float,
        metavar="M",
        help="CPU minutes for each part (a level of a LAPGAN) instead of the recipe's budget",
    )
    command.add_argument("--resume", action="store_true", help="go on from CKPT.resume if it is there")
    command.add_argument(
        "--device",
        metavar="NAME",
        help="cpu, cuda or cuda:N; else $TACHISTO_DEVICE, else a GPU where there is one",
    )
    _data_arguments(command)


def _sample_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("checkpoint", metavar="CKPT", help="a file, or a name that ships: lapgan-photos")
    command.add_argument("--count", type=_at_least_one, required=True, metavar="N", help="how many images")
    command.add_argument("--seed", type=int, required=True, metavar="K", help="seed of the whole set")
    command.add_argument(
        "--first", type=int, default=0, metavar="I", help="begin at image I: a slice of a larger set"
    )
    command.add_argument(
        "--dtype",
        choices=("bfloat16", "float32"),
        help="precision of the sums; pixels differ by a few steps of 255 (what is quickest here)",
    )
    command.add_argument(
        "--resume", action="store_true", help="keep slices in SET.zip.slices, go on from those that are there"
    )
    command.add_argument("--out", type=Path, required=True, metavar="SET.zip", help="image set to write")


def _dataset_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="photos, cifar10, folder or image-set")
    command.add_argument("--out", type=Path, required=True, metavar="SET.zip", help="image set to write")
    command.add_argument("--count", type=_at_least_one, metavar="N", help="at most this many images (all)")
    command.add_argument(
        "--split",
        choices=("study", "train"),
        default="study",
        help="which images of those that come in two parts; study images are never trained on (study)",
    )
    command.add_argument("--seed", type=int, default=0, metavar="K", help="which images, in which order (0)")
    command.add_argument(
        "--size", type=_at_least_one, metavar="PX", help="side of the pictures that lsun shrinks (64)"
    )
    _data_arguments(command)


def _card_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("checkpoint", metavar="CKPT", help="a file, or a name that ships: lapgan-photos")
    command.add_argument("--hardware", required=True, metavar="TEXT", help="what it was trained on")
    command.add_argument("--by-eye", required=True, metavar="TEXT", help="what is wrong with the samples")


def _features_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("config", type=Path, metavar="CONFIG", help="the recipe, a TOML file")
    command.add_argument("--out", type=Path, required=True, metavar="FILE", help="classifier (.safetensors)")
    command.add_argument(
        "--held-out", type=Path, required=True, metavar="PATH", help="images that its accuracy is measured on"
    )
    _data_arguments(command)


def _evaluate_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("generated", metavar="GENERATED", help="a checkpoint, an image set or pictures")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    command.add_argument(
        "--count", type=_at_least_one, default=5000, metavar="N", help="samples drawn (5000)"
    )
    command.add_argument("--seed", type=int, default=1, metavar="K", help="seed of everything drawn (1)")
    command.add_argument(
        "--train", type=Path, metavar="PATH", help="the training images, as a folder, zip or image set"
    )
    command.add_argument(
        "--sets",
        type=_at_least_one,
        default=5,
        metavar="N",
        help="sets of COUNT samples, each of another seed, for the spread of the distance (5)",
    )
    command.add_argument(
        "--inception", type=Path, metavar="FILE", help="a TorchScript file to measure an FID on; see above"
    )
    command.add_argument(
        "--without-real",
        action="store_true",
        help="show no real picture on the page, where they may not be passed on",
    )
    _data_arguments(command)


def _data_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", type=Path, metavar="PATH", help="folder or file of the data set")
    command.add_argument(
        "--download",
        action="store_true",
        help="fetch missing official files, to --data or $TACHISTO_DATA/datasets",
    )


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return number


ARGUMENTS: dict[str, tuple[str, str, Callable[[argparse.ArgumentParser], None]]] = {
    "train": ("train a model from a recipe", TRAIN, _train_arguments),
    "sample": ("draw images from a checkpoint", SAMPLE, _sample_arguments),
    "evaluate": ("measure samples against real images", EVALUATE, _evaluate_arguments),
    "train-features": ("train the classifier that distances use", FEATURES, _features_arguments),
    "dataset": ("write real images as an image set", DATASET, _dataset_arguments),
    "card": ("write a checkpoint's model card", CARD, _card_arguments),
}
