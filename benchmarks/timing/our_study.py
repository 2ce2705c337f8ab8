#!/usr/bin/env python3
"""Our trial page for the timing benchmark: a real study in a data folder of its own, served until stdin ends.

Prints the address of its consent page as one line. Sources are random coloured 32x32 pictures.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("real", "gan", "lapgan", "cc-lapgan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=88, help="trials of the study; a round stops earlier")
    n_trials = parser.parse_args().trials
    sys.path[:0] = [str(ROOT)]
    with tempfile.TemporaryDirectory(prefix="tachisto-timing-") as folder:
        os.environ |= {
            "TACHISTO_DATA": folder,
            "DATABASE_URL": "",
            "DJANGO_SETTINGS_MODULE": "studyapp.settings",
        }
        import django

        django.setup()
        from django.core.management import call_command

        from studyapp.bots.web_server import own_web_server
        from studyapp.catalogue import import_images
        from studyapp.life import open_study
        from studyapp.presets import create_study
        from tests.image_sets import write_image_set

        call_command("migrate", verbosity=0)
        for source in SOURCES:
            path = Path(folder) / f"{source}.zip"
            import_images(write_image_set(path, source=source, n_images=200, width=32, height=32))
        study = create_study(
            "lapgan",
            "timing",
            n_trials=n_trials,
            practice_trials=0,
            n_examples=4,
            break_every=5000,
            least_refresh_hz=10,
            most_jank_percent=100,
        )
        open_study(study)
        with own_web_server() as server:
            print(f"{server.url}/s/timing/consent/", flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main()
