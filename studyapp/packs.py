"""A study's pack: one file of raw RGB records, all of one length. A picture is a slice of it, nothing more."""

import mmap
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from studyapp.files import write_whole
from studyapp.models import Study


class PackError(RuntimeError):
    """A pack that is not there or is shorter than its study; the message is for whoever runs the site."""


REMEDY = "bring the file back from a backup: people who sit cannot go on without it"


def write_pack(path: Path, records: Iterable[tuple[int, bytes]]) -> None:
    """Write records of one length at their places, whole or not at all, holding one of them in memory."""
    with write_whole(path) as file:
        for place, record in records:
            file.seek(place * len(record))
            file.write(record)


@lru_cache(maxsize=32)
def _mapped(path: Path) -> mmap.mmap:
    # A pack is named by its hash and never changes, so a mapping stays valid for ever.
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def pictures(study: Study, positions: Iterable[int]) -> bytes:
    """The records at these positions behind each other: n x width x height x 3 bytes. Raises PackError."""
    length = study.record_bytes
    try:
        pack = _mapped(study.pack_path)
    except (OSError, ValueError) as error:  # ValueError: an empty file cannot be mapped
        raise PackError(
            f"study {study.slug}: its pack {study.pack_path} cannot be read ({error}); {REMEDY}"
        ) from error
    records = [pack[position * length : (position + 1) * length] for position in positions]
    if any(len(record) != length for record in records):
        raise PackError(
            f"study {study.slug}: its pack {study.pack_path} has {len(pack)} bytes, too few for its pictures; {REMEDY}"
        )
    return b"".join(records)
