"""A second factor at sign-in, for whoever wants one: time-based codes of a phone, and recovery codes on paper.

Who has one is asked for a code after the password, and until then nobody. What a session proved is the very device (by
django-otp, in the session on the server): a session from before the device proves nothing, and with the device gone
neither does any other. django-otp refuses a code that was used; how often codes may be tried is limited here.
"""

import base64
import secrets
import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django_otp import login as prove_session
from django_otp.plugins.otp_totp.models import TOTPDevice

from studyapp import audit
from studyapp.accounts import forget_tries, person, tries_of
from studyapp.limits import Limit
from studyapp.models import RecoveryCode, SignInTries
from studyapp.sittings import code, secret_hash

# Six tries at once, then one in ten minutes. Three of a million codes hold at a time, so somebody who has the password
# and never stops needs four years for an even chance.
LIMIT = Limit(per_s=1 / 600, burst=6)
N_RECOVERY_CODES = 10


class SecondFactorError(ValueError):
    """A code that does not hold, or a step that cannot be taken; the message says what to do."""


def device_of(user: User) -> Any:
    """The device that this person switched on, or None."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def device_to_confirm(user: User) -> Any:
    """A device that was begun and has not shown a code yet, or None."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).first()


def secret_of(device: Any) -> str:
    """The secret as an app takes it where it cannot see the QR code: in groups of four."""
    word = base64.b32encode(device.bin_key).decode().rstrip("=")
    return " ".join(word[i : i + 4] for i in range(0, len(word), 4))


def is_proved(request: HttpRequest) -> bool:
    """Whether this session has shown a code of a device that is still switched on."""
    device = getattr(request.user, "otp_device", None)
    return device is not None and device.confirmed


def is_owed(request: HttpRequest) -> bool:
    """Whether somebody with a second factor is signed in by the password alone."""
    return not is_proved(request) and device_of(person(request)) is not None


def must_set_up(request: HttpRequest) -> bool:
    """Whether this installation wants a second factor of everybody, and this person, who owes no code, has none."""
    return settings.REQUIRE_SECOND_FACTOR and not is_proved(request)


def begin(user: User) -> None:
    """A new secret, to be confirmed by a code, in place of one that was begun before. Raises SecondFactorError."""
    with transaction.atomic():
        _hold(user)
        if device_of(user) is not None:
            raise SecondFactorError("The second factor is on already. Switch it off first.")
        TOTPDevice.objects.filter(user=user).delete()
        TOTPDevice.objects.create(user=user, name="phone", confirmed=False)


def confirm(request: HttpRequest, typed: str) -> list[str]:
    """Switch the begun device on by its first code; new recovery codes. Raises SecondFactorError, TooOften."""
    user = person(request)
    _spend(user)
    with transaction.atomic():
        _hold(user)
        device = device_to_confirm(user)
        if device is None:
            raise SecondFactorError("Nothing is being set up. Begin again.")
        if not device.verify_token(_digits(typed)):
            raise SecondFactorError(
                "This code does not hold. Take the newest one, and see that the clock of the phone is right."
            )
        device.confirmed = True
        device.save(update_fields=["confirmed"])
        codes = _new_codes(user)
        audit.note(user.get_username(), "switched the second factor on")
    _prove(request, device)
    return codes


def prove(request: HttpRequest, typed: str) -> bool:
    """Let this session in by a code of the device or by a recovery code, which is spent; True for the latter.

    Raises SecondFactorError, TooOften.
    """
    user = person(request)
    _spend(user)
    refused = SecondFactorError("This code does not hold, or was used already. Wait for the next one.")
    with transaction.atomic():
        device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
        if device is None:
            raise refused
        is_of_device = device.verify_token(_digits(typed))
        # Whoever deletes the row has spent it; of two sign-ins at once the second finds none.
        is_recovery = not is_of_device and bool(
            RecoveryCode.objects.filter(user=user, code_sha256=_hash(typed)).delete()[0]
        )
        if not is_of_device:
            did = "signed in by a recovery code" if is_recovery else "was refused at the second factor"
            audit.note(user.get_username(), did)
    if not (is_of_device or is_recovery):
        raise refused
    _prove(request, device)
    return is_recovery


def renew_codes(user: User) -> list[str]:
    """New recovery codes in place of those there are. Raises SecondFactorError for who has no second factor."""
    with transaction.atomic():
        if device_of(user) is None:
            raise SecondFactorError("The second factor is off: it has no recovery codes.")
        audit.note(user.get_username(), "made new recovery codes")
        return _new_codes(user)


def switch_off(user: User, *, by: str) -> None:
    """Forget the device and the recovery codes. Raises SecondFactorError for who has none."""
    with transaction.atomic():
        n_devices, _ = TOTPDevice.objects.filter(user=user, confirmed=True).delete()
        if not n_devices:
            raise SecondFactorError(f"{user.get_username()} has no second factor that is switched on.")
        RecoveryCode.objects.filter(user=user).delete()
        audit.note(by, "switched the second factor off", user=user.get_username())


def one_more_code(user: User, *, by: str) -> str:
    """A recovery code for somebody who has lost both; the others still hold. Raises SecondFactorError."""
    with transaction.atomic():
        if device_of(user) is None:
            raise SecondFactorError(f"{user.get_username()} has no second factor: the password is enough.")
        audit.note(by, "made a recovery code for somebody", user=user.get_username())
        return _new_code(user)


def _hold(user: User) -> None:
    """Let no other request of this person set up a device meanwhile, or begin another in its place."""
    User.objects.select_for_update().get(pk=user.pk)


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    return [_new_code(user) for _ in range(N_RECOVERY_CODES)]


def _new_code(user: User) -> str:
    """80 random bits, of which only the hash is kept."""
    word = code(secrets.token_bytes(10))
    RecoveryCode.objects.create(user=user, code_sha256=_hash(word))
    return word


def _spend(user: User) -> None:
    """Take one of this person's tries. Raises TooOften."""
    LIMIT.spend(SignInTries, tries_of("second factor", str(user.pk)), time.time())


def _prove(request: HttpRequest, device: Any) -> None:
    """Note in the session, under a new key, which device was proved; the tries before it are forgotten."""
    request.session.cycle_key()
    prove_session(request, device)
    forget_tries(tries_of("second factor", str(device.user_id)))


def _digits(typed: str) -> str:
    return "".join(typed.split())


def _hash(typed: str) -> str:
    """Hash of a recovery code, whatever its dashes, spaces and case."""
    return secret_hash("".join(filter(str.isalnum, typed)).upper())
