"""What the site says about its surroundings."""

import sqlite3

import pytest
from django.core.checks import run_checks


def messages(version: tuple[int, int, int], monkeypatch, databases) -> list[str]:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    return [m.id for m in run_checks(databases=databases) if m.id == "studyapp.W001"]


@pytest.mark.django_db
def test_an_old_sqlite_is_warned_of_when_databases_are_asked_about(monkeypatch, settings):
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert messages((3, 51, 2), monkeypatch, ["default"]) == ["studyapp.W001"]
    assert messages((3, 51, 3), monkeypatch, ["default"]) == []
    assert messages((3, 51, 2), monkeypatch, None) == []
