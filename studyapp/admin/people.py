"""Who may come in, and in which role: Django's users and groups, in the words of this site."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from studyapp.admin.columns import utc_column


class PeopleAdmin(UserAdmin):
    list_display = (
        "username",
        "role",
        "is_active",
        "has_password",
        "has_second_factor",
        utc_column("last_login", "last sign-in"),
    )
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    show_facets = admin.ShowFacets.NEVER

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        is_on = Exists(TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True))
        return super().get_queryset(request).prefetch_related("groups").annotate(second_factor=is_on)

    @admin.display(description="role")
    def role(self, user: User) -> str:
        if user.is_superuser:
            return "everything"
        roles = ", ".join(group.name for group in user.groups.all())
        return roles or ("own permissions" if user.is_staff else "no access to these pages")

    @admin.display(description="password set", boolean=True)
    def has_password(self, user: User) -> bool:
        return user.has_usable_password()

    @admin.display(description="second factor", boolean=True)
    def has_second_factor(self, user: User) -> bool:
        return getattr(user, "second_factor", False)


class RoleAdmin(GroupAdmin):
    list_display = ("name", "n_people")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(people=Count("user"))

    @admin.display(description="people", ordering="people")
    def n_people(self, group: Group) -> int:
        return getattr(group, "people", 0)
