"""Which code made a file: software versions, the commit, the time."""

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

TACHISTO = "0.1.0"
FOLDER = Path(__file__).resolve().parent


def software(*packages: str) -> dict[str, str]:
    """Versions of Python, Tachisto and the packages named, by name."""
    versions = {"python": platform.python_version()}
    # Without the local part of a version, which names a build and not the code.
    versions.update({name: metadata.version(name).partition("+")[0] for name in packages})
    return versions | {"tachisto": TACHISTO}


def commit() -> str | None:
    """The commit of the checkout this code lies in, or None where there is none."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=FOLDER, capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def now_utc() -> str:
    """The time in ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
