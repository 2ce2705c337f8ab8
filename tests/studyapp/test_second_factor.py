"""A second factor at sign-in: switched on by a code, owed by every session from then on, each code good once."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from studyapp import second_factor
from studyapp.audit import AuditEntry
from studyapp.models import RecoveryCode, Study
from studyapp.roles import invite
from tests.studyapp.conftest import signed_in

PASSWORD = "correct horse battery staple"
CODE, SETTINGS = "/admin/second_factor/", "/admin/second_factor_settings/"
PAGES = ("/admin/", "/admin/studyapp/study/", "/admin/password_change/", SETTINGS, "/admin/set_password/")


class Phone:
    """An app for codes, and the clock that it shares with the server; the test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0
        self.secret = b""

    def code(self) -> str:
        """A code that was not shown before: half a minute later than the last."""
        self.now_s += 30
        app = TOTP(self.secret)
        app.time = self.now_s
        return f"{app.token():06d}"


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    phone = Phone()
    clock = SimpleNamespace(time=lambda: phone.now_s)
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time", clock)
    return phone


def post(client: Client, act: str, **fields: str) -> Any:
    return client.post(SETTINGS, {"act": act, **fields})


def switched_on(client: Client, phone: Phone) -> list[str]:
    """Switch the second factor on; the recovery codes as the page shows them."""
    assert post(client, "begin", password=PASSWORD).status_code == 302
    phone.secret = TOTPDevice.objects.get(confirmed=False).bin_key
    return post(client, "confirm", code=phone.code()).context["codes"]


def by_password(name: str = "ann") -> Client:
    client = Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": name, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def tried(client: Client, code: str, **more: str) -> Any:
    return client.post(CODE, {"code": code, **more})


# ---- switching on ----


def test_it_is_on_once_a_code_was_shown_and_not_before(researcher: Client, phone: Phone):
    assert b"Set it up" in researcher.get(SETTINGS).content
    assert not TOTPDevice.objects.exists(), "looking changes nothing"
    post(researcher, "begin", password=PASSWORD)
    device = TOTPDevice.objects.get()
    page = researcher.get(SETTINGS).content.decode()
    assert "data:image/svg+xml" in page and second_factor.secret_of(device) in page
    assert is_in(by_password()), "nobody is shut out by a secret that no phone has taken"
    phone.secret = device.bin_key
    wrong = post(researcher, "confirm", code="000000")
    assert "This code does not hold" in wrong.content.decode()
    assert is_in(by_password())
    codes = post(researcher, "confirm", code=phone.code()).context["codes"]
    assert len(set(codes)) == second_factor.N_RECOVERY_CODES
    assert is_in(researcher), "the session that showed the code goes on"
    page = researcher.get(SETTINGS).content.decode()
    assert "10 recovery codes left" in page
    assert not any(code in page for code in codes), "codes are shown once"
    assert second_factor.secret_of(device) not in page


def test_beginning_switching_off_and_new_codes_ask_for_the_password(researcher: Client, phone: Phone):
    assert b"This is not your password" in post(researcher, "begin", password="wrong").content
    assert not TOTPDevice.objects.exists()
    switched_on(researcher, phone)
    for act in ("renew", "off"):
        assert b"This is not your password" in post(researcher, act, password="wrong").content
    assert RecoveryCode.objects.count() == 10
    assert b"The second factor is on" in post(researcher, "begin", password=PASSWORD).content
    assert TOTPDevice.objects.get().bin_key == phone.secret, "a page of before does not replace it"


def test_new_recovery_codes_end_the_old_ones(researcher: Client, phone: Phone):
    old = switched_on(researcher, phone)
    new = post(researcher, "renew", password=PASSWORD).context["codes"]
    assert tried(by_password(), old[0]).status_code == 200
    assert tried(by_password(), new[0]).status_code == 302


def test_after_switching_off_the_password_is_enough_and_old_codes_are_gone(researcher: Client, phone: Phone):
    switched_on(researcher, phone)
    assert post(researcher, "off", password=PASSWORD).status_code == 302
    assert is_in(researcher) and is_in(by_password())
    assert not TOTPDevice.objects.exists() and not RecoveryCode.objects.exists()


# ---- signing in ----


def test_a_password_alone_reaches_no_page(researcher: Client, phone: Phone):
    switched_on(researcher, phone)
    client = by_password()
    for page in PAGES:
        assert client.get(page).url == f"{CODE}?next={quote(page, safe='')}", page
        assert client.post(page, {"act": "off", "password": PASSWORD}).url == CODE, page
    assert b"second factor" in client.get(CODE).content
    answer = tried(client, phone.code(), next="/admin/studyapp/study/")
    assert answer.url == "/admin/studyapp/study/"
    assert is_in(client)


def test_a_session_from_before_the_second_factor_owes_a_code(researcher: Client, phone: Phone):
    before = by_password()
    assert is_in(before)
    switched_on(researcher, phone)
    assert not is_in(before)
    tried(before, phone.code())
    assert is_in(before)


