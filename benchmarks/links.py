#!/usr/bin/env python3
"""How long named links take to make and to write out: `python benchmarks/links.py [--count 10000]`.

Runs in a data folder of its own that is deleted afterwards, on whatever DATABASE_URL names (default: SQLite).
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def measure(count: int) -> dict[str, tuple[float, float]]:
    """Seconds, and seconds of the processor, by what was done."""
    from django.core.management import call_command

    from studyapp.links import links_csv, make_links
    from studyapp.models import Study

    call_command("migrate", verbosity=0)
    study = Study.objects.create(slug="bench", title="Benchmark")
    labels = [f"person {number}" for number in range(count)]
    took: dict[str, tuple[float, float]] = {}

    def timed(what: str, do: Callable[[], Any]) -> Any:
        began_s, cpu_s = time.perf_counter(), time.process_time()
        done = do()
        took[what] = time.perf_counter() - began_s, time.process_time() - cpu_s
        return done

    made = timed("made", lambda: make_links(study, labels))
    content = timed("written as CSV", lambda: links_csv(study, "https://study.example.org"))
    again = timed("the same labels again", lambda: make_links(study, labels))
    assert (made.new, again.new, again.already) == (count, 0, count)
    assert content.count(b"\n") == count + 1
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory(prefix="tachisto-bench-") as folder:
        os.environ["TACHISTO_DATA"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "studyapp.settings"
        sys.path.insert(0, str(ROOT))
        import django

        django.setup()
        for what, (seconds, cpu_s) in measure(count).items():
            print(f"{count:,} links, {what}: {seconds:.2f} s, of the processor {cpu_s:.2f} s")


if __name__ == "__main__":
    main()
