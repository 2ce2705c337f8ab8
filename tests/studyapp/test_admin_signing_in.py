"""Coming in: the one-use password, the own one that follows, and what stays shut."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from studyapp import accounts
from studyapp.accounts import one_use_password
from studyapp.models import ImageSet, OneUsePassword, SignInTries, Study
from tests.studyapp.conftest import signed_in

LOGIN = "/admin/login/?next=/admin/"
OWN = "a sentence nobody else would think of"


def sign_in(client: Client, username: str, password: str):
    return client.post(LOGIN, {"username": username, "password": password})


@pytest.fixture
def newcomer(db: None) -> Client:
    """A browser that has just spent the one-use password of `admin`."""
    password = one_use_password("admin")
    client = Client()
    assert sign_in(client, "admin", password or "").status_code == 302
    return client


def test_the_one_use_password_works_once(db: None):
    password = one_use_password("admin") or ""
    assert sign_in(Client(), "admin", password).status_code == 302
    again = sign_in(Client(), "admin", password)
    assert again.status_code == 200
    assert "Please enter the correct username and password" in again.content.decode()


def test_a_wrong_guess_does_not_spend_it(db: None):
    password = one_use_password("admin") or ""
    assert sign_in(Client(), "admin", "0000-0000-0000-0000").status_code == 200
    assert sign_in(Client(), "admin", password).status_code == 302


def test_a_new_one_use_password_replaces_the_old_one(db: None):
    old, new = one_use_password("admin") or "", one_use_password("admin") or ""
    assert sign_in(Client(), "admin", old).status_code == 200
    assert sign_in(Client(), "admin", new).status_code == 302


def test_a_deactivated_user_cannot_use_it(db: None):
    password = one_use_password("admin") or ""
    User.objects.update(is_active=False)
    assert sign_in(Client(), "admin", password).status_code == 200
    assert OneUsePassword.objects.exists()


@pytest.mark.parametrize(
    "page", ["/admin/", "/admin/studyapp/study/", "/admin/auth/user/1/change/", "/admin/password_change/"]
)
def test_before_an_own_password_every_page_leads_to_setting_one(newcomer: Client, page: str):
    assert newcomer.get(page).url == reverse("admin:set_password")
    assert newcomer.post(page, {"action": "delete_selected"}).url == reverse("admin:set_password")


def test_setting_a_password_keeps_the_session_and_opens_the_site(newcomer: Client):
    answer = newcomer.post(
        reverse("admin:set_password"), {"new_password1": OWN, "new_password2": OWN}, follow=True
    )
    assert answer.status_code == 200
    assert answer.request["PATH_INFO"] == "/admin/"
    assert sign_in(Client(), "admin", OWN).status_code == 302
    assert one_use_password("admin") is None, "who has an own password gets no one-use password"


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "at least 12 characters"),
        ("123456789012345", "entirely numeric"),
        ("administrator", "similar"),
    ],
)
def test_a_weak_password_is_refused(newcomer: Client, password: str, why: str):
    answer = newcomer.post(
        reverse("admin:set_password"), {"new_password1": password, "new_password2": password}
    )
    assert answer.status_code == 200
    assert why in answer.content.decode()
    assert not User.objects.get(username="admin").has_usable_password()


def test_who_has_a_password_is_led_to_changing_it(researcher: Client):
    assert researcher.get(reverse("admin:set_password")).url == reverse("admin:password_change")
    assert researcher.get(reverse("admin:password_change")).status_code == 200


def test_the_sign_in_page_does_not_tell_who_exists(db: None):
    one_use_password("newcomer")
    User.objects.create_user("visitor", password=OWN)
    texts = set()
    for name in ("newcomer", "visitor", "nobody"):
        page = sign_in(Client(), name, "wrong guess entirely").content.decode()
        assert page.count(name) == 1, "the name stands in its field again, and nowhere else"
        texts.add(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.replace(name, "")))
    assert len(texts) == 1


def admin_pages(study: Study) -> list[str]:
    image_set = ImageSet.objects.earliest("pk")
    return [
        reverse("admin:index"),
        reverse("admin:studyapp_study_change", args=[study.pk]),
        reverse("admin:studyapp_study_open", args=[study.pk]),
        reverse("admin:studyapp_study_export", args=[study.pk]),
        reverse("admin:studyapp_study_preset"),
        reverse("admin:studyapp_imageset_sheet", args=[image_set.pk, "sheet"]),
        reverse("admin:studyapp_imageset_generate"),
        reverse("admin:studyapp_imageset_add"),
    ]


def test_nobody_but_staff_reaches_pictures_exports_and_steps(small_study: Study):
    for client in (Client(), signed_in("visitor")):
        for page in admin_pages(small_study):
            assert client.get(page).url.startswith("/admin/login/"), page
            assert client.post(page).url.startswith("/admin/login/"), page


def test_staff_without_permission_is_refused_on_a_page(staff_with: Callable[..., Client], small_study: Study):
    client = staff_with()
    assert "may not look at anything yet" in client.get(reverse("admin:index")).content.decode()
    for page in admin_pages(small_study)[1:]:
        answer = client.get(page)
        assert answer.status_code == 403, page
        assert "not for your account" in answer.content.decode()


def test_who_may_only_look_at_studies_can_export_but_not_close(
    staff_with: Callable[..., Client], small_study: Study
):
    client = staff_with("view_study")
    export = client.post(reverse("admin:studyapp_study_export", args=[small_study.pk]))
    assert export.headers["Content-Type"] == "application/zip"
    assert export.getvalue().startswith(b"PK")
    page = client.get(reverse("admin:studyapp_study_change", args=[small_study.pk])).content.decode()
    assert "Export the data" in page
    assert "Close the study" not in page
    assert client.post(reverse("admin:studyapp_study_close", args=[small_study.pk])).status_code == 403
    small_study.refresh_from_db()
    assert small_study.status == Study.Status.OPEN


# ---- not too often ----


def try_to_sign_in(name: str, password: str) -> str:
    return Client().post("/admin/login/", {"username": name, "password": password}).content.decode()


@pytest.mark.parametrize("name", ["ann", "nobody-here"])
def test_a_name_that_is_tried_too_often_is_refused_known_or_not(researcher: Client, name: str):
    for _ in range(accounts.SIGN_IN_LIMIT.burst):
        assert "tried too often" not in try_to_sign_in(name, "wrong")
    assert "This name was tried too often. Wait" in try_to_sign_in(name, "wrong")
    # Also the right password has to wait, or guesses would go on; other names do not.
    assert "tried too often" in try_to_sign_in(name.upper(), "correct horse battery staple")
    assert "tried too often" not in try_to_sign_in("somebody-else", "wrong")


def test_a_form_without_a_password_is_no_way_to_have_wrong_ones_forgotten(researcher: Client):
    for _ in range(10):
        try_to_sign_in("ann", "wrong")
        try_to_sign_in("ann", "")
    assert "tried too often" in try_to_sign_in("ann", "wrong")


def test_the_right_password_forgets_the_tries_before_it(researcher: Client):
    for _ in range(3):
        for _ in range(accounts.SIGN_IN_LIMIT.burst - 1):
            assert "tried too often" not in try_to_sign_in("ann", "wrong")
        assert try_to_sign_in("ann", "correct horse battery staple") == ""  # on to the first page


def test_no_word_of_the_name_is_kept(researcher: Client):
    try_to_sign_in("ann", "wrong")
    row = SignInTries.objects.values().get()
    assert set(row) == {"id", "bucket_full_s", "place"}
