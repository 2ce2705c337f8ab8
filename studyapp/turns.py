"""Whose turn it is to write: the transactions that participants wait for stand in a queue.

SQLite lets one connection write at a time and has the others ask again after pauses of up to a tenth of a second, so
that some are overtaken for seconds. The lock of a file is handed on as soon as it is free, to whoever waits for it, and
taken back from a process that dies. PostgreSQL queues by itself; on Windows people wait as SQLite has them wait.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction

if os.name == "posix":
    import fcntl


@contextmanager
def in_turn(*, durable: bool = False) -> Iterator[None]:
    """A transaction that begins when its turn has come. Raises OperationalError if it came too late."""
    with _turn(), transaction.atomic(durable=durable):
        yield


@contextmanager
def _turn() -> Iterator[None]:
    # Inside a transaction it is our turn already.
    if connection.vendor != "sqlite" or os.name != "posix" or connection.in_atomic_block:
        yield
        return
    begin_s, longest_s = time.monotonic(), connection.settings_dict["OPTIONS"]["timeout"]
    with open(f"{connection.settings_dict['NAME']}-queue", "ab") as queue:  # noqa: PTH123  closing it hands it on
        fcntl.flock(queue, fcntl.LOCK_EX)
        waited_s = time.monotonic() - begin_s
        if waited_s > longest_s:
            raise OperationalError(f"expected a turn to write within {longest_s} s, waited {waited_s:.1f} s")
        yield
