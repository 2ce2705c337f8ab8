"""Words that open the researchers' API: made once, shown once, kept as hashes, taken back at any time."""

import hashlib
import secrets
import time
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from studyapp.limits import Limit
from studyapp.models import ApiToken

PREFIX = "tachisto_"
# A script that asks for figures every second, and one that begins with a list of studies.
API_LIMIT = Limit(per_s=5, burst=60)
NOTED_EVERY = timedelta(minutes=1)


def new_token(
    user: User, label: str, expires_utc: datetime | None = None, *, scope: str = ApiToken.Scope.READ
) -> tuple[ApiToken, str]:
    """A token and its word of 256 random bits, which nobody can learn again."""
    word = new_word()
    token = ApiToken.objects.create(
        user=user, label=label, token_sha256=hash_of(word), expires_utc=expires_utc, scope=scope
    )
    return token, word


def new_word() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def hash_of(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def token_of(word: str) -> ApiToken | None:
    """The valid token with this word, of somebody who may still come in. Raises TooOften."""
    now = timezone.now()
    token = (
        ApiToken.objects.select_related("user")
        .filter(token_sha256=hash_of(word), revoked_utc=None, user__is_active=True, user__is_staff=True)
        .filter(Q(expires_utc=None) | Q(expires_utc__gt=now))
        .first()
    )
    if token is None:
        return None
    API_LIMIT.spend(ApiToken, token.pk, time.time())
    if token.last_used_utc is None or now - token.last_used_utc > NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_utc=now)
    return token
