"""Nobody's network address is written down, not even by a web server about a request that it cannot read."""

import pytest

from studyapp.addresses import without_addresses


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("Invalid request from ip=203.0.113.7: bad", "Invalid request from ip=[address]: bad"),
        ("from ip=2001:db8::1", "from ip=[address]"),
        ("ip=fe80:0:0:0:1:2:3:4 left", "ip=[address] left"),
        ("<channel ::ffff:203.0.113.7 gone>", "<channel [address] gone>"),
        ("at 10:30:00 gunicorn 27.0.1 booted worker 17", "at 10:30:00 gunicorn 27.0.1 booted worker 17"),
    ],
)
def test_addresses_are_taken_out_of_a_line_and_nothing_else(line, kept):
    assert without_addresses(line) == kept
