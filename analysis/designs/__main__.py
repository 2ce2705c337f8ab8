"""`python -m analysis.designs KIND FILE [--out report]`: the report on another design, from any directory.

The edge: reads arguments and the file, writes `report.html`, the figure as PNG, SVG and PDF, the tables as CSV
and `results.json`. What each design measures is in the module of its name, the files are in `report`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import ModuleType

from analysis.designs import pairs, ratings, staircase, untimed

KINDS: dict[str, ModuleType] = {
    "untimed": untimed,
    "staircase": staircase,
    "pairs": pairs,
    "ratings": ratings,
}


def arguments() -> argparse.ArgumentParser:
    needed = "; ".join(f"{name}: {', '.join(kind.NEEDED)}" for name, kind in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m analysis.designs",
        description="A report on untimed judgements, staircases, pairs or ratings.",
        epilog=f"Columns that the file must have: {needed}. Others may be there.",
    )
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV file, or what export_responses wrote")
    parser.add_argument(
        "--out", type=Path, default=Path("report"), help="folder for the report (default: report)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap over raters (default: 1)")
    return parser


def report(kind: str, path: Path, seed: int) -> dict[str, bytes]:
    """All files of the report, by name. Raises ResponsesError, StudyRulesError for data that it cannot use."""
    from analysis.designs.reading import counted_rows
    from analysis.designs.report import design_files
    from analysis.provenance import provenance
    from analysis.responses import responses_file

    design, file = KINDS[kind], responses_file(path) if path.is_dir() else path
    rows, selection = counted_rows(file, design.NEEDED, design.OPTIONAL)
    title = file.stem if selection is None else str(selection.rows["study"].iat[0])
    return design_files(
        design, rows, provenance(file), where=str(file), title=title, seed=seed, selection=selection
    )


def main(argv: list[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    from analysis.files import FilesError, replace_files
    from analysis.responses import ResponsesError
    from analysis.study_rules import StudyRulesError

    try:
        written = replace_files(options.out, report(options.kind, options.file, options.seed))
    except (ResponsesError, StudyRulesError, FilesError) as error:
        print(f"designs: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, FilesError) else 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
