"""A study's export as one zip file, for a browser or a program to take home: the same freeze gives the same bytes."""

import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from studyapp.export import ExportSummary, Heard, export_freeze, unheard
from studyapp.export_files import FORMATS
from studyapp.models import ExportFreeze
from studyapp.psych_ds import export_psych_ds

# Where Python keeps the level of one entry.
LEVEL = "compress_level" if hasattr(zipfile.ZipInfo("x"), "compress_level") else "_compresslevel"


Writer = Callable[[ExportFreeze, Path, Heard], ExportSummary]


def _in_format(name: str) -> Writer:
    return lambda freeze, folder, heard: export_freeze(freeze, folder, file_format=name, heard=heard)


# What somebody may choose -> what writes it into a folder.
FORMS: dict[str, Writer] = {
    **{name: _in_format(name) for name in FORMATS},
    "psych-ds": lambda freeze, folder, heard: export_psych_ds(
        freeze.study, folder, freeze=freeze, heard=heard
    ),
}


def write_zip(
    file: BinaryIO,
    freezes: Sequence[ExportFreeze],
    *,
    form: str = "csv",
    heard: Heard = unheard,
    on_the_way: Path | None = None,
) -> list[ExportSummary]:
    """Write a zip with one folder a study, in constant memory; what was written, study by study.

    `form` is one of FORMS; the tables lie in the folder `on_the_way` (or the system's own) until they are packed.
    Raises whatever the export raises.
    """
    summaries = []
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for freeze in freezes:
            with tempfile.TemporaryDirectory(prefix="tachisto-export-", dir=on_the_way) as name:
                summaries.append(FORMS[form](freeze, Path(name), heard))
                add_folder(archive, Path(name), freeze.study.slug, freeze.created_utc)
    return summaries


def zipped_export(freezes: Sequence[ExportFreeze], *, form: str = "csv") -> BinaryIO:
    """What `write_zip` writes as an open temporary file, at its beginning; gone when it is closed.

    Raises whatever the export raises; then nothing is left on the disk.
    """
    file = tempfile.TemporaryFile(prefix="tachisto-export-")  # noqa: SIM115  the answer closes it
    try:
        write_zip(file, freezes, form=form)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def add_folder(archive: zipfile.ZipFile, folder: Path, name: str, moment_utc: datetime) -> None:
    """All files of a folder under a name, dated by a given moment: the time of writing would make every zip another."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        _add(archive, path, f"{name}/{path.relative_to(folder)}", moment_utc)


def _add(archive: zipfile.ZipFile, path: Path, name: str, moment_utc: datetime) -> None:
    entry = zipfile.ZipInfo(name, moment_utc.astimezone(UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    setattr(entry, LEVEL, archive.compresslevel)  # `open` gives it only to files that it names itself
    entry.file_size = path.stat().st_size  # lets large files have large headers
    with path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 2**20)


def zip_name(freezes: Sequence[ExportFreeze]) -> str:
    """What the file is called at home: the study and its version, or how many studies it holds."""
    if len(freezes) == 1:
        study = freezes[0].study
        return f"{study.slug}-{study.version[:8]}-{freezes[0].name[:8]}.zip"
    return f"tachisto-{len(freezes)}-studies.zip"
