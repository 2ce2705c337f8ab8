"""PostgreSQL, Redis and RabbitMQ where they answer; elsewhere the tests that need them say so and are skipped.

With TACHISTO_REQUIRE_SERVICES=1 (CI) a service that answers on its port must be usable: nothing is skipped then.
"""

import os
import socket
from urllib.parse import urlsplit

import pytest

SERVICES = {
    "postgresql": os.environ.get("TACHISTO_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres"),
    "redis": os.environ.get("TACHISTO_TEST_REDIS", "redis://127.0.0.1:6379/9"),
    "rabbitmq": os.environ.get("TACHISTO_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//"),
}


def refusal_of_postgresql(url: str) -> str | None:
    import psycopg

    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        return str(error).strip()
    return None


def refusal_of_broker(url: str) -> str | None:
    from kombu import Connection
    from kombu.exceptions import OperationalError

    try:
        with Connection(url, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
    except (OperationalError, OSError) as error:
        return str(error)
    return None


@pytest.fixture
def service(request: pytest.FixtureRequest):
    """`service("redis")` is its URL; the test is skipped, with the reason, where the service cannot be used."""

    def url(name: str) -> str:
        address = SERVICES[name]
        parts = urlsplit(address)
        with socket.socket() as probe:
            probe.settimeout(2)
            if probe.connect_ex((parts.hostname or "127.0.0.1", parts.port or 0)) != 0:
                pytest.skip(f"no {name} answers on {parts.hostname}:{parts.port}")
        refusal = refusal_of_postgresql(address) if name == "postgresql" else refusal_of_broker(address)
        if refusal and os.environ.get("TACHISTO_REQUIRE_SERVICES"):
            pytest.fail(f"{name} answers on its port but refuses us: {refusal}")
        if refusal:
            pytest.skip(f"{name} refuses us ({refusal}); TACHISTO_TEST_{name.upper()} names another address")
        return address

    return url
