"""The two pages of the second factor: a code after the password, and switching it on and off. POST alone acts."""

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from studyapp.accounts import OwnPasswordForm, person
from studyapp.limits import TooOften
from studyapp.models import RecoveryCode
from studyapp.second_factor import (
    SecondFactorError,
    begin,
    confirm,
    device_of,
    device_to_confirm,
    is_owed,
    must_set_up,
    prove,
    renew_codes,
    secret_of,
    switch_off,
)

ACTS = ("begin", "renew", "off")  # what a password is asked for; the rest is confirming


class CodeForm(forms.Form):
    code = forms.CharField(
        label="Code",
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "autofocus": True,
                "spellcheck": "false",
            }
        ),
    )


@never_cache
def code_view(request: HttpRequest, **context: Any) -> HttpResponse:
    """Asks for a code; on POST lets the session in, and leads to what was asked for."""
    there = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(there, {request.get_host()}, require_https=request.is_secure())
    there = there if is_ours else reverse("admin:index")
    if not is_owed(request):
        return redirect(there)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            if prove(request, form.cleaned_data["code"]):
                messages.warning(request, "This recovery code is spent. " + _left(request))
            return redirect(there)
        except (SecondFactorError, TooOften) as error:
            form.add_error("code", _said(error))
    context |= {"title": "Your code", "form": form, "next": there}
    return TemplateResponse(request, "admin/second_factor.html", context)


@never_cache
def settings_view(request: HttpRequest, **context: Any) -> HttpResponse:
    """What is on and what can be done; on POST it is done. New recovery codes are in the answer, once."""
    user, codes = person(request), []
    act = request.POST.get("act", "")
    passwords = {
        name: OwnPasswordForm(user, request.POST if act == name else None, auto_id=f"{name}_%s")
        for name in ACTS
    }
    code_form = CodeForm(request.POST if act == "confirm" else None)
    form: forms.Form = passwords.get(act, code_form)
    if request.method == "POST" and form.is_valid():
        try:
            if act == "begin":
                begin(user)
            elif act == "renew":
                codes = renew_codes(user)
            elif act == "off":
                switch_off(user, by=user.get_username())
                messages.success(request, "The second factor is off: the password is enough again.")
            else:
                codes = confirm(request, code_form.cleaned_data["code"])
            if not codes:
                return redirect("admin:second_factor_settings")
        except (SecondFactorError, TooOften) as error:
            form.add_error(None, _said(error))
    begun, is_wanted = device_to_confirm(user), must_set_up(request)
    context |= {
        **({"places": []} if is_wanted else {}),
        "is_wanted": is_wanted,
        "title": "Second factor",
        "is_on": device_of(user) is not None,
        "codes": codes,
        "n_codes": RecoveryCode.objects.filter(user=user).count(),
        "passwords": passwords,
        "code_form": code_form,
        "qr": segno.make(begun.config_url, error="m", micro=False).svg_data_uri(scale=5) if begun else "",
        "secret": secret_of(begun) if begun else "",
    }
    return TemplateResponse(request, "admin/second_factor_settings.html", context)


def _said(error: SecondFactorError | TooOften) -> str:
    if isinstance(error, TooOften):
        return f"Too many codes were tried. Wait {error.retry_after_s} seconds, then try once more."
    return str(error)


def _left(request: HttpRequest) -> str:
    n = RecoveryCode.objects.filter(user=person(request)).count()
    return f"You have {n} left; under Second factor you can make new ones, or set up another phone."
