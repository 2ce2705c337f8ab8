"""Many simulated participants at once, and the check afterwards that every answer was stored exactly once.

Knows the database, which the bots themselves do not: which picture is from which source, and what was stored.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.core import signing
from django.urls import reverse

from studyapp.arrivals import SIMULATED_SALT
from studyapp.bots import walk
from studyapp.bots.browser import PATIENCE_S, BotError, Browser
from studyapp.models import ConflictingResponse, Response, Sitting, Study, Trial

AT_ONCE = 16
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Stored:
    """What the database says of the acknowledged answers: `doubled` were stored twice or contradicted."""

    answers: int
    lost: int
    doubled: int


@dataclass(frozen=True)
class Outcome:
    """What came of a crowd. `failures` are the sentences of the bots that could not finish."""

    finished: int
    sent: int
    acknowledged_new: int
    replayed: int
    retries: int
    seconds: float
    stored: Stored
    failures: tuple[str, ...]

    @property
    def responses_per_second(self) -> float:
        return self.sent / self.seconds if self.seconds else 0.0

    @property
    def is_complete(self) -> bool:
        return not (self.failures or self.stored.lost or self.stored.doubled)


def require_open(study: Study) -> None:
    """Refuse a study that takes nobody. Raises BotError."""
    if study.status == Study.Status.DRAFT:
        raise BotError(
            f"study {study.slug} is a draft: open it first (python manage.py open_study {study.slug}), or pilot it "
            f"(python manage.py study_state {study.slug} piloting)"
        )
    if study.status not in (Study.Status.PILOTING, Study.Status.OPEN):
        raise BotError(
            f"study {study.slug} is {study.status}: bots need an open or a piloted study, as people do"
        )


def sources_by_pixels(study: Study) -> dict[str, str]:
    """SHA-256 of a picture's pixels -> its source, for every picture of the study."""
    return dict(study.stimuli.values_list("image__sha256", "source__name"))


def simulated_mark(seed: int) -> str:
    """The signed word, fit for a URL, by which this installation knows its own bots."""
    return quote(signing.dumps({"seed": seed}, salt=SIMULATED_SALT))


class Crowd:
    """`n_people` simulated participants of a study at a server, `at_once` of them at the same time."""

    def __init__(
        self, study: Study, server_url: str, *, n_people: int, seed: int, at_once: int = AT_ONCE
    ) -> None:
        require_open(study)
        parts = urlsplit(server_url)
        if parts.scheme not in ("http", "https") or not parts.netloc or n_people < 1 or at_once < 1:
            raise BotError(
                f"expected a server such as http://127.0.0.1:8000 and at least 1 participant, "
                f"got {server_url!r}, {n_people} participants, {at_once} at once"
            )
        self.study, self.seed, self.at_once = study, seed, at_once
        self.stopped = threading.Event()
        self.browsers = [
            Browser(f"{parts.scheme}://{parts.netloc}", random.Random(f"waits {i} of {seed}"), self.stopped)
            for i in range(n_people)
        ]
        self.tallies = [walk.Tally() for _ in range(n_people)]
        self.welcome_url = parts.path.rstrip("/") + reverse("study:welcome", args=[study.slug])
        self.mark = simulated_mark(seed)
        self.sources = sources_by_pixels(study)

    def run(self, on_progress: Callable[[int], None] = lambda stored: None) -> Outcome:
        """Let all of them sit, telling `on_progress` how many answers are stored; then check the database.

        Raises BotError if the server is not one of this installation; then nothing of ours stays there.
        """
        start = time.monotonic()
        try:
            futures = self._sittings(self._scout(), on_progress)
        finally:
            for browser in self.browsers:
                browser.close()
        return self._outcome(futures, time.monotonic() - start)

    def _sittings(
        self, first_config: dict[str, Any], on_progress: Callable[[int], None]
    ) -> list[Future[None]]:
        """All sittings, done or failed; the first one has begun already."""
        with ThreadPoolExecutor(self.at_once, thread_name_prefix="bot") as pool:
            futures = [
                pool.submit(self._sit, index, first_config if index == 0 else None)
                for index in range(len(self.browsers))
            ]
            try:
                self._watch(futures, on_progress)
            except BaseException:
                self.stopped.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        return futures

    def _scout(self) -> dict[str, Any]:
        """Begin the first sitting and find it in our database, before a second one begins elsewhere."""
        browser = self.browsers[0]
        browser.patience_s = 0  # a wrong address shows at once
        browser.get(self.welcome_url)
        browser.patience_s = PATIENCE_S
        config = walk.begin(browser, self.welcome_url, f"simulated={self.mark}")
        sitting = Sitting.objects.filter(public_id=config["sitting"], study=self.study).first()
        if sitting is None or not sitting.is_simulated:
            walk.withdraw(browser, config)
            found = "is not in this database" if sitting is None else "was not marked simulated"
            raise BotError(
                f"{browser.origin}: the first sitting {found}; expected a server with the DATABASE_URL and "
                "SECRET_KEY of this command. It was withdrawn again"
            )
        return config

    def _sit(self, index: int, config: dict[str, Any] | None) -> None:
        browser, tally = self.browsers[index], self.tallies[index]
        try:
            config = config or walk.begin(browser, self.welcome_url, f"simulated={self.mark}")
            tally.sitting = config["sitting"]
            walk.sit(browser, config, walk.Person.drawn(self.seed, index), self.sources, tally)
        finally:
            browser.close()

    def _watch(self, futures: list[Future[None]], on_progress: Callable[[int], None]) -> None:
        running = set(futures)
        while running:
            _, running = wait(running, timeout=LOOK_EVERY_S, return_when=FIRST_COMPLETED)
            on_progress(sum(len(tally.tokens) for tally in self.tallies))

    def _outcome(self, futures: list[Future[None]], seconds: float) -> Outcome:
        errors = [error for future in futures if (error := future.exception()) is not None]
        for error in errors:
            if not isinstance(error, BotError):
                raise error
        sittings = [tally.sitting for tally in self.tallies if tally.sitting]
        return Outcome(
            finished=Sitting.objects.filter(public_id__in=sittings, status="finished").count(),
            sent=sum(tally.sent for tally in self.tallies),
            acknowledged_new=sum(tally.stored for tally in self.tallies),
            replayed=sum(tally.replayed for tally in self.tallies),
            retries=sum(browser.n_retries for browser in self.browsers),
            seconds=seconds,
            stored=stored_answers(self.tallies),
            failures=tuple(str(error) for error in errors),
        )


def stored_answers(tallies: Iterable[walk.Tally]) -> Stored:
    """Compare what was acknowledged with what the database holds, trial by trial, sitting by sitting."""
    answers = lost = doubled = 0
    for tally in tallies:
        of_sitting = {"trial__sitting__public_id": tally.sitting}
        rows = Counter(
            Response.objects.filter(trial__status=Trial.Status.ANSWERED, **of_sitting).values_list(
                "trial__token", flat=True
            )
        )
        answers += rows.total()
        lost += len(tally.tokens - rows.keys())
        doubled += sum(n_rows > 1 for n_rows in rows.values())
        doubled += ConflictingResponse.objects.filter(**of_sitting).count()
    return Stored(answers, lost, doubled)
