"""Who may do what in one study, and the links that invite somebody; and the page that such a link opens."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.cache import never_cache

from studyapp.accounts import person
from studyapp.admin.step_pages import study_or_404
from studyapp.models import StudyRole
from studyapp.roles import PEOPLE, InvitationError, Role, accept, give, invitation_of, invite, may, take


class RoleForm(forms.Form):
    """A role for somebody who has an account; without a name, an invitation for somebody who may have none."""

    username = forms.CharField(
        label="User name", required=False, max_length=150, help_text="empty: a link that invites somebody"
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.ANALYST)

    def clean_username(self) -> User | None:
        name = self.cleaned_data["username"]
        if not name:
            return None
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise forms.ValidationError(
                f"Nobody here is called {name}. Leave the field empty for a link that invites them."
            )
        return user


class PeoplePages(admin.ModelAdmin):
    """The page of a study's people, for its owners."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.people_view)
        return [path("<path:object_id>/people/", view, name="studyapp_study_people"), *super().get_urls()]

    def people_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Roles of a study; on POST one is given or taken, or an invitation made."""
        study = study_or_404(self, request, object_id)
        if not may(person(request), study, PEOPLE):
            raise PermissionDenied
        here = redirect("admin:studyapp_study_people", study.pk)
        who = person(request).get_username()
        if taken := request.POST.get("take"):
            held = study.roles.select_related("user").filter(pk=taken if taken.isdecimal() else 0).first()
            if held is not None:
                take(study, held.user, by=who)
                messages.success(request, f"{held.user} has no role in {study} any more.")
            return here
        form = RoleForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            user, role = form.cleaned_data["username"], form.cleaned_data["role"]
            if user is not None:
                give(study, user, role, by=who)
                messages.success(request, f"{user} is {role} of {study} now.")
                return here
            word = invite(study, role, by=person(request))
            address = request.build_absolute_uri(reverse("admin:invitation", args=[word]))
            messages.warning(
                request,
                f"Send this link to one person; it works once, within a week, and is not shown again: {address}",
            )
            return here
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"People of {study}",
            "study": study,
            "form": form,
            "roles": study.roles.select_related("user").order_by("role", "user__username"),
            "role_words": StudyRole.Role.choices,
        }
        return TemplateResponse(request, "admin/studyapp/study/people.html", context)


@never_cache
def invitation_view(request: HttpRequest, word: str, **context: Any) -> HttpResponse:
    """What an invitation opens: its role for whoever is signed in, else a new account. POST alone acts."""
    try:
        invitation = invitation_of(word)
        form: Any = None if request.user.is_authenticated else UserCreationForm(request.POST or None)
        if request.method == "POST" and (form is None or form.is_valid()):
            if form is not None:
                login(request, form.save(), backend="django.contrib.auth.backends.ModelBackend")
            study = accept(word, person(request))
            messages.success(request, f"You are {invitation.role} of {study} now.")
            return redirect("admin:index")
    except InvitationError as error:
        context |= {"title": "No invitation", "refusal": str(error)}
        return TemplateResponse(request, "admin/invitation.html", context, status=410)
    context |= {
        "title": f"You are invited to the study {invitation.study}",
        "invitation": invitation,
        "form": form,
    }
    return TemplateResponse(request, "admin/invitation.html", context)
