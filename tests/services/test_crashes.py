"""The crash loop on PostgreSQL: see tests/crashes."""

import pytest

from tests.crashes.loop import crash_loop, trials_a_sitting
from tests.crashes.site import Site, created_database, dropped_database, prepared_folder

pytestmark = pytest.mark.services


@pytest.mark.parametrize(
    ("n_responses", "n_kills", "n_replays"),
    [pytest.param(120, 1, 10, id="short"), pytest.param(2000, 20, 100, id="long", marks=pytest.mark.long)],
)
def test_postgresql_keeps_every_acknowledged_answer_once(service, tmp_path, n_responses, n_kills, n_replays):
    server, name = service("postgresql"), f"tachisto_crash_loop_{n_responses}"
    try:
        url = created_database(server, name)
        site = Site(prepared_folder(tmp_path / "var", trials_a_sitting(n_responses), url), url)
        audit = crash_loop(site, n_responses=n_responses, n_kills=n_kills)
    finally:
        dropped_database(server, name)
    assert audit.is_clean, audit
    assert audit.acknowledged >= n_responses
    assert audit.replays >= n_replays, audit
