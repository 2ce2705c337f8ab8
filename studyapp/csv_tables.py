"""CSV that people bring and take: any usual separator and encoding is read, and what is written is safe to open.

A spreadsheet takes a cell that begins with = + - or @ for a formula; such a cell is written behind an apostrophe, which
is taken off again when the file comes back.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_BYTES = 20 * 1024 * 1024
SEPARATORS = ",;\t|"
# Behind spaces, too, for we take those off, and behind apostrophes, so that ours can be told from a cell's own.
FORMULA = re.compile(r"[\s']*[=+\-@\t\r]")
BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class TableError(ValueError):
    """A file that is no table of ours; the message says what was expected and what to do."""


@dataclass(frozen=True)
class Table:
    """The lines of a file, the first one on its own."""

    header: list[str]
    rows: list[list[str]]

    def column(self, names: Sequence[str]) -> int | None:
        """The place of the first of these columns, whatever their case; None if there is none."""
        small = [name.strip().lower() for name in self.header]
        return next((small.index(name) for name in names if name in small), None)


def read_table(content: bytes) -> Table:
    """The cells of a CSV file, without empty lines. Raises TableError."""
    if len(content) > MAX_BYTES:
        raise TableError(f"expected a CSV file of at most {MAX_BYTES // 1024 // 1024} MB, got more")
    text = _text(content)
    if "\0" in text or text.startswith("PK\x03\x04"):
        raise TableError(
            "expected a CSV file, got another kind: in a spreadsheet program, save it as CSV first"
        )
    lines = text.splitlines()
    told = lines[0].strip().lower() if lines else ""
    if told.startswith("sep=") and len(told) == 5:  # as Excel writes it
        separator, text = told[4], "\n".join(lines[1:])
    else:
        first = next((line for line in lines if line.strip()), "")
        separator = max(SEPARATORS, key=first.count)
    try:
        rows = [
            [_plain(cell) for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ]
    except csv.Error as error:
        raise TableError(f"expected a CSV file, got: {error}") from error
    rows = [row for row in rows if any(row)]
    if not rows:
        raise TableError("expected a CSV file with at least one line, got an empty one")
    return Table(rows[0], rows[1:])


def _text(content: bytes) -> str:
    for mark, encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _plain(cell: str) -> str:
    """What was meant: without spaces around it and without the apostrophe that `safe` puts in front."""
    cell = cell.lstrip()
    return (cell[1:] if cell.startswith("'") and FORMULA.match(cell[1:]) else cell).strip()


def safe(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(cell)
    return f"'{text}" if FORMULA.match(text) else text


def written(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file (UTF-8, commas) with cells that are safe to open in a spreadsheet."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return file.getvalue().encode()
