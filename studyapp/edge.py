"""The command line's outer edge: runs a management command and turns foreseeable failures into one sentence.

Knows how an unreachable database, a full disk or a wrong setting announces itself; leaves what to
do about a refused request to the command that raised it.
"""

import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def refusal(error: Exception) -> str | None:
    """The sentence for a failure that has a known remedy, None for a defect of ours."""
    from django.conf import settings
    from django.db import OperationalError

    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if isinstance(error, OperationalError):
        database = settings.DATABASES["default"]
        where = f"{database['ENGINE'].rsplit('.', 1)[-1]} database {database['NAME']}"
        if database.get("HOST"):
            where += f" on {database['HOST']}:{database.get('PORT') or 'default port'}"
        return (
            f"expected an answer from the {where}, got: {str(error).strip().splitlines()[0]}. "
            "Nothing was stored. Start it or correct DATABASE_URL, then run this again "
            "(`python manage.py migrate` if its tables are missing)"
        )
    if isinstance(error, OSError) and error.errno == 28:
        return f"the disk that holds {settings.DATA_DIR} is full: free some space and run this again"
    return None


def run_command(argv: Sequence[str]) -> None:
    """Run `manage.py argv[1:]`; exits 2 with a sentence where the failure is the surroundings'."""
    try:
        execute_from_command_line(list(argv))
    except Exception as error:
        sentence = refusal(error)
        if sentence is None:
            raise
        sys.exit(f"error: {sentence}")
