"""Until when a study keeps panel identities and answers, for its owners."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from studyapp.admin.step_pages import study_or_404
from studyapp.models import Retention
from studyapp.roles import EDIT, may


class RetentionForm(forms.ModelForm):
    class Meta:
        model = Retention
        fields = ("identities_until", "answers_until")
        widgets = {name: forms.DateInput({"type": "date"}, format="%Y-%m-%d") for name in fields}


class RetentionPage(admin.ModelAdmin):
    """The page of the two dates."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.retention_view)
        return [
            path("<path:object_id>/retention/", view, name="studyapp_study_retention"),
            *super().get_urls(),
        ]

    def retention_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The dates, and on POST other ones. After them a worker deletes, once the study is closed."""
        study = study_or_404(self, request, object_id)
        if not may(request.user, study, EDIT):
            raise PermissionDenied
        kept = Retention.objects.filter(study=study).first() or Retention(study=study)
        form = RetentionForm(request.POST or None, instance=kept)
        back = reverse("admin:studyapp_study_change", args=[study.pk])
        if request.method == "POST" and form.is_valid():
            form.save()
            dates = ", ".join(
                f"{name.split('_')[0]} until {form.cleaned_data[name] or 'ever'}" for name in form.fields
            )
            self.log_change(request, study, f"Set what is kept: {dates}.")
            messages.success(
                request, f"Kept: {dates}. After that day it is deleted, once the study is closed."
            )
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"How long {study} keeps data",
            "study": study,
            "form": form,
            "action": "Set the dates",
            "back_url": back,
        }
        return TemplateResponse(request, "admin/studyapp/form_page.html", context)
