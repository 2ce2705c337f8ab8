"""Official archives on disk: the files that are known, under our own names, and nothing else of what is inside."""

import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from generator.errors import DataError
from generator.whole_file import whole_file

COPIED_BYTES = 1024 * 1024  # at a time


def unpack(archive: Path, folder: Path, largest: Mapping[str, int]) -> None:
    """Write the files named in `largest`, each of at most so many bytes, out of a tar.gz into `folder`.

    Raises DataError if the archive is damaged or lacks one of them.
    """
    wanted = set(largest)
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                name = Path(member.name).name
                if name not in wanted or not member.isfile() or member.size > largest[name]:
                    continue
                content = members.extractfile(member)
                if content is not None:
                    with whole_file(folder / name) as file:
                        shutil.copyfileobj(content, file, COPIED_BYTES)
                    wanted.discard(name)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{archive}: expected the official archive, found a damaged one ({error})") from None
    if wanted:
        raise DataError(
            f"{archive}: expected the official archive, {', '.join(sorted(wanted))} missing in it"
        )
