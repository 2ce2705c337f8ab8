"""The real web server writes nobody's address into its log, whatever it is sent."""

import http.client
import socket

from tests.crashes.site import HOST, Site


def test_no_address_is_logged_for_good_bad_and_unreadable_requests(prepared, tmp_path):
    site = Site.copied(prepared, tmp_path / "var")
    site.start()
    try:
        for path in ("/s/crash/", "/s/nowhere/", "/s/crash/api/pictures"):
            connection = http.client.HTTPConnection(HOST, site.port, timeout=30)
            connection.request("GET", path, headers={"X-Forwarded-For": "203.0.113.7"})
            connection.getresponse().read()
            connection.close()
        with socket.create_connection((HOST, site.port), 30) as raw:
            raw.sendall(b"no request at all\r\n\r\n")
            assert b" 400 " in raw.recv(1000)
    finally:
        site.close()
    log = site.log.read_text()
    assert "Invalid request from ip=[address]" in log
    assert HOST not in log
    assert "203.0.113.7" not in log
