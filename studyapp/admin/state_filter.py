"""The filter of the list of studies: by state, with those in the archive out of the way unless asked for."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from studyapp.models import Study

ALL = "all"


class StateFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((status, status) for status in Study.Status.values), (ALL, "all, archived too")]

    def choices(self, changelist: Any) -> Any:
        usual, *others = super().choices(changelist)
        return [{**usual, "display": "in use"}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Study]) -> QuerySet[Study]:
        if self.value() is None:
            return queryset.exclude(status=Study.Status.ARCHIVED)
        return queryset if self.value() == ALL else queryset.filter(status=self.value())
