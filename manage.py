#!/usr/bin/env python3
"""Tachisto's command line: `python manage.py help` lists what it can do."""

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyapp.settings")
    try:
        from studyapp.edge import run_command
    except ImportError as error:
        sys.exit(
            f"expected the packages of requirements.txt in {sys.executable}, but could not import "
            f"{error.name}: run `make setup` in {Path(__file__).resolve().parent} "
            "and use .venv/bin/python"
        )
    run_command(sys.argv)


if __name__ == "__main__":
    main()
