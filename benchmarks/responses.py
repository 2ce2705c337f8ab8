#!/usr/bin/env python3
"""What storing responses costs and how long people wait for it: `python benchmarks/responses.py [--size short]`.

Runs in a data folder of its own that is deleted afterwards, on whatever DATABASE_URL names (default: the embedded
SQLite with synchronous=FULL), web server and people on the same machine. CPU is that of the web processes.
"""

import argparse
import cProfile
import itertools
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.bots import children, prepared_study, usage  # noqa: E402

HUMAN_PACE_S = 2.5


@dataclass(frozen=True)
class Size:
    """How much is measured: `fast_people` as fast as they can, `human_people` at human pace for `human_s` seconds."""

    n_trials: int
    n_images: int
    n_single: int
    n_batches: int
    n_blocks: int
    fast_people: int
    fast_each: int
    human_people: int
    human_s: float


# Quick is a minute, to see that it works, and gives no figures to keep.
SIZES = {
    "full": Size(2000, 900, 1500, 150, 150, 50, 60, 500, 60.0),
    "short": Size(660, 300, 200, 40, 60, 50, 15, 150, 15.0),
    "quick": Size(220, 100, 40, 10, 4, 6, 12, 20, 5.0),
}


@dataclass
class Visitor:
    """A sitting's browser, with trials to answer."""

    browser: Any
    config: dict[str, Any]
    trials: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def come(cls, url: str, index: int) -> "Visitor":
        """Somebody with a personal link: over the open one, 500 people would have to wait for their turn to begin."""
        from studyapp.bots import walk
        from studyapp.bots.browser import Browser
        from studyapp.models import NamedLink, Study

        link = NamedLink.objects.create(study=Study.objects.get(slug="bench"))
        browser = Browser(url, random.Random(index))
        return cls(browser, walk.begin(browser, "/s/bench/", f"link={link.token}"))

    def ask(self, name: str, body: Any) -> Any:
        return self.browser.post_json(self.config["urls"][name], body, self.config["csrf_token"])

    def fetch(self, n_trials: int) -> None:
        """Hold at least so many trials that are not answered."""
        while len(self.trials) < n_trials:
            after = self.trials[-1]["ordinal"] if self.trials else 0
            self.trials += self.ask("block", {"after": after})["trials"]

    def pictures(self) -> None:
        """Fetch those of the first block, as far as its trials are open."""
        self.browser.get(f"{self.config['urls']['pictures']}?first=1&last=50")

    def answer(self, n_trials: int) -> float:
        """Send so many answers in one request; how long the receipt took, in seconds."""
        from tests.crashes.people import answer

        messages = [answer(self.trials.pop(0), self.browser.rng) for _ in range(n_trials)]
        start_s = time.perf_counter()
        self.ask("responses", {"responses": messages})
        return time.perf_counter() - start_s


