"""Writing zips whose files are stored as they are, however many there are (PKWARE APPNOTE 6.3.9).

Knows local headers, the central directory and their 64-bit forms; zips are read with Python's zipfile. Written
here because zipfile keeps an object for each file until the end: 700 MB for a million pictures, where this
keeps a temporary file. Every file gets the same date, so the same files are the same bytes whenever they are
written.
"""

import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

LOCAL = struct.Struct("<4s5H3I2H")
CENTRAL = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
END_64 = struct.Struct("<4sQ2H2I4Q")
LOCATOR_64 = struct.Struct("<4sIQI")
PLAIN, WITH_64 = 20, 45  # version of the format that a reader must know, times ten
MADE_BY = 3 << 8 | WITH_64  # on Unix, wherever it is written
FIRST_DAY = 0 << 9 | 1 << 5 | 1  # 1 January 1980, the oldest date a zip can hold
MODE = 0o100644 << 16
ZIP_64 = 1  # number of the extra field with 64-bit values
# From here on the short field holds only ones, and an extra field or record the value.
WIDE_FROM, ONES_32 = 0xFFFFFFFF, 0xFFFFFFFF
MANY_FROM, ONES_16 = 0xFFFF, 0xFFFF
PIECE_BYTES = 1 << 16


class StoredZip:
    """A zip being written to `file` from its present place, which is the beginning. Names are ASCII."""

    def __init__(self, file: IO[bytes], directory: BinaryIO) -> None:
        self._file, self._directory = file, directory
        self._offset = self._count = 0

    def add(self, name: str, content: bytes) -> None:
        """Store a small file."""
        self._begin(name, zlib.crc32(content), len(content))
        self._file.write(content)

    def add_spooled(self, name: str, spool: BinaryIO) -> None:
        """Store what stands in a file, from its beginning."""
        checksum = size = 0
        spool.seek(0)
        while piece := spool.read(PIECE_BYTES):
            checksum, size = zlib.crc32(piece, checksum), size + len(piece)
        self._begin(name, checksum, size)
        spool.seek(0)
        shutil.copyfileobj(spool, self._file, PIECE_BYTES)

    def close(self) -> None:
        """Write the central directory; nothing can be added after it."""
        at, size = self._offset, self._directory.tell()
        self._directory.seek(0)
        shutil.copyfileobj(self._directory, self._file, PIECE_BYTES)
        count = self._count
        many, wide, far = count >= MANY_FROM, size >= WIDE_FROM, at >= WIDE_FROM
        if many or wide or far:
            rest = END_64.size - 12  # of the record, after its own length
            self._file.write(END_64.pack(b"PK\x06\x06", rest, MADE_BY, WITH_64, 0, 0, count, count, size, at))
            self._file.write(LOCATOR_64.pack(b"PK\x06\x07", 0, at + size, 1))
        count, size, at = ONES_16 if many else count, ONES_32 if wide else size, ONES_32 if far else at
        self._file.write(END.pack(b"PK\x05\x06", 0, 0, count, count, size, at, 0))

    def _begin(self, name: str, checksum: int, size: int) -> None:
        """Write a file's local header and its line in the central directory."""
        title, offset = name.encode("ascii"), self._offset
        wide, far = size >= WIDE_FROM, offset >= WIDE_FROM
        shown, place = ONES_32 if wide else size, ONES_32 if far else offset
        sizes = _extra(size, size) if wide else b""
        version = WITH_64 if wide or far else PLAIN
        stored = (version, 0, 0, 0, FIRST_DAY, checksum, shown, shown, len(title))
        local = LOCAL.pack(b"PK\x03\x04", *stored, len(sizes)) + title + sizes
        values = _extra(*[size, size] * wide, *[offset] * far) if wide or far else b""
        self._directory.write(
            CENTRAL.pack(b"PK\x01\x02", MADE_BY, *stored, len(values), 0, 0, 0, MODE, place) + title + values
        )
        self._file.write(local)
        self._offset, self._count = offset + len(local) + size, self._count + 1


def _extra(*values: int) -> bytes:
    """The extra field with the values that 32 bits cannot hold."""
    return struct.pack(f"<2H{len(values)}Q", ZIP_64, 8 * len(values), *values)


@contextmanager
def stored_zip(file: IO[bytes], folder: Path) -> Iterator[StoredZip]:
    """A zip written to `file`, complete when the block ends well; `folder` holds its directory until then."""
    with spool_in(folder) as directory:
        archive = StoredZip(file, directory)
        yield archive
        archive.close()


def spool_in(folder: Path) -> BinaryIO:
    """A nameless file in a folder: it vanishes when it is closed, or when the process is killed."""
    return tempfile.TemporaryFile(dir=folder)
