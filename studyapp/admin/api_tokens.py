"""Tokens of the API: made here, shown once, taken back here. Each person sees their own."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from studyapp.accounts import person
from studyapp.admin.columns import status_mark, utc_column
from studyapp.api_tokens import hash_of, new_word
from studyapp.models import ApiToken
from studyapp.roles import roles_of


class ApiTokenAdmin(admin.ModelAdmin):
    nothing_yet = "No token yet. A program that reads studies or exports through the API needs one."
    list_display = (
        "label",
        "user",
        "scope",
        "state",
        utc_column("created_utc", "made"),
        utc_column("last_used_utc", "last used"),
        utc_column("expires_utc", "expires"),
    )
    list_select_related = ("user",)
    fields = ("label", "scope", "expires_utc")
    actions = ("revoke_selected",)
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        tokens = super().get_queryset(request)
        return tokens if person(request).is_superuser else tokens.filter(user=person(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_module_perms("studyapp") or bool(roles_of(request.user))

    def has_view_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        word = new_word()
        obj.user, obj.token_sha256 = person(request), hash_of(word)
        super().save_model(request, obj, form, change)
        messages.warning(
            request,
            format_html("Copy the token now, it is not shown again: <code>{}</code>", word),
        )

    @admin.display(description="state")
    def state(self, token: ApiToken) -> SafeString:
        if token.revoked_utc:
            return status_mark("stopped", "revoked")
        if token.expires_utc and token.expires_utc < timezone.now():
            return status_mark("stopped", "expired")
        return status_mark("open", "valid")

    @admin.action(description="Revoke the selected tokens", permissions=["view"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        tokens = list(queryset.filter(revoked_utc=None))
        queryset.filter(revoked_utc=None).update(revoked_utc=timezone.now())
        for token in tokens:
            self.log_change(request, token, "Revoked.")
        messages.success(request, f"{len(tokens)} token{'' if len(tokens) == 1 else 's'} revoked.")
