"""Files that are written whole or not at all.

Knows temporary names, flushing and renaming; what goes into the file is the caller's.
"""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from generator.errors import WriteError


@contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """An open file that becomes `target` when the block ends well, and vanishes when it does not.

    The file lies beside the target under a name of its own, is flushed to disk, renamed over the target, and
    the folder is flushed, so a crash leaves the old file or the new one. The folder is made if needed.
    Raises WriteError, with the reason, if the disk is full or the folder may not be written to.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    with write_errors(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
            flush_folder(target.parent)
        finally:
            with suppress(OSError):  # already renamed, or its folder could not be made
                temporary.unlink()


@contextmanager
def write_errors(target: Path) -> Iterator[None]:
    """Say which file could not be written and why, as a WriteError."""
    try:
        yield
    except OSError as error:
        what = "the disk is full" if error.errno == errno.ENOSPC else str(error)
        raise WriteError(
            f"{target}: could not be written and nothing half-written is left: {what}"
        ) from error


def flush_folder(folder: Path) -> None:
    """Write a folder's entries to disk, where the system can open folders (Windows cannot)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
