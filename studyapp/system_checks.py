"""What Django's `check` says about the surroundings before people's answers are trusted to them."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

WAL_RESET_FIXED = (3, 51, 3)


@register(Tags.database)
def sqlite_is_new_enough(
    app_configs: Sequence[Any] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """SQLite before 3.51.3 can corrupt a WAL database when two connections write and checkpoint at once.

    Said by `migrate` and `check --database default`, which ask about databases; not by every command.
    """
    uses_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if not databases or not uses_sqlite or sqlite3.sqlite_version_info >= WAL_RESET_FIXED:
        return []
    return [
        Warning(
            f"SQLite {sqlite3.sqlite_version} has a rare race (WAL reset) that is fixed in 3.51.3.",
            hint="For a study that matters use PostgreSQL (DATABASE_URL), or a Python with a newer SQLite.",
            id="studyapp.W001",
        )
    ]
