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


def provenance(*data: Path) -> Provenance:
    """Data, code and library versions of a report on one file or several.

    The hash of several files is that of their hashes in hex, a line each, in the order given.
    """
    digests = []
    for path in data:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    many = hashlib.sha256("".join(f"{digest}\n" for digest in digests).encode()).hexdigest()
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    software = {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
    return Provenance(
        data_file=data[0].name if len(data) == 1 else f"{len(data)} files",
        data_sha256=digests[0] if len(data) == 1 else many,
        code_version=project["project"]["version"],
        code_sha256=code_sha256(),
        software=software,
    )


def code_sha256() -> str:
    """One hash over the modules of this package, by name and content: the same code, the same hash."""
    whole = hashlib.sha256()
    for module in sorted(PACKAGE.rglob("*.py")):
        whole.update(f"{module.relative_to(PACKAGE).as_posix()}\n".encode())
        whole.update(hashlib.sha256(module.read_bytes()).digest())
    return whole.hexdigest()
