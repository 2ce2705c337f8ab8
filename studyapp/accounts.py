"""Staff accounts: signing in, so often and no oftener, and the one-use password that `demo` prints."""

import getpass
import hmac
import secrets
import time
import unicodedata
from typing import Any

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


def place_of_name(username: str) -> int:
    """Where the tries of a name are counted: the same place for every way of writing it, known or not."""
    word = unicodedata.normalize("NFKC", username).casefold()
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"sign-in:{word}".encode(), "sha256")
    return int.from_bytes(digest[:4]) % PLACES


class SignInForm(AdminAuthenticationForm):
    """Django's form, with a limit on tries by name. No address is looked at, so that none is kept."""

    def clean(self) -> dict[str, Any]:
        tries, _ = SignInTries.objects.get_or_create(
            place=place_of_name(self.cleaned_data.get("username") or "")
        )
        row = SignInTries.objects.filter(pk=tries.pk)
        try:
            SIGN_IN_LIMIT.spend(row, time.time())
        except TooOften as error:
            raise ValidationError(
                f"This name was tried too often. Wait {error.retry_after_s} seconds, then try once more.",
                code="too_often",
            ) from error
        cleaned = super().clean()
        row.update(bucket_full_s=0)  # the right password: the tries before it are forgotten
        return cleaned


def at_the_command_line() -> str:
    """Who runs a command, as the audit log calls them."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a user without a name, as in some containers
        return "command line"
