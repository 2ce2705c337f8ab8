"""Exposures in whole screen refreshes, as the browser's `timeline.js` plans them."""

import math


def planned_frames(exposure_ms: float, frame_ms: float) -> int:
    """Whole frames for an exposure, at least 1: the nearest number, halves go down (the rule of timeline.js)."""
    return max(1, math.ceil(exposure_ms / frame_ms - 0.5 - 1e-6))
