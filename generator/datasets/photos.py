"""Crops of the eight colour photographs that come inside scikit-image: the embedded data set.

A class is a photograph. Crops are squares from 48 pixels to the whole height, area-averaged to 32x32. They
lie on a lattice for which any two crops of one photograph share at most 60 % of the area they cover
together (intersection over union): shifts are at least a quarter of the side, and each side is at least
1.291 times the one below. Flat crops are left out.

Training and study draws are disjoint lists of these crops: in an order made by hashing, every fifth crop of
each photograph goes to `study`, the rest to `train`. So no crop is in both, and no study crop overlaps a
training crop by more than the 60 % above; the photographs themselves are shared, which the name of the data
set says.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from PIL import Image

from generator.datasets.labelled import Credit, LabelledImages, Pixels, Request
from generator.errors import DataError

SIDE_PX = 32
SMALLEST_CROP_PX = 48
LARGEST_OVERLAP = 0.6  # of the union: (1 - 1/4) / (1 + 1/4) for a shift of a quarter
CROPS_A_PHOTOGRAPH = 1400
STUDY_EVERY = 5
FLAT_BELOW = 10.0  # standard deviation inside a crop, of 255, averaged over colours


@dataclass(frozen=True)
class Photograph:
    """One photograph: the name of its class, of its function in `skimage.data`, and its credit."""

    class_name: str
    function: str
    credit: Credit


@dataclass(frozen=True)
class Window:
    """A square piece of a photograph, in its pixels: left, top and side."""

    left: float
    top: float
    side: float


PHOTOGRAPHS = (
    Photograph(
        "astronaut",
        "astronaut",
        Credit("astronaut (Eileen Collins)", "NASA", "public domain", "https://flic.kr/p/r9qvLn"),
    ),
    Photograph(
        "cat",
        "chelsea",
        Credit("chelsea (a cat)", "Stefan van der Walt", "CC0", "scikit-image, skimage.data.chelsea"),
    ),
    Photograph(
        "coffee",
        "coffee",
        Credit(
            "coffee (courtesy of Pikolo Espresso Bar)",
            "Rachel Michetti",
            "CC0",
            "scikit-image, skimage.data.coffee",
        ),
    ),
    Photograph(
        "galaxies",
        "hubble_deep_field",
        Credit(
            "Hubble eXtreme Deep Field",
            "NASA",
            "public domain",
            "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
        ),
    ),
    Photograph(
        "tissue",
        "immunohistochemistry",
        Credit(
            "immunohistochemical staining of colonic glands",
            "Center for Microscopy And Molecular Imaging (CMMI)",
            "no known copyright restrictions",
            "scikit-image, skimage.data.immunohistochemistry",
        ),
    ),
    Photograph(
        "rocket",
        "rocket",
        Credit(
            "launch of DSCOVR on Falcon 9",
            "SpaceX",
            "public domain",
            "https://www.flickr.com/photos/spacexphotos/16511594820/",
        ),
    ),
    Photograph(
        "retina",
        "retina",
        Credit(
            "fundus photograph of a normal left eye",
            "Mikael Häggström",
            "CC0",
            "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
        ),
    ),
    Photograph(
        "motorcycle",
        "stereo_motorcycle",
        Credit(
            "motorcycle (left picture, Middlebury 2014 stereo benchmark)",
            "Nera Nesic, Porter Westling, Xi Wang, York Kitajima, Greg Krathwohl, Daniel Scharstein",
            "no licence stated by scikit-image; cite Scharstein et al., GCPR 2014",
            "http://vision.middlebury.edu/stereo/data/scenes2014/",
        ),
    ),
)


def load_photos(request: Request) -> LabelledImages:
    """The crops of one split, (N, 32, 32, 3), in an order without classes in runs."""
    if request.path is not None:
        raise DataError(f"photos comes with scikit-image and reads no files: leave out {request.path}")
    pixels: list[Pixels] = []
    labels: list[int] = []
    for label, photograph in enumerate(PHOTOGRAPHS):
        crops = [crop for _, crop in crops_of(photograph, request.split)]
        pixels += crops
        labels += [label] * len(crops)
    everything = LabelledImages(
        name="photos",
        pixels=np.stack(pixels),
        labels=np.array(labels, dtype=np.int64),
        class_names=tuple(photograph.class_name for photograph in PHOTOGRAPHS),
        credits=tuple(photograph.credit for photograph in PHOTOGRAPHS),
        notes=("photos: 32x32 crops of the eight colour photographs in scikit-image, class = photograph",),
    )
    return everything.drawn(None, seed=0)


def crops_of(photograph: Photograph, split: str) -> list[tuple[Window, Pixels]]:
    """The windows of one photograph that belong to a split, each with its 32x32 pixels."""
    picture = Image.fromarray(_pixels_of(photograph))
    chosen: list[tuple[Window, Pixels]] = []
    for window in _scales_in_turn(windows(picture.width, picture.height), photograph.class_name):
        crop = area_average(picture, window)
        if crop.std(axis=(0, 1)).mean() >= FLAT_BELOW:
            chosen.append((window, crop))
        if len(chosen) == CROPS_A_PHOTOGRAPH:
            break
    in_study = {"study": True, "train": False}[split]
    return [pair for at, pair in enumerate(chosen) if (at % STUDY_EVERY == 0) == in_study]


def windows(width_px: int, height_px: int) -> dict[float, list[Window]]:
    """All windows of a picture by side, from 48 pixels to the shorter edge of the picture."""
    shorter = min(width_px, height_px)
    ratio = math.sqrt(1 / LARGEST_OVERLAP)
    steps = math.floor(math.log(shorter / SMALLEST_CROP_PX) / math.log(ratio))
    sides = [SMALLEST_CROP_PX * (shorter / SMALLEST_CROP_PX) ** (step / steps) for step in range(steps)]
    return {
        side: [
            Window(left, top, side) for top in _offsets(height_px, side) for left in _offsets(width_px, side)
        ]
        for side in [*sides, float(shorter)]
    }


def overlap(one: Window, other: Window) -> float:
    """Intersection over union of two windows, 0 to 1."""
    wide = min(one.left + one.side, other.left + other.side) - max(one.left, other.left)
    high = min(one.top + one.side, other.top + other.side) - max(one.top, other.top)
    shared = max(wide, 0.0) * max(high, 0.0)
    return shared / (one.side**2 + other.side**2 - shared)


def area_average(picture: Image.Image, window: Window) -> Pixels:
    """The window's area means on 32x32, uint8 (32, 32, 3); rounded along rows, then along columns."""
    box = (window.left, window.top, window.left + window.side, window.top + window.side)
    small = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, box=box)
    return np.asarray(small, dtype=np.uint8)


def _offsets(length: float, side: float) -> list[float]:
    """Places along an edge, from end to end, at least a quarter of the side apart."""
    steps = math.floor((length - side) / (side / 4))
    if steps == 0:
        return [(length - side) / 2]
    return [(length - side) * step / steps for step in range(steps + 1)]


def _scales_in_turn(by_side: dict[float, list[Window]], name: str) -> list[Window]:
    """Windows in hashed order, one of each side in turn, so that small crops do not crowd out the whole."""
    hashed = [sorted(group, key=_hash_key(name)) for group in by_side.values()]
    return [window for turn in zip_longest(*hashed) for window in turn if window is not None]


def _hash_key(name: str) -> Callable[[Window], str]:
    return lambda window: hashlib.sha256(
        f"{name} {window.left:.2f} {window.top:.2f} {window.side:.2f}".encode()
    ).hexdigest()


def _pixels_of(photograph: Photograph) -> Pixels:
    """The photograph, (H, W, 3) uint8, from the files of the installed scikit-image; no network."""
    import skimage.data

    picture = getattr(skimage.data, photograph.function)()
    # The motorcycle comes as left picture, right picture, disparity.
    return picture[0] if isinstance(picture, tuple) else picture
