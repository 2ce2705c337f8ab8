"""A study's export as one zip file, for a browser to take home."""

import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from studyapp.export import export_study
from studyapp.models import Study


def zipped_export(studies: Sequence[Study], *, include_simulated: bool) -> BinaryIO:
    """An open temporary file, at its beginning, with one folder a study; gone when it is closed.

    Raises whatever `export_study` raises; then nothing is left on the disk.
    """
    file = tempfile.TemporaryFile(prefix="tachisto-export-")  # noqa: SIM115  the answer closes it
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for study in studies:
                with tempfile.TemporaryDirectory(prefix="tachisto-export-") as name:
                    folder = Path(name)
                    export_study(study, folder, include_simulated=include_simulated)
                    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                        archive.write(path, f"{study.slug}/{path.relative_to(folder)}")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def zip_name(studies: Sequence[Study]) -> str:
    """What the file is called at home: the study and its version, or how many studies it holds."""
    if len(studies) == 1:
        return f"{studies[0].slug}-{studies[0].version[:8] or 'draft'}.zip"
    return f"tachisto-{len(studies)}-studies.zip"
