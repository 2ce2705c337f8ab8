"""What a design comes to, in numbers, while it is being written: trials a cell, frames, minutes, images.

Pure: a design in, rows of words and numbers out. Faults are said in the protocol's own words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from studyapp.frames import planned_frames
from studyapp.opening import ADVISED_IMAGES, images_needed
from studyapp.protocols import DesignError, Settings

RATES_HZ = (60, 120, 144)


@dataclass(frozen=True)
class Source:
    """A source as it stands in the editor; `n_images` None where no image set was chosen."""

    name: str
    weight: float
    n_images: int | None
    is_catch: bool = False


@dataclass(frozen=True)
class Number:
    """One number with its name; `is_short` where something is missing, `note` says what to do about it."""

    label: str
    value: str
    note: str = ""
    is_short: bool = False


def frames_row(exposure_ms: int) -> Number:
    """An exposure in whole frames at the usual screens, in the order of RATES_HZ."""
    frames = (planned_frames(exposure_ms, 1000 / rate_hz) for rate_hz in RATES_HZ)
    return Number(f"{exposure_ms} ms", " · ".join(map(str, frames)))


def cell_rows(settings: Settings) -> list[Number]:
    """Trials of one person in each cell of source and exposure, by source."""
    total = sum(settings.source_weights.values())
    when = "at each exposure" if settings.is_timed else "in all"
    rows = []
    for name, weight in settings.source_weights.items():
        n_cell = settings.n_trials * weight / total / len(settings.exposures)
        note = "" if n_cell >= 1 else "fewer than one: people differ in which cells they see"
        rows.append(Number(name, f"{n_cell:.1f} {when}", note, n_cell < 1))
    return rows


def image_rows(settings: Settings, sources: Sequence[Source], n_examples: int) -> list[Number]:
    """Images that each source has, beside those that one person needs and the advised thousand."""
    needed = images_needed(settings, n_examples)
    rows = []
    for source in sources:
        n_needed = needed.get(source.name, 0)
        label = f"{source.name}, {n_needed:,} needed"
        if source.n_images is None:
            rows.append(Number(label, "none", "choose an image set", True))
        elif source.n_images < n_needed:
            note = "import or generate more, or ask fewer trials"
            rows.append(Number(label, f"{source.n_images:,}", note, True))
        else:
            few = source.n_images < ADVISED_IMAGES and not source.is_catch
            note = f"{ADVISED_IMAGES:,} advised" if few else ""
            rows.append(Number(label, f"{source.n_images:,}", note))
    return rows


def settings_of(
    sources: Sequence[Source],
    exposures_ms: Sequence[int],
    *,
    is_timed: bool,
    n_trials: int,
    practice_trials: int,
    repeat_percent: int,
    catch_trials: int,
) -> Settings:
    """The protocol's settings of a design as it stands. Raises DesignError."""
    names = [source.name for source in sources]
    if len(set(names)) != len(names):
        raise DesignError(f"expected each source once, got {', '.join(names)}")
    return Settings(
        source_weights={source.name: source.weight for source in sources if not source.is_catch},
        exposures_ms=tuple(exposures_ms),
        n_trials=n_trials,
        practice_trials=practice_trials,
        repeat_share=repeat_percent / 100,
        catch_trials=catch_trials,
        catch_sources=tuple(sorted(source.name for source in sources if source.is_catch)),
        is_timed=is_timed,
    )
