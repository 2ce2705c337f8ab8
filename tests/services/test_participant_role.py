"""PostgreSQL itself keeps the truth from the participants' web process: a role that sits through but cannot look."""

from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import errors

from tests.crashes.loop import crash_loop, trials_a_sitting
from tests.crashes.site import Site, created_database, dropped_database, prepared_folder
from tests.studyapp.test_settings import manage

pytestmark = pytest.mark.services
DATABASE, ROLE = "tachisto_role_test", "tachisto_participants"
N_RESPONSES = 60


def administer(server: str, *statements: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.fixture
def role_url(service, tmp_path):
    """The address of a database with an open study, for the restricted role."""
    server = service("postgresql")
    owner_url = created_database(server, DATABASE)
    administer(server, f"DROP ROLE IF EXISTS {ROLE}", f"CREATE ROLE {ROLE} LOGIN PASSWORD 'test'")
    try:
        prepared_folder(tmp_path / "var", trials_a_sitting(N_RESPONSES), owner_url)
        done = manage("participant_role", ROLE, TACHISTO_DATA=str(tmp_path / "var"), DATABASE_URL=owner_url)
        assert done.returncode == 0, done.stderr
        parts = urlsplit(owner_url)
        yield urlunsplit(parts._replace(netloc=f"{ROLE}:test@{parts.hostname}:{parts.port or 5432}"))
    finally:
        dropped_database(server, DATABASE)
        administer(server, f"DROP ROLE IF EXISTS {ROLE}")


def test_the_role_sits_through_to_the_debrief_and_cannot_look_at_the_truth(role_url, tmp_path):
    site = Site(tmp_path / "var", role_url)
    audit = crash_loop(site, n_responses=N_RESPONSES, n_kills=0)
    assert audit.is_clean, audit
    assert audit.acknowledged >= N_RESPONSES
    assert "permission denied" not in site.log.read_text()
    for query in (
        "SELECT image_id FROM studyapp_stimulus",
        "SELECT * FROM studyapp_stimulus",
        "SELECT id FROM studyapp_stimulus ORDER BY image_id",
        "SELECT image_set_id FROM studyapp_studysource",
        "SELECT definition FROM studyapp_study",
        "SELECT sha256 FROM studyapp_image",
        "SELECT is_real FROM studyapp_imageset",
        "UPDATE studyapp_response SET answer = 'real'",
        "DELETE FROM studyapp_sitting",
        "SELECT password FROM auth_user",
    ):
        with psycopg.connect(role_url) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(query.encode())


def test_an_unknown_role_and_another_kind_of_database_are_refused_in_words(service, tmp_path):
    for url, words in (
        (service("postgresql"), 'role "nobody_here" does not exist'),
        ("", "expected a PostgreSQL"),
    ):
        done = manage("participant_role", "nobody_here", TACHISTO_DATA=str(tmp_path), DATABASE_URL=url)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr
