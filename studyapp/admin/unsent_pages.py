"""The page on which the file of a participant's unsent answers is taken in; the rules are `unsent`."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp.admin.columns import list_url
from studyapp.unsent import MAX_BYTES, TakenIn, UnsentError, take_in

PERMISSION = "studyapp.add_response"


class UnsentForm(forms.Form):
    """The file as the participant sent it."""

    file = forms.FileField(
        label="File of unsent answers",
        help_text="The JSON file that the test's page saved for a participant whose answers did not get through. "
        "Each answer is stored once, however often the file comes.",
        widget=forms.ClearableFileInput(attrs={"accept": ".json,application/json"}),
    )

    def take_in(self) -> TakenIn | None:
        """What became of the answers; None if the file was refused, then the form says why at the file."""
        try:
            return take_in(self.cleaned_data["file"].read(MAX_BYTES + 1))
        except UnsentError as error:
            self.add_error("file", f"{error}. Nothing was stored.")
        return None


class UnsentPages(admin.ModelAdmin):
    """The way to the page, for those who may add responses."""

    change_list_template = "admin/studyapp/sitting/change_list.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.unsent_view)
        return [path("unsent/", view, name="studyapp_sitting_unsent"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = {"may_take_in": request.user.has_perm(PERMISSION)}
        return super().changelist_view(request, {**may, **(extra_context or {})})

    def unsent_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for the file, and on POST take it in."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        form = UnsentForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            taken_in = form.take_in()
            if taken_in is not None:
                messages.success(request, f"Taken in: {taken_in}.")
                return redirect(list_url("sitting"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Take in unsent answers",
            "form": form,
            "action": "Take in",
            "back_url": list_url("sitting"),
        }
        return TemplateResponse(request, "admin/studyapp/form_page.html", context)
