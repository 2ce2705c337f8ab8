"""A browser without a screen: one kept connection, cookies, forms, redirects, and asking again after a failure.

Standard library alone. Knows HTTP and what a page carries for programs (hidden fields, its config); leaves
what is asked of the site to `walk`.
"""

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

# As in retry.js: passing troubles, waits that double from half a second, of which half is random.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
SHORTEST_S, LONGEST_S = 0.5, 30.0
PATIENCE_S = 60.0
TIMEOUT_S = 30.0
MAX_REDIRECTS = 5


class BotError(RuntimeError):
    """A simulated participant cannot go on; the message says where, what was expected and what came."""


class PageParts(HTMLParser):
    """What a page carries for programs: hidden fields of its forms, `config`, and its title for errors."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.config: dict[str, Any] = {}
        self.title = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "input" and named.get("type") == "hidden" and named.get("name"):
            self.fields[str(named["name"])] = named.get("value") or ""
        elif tag == "title" or (tag == "script" and named.get("id") == "config"):
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.config = json.loads(data)
        elif self._inside == "title":
            self.title += data.strip()


@dataclass(frozen=True)
class Answer:
    """A whole answer of the server; `url` is where redirects led."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def page(self) -> PageParts:
        parts = PageParts()
        parts.feed(self.body.decode())
        return parts


@dataclass
class Browser:
    """One person's browser at one site, `origin` such as http://127.0.0.1:8000.

    Troubles that pass (no connection, a busy server) are waited out for `patience_s` with growing pauses;
    `stopped` ends them early. Raises BotError when patience runs out.
    """

    origin: str
    rng: random.Random
    stopped: threading.Event = field(default_factory=threading.Event)
    patience_s: float = PATIENCE_S
    cookies: dict[str, str] = field(default_factory=dict)
    n_retries: int = 0
    _connection: http.client.HTTPConnection | None = None

    # ---- what a person or a page asks ----

    def get(self, url: str) -> Answer:
        return self._followed("GET", url)

    def post_form(self, url: str, fields: dict[str, str]) -> Answer:
        """Send a form and go where it leads."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._followed("POST", url, urlencode(fields).encode(), headers)

    def post_json(self, url: str, body: Any, csrf_token: str) -> Any:
        """The JSON that answers. Raises BotError with the server's own sentence for a refusal."""
        headers = {"Content-Type": "application/json", "X-CSRFToken": csrf_token}
        answer = self._persistent("POST", url, json.dumps(body).encode(), headers)
        try:
            told = json.loads(answer.body)
        except ValueError:
            told = {}
        if answer.status != 200:
            raise BotError(f"{url}: expected 200, got {answer.status} ({told.get('message', 'no JSON')})")
        return told

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ---- how ----

    def _followed(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        answer = self._persistent(method, url, body, headers or {})
        for _ in range(MAX_REDIRECTS):
            if answer.status not in (301, 302, 303):
                break
            answer = self._persistent("GET", urljoin(answer.url, answer.headers["Location"]), None, {})
        if answer.status != 200:
            raise BotError(f"{answer.url}: expected a page, got {answer.status} ({answer.page().title})")
        return answer

    def _persistent(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        """The answer, asked for again while the trouble may pass."""
        url = urljoin(self.origin, url)
        give_up_at, pause_s = time.monotonic() + self.patience_s, SHORTEST_S
        while not self.stopped.is_set():
            try:
                answer = self._exchange(method, url, body, headers)
                if answer.status not in PASSING:
                    return answer
                trouble = f"status {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                self.close()
                trouble = str(error) or type(error).__name__
            if time.monotonic() >= give_up_at:
                where = url.partition("?")[0]
                raise BotError(f"{where}: expected an answer, got none in {self.patience_s:.0f} s: {trouble}")
            self.n_retries += 1
            pause_s = min(LONGEST_S, 2 * pause_s)
            self.stopped.wait(pause_s * (0.5 + 0.5 * self.rng.random()))
        raise BotError("stopped")

    def _exchange(self, method: str, url: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            raise BotError(f"{url}: expected an address at {self.origin}; a bot does not leave its site")
        sent = {**headers, "Origin": self.origin, "Referer": url, "Accept-Encoding": "identity"}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = self._connected(parts.scheme, parts.netloc)
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        answer = Answer(url, response.status, response.headers, response.read())
        for line in response.headers.get_all("Set-Cookie", []):
            # A bot sits in one study at one site, so the cookies' paths need no watching.
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
        return answer

    def _connected(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
            self._connection = kind(netloc, timeout=TIMEOUT_S)
        return self._connection
