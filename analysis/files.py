"""Files that are whole or not there: written beside their place under another name, then renamed."""

from __future__ import annotations

import os
from pathlib import Path


class FilesError(OSError):
    """A file could not be written: which one, why, and what to do."""

    exit_code = 74  # EX_IOERR of sysexits.h: the data are not to blame, and another attempt may find place


def replace_files(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """Write files into a folder (made if missing) and return their paths; other files there stay as they are.

    All contents are on disk before the first name changes, so a full disk leaves the old files in place.
    Raises FilesError.
    """
    waiting: dict[Path, Path] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            waiting[folder / name] = folder / f".{name}.{os.getpid()}.part"
            with waiting[folder / name].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, part in waiting.items():
            part.replace(path)
    except OSError as error:
        raise FilesError(
            f"{error.filename or folder}: expected a place to write, found {(error.strerror or str(error)).lower()}; "
            "free the place or choose another folder with --out"
        ) from error
    finally:
        for part in waiting.values():
            part.unlink(missing_ok=True)
    return list(waiting)
