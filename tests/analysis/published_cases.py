"""Published cases that tests hold our numbers against, with their sources: see `published/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "published"


def golden(name: str) -> dict[str, Any]:
    """One case: id, what, inputs, expected, tol, source."""
    cases = json.loads((FOLDER / "golden.json").read_text(encoding="utf-8"))
    return next(case for case in cases if case["id"] == name)
