"""What a role in a study opens in the admin: the rows of that study, and no others."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from studyapp.models import Study
from studyapp.roles import EDIT, SEE, Role, give, may, studies_with


class WithinRoles(admin.ModelAdmin):
    """Mixed in below every page of the registry; it says nothing where `study_path` is None."""

    # From a row to its study, as a lookup; empty where the row is the study.
    study_path: str | None = None
    right = SEE

    def _sees_all(self, request: HttpRequest) -> bool:
        return super().has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if self.study_path is None or self._sees_all(request):
            return rows
        held = studies_with(request.user, self.right)
        # Who has neither permission nor role is refused before any row is shown.
        return rows.filter(**{f"{self.study_path or 'pk'}__in": held}) if held else rows

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Without the filter by study for whoever may see some only: it would name the others."""
        filters = super().get_list_filter(request)
        if self.study_path is None or self._sees_all(request):
            return filters
        return [name for name in filters if name != self.study_path]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) or self._by_role(request, None, self.right)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return super().has_view_permission(request, obj) or self._by_role(request, obj, self.right)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        by_role = self.study_path == "" and self._by_role(request, obj, EDIT)
        return super().has_change_permission(request, obj) or by_role

    def _by_role(self, request: HttpRequest, obj: Model | None, right: str) -> bool:
        if self.study_path is None:
            return False
        if obj is None:
            return bool(studies_with(request.user, right))
        row: Any = obj
        for step in self.study_path.split("__") if self.study_path else ():
            row = getattr(row, step)
        return row.pk in studies_with(request.user, right)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Whoever makes a study owns it, if they would not see it otherwise."""
        if isinstance(obj, Study) and not may(request.user, obj, SEE):
            give(obj, request.user, Role.OWNER, by=request.user.get_username())  # type: ignore[arg-type]
            del request.user._roles_in_studies  # type: ignore[union-attr]
        return super().log_addition(request, obj, message)
