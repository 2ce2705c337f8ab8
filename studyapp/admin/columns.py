"""How values read in the admin's tables: times in UTC to the minute, hashes by their start, numbers grouped.

Columns of numbers bear names that begin with `n_` or end with a unit (`_ms`, `_share`): the style sheet
sets those to the right.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString

NOTHING = "–"


def moment(time_utc: datetime | None) -> str:
    """A time as `2026-11-20 10:12`, in UTC."""
    return time_utc.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if time_utc else NOTHING


def hash_start(sha256: str) -> SafeString | str:
    """The first eight characters of a hash; the whole of it shows on hovering."""
    return format_html('<code title="{}">{}</code>', sha256, sha256[:8]) if sha256 else NOTHING


def count(number: int | None) -> str:
    """A whole number with thousands apart: `12,345`."""
    return NOTHING if number is None else f"{number:,}"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent, `98.2 %`; a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else NOTHING


def readable_json(value: Any) -> SafeString:
    """A stored JSON value, indented."""
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def utc_column(field: str, title: str) -> Callable[[Any], str]:
    """A list column with the time in `field`, headed `title (UTC)`."""

    @admin.display(description=f"{title} (UTC)", ordering=field)
    def column(row: Any) -> str:
        return moment(getattr(row, field))

    column.__name__ = field
    return column


def labelled(field: str, title: str) -> Callable[[Any], str]:
    """A field under a name for people: `labelled("file_sha256", "SHA-256 of the zip")`."""

    @admin.display(description=title, ordering=field)
    def column(row: Any) -> str:
        return str(getattr(row, field) or NOTHING)

    column.__name__ = field
    return column


def list_url(model: str, **filters: Any) -> str:
    """Address of the admin's list of a model of ours, narrowed to the rows that `filters` name."""
    address = reverse(f"admin:studyapp_{model}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def status_mark(status: str, label: str | None = None) -> SafeString:
    """A status as a word with a coloured mark."""
    return format_html('<span class="status status-{}">{}</span>', status, label or status.replace("_", " "))
