"""The page that says how wide a draft's intervals will be, for so many people; the simulation is `power`."""

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from studyapp.admin.step_pages import StepPages, study_or_404
from studyapp.power import MOST_PEOPLE, PowerError, expected

MOST_NUMBERS = 4
USUAL = (15, 30, 60)


class PeopleForm(forms.Form):
    """Numbers of people to try."""

    people = forms.CharField(
        max_length=100, help_text=f"Up to {MOST_NUMBERS} numbers of 2 to {MOST_PEOPLE}, separated by commas."
    )

    def clean_people(self) -> list[int]:
        words = self.cleaned_data["people"].replace(",", " ").split()
        try:
            numbers = sorted({int(word) for word in words})
        except ValueError:
            raise forms.ValidationError(
                f"expected numbers such as 15, 30, got {' '.join(words)[:60]!r}"
            ) from None
        if not 1 <= len(numbers) <= MOST_NUMBERS:
            raise forms.ValidationError(f"expected 1 to {MOST_NUMBERS} numbers, got {len(numbers)}")
        return numbers


class PowerPages(StepPages):
    """For whoever may look at studies; nothing is stored."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.power_view)
        page = path("<path:object_id>/intervals/", view, name="studyapp_study_intervals")
        return [page, *super().get_urls()]

    def power_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for numbers of people, and on POST simulate."""
        study = study_or_404(self, request, object_id)
        if not self.has_view_permission(request, study):
            raise PermissionDenied
        usual = ", ".join(map(str, sorted({*USUAL, study.quota} if study.quota else USUAL)[:MOST_NUMBERS]))
        form = PeopleForm(request.POST if request.method == "POST" else None, initial={"people": usual})
        rows = []
        if request.method == "POST" and form.is_valid():
            try:
                rows = expected(study, form.cleaned_data["people"])
            except PowerError as error:
                form.add_error("people", f"{error}.")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Expected intervals of {study}",
            "study": study,
            "form": form,
            "rows": rows,
            "by_source": list(zip(*(row.sources for row in rows), strict=True)),
            "is_timed": study.is_timed,
            "action": "Simulate (up to a minute)",
            "back_url": reverse("admin:studyapp_study_change", args=[study.pk]),
        }
        return TemplateResponse(request, "admin/studyapp/study/intervals.html", context)
