"""A study's pack: one file of raw RGB records, all of one length. A picture is a slice of it, nothing more."""

import mmap
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from studyapp.files import write_whole
from studyapp.models import Study


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
    """The records at these positions behind each other: n x width x height x 3 bytes."""
    pack, length = _mapped(study.pack_path), study.record_bytes
    return b"".join(pack[position * length : (position + 1) * length] for position in positions)
