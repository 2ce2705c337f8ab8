"""Our own admin site: its first page, its way around, and what comes before everything: second factor, own password.

What each page shows lies in the modules beside it; `registry` lists them.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import SetPasswordForm
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from studyapp.accounts import SignInForm, person
from studyapp.admin.overview import overview
from studyapp.admin.people_pages import invitation_view
from studyapp.admin.second_factor_pages import code_view, settings_view
from studyapp.second_factor import is_owed, must_set_up

# The way around at the head of every page, in the order of a study's life.
PLACES = ("Study", "ImageSet", "Job", "Sitting", "Trial", "Response", "PanelIdentity", "User")
# What somebody may reach in any case who has a page to pass before the others.
IN_ANY_CASE = ("logout", "jsi18n")


def first_page(request: HttpRequest) -> str | None:
    """The name of the page that this session has to pass before the others, or None."""
    if is_owed(request):
        return "second_factor"
    if not person(request).has_usable_password():
        return "set_password"
    return "second_factor_settings" if must_set_up(request) else None


def to_first_page(request: HttpRequest, name: str) -> HttpResponse:
    """There; from a code back to what was asked for."""
    has_next = name == "second_factor" and request.method == "GET"
    query = {"next": request.get_full_path()} if has_next else {}
    return redirect(reverse(f"admin:{name}", query=query))


class TachistoAdminSite(AdminSite):
    """The researcher's pages. A second factor comes first where there is one, then an own password in place of a
    one-use one, then a second factor where all have to have one."""

    site_header = site_title = "Tachisto"
    index_title = "Studies and their data"
    logout_template = "admin/signed_out.html"
    login_form = SignInForm
    empty_value_display = "–"
    enable_nav_sidebar = False

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        def after_first_pages(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            here = request.resolver_match.url_name if request.resolver_match else None
            first = first_page(request)
            if first is not None and here not in (first, *IN_ANY_CASE):
                return to_first_page(request, first)
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                return self.refused(request)

        return super().admin_view(update_wrapper(after_first_pages, view), cacheable)

    def refused(self, request: HttpRequest) -> HttpResponse:
        """A page that says no, and looks like a page."""
        context = {**self.each_context(request), "title": "This is not for your account"}
        return TemplateResponse(request, "admin/refused.html", context, status=403)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        listed = {model["object_name"]: model for app in context["available_apps"] for model in app["models"]}
        context["places"] = [
            {
                "name": listed[name]["name"],
                "url": listed[name]["admin_url"],
                "is_here": request.path.startswith(listed[name]["admin_url"]),
            }
            for name in PLACES
            if name in listed and listed[name]["admin_url"]
        ]
        return context

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().logout(request, {"title": "You are signed out", **(extra_context or {})})

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        return super().index(request, {**overview(request), **(extra_context or {})})

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own: dict[str, Callable[..., HttpResponse]] = {
            "set_password": self.set_password,
            "second_factor": self.second_factor,
            "second_factor_settings": self.second_factor_settings,
        }
        return [
            *(path(f"{name}/", self.admin_view(view), name=name) for name, view in own.items()),
            path("invitation/<slug:word>/", self.invitation, name="invitation"),
            *super().get_urls(),
        ]

    def invitation(self, request: HttpRequest, word: str) -> HttpResponse:
        """Open to everybody: what an invitation's link leads to. Who is signed in and owes a code gives it first."""
        if request.user.is_authenticated and is_owed(request):
            return to_first_page(request, "second_factor")
        return invitation_view(request, word, **{**self.each_context(request), "places": []})

    def second_factor(self, request: HttpRequest) -> HttpResponse:
        return code_view(request, **{**self.each_context(request), "places": []})

    def second_factor_settings(self, request: HttpRequest) -> HttpResponse:
        return settings_view(request, **self.each_context(request))

    def set_password(self, request: HttpRequest) -> HttpResponse:
        """An own password after the one-use one; the session goes on."""
        user = person(request)
        if user.has_usable_password():
            return redirect("admin:password_change")
        form = SetPasswordForm(user, request.POST or None)
        if request.method == "POST" and form.is_valid():
            form.save()
            update_session_auth_hash(request, user)
            messages.success(request, "Your password is set. The one-use password is spent.")
            return redirect("admin:index")
        context = {**self.each_context(request), "title": "Set your password", "form": form, "places": []}
        return TemplateResponse(request, "admin/set_password.html", context)
