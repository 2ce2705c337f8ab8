"""Nothing that was acknowledged is lost, doubled or altered, whatever is killed or cut; and the loop would see it."""

import pytest

from tests.crashes.conftest import FEW
from tests.crashes.loop import crash_loop, trials_a_sitting
from tests.crashes.site import Site, prepared_folder

MANY = 2000


def test_a_killed_server_and_a_broken_network_lose_double_and_alter_nothing(prepared, tmp_path):
    audit = crash_loop(Site.copied(prepared, tmp_path / "var"), n_responses=FEW, n_kills=2)
    assert audit.is_clean, audit
    assert audit.acknowledged >= FEW
    # Without these the loop would have shown nothing: a kill rarely falls between commit and reply.
    assert audit.replays >= 10, audit
    assert audit.cuts >= 0.2 * audit.connections, audit


@pytest.mark.parametrize(
    ("bug", "seen_as"),
    [("no_key", "doubled"), ("check_then_insert", "doubled"), ("early_acknowledgement", "lost")],
)
def test_the_loop_sees_a_planted_bug(unguarded, tmp_path, bug, seen_as):
    site = Site.copied(unguarded, tmp_path / "var", application=f"tests.crashes.planted.{bug}")
    audit = crash_loop(site, n_responses=FEW, n_kills=0)
    assert getattr(audit, seen_as) > 0, audit


@pytest.mark.long
def test_two_thousand_answers_survive_twenty_kills(tmp_path):
    site = Site(prepared_folder(tmp_path / "var", trials_a_sitting(MANY)))
    audit = crash_loop(site, n_responses=MANY, n_kills=20)
    assert audit.is_clean, audit
    assert audit.acknowledged >= MANY
    assert audit.kills >= 20
    assert audit.replays >= 100, audit
