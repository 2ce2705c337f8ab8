"""The report: `python analysis/report.py [DIR] [--out report] [--simulated]`, from any directory.

The edge of the package: reads arguments, has the newest study exported if no folder is given, and writes
`report.html`, `figure1.png`, `.svg` and `.pdf`, `cells.csv` and `results.json`. What they say is in
`sections`, `alerts` and `results`. Heavy imports wait until the arguments are known to be good.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    # A script's own folder comes first on the path, where our modules would answer for others of that name.
    sys.path[0] = str(PROJECT)

if TYPE_CHECKING:
    from analysis.sections import Figure

FORMATS = ("png", "svg", "pdf")
PNG_DPI = 300


class ReportError(RuntimeError):
    """The report could not be made: what was expected, what came, what to do."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="report.py",
        description="Percent judged real against presentation time: a report on the answers of a study.",
        epilog="Without DIR the only open study, or the newest, is exported first. "
        "Existing files of an earlier report are replaced, other files in the folder stay.",
    )
    parser.add_argument(
        "dir", nargs="?", type=Path, metavar="DIR", help="what export_responses wrote, or a CSV file"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("report"), help="folder for the report (default: report)"
    )
    parser.add_argument(
        "--simulated", action="store_true", help="count simulated people too (they are labelled as such)"
    )
    return parser


@contextmanager
def newest_export(simulated: bool) -> Iterator[Path]:
    """A folder with a fresh export of the newest open study, gone afterwards. Raises ReportError."""
    with tempfile.TemporaryDirectory(prefix="tachisto-export-") as folder:
        command = [sys.executable, str(PROJECT / "manage.py"), "export_responses", "--out", folder]
        command += ["--simulated"] * simulated
        if sys.stderr.isatty():
            print("exporting the newest study ...", file=sys.stderr)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ReportError(f"the newest study could not be exported: {last_sentence(done.stderr)}")
        yield Path(folder)


def last_sentence(stderr: str) -> str:
    """What a child process said last, without its marks for an error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else "the export gave no reason; run it by hand"
    return last.removeprefix("CommandError: ").removeprefix("error: ")


def report(data: Path, *, simulated: bool = False) -> dict[str, bytes]:
    """All files of the report on an export folder or CSV file, by name.

    Raises ResponsesError where the data are not what an export holds.
    """
    from analysis.alerts import alerts
    from analysis.page import page
    from analysis.provenance import provenance
    from analysis.responses import read, responses_file, select
    from analysis.results import analyse, as_json
    from analysis.sections import cells_csv, sections
    from analysis.wording import counted

    file = responses_file(data)
    selection = select(read(file), simulated=simulated, where=str(file))
    results = analyse(selection, provenance(file))
    said, told = alerts(results), sections(results)
    pictures = {each.figure.name: drawn(each.figure) for each in told if each.figure}
    about = (
        f"Study {results.study}, version {results.study_version[:12]}; "
        f"{counted(len(results.people), *results.who).rstrip(',')}, {counted(len(results.rows), 'answer')}."
    )
    html = page(
        title=f"{results.study}: how real do the pictures look?",
        about=about,
        alerts=said,
        sections=told,
        pictures={name: made["svg"] for name, made in pictures.items()},
    )
    numbers = json.dumps(as_json(results, said), indent=1, ensure_ascii=False, allow_nan=False)
    return {
        "report.html": html.encode(),
        **{f"{name}.{kind}": made[kind] for name, made in pictures.items() for kind in FORMATS},
        "cells.csv": cells_csv(results.cells).encode(),
        "results.json": f"{numbers}\n".encode(),
    }


def drawn(figure: Figure) -> dict[str, bytes]:
    """A figure in every format, the same bytes for the same data."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    from analysis.style import METADATA, RC

    made = {}
    with mpl.rc_context(RC):
        canvas = Canvas(figsize=figure.inches, layout="constrained")
        figure.draw(canvas.add_subplot())
        for kind in FORMATS:
            file = BytesIO()
            canvas.savefig(file, format=kind, dpi=PNG_DPI, metadata=METADATA[kind])
            made[kind] = file.getvalue()
    return made


def main(argv: list[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    from analysis.files import FilesError, replace_files
    from analysis.responses import ResponsesError

    try:
        if options.dir is None:
            with newest_export(options.simulated) as folder:
                files = report(folder, simulated=options.simulated)
        else:
            files = report(options.dir, simulated=options.simulated)
        written = replace_files(options.out, files)
    except (ResponsesError, ReportError, FilesError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
