"""The audit log: to look at, for those who run the site, and whether its chain holds."""

from typing import Any

from django.contrib import admin

from studyapp.admin.columns import hash_start, readable_json, utc_column
from studyapp.admin.read_only import ReadOnlyAdmin
from studyapp.audit import AuditEntry


class AuditLogAdmin(ReadOnlyAdmin):
    nothing_yet = "Nothing has been done yet."
    list_display = ("number", utc_column("moment_utc", "when"), "actor", "action", "study", "what", "hash")
    list_filter = ("action",)
    search_fields = ("actor", "study")
    search_help_text = "a user or a study"
    ordering = ("-number",)
    fields = (
        "number",
        utc_column("moment_utc", "when"),
        "actor",
        "action",
        "study",
        "told",
        "previous_sha256",
        "sha256",
    )
    readonly_fields = ("told",)

    @admin.display(description="what")
    def what(self, entry: AuditEntry) -> str:
        detail: dict[str, Any] = entry.detail
        return " · ".join(str(value) for value in detail.values() if value not in ("", None))[:200]

    @admin.display(description="SHA-256")
    def hash(self, entry: AuditEntry) -> Any:
        return hash_start(entry.sha256)

    @admin.display(description="detail")
    def told(self, entry: AuditEntry) -> Any:
        return readable_json(entry.detail)
