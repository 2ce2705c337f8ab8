"""Staff accounts: signing in, so often and no oftener, and the one-use password that `demo` prints."""

import getpass
import hmac
import secrets
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest

from studyapp.limits import Limit, TooOften
from studyapp.models import OneUsePassword, SignInTries


class OneUsePasswordBackend(BaseBackend):
    """Signs a user in with the one-use password and spends it."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        row = (
            OneUsePassword.objects.select_related("user")
            .filter(user__username=username or "", user__is_active=True)
            .first()
        )
        if row is None:
            # As much work as for a user who has one, so that the time an answer takes tells nothing.
            make_password(password or "")
            return None
        if not check_password(password or "", row.password_hash):
            return None
        # Whoever deletes the row has spent it; of two sign-ins at once the second finds none.
        n_spent, _ = OneUsePassword.objects.filter(pk=row.pk, password_hash=row.password_hash).delete()
        return row.user if n_spent else None

    def get_user(self, user_id: int) -> User | None:
        return User.objects.filter(pk=user_id, is_active=True).first()


def one_use_password(username: str) -> str | None:
    """A new one-use password for this superuser, made if need be; None if they have set an own one."""
    user = User.objects.filter(username=username).first()
    if user is None:
        user = User.objects.create_superuser(username=username, password=None)
    if user.has_usable_password():
        return None
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    OneUsePassword.objects.update_or_create(user=user, defaults={"password_hash": make_password(password)})
    return password


def person(request: HttpRequest) -> User:
    """Who asks, where the site has made sure that somebody is signed in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


# Ten tries at once, then one a minute: a person who mistypes waits little, a list of passwords takes years.
SIGN_IN_LIMIT = Limit(per_s=1 / 60, burst=10)
PLACES = 65_536


def tries_of(what: str, word: str) -> int:
    """The key of the row where tries of a name at something are counted: one however it is written, known or not."""
    word = unicodedata.normalize("NFKC", word).casefold()
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"{what}:{word}".encode(), "sha256")
    tries, _ = SignInTries.objects.get_or_create(place=int.from_bytes(digest[:4]) % PLACES)
    return tries.pk


def forget_tries(key: int) -> None:
    """What was typed was right: the tries before it do not count."""
    SignInTries.objects.filter(pk=key).update(bucket_full_s=0)


@contextmanager
def try_of_password(username: str) -> Iterator[None]:
    """One try at a name's password; inside, ValidationError says that it was wrong. Raises it where tries are spent."""
    tries = tries_of("sign-in", username)
    try:
        SIGN_IN_LIMIT.spend(SignInTries, tries, time.time())
    except TooOften as error:
        raise ValidationError(
            f"This name was tried too often. Wait {error.retry_after_s} seconds, then try once more.",
            code="too_often",
        ) from error
    yield
    forget_tries(tries)


class SignInForm(AdminAuthenticationForm):
    """Django's form, with a limit on tries by name. No address is looked at, so that none is kept."""

    def clean(self) -> dict[str, Any]:
        if not self.cleaned_data.get("password"):
            return super().clean()  # nothing was tried, and nothing was right
        with try_of_password(self.cleaned_data.get("username") or ""):
            return super().clean()


class OwnPasswordForm(forms.Form):
    """Asks somebody who is signed in for their password once more; tries count as those at the sign-in."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        with try_of_password(self.user.get_username()):
            if not self.user.check_password(self.cleaned_data["password"]):
                raise ValidationError("This is not your password.")
        return self.cleaned_data["password"]


def at_the_command_line() -> str:
    """Who runs a command, as the audit log calls them."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "command line"
