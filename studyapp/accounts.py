"""Staff accounts: the one-use password that `demo` prints, spent by the first sign-in."""

import secrets
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.http import HttpRequest

from studyapp.models import OneUsePassword


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
