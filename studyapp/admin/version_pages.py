"""Versions of a study in the admin: what changed, the next one, copies; a study as a file and as a text."""

import itertools
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from studyapp.admin.step_pages import study_or_404
from studyapp.admin.steps import Words
from studyapp.models import Study
from studyapp.opening import OpeningError
from studyapp.preregistration import preregistration
from studyapp.study_file import MAX_BYTES, StudyFileError, load_study, study_file
from studyapp.versions import changes, copy_study, design_of, lineage, next_version

NEXT = Words(
    label="Make the next version",
    question="Make the next version of this study?",
    consequence=(
        "An opened study stays as it is. The next version is a draft with the same design for you to edit. When you "
        "open it, this version closes, whoever sits may finish, and its link leads on to the new one."
    ),
    done="",
    logged="",
)


class CopyForm(forms.Form):
    """The short name of a copy."""

    slug = forms.CharField(
        label="Short name of the copy", max_length=60, help_text="In its address: /s/short-name/."
    )


class StudyFileForm(forms.Form):
    """A study's definition as it was saved."""

    file = forms.FileField(
        label="File of a study",
        help_text="The JSON file that “Save as a file” gave. Its image sets must be in the catalogue here: they are "
        "known by their SHA-256.",
        widget=forms.ClearableFileInput(attrs={"accept": ".json,application/json"}),
    )
    slug = forms.CharField(
        label="Short name", max_length=60, required=False, help_text="Empty: the one in the file."
    )


class VersionPages(admin.ModelAdmin):
    """Pages of one study that do not change it, and those that make another one of it."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, Callable[..., HttpResponse]] = {
            "versions": self.versions_view,
            "next": self.next_view,
            "copy": self.copy_view,
            "preregistration": self.preregistration_view,
            "file": self.file_view,
        }
        pages = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"studyapp_study_{name}")
            for name, view in views.items()
        ]
        load = path("load/", self.admin_site.admin_view(self.load_view), name="studyapp_study_load")
        return [load, *pages, *super().get_urls()]

    def _study(self, request: HttpRequest, object_id: str) -> Study:
        study = study_or_404(self, request, object_id)
        if not self.has_view_permission(request, study):
            raise PermissionDenied
        return study

    def _context(self, request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **more}

    def versions_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """All versions of a study, the newest first, each with what changed since the one before."""
        study = self._study(request, object_id)
        versions = lineage(study)
        designs = [design_of(version) for version in versions]
        differences = [[], *(changes(a, b) for a, b in itertools.pairwise(designs))]
        rows = list(reversed(list(zip(versions, differences, strict=True))))
        context = self._context(request, f"Versions of {versions[0]}", study=study, rows=rows)
        return TemplateResponse(request, "admin/studyapp/study/versions.html", context)

    def next_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask, and on POST make the draft that follows."""
        study = self._study(request, object_id)
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            try:
                draft = next_version(study)
            except OpeningError as error:
                messages.error(request, f"{error}.")
                return redirect("admin:studyapp_study_change", study.pk)
            self.log_addition(request, draft, f"Made as the next version of {study}.")
            messages.success(request, f"{draft} is a draft: edit it, then open it in the place of {study}.")
            return redirect("admin:studyapp_study_change", draft.pk)
        context = self._context(request, NEXT.question, step=NEXT, rows=[(study, [])], hidden=[])
        return TemplateResponse(request, "admin/studyapp/study/step.html", context)

    def copy_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A draft with the same design under another short name."""
        study = self._study(request, object_id)
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = CopyForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                copied = copy_study(study, form.cleaned_data["slug"])
            except OpeningError as error:
                form.add_error("slug", f"{error}.")
            else:
                self.log_addition(request, copied, f"Copied from {study}.")
                messages.success(request, f"{copied} is a draft with the design of {study}.")
                return redirect("admin:studyapp_study_change", copied.pk)
        back = reverse("admin:studyapp_study_change", args=[study.pk])
        context = self._context(
            request, f"Copy {study}", study=study, form=form, action="Make the copy", back_url=back
        )
        return TemplateResponse(request, "admin/studyapp/form_page.html", context)

    def preregistration_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The text to register, as a file."""
        study = self._study(request, object_id)
        return _download(preregistration(study).encode(), f"{study.slug}-preregistration.md", "text/markdown")

    def file_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The study's definition, as a file."""
        study = self._study(request, object_id)
        return _download(study_file(study), f"{study.slug}-study.json", "application/json")

    def load_view(self, request: HttpRequest) -> HttpResponse:
        """A draft out of a file."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = StudyFileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                study = load_study(
                    form.cleaned_data["file"].read(MAX_BYTES + 1), form.cleaned_data["slug"] or ""
                )
            except StudyFileError as error:
                form.add_error("file", f"{error}. Nothing was made.")
            else:
                self.log_addition(request, study, "Loaded from a file.")
                messages.success(request, f"Study {study} is a draft: look at it, then open it.")
                return redirect("admin:studyapp_study_change", study.pk)
        back = reverse("admin:studyapp_study_changelist")
        context = self._context(request, "Load a study from a file", form=form, action="Load", back_url=back)
        return TemplateResponse(request, "admin/studyapp/form_page.html", context)


def _download(content: bytes, name: str, content_type: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=f"{content_type}; charset=utf-8", headers=headers)
