"""`python -m tests.crashes [--responses 2000] [--kills 20] [--postgresql URL] [--planted NAME]`: the crash loop.

Exits 0 when nothing was lost, doubled or altered; with a planted bug, when it was seen.
"""

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.crashes.loop import crash_loop, trials_a_sitting
from tests.crashes.site import Site, created_database, dropped_database, prepared_folder, run_module

PLANTED = ("no_key", "check_then_insert", "early_acknowledgement")
DATABASE = "tachisto_crash_loop"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--responses", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", default="", metavar="URL", help="a server; default: SQLite")
    parser.add_argument("--planted", choices=PLANTED)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tachisto-crashes-") as folder:
        url = created_database(arguments.postgresql, DATABASE) if arguments.postgresql else ""
        try:
            prepared_folder(Path(folder), trials_a_sitting(arguments.responses), url)
            site = Site(Path(folder), url)
            if arguments.planted:
                site.application = f"tests.crashes.planted.{arguments.planted}"
                run_module(site.environment, "tests.crashes.planted.without_key")
            audit = crash_loop(
                site, n_responses=arguments.responses, n_kills=arguments.kills, seed=arguments.seed
            )
        finally:
            if url:
                dropped_database(arguments.postgresql, DATABASE)
    for name, value in asdict(audit).items():
        print(f"| {name} | {value} |")
    return 0 if audit.is_clean != bool(arguments.planted) else 1


if __name__ == "__main__":
    sys.exit(main())
