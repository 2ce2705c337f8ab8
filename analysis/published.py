"""What the paper reported, for comparison: levels read from its text and figure, with their doubt.

Facts and their source alone. Denton, Chintala, Szlam and Fergus 2015, arXiv:1506.05751, section 5: 15
volunteers, exposures of 50 to 2000 ms. Levels are headline figures, about right to 10 points.
"""

from __future__ import annotations

from typing import NamedTuple

CITATION = "Denton et al. 2015"
REFERENCE = (
    "Denton, Chintala, Szlam and Fergus (2015). Deep generative image models using a Laplacian pyramid of "
    "adversarial networks. arXiv:1506.05751"
)
N_PEOPLE = 15
DOUBT = 0.10  # how far a headline level may be from what a table would say


class Level(NamedTuple):
    """Share judged real that the paper states for a source, about, at long exposures."""

    source: str
    p: float


LEVELS = (Level("real", 0.90), Level("gan", 0.10), Level("lapgan", 0.40), Level("cc-lapgan", 0.40))
