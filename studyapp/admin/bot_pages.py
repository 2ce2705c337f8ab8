"""The page that sends simulated people through a study: how many, and what became of those before."""

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from studyapp.admin.columns import list_url
from studyapp.admin.jobs import progress_bar, with_progress
from studyapp.admin.step_pages import StepPages, study_or_404
from studyapp.bots.browser import BotError
from studyapp.bots.sending import MOST_PEOPLE, bots_of, queue_bots
from studyapp.models import Job, Study

MOST_ROWS = 20
TAKES_PEOPLE = (Study.Status.PILOTING, Study.Status.OPEN)


class BotsForm(forms.Form):
    """How many simulated people, and which."""

    n_people = forms.IntegerField(
        label="People",
        min_value=1,
        max_value=MOST_PEOPLE,
        initial=10,
        help_text=f"Up to {MOST_PEOPLE} at a time.",
    )
    seed = forms.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        help_text="The same number sends the same people again, another one others.",
    )


class BotPages(StepPages):
    """For whoever may take the steps of a study."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.bots_view)
        page = path("<path:object_id>/bots/", view, name="studyapp_study_bots")
        return [page, *super().get_urls()]

    def bots_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask how many; on POST queue them."""
        study = study_or_404(self, request, object_id)
        if not self.may_take_steps(request, study):
            raise PermissionDenied
        jobs = bots_of(study)
        form = BotsForm(request.POST or None, initial={"seed": jobs.count() + 1})
        if request.method == "POST" and form.is_valid():
            try:
                job = queue_bots(study, **form.cleaned_data, by=request.user.get_username())
            except BotError as error:
                form.add_error(None, f"{error}.")
            else:
                self.log_change(
                    request, study, f"Sent {form.cleaned_data['n_people']} simulated people ({job})."
                )
                messages.success(request, "On their way: a worker sends them as soon as it has time.")
                return redirect("admin:studyapp_study_bots", study.pk)
        rows = list(with_progress(jobs)[:MOST_ROWS])
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Simulated people for {study}",
            "study": study,
            "form": form,
            "takes_people": study.status in TAKES_PEOPLE,
            "rows": [(job, progress_bar(job)) for job in rows],
            "changes": any(job.status in Job.OPEN for job in rows),
            "sittings_url": list_url("sitting", study__id__exact=study.pk, is_simulated__exact=1),
        }
        return TemplateResponse(request, "admin/studyapp/study/bots.html", context)
