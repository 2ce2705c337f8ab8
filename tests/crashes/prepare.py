"""Fills an empty data folder (TACHISTO_DATA): tables, static files and the open study `crash`. Run as a module."""

import argparse
import os
import tempfile
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, required=True)
    n_trials = parser.parse_args().trials
    os.environ["DJANGO_SETTINGS_MODULE"] = "studyapp.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from studyapp.catalogue import import_images
    from studyapp.life import open_study
    from studyapp.presets import create_study
    from tests.image_sets import write_image_set

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    with tempfile.TemporaryDirectory() as folder:
        for source in ("real", "gan", "lapgan", "cc-lapgan"):
            # A killed server makes no trial be lost, but a person whose page is cut off may lose a block.
            path = write_image_set(Path(folder) / f"{source}.zip", source=source, n_images=60 + n_trials // 2)
            import_images(path)
    open_study(create_study("lapgan", "crash", n_trials=n_trials, practice_trials=4, n_examples=5))


if __name__ == "__main__":
    main()
