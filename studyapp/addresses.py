"""Keeps participants' network addresses out of what the web servers log of their own accord.

Our own log lines name none (see LOGGING in `settings`). gunicorn names the sender of a request that it cannot
read, waitress that of a broken connection: whatever looks like an address is taken out before it is written.
"""

import logging
import re

SERVER_LOGS = ("gunicorn.error", "gunicorn.access", "waitress", "waitress.queue")
# Four numbers with dots; or hexadecimal digits and colons, two of them together or seven in all, unlike a time of day.
ADDRESS = re.compile(
    r"\b\d{1,3}(?:\.\d{1,3}){3}\b"
    r"|(?<!\w)(?=[0-9a-fA-F:]*::|(?:[0-9a-fA-F]+:){7})[0-9a-fA-F:]+(?:\.\d+){0,3}"
)


def without_addresses(text: str) -> str:
    """The text with every IPv4 and IPv6 address replaced by a word."""
    return ADDRESS.sub("[address]", text)


def strip_addresses(record: logging.LogRecord) -> bool:
    """A filter for loggers: rewrites the record, lets every one through."""
    record.msg, record.args = without_addresses(record.getMessage()), None
    return True


def keep_out_of_logs() -> None:
    """Called once by the web process, whichever server runs it."""
    for name in SERVER_LOGS:
        logging.getLogger(name).addFilter(strip_addresses)
