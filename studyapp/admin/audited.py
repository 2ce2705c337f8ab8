"""Every change made in the admin also stands in the audit log: Django's own history can be edited, that cannot."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.text import get_text_list

from studyapp import audit
from studyapp.models import Study


class Audited(admin.ModelAdmin):
    """Mixed into every page of the registry."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "added", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._note(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            self._note(request, "deleted", obj, "")
        return super().log_deletions(request, queryset)

    def _note(self, request: HttpRequest, action: str, obj: Model, message: Any) -> None:
        audit.note(
            request.user.get_username(),
            action,
            study=obj.slug if isinstance(obj, Study) else "",
            what=f"{obj._meta.verbose_name} {obj}"[:300],
            how=in_words(message),
        )


def in_words(message: Any) -> str:
    """A change message of Django's as text: which fields, never their values."""
    if isinstance(message, str):
        return message
    told = []
    for part in message if isinstance(message, Iterable) else []:
        for act, what in part.items():
            fields = get_text_list([str(field) for field in what.get("fields", [])], "and")
            told.append(" ".join(filter(None, (act, what.get("name", ""), fields))))
    return "; ".join(told)
