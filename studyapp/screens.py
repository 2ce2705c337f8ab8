"""Which screens a study takes, and the kind words for those that it does not. Pure: facts in, a sentence out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from studyapp.models import Study

# A screen of 59.94 Hz is one of 60, and a measurement is a little off.
TOLERANCE = 0.02


@dataclass(frozen=True)
class Screen:
    """What a screen check measured, in the words of a refusal: Hz, percent of frames missed, CSS px."""

    rate: float
    missed: float
    width: float
    height: float

    @classmethod
    def measured(cls, facts: dict[str, Any]) -> "Screen":
        return cls(1000 / facts["frame_ms"], 100 * facts["jank_share"], facts["width_px"], facts["height_px"])


# What a study excludes, in the order in which it is said, with what may help.
EXCLUSIONS: tuple[tuple[Callable[[Study, Screen], bool], Any], ...] = (
    (
        lambda study, screen: screen.rate < study.least_refresh_hz * (1 - TOLERANCE),
        _(
            "Your screen shows %(rate)d pictures a second; this test needs at least %(least_refresh_hz)d. Plug in "
            "the power supply, switch off power saving, close other programs, and check again."
        ),
    ),
    (
        lambda study, screen: screen.rate > study.most_refresh_hz * (1 + TOLERANCE),
        _(
            "Your screen shows %(rate)d pictures a second; this test takes at most %(most_refresh_hz)d. Choose a "
            "lower rate in the settings of your screen, and check again."
        ),
    ),
    (
        lambda study, screen: screen.missed > study.most_jank_percent,
        _(
            "Your device is busy: it missed %(missed)d of 100 pictures, and this test allows %(most_jank_percent)d. "
            "Close other programs and tabs, wait a moment, and check again."
        ),
    ),
    (
        lambda study, screen: screen.width < study.least_width_px or screen.height < study.least_height_px,
        _(
            "The window measures %(width)d by %(height)d points; this test needs %(least_width_px)d by "
            "%(least_height_px)d. Make it larger, or set the zoom of the browser to 100 %%, and check again."
        ),
    ),
)


def refusal(study: Study, facts: dict[str, Any]) -> str:
    """Why this screen will not do, and what may help; empty if it will. `facts` are those of a screen check."""
    screen = Screen.measured(facts)
    words = {name: round(value) for name, value in vars(screen).items()}
    for is_excluded, sentence in EXCLUSIONS:
        if is_excluded(study, screen):
            limits = {
                name: value for name, value in vars(study).items() if name.startswith(("least_", "most_"))
            }
            return str(sentence) % (words | limits)
    return ""
