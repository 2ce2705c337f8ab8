"""Files of JSON lines about the parts of a training run, beside its checkpoint.

Every line names its `part` and the `images_seen` when it was written. Knows how lines outlive a killed run;
what they say is the losses' and the alarms'.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from generator.whole_file import whole_file, write_errors

Line = dict[str, Any]


class PartLines:
    """The lines of one run, on their way to a file.

    Making one writes the file at once, with the lines that the run will not write again when it goes on
    after `images_seen` images of each part: the proof, before any work, that files can be written there.
    """

    def __init__(self, path: Path, images_seen: Mapping[str, int]) -> None:
        self.path = path
        self.known = [
            line for line in read_lines(path) if line["images_seen"] <= images_seen.get(line["part"], -1)
        ]
        write_lines(path, self.known)

    def append(self, line: Line) -> None:
        """Write one more line. Raises WriteError."""
        self.known.append(line)
        with write_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def write_lines(path: Path, lines: Sequence[Line]) -> None:
    """Write a file of lines whole or not at all. Raises WriteError."""
    with whole_file(path) as file:
        file.write("".join(json.dumps(line) + "\n" for line in lines).encode())


def read_lines(path: Path) -> list[Line]:
    """The lines of a file in order; none where there is no file."""
    texts = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    # A killed run may leave half a line at the end.
    return [json.loads(text) for text in texts if text.endswith("\n")]
