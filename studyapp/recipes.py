"""What a recipe would train, asked of the generator in a child process: the site itself loads no torch."""

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

MAX_CHARACTERS = 20_000
PATIENCE_S = 60


class RecipeError(ValueError):
    """A recipe that cannot be trained; the message says what was expected."""


@dataclass(frozen=True)
class Plan:
    """A checked recipe in short. `stages` holds the parts by what waits for what."""

    source: str
    family: str
    dataset: str
    parts: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]


@lru_cache(maxsize=16)
def plan_of(recipe: str) -> Plan:
    """The plan of a recipe in TOML. Takes seconds. Raises RecipeError with the generator's sentence."""
    if len(recipe) > MAX_CHARACTERS:
        raise RecipeError(f"recipe: expected at most {MAX_CHARACTERS} characters, got {len(recipe)}")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "generator.plan"],
            cwd=settings.BASE_DIR,
            input=recipe,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RecipeError(
            f"recipe: the generator did not answer within {PATIENCE_S} s; try again when the machine is less busy"
        ) from None
    if done.returncode != 0:
        last_line = done.stderr.strip().rpartition("\n")[2]
        raise RecipeError(last_line or f"recipe: the generator ended with {done.returncode}")
    plan = json.loads(done.stdout)
    stages = tuple(tuple(stage) for stage in plan["stages"])
    return Plan(**plan | {"parts": tuple(plan["parts"]), "stages": stages})