class Bench:
    """The measurements on a running server, of which `pids` are the web processes."""

    def __init__(self, url: str, pids: list[int], size: Size) -> None:
        self.url, self.pids, self.size = url, pids, size

    def cpu_s(self) -> float:
        return sum(usage(pid).cpu_s for pid in self.pids)

    @contextmanager
    def cpu_of(self, n: int) -> Iterator[list[float]]:
        """A list that holds, after the block, the processor time in ms of one of its `n` requests."""
        found: list[float] = []
        before_s = self.cpu_s()
        yield found
        found.append(1000 * (self.cpu_s() - before_s) / n)

    def warm_up(self) -> None:
        """Let every web process answer every kind of request before one is measured."""
        for index in range(8):
            visitor = Visitor.come(self.url, 9_000 + index)
            visitor.fetch(60)
            visitor.pictures()
            for n_trials in (1, 10):
                visitor.answer(n_trials)

    def cost(self) -> dict[str, str]:
        visitor = Visitor.come(self.url, 0)
        table = {}
        for name, n_requests, n_each in (
            ("a response, single", self.size.n_single, 1),
            ("a response, in batches of 10", self.size.n_batches, 10),
        ):
            visitors = [visitor, *(Visitor.come(self.url, i) for i in range(1, 4))]
            share = -(-n_requests // len(visitors))
            for each in visitors:
                each.trials.clear()
                each.fetch(min(share * n_each, self.size.n_trials - 60))
            n_done = min(share, *(len(each.trials) // n_each for each in visitors))
            with self.cpu_of(n_done * len(visitors) * n_each) as cpu_ms:
                for _ in range(n_done):
                    for each in visitors:
                        each.answer(n_each)
            table[f"processor time of {name}"] = f"{cpu_ms[0]:.2f} ms"
            visitor = Visitor.come(self.url, 9)
        visitor.fetch(50)
        with self.cpu_of(self.size.n_blocks) as cpu_ms:
            for _ in range(self.size.n_blocks):
                visitor.pictures()
        table["processor time of the pictures of a block"] = f"{cpu_ms[0]:.2f} ms"
        n_plans = max(4, self.size.n_blocks // 5)
        planners = [Visitor.come(self.url, 100 + i) for i in range(n_plans)]
        with self.cpu_of(n_plans) as cpu_ms:
            for planner in planners:
                planner.fetch(1)
        table["processor time of planning a block"] = f"{cpu_ms[0]:.2f} ms"
        return table

    def people(self, n: int) -> list[Visitor]:
        """So many new people, each with trials at hand."""
        visitors = [Visitor.come(self.url, 1000 + i) for i in range(n)]
        for visitor in visitors:
            visitor.fetch(self.size.fast_each)
        return visitors

    def together(self, visitors: list[Visitor], each: Callable[[Visitor], list[float]]) -> list[float]:
        """How long each receipt took, in seconds, while all of them answer at the same time."""
        waits: list[float] = []
        with ThreadPoolExecutor(len(visitors)) as pool:
            for found in pool.map(each, visitors):
                waits += found
        return waits

    def as_fast_as_they_can(self) -> dict[str, str]:
        waits = self.together(
            self.people(self.size.fast_people), lambda v: [v.answer(1) for _ in range(self.size.fast_each)]
        )
        return told(f"{self.size.fast_people} people as fast as they can", waits)

    def at_human_pace(self) -> dict[str, str]:
        visitors = self.people(self.size.human_people)
        end_s = time.monotonic() + self.size.human_s
        waits = self.human_waits(visitors, lambda: time.monotonic() >= end_s)
        return told(f"{self.size.human_people} people, an answer every {HUMAN_PACE_S} s", waits)

    def human_waits(self, visitors: list[Visitor], is_over: Callable[[], bool]) -> list[float]:
        """How long each receipt took, in seconds, of people who answer at human pace until it is over."""

        def each(visitor: Visitor) -> list[float]:
            waits = []
            next_s = time.monotonic() + visitor.browser.rng.uniform(0, HUMAN_PACE_S)
            while visitor.trials:
                time.sleep(max(0.0, next_s - time.monotonic()))
                if is_over():
                    break
                waits.append(visitor.answer(1))
                next_s += HUMAN_PACE_S
            return waits

        return self.together(visitors, each)


def counted() -> dict[str, str]:
    """SQL statements and function calls of a request of each kind: other work on the machine does not change them."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext, setup_test_environment

    from studyapp.models import Study
    from tests.conftest import Person

    setup_test_environment()
    person = Person(Study.objects.get(slug="bench")).begin()
    block = person.block(person.block()["last"])
    trials = block["trials"]
    later = itertools.count(block["last"], len(trials))
    table = {}
    for name, ask in (
        ("a response, single", lambda: person.answer([trials.pop(0)])),
        ("ten responses", lambda: person.answer([trials.pop(0) for _ in range(10)])),
        ("the pictures of a block", lambda: person.pictures(block)),
        ("planning a block", lambda: person.block(next(later))),
    ):
        ask()  # the first one of each kind loads what it needs
        profile = cProfile.Profile()
        profile.runcall(ask)
        with CaptureQueriesContext(connection) as statements:
            ask()
        n_calls = sum(entry.callcount for entry in profile.getstats())
        table[name] = f"{len(statements)} statements, {n_calls:,} calls"
    return table


def told(name: str, waits_s: list[float]) -> dict[str, str]:
    cuts = statistics.quantiles(waits_s, n=100)
    return {
        f"{name}: median wait": f"{1000 * cuts[49]:.1f} ms",
        f"{name}: 95 % wait at most": f"{1000 * cuts[94]:.1f} ms",
        f"{name}: 99 % wait at most": f"{1000 * cuts[98]:.0f} ms",
        f"{name}: answers": f"{len(waits_s)}",
    }


def measure(folder: Path, size: Size) -> dict[str, str]:
    from studyapp.bots.web_server import own_web_server

    prepared_study(folder, size.n_trials, size.n_images)
    with own_web_server() as server:
        bench = Bench(server.url, list(children(server.process.pid)), size)
        bench.warm_up()
        return counted() | bench.cost() | bench.as_fast_as_they_can() | bench.at_human_pace()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", choices=SIZES, default="full")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tachisto-bench-") as folder:
        os.environ["TACHISTO_DATA"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
        import django

        django.setup()
        table = measure(Path(folder), SIZES[arguments.size])
        for name, value in table.items():
            print(f"| {name} | {value} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
