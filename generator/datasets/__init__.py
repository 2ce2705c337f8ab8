"""Data sets by name. Each is a loader that answers a `Request` with `LabelledImages`; none needs torch."""

from generator.datasets.cifar10 import load_cifar10
from generator.datasets.labelled import SPLITS, Credit, LabelledImages, Loader, Request
from generator.datasets.lsun import load_lsun
from generator.datasets.mnist import load_mnist
from generator.datasets.photos import load_photos
from generator.datasets.pictures import load_pictures
from generator.datasets.stl10 import load_stl10, load_stl10_unlabeled
from generator.datasets.stored_sets import load_image_set
from generator.errors import DataError

DATASETS: dict[str, Loader] = {
    "photos": load_photos,
    "cifar10": load_cifar10,
    "stl10": load_stl10,
    "stl10-unlabeled": load_stl10_unlabeled,
    "mnist": load_mnist,
    "lsun": load_lsun,
    "folder": load_pictures,
    "image-set": load_image_set,
}


def load(name: str, request: Request) -> LabelledImages:
    """The images of one data set. Raises DataError for an unknown name."""
    if name not in DATASETS:
        raise DataError(f"expected a data set among {', '.join(DATASETS)}, got {name!r}")
    return DATASETS[name](request)


__all__ = ["DATASETS", "SPLITS", "Credit", "LabelledImages", "Loader", "Request", "load"]
