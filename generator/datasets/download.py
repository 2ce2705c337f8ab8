"""Downloads that go on where they stopped and are believed only by their checksum."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from generator.errors import DataError

CHUNK_BYTES = 256 * 1024
PATIENCE_S = 60
PARTIAL_CONTENT, RANGE_NOT_SATISFIABLE = 206, 416

# Called with the bytes that are here and the bytes there are.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Archive:
    """A published file: where it is, how long and with which SHA-256."""

    url: str
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def fetch(archive: Archive, folder: Path, progress: Progress = lambda here, all_: None) -> Path:
    """The archive in `folder`, downloaded unless it is there; the bytes of a broken download are kept.

    Raises DataError if the server cannot be reached, breaks off, or sends other bytes than published.
    """
    target = folder / archive.name
    if target.is_file() and _sha256(target) == archive.sha256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{archive.name}.part"
    if not (partial.is_file() and partial.stat().st_size == archive.size_bytes):
        _download(archive, partial, progress)
    found = _sha256(partial)
    if found != archive.sha256:
        partial.unlink()
        raise DataError(
            f"{archive.url}: expected SHA-256 {archive.sha256[:12]}, got {found[:12]}; what was downloaded is "
            "deleted: try again, and if it happens again do not trust the server"
        )
    partial.replace(target)
    return target


def _download(archive: Archive, partial: Path, progress: Progress) -> None:
    here = partial.stat().st_size if partial.is_file() else 0
    if here > archive.size_bytes:
        here = 0
    request = urllib.request.Request(archive.url, headers={"Range": f"bytes={here}-"} if here else {})  # noqa: S310 (the address is a constant of ours)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  # nosec B310
            # A server that ignores the range sends the whole file: begin again.
            here = here if answer.status == PARTIAL_CONTENT else 0
            with partial.open("ab" if here else "wb") as file:
                here = _copy(answer, file, here, archive.size_bytes, progress)
    except (urllib.error.URLError, OSError) as error:
        raise DataError(
            f"{archive.url}: the download broke off ({error}); run the same command again to go on where it "
            f"stopped, or put the official files into a folder and name it with --data"
        ) from None
    if here != archive.size_bytes:
        raise DataError(
            f"{archive.url}: expected {archive.size_bytes} bytes, got {here}; run the same command again to go on"
        )


def _copy(answer: IO[bytes], file: IO[bytes], here: int, size_bytes: int, progress: Progress) -> int:
    """Append what the server sends, at most one byte beyond the published size; the bytes that are here."""
    while chunk := answer.read(min(CHUNK_BYTES, size_bytes + 1 - here)):
        file.write(chunk)
        here += len(chunk)
        progress(here, size_bytes)
    return here


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
