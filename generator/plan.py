"""What a recipe would train, for whoever may not load torch: `python -m generator.plan < RECIPE`.

Prints one JSON object, or one sentence on the error stream and exit code 1. The site asks it in a child
process before it stores a training job.
"""

import json
import sys
from typing import Any

from generator.errors import ConfigError
from generator.recipe import Recipe, recipe_of_text

WHERE = "recipe"


def plan(recipe: Recipe) -> dict[str, Any]:
    """What a job needs to know of a recipe; every value is JSON.

    `stages` holds the parts by what waits for what: a stage begins when the one before is done.
    """
    return {
        "source": recipe.source,
        "family": recipe.family,
        "dataset": recipe.dataset,
        "parts": list(recipe.parts),
        "stages": [list(stage) for stage in recipe.stages],
    }


def main() -> int:
    """Read a recipe from the input and print its plan; the exit code."""
    try:
        recipe = recipe_of_text(sys.stdin.read(), WHERE)
    except (ConfigError, UnicodeDecodeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(plan(recipe)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
