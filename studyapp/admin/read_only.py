"""Rows that a researcher may look at and nobody may edit: what people did, as it came in."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Pages of a list that is counted no further than anybody would page: a million rows cost what ten thousand do."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[:MOST_COUNTED].count()


class ReadOnlyAdmin(admin.ModelAdmin):
    """Shows rows; refuses to add, change or delete any of them, also to superusers and crafted requests."""

    # Functions may stand among the names, which Django's type stubs do not know.
    fields: ClassVar[Any] = None
    fieldsets: ClassVar[Any] = None
    list_per_page = 50
    paginator = BoundedPaginator
    most_counted = MOST_COUNTED
    list_max_show_all = 0
    # The tables grow to millions of rows: no second count over all of them.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    # Links of ours that narrow the list by rows which no filter at its side offers.
    linked_by: ClassVar[tuple[str, ...]] = ()

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup in self.linked_by or super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline):
    """Rows that belong to the one on the page, to look at."""

    fields: ClassVar[Any] = None
    readonly_fields: ClassVar[Any] = ()
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
