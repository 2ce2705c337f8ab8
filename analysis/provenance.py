"""Where numbers come from: which data, which code, which libraries. Nothing that differs between two runs."""

from __future__ import annotations

import hashlib
import platform
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
LIBRARIES = ("numpy", "pandas", "scipy", "matplotlib")


@dataclass(frozen=True)
class Provenance:
    """data_file: name without folder; hashes: SHA-256 in hex; software: name to version, Python first."""

    data_file: str
    data_sha256: str
    code_version: str
    code_sha256: str
    software: dict[str, str]


def provenance(data: Path) -> Provenance:
    """Data, code and library versions of a report on the file `data`."""
    with data.open("rb") as file:
        data_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    software = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    return Provenance(data.name, data_sha256, project["project"]["version"], code_sha256(), software)


def code_sha256() -> str:
    """One hash over the modules of this package, by name and content: the same code, the same hash."""
    whole = hashlib.sha256()
    for module in sorted(PACKAGE.glob("*.py")):
        whole.update(f"{module.name}\n".encode())
        whole.update(hashlib.sha256(module.read_bytes()).digest())
    return whole.hexdigest()