def test_what_a_session_proved_ends_with_the_device(researcher: Client, phone: Phone):
    """Also where a new one takes its place: the proof names the device, and is no mark that one could keep."""
    switched_on(researcher, phone)
    other = by_password()
    tried(other, phone.code())
    post(researcher, "off", password=PASSWORD)
    switched_on(researcher, phone)
    assert is_in(researcher) and not is_in(other)


def test_a_proof_of_somebody_else_s_device_proves_nothing(researcher: Client, phone: Phone):
    switched_on(researcher, phone)
    own = TOTPDevice.objects.get()
    bob = signed_in("bob", is_staff=True)
    switched_on(bob, phone)
    client = by_password("bob")
    session = client.session
    session["otp_device_id"] = own.persistent_id
    session.save()
    assert not is_in(client)


def test_a_code_is_good_once(researcher: Client, phone: Phone):
    switched_on(researcher, phone)
    phone.now_s -= 30
    assert tried(by_password(), phone.code()).status_code == 200, "the one that switched it on"
    code = phone.code()
    assert tried(by_password(), f"{code[:3]} {code[3:]}").status_code == 302
    again = tried(by_password(), code)
    assert "does not hold, or was used already" in again.content.decode()


def test_a_recovery_code_stands_in_once_however_it_is_written(researcher: Client, phone: Phone):
    code = switched_on(researcher, phone)[0]
    first, second = by_password(), by_password()
    assert tried(first, code.lower().replace("-", " ")).status_code == 302
    assert "You have 9 left" in first.get("/admin/").content.decode()
    assert tried(second, code).status_code == 200
    assert code not in str(list(RecoveryCode.objects.values())), "only hashes are kept"


def test_too_many_codes_are_refused_also_the_right_one(researcher: Client, phone: Phone):
    codes = switched_on(researcher, phone)
    client = by_password()
    for _ in range(second_factor.LIMIT.burst):
        assert "does not hold" in tried(client, "000000").content.decode()
    for code in (phone.code(), codes[0]):
        assert "Too many codes were tried. Wait" in tried(client, code).content.decode()
    assert not is_in(client) and RecoveryCode.objects.count() == 10


def test_a_code_leads_to_no_other_site_and_a_new_key_of_the_session(researcher: Client, phone: Phone):
    switched_on(researcher, phone)
    client = by_password()
    before = client.session.session_key
    assert tried(client, phone.code(), next="https://example.org/").url == "/admin/"
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_who_owes_a_code_accepts_no_invitation(researcher: Client, phone: Phone, draft_study: Study):
    switched_on(researcher, phone)
    link = reverse("admin:invitation", args=[invite(draft_study, "owner", by=User.objects.get())])
    client = by_password()
    assert client.post(link).url == CODE
    assert not draft_study.roles.exists()


# ---- where everybody has to have one; what is written down; help ----


def test_where_all_must_have_one_it_comes_before_everything(researcher: Client, phone: Phone, settings: Any):
    settings.REQUIRE_SECOND_FACTOR = True
    for page in PAGES[:3]:
        assert researcher.get(page).url == SETTINGS, page
    assert b"This installation asks everybody" in researcher.get(SETTINGS).content
    switched_on(researcher, phone)
    assert is_in(researcher)
    post(researcher, "off", password=PASSWORD)
    assert not is_in(researcher)


def test_nobody_else_s_secret_is_shown_in_the_admin(researcher: Client, phone: Phone):
    switched_on(researcher, phone)
    assert researcher.get("/admin/otp_totp/totpdevice/").status_code == 404
    assert b"column-has_second_factor" in researcher.get("/admin/auth/user/").content, "that it is on is"


def test_changes_refusals_and_recovery_codes_stand_in_the_audit_log(researcher: Client, phone: Phone):
    codes = switched_on(researcher, phone)
    tried(by_password(), "000000")
    tried(by_password(), codes[0])
    post(researcher, "renew", password=PASSWORD)
    call_command("second_factor", "ann")
    post(researcher, "off", password=PASSWORD)
    told = list(AuditEntry.objects.order_by("number").values_list("actor", "action"))
    assert [action for _, action in told] == [
        "switched the second factor on",
        "was refused at the second factor",
        "signed in by a recovery code",
        "made new recovery codes",
        "made a recovery code for somebody",
        "switched the second factor off",
    ]
    assert {actor for actor, action in told if "for somebody" not in action} == {"ann"}
    details = str(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert not any(code in details for code in codes)


def test_the_operator_gives_a_code_that_lets_in_once_and_never_the_password_alone(
    researcher: Client, phone: Phone, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(CommandError, match="ann has no second factor: the password is enough"):
        call_command("second_factor", "ann")
    switched_on(researcher, phone)
    call_command("second_factor", "ann")
    code = capsys.readouterr().out.strip()
    client = by_password()
    assert not is_in(client)
    assert tried(client, code).status_code == 302
    assert tried(by_password(), code).status_code == 200
    call_command("second_factor", "ann", "--off")
    assert is_in(by_password())
    with pytest.raises(CommandError, match="found nobody called eve"):
        call_command("second_factor", "eve")
