"""`python -m analysis.designs KIND FILE [--out report]`: the report on another design, from any directory.

The edge: reads arguments and the file, writes `report.html`, the figure as PNG, SVG and PDF, the tables as CSV
and `results.json`. What each design measures is in the module of its name.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

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
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="CSV file, responses.csv of an export for example"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("report"), help="folder for the report (default: report)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the bootstrap over raters (default: 1)")
    return parser


def report(kind: str, file: Path, seed: int) -> dict[str, bytes]:
    """All files of the report, by name. Raises ResponsesError for data that the design cannot use."""
    import numpy as np

    from analysis.designs.reading import read_table
    from analysis.page import page
    from analysis.provenance import provenance
    from analysis.report import FORMATS, drawn

    design = KINDS[kind]
    rows = read_table(file, design.NEEDED, design.OPTIONAL)
    told = design.told(rows, np.random.default_rng(seed), str(file))
    pictures = {each.figure.name: drawn(each.figure) for each in told.sections if each.figure}
    html = page(
        title=f"{file.stem}: {kind}",
        about=f"{len(rows):,} answers of {rows['participant'].nunique():,} people.",
        alerts=[],
        sections=told.sections,
        pictures={name: made["svg"] for name, made in pictures.items()},
    )
    document = {
        "format": 1,
        "design": kind,
        "confidence": 0.95,
        "seed": seed,
        "provenance": asdict(provenance(file)),
        "tables": {
            name: {"estimand": told.meaning[name][0], "method": told.meaning[name][1], "rows": records(table)}
            for name, table in told.tables.items()
        },
    }
    numbers = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return {
        "report.html": html.encode(),
        **{f"{name}.{form}": made[form] for name, made in pictures.items() for form in FORMATS},
        **{f"{name}.csv": csv(table).encode() for name, table in told.tables.items()},
        "results.json": f"{numbers}\n".encode(),
    }


def records(table: Any) -> list[dict[str, Any]]:
    from analysis.quoted import records

    return records(table)


def csv(table: Any) -> str:
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%.9g"))


def main(argv: list[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    from analysis.files import FilesError, replace_files
    from analysis.responses import ResponsesError

    try:
        written = replace_files(options.out, report(options.kind, options.file, options.seed))
    except (ResponsesError, FilesError) as error:
        print(f"designs: {error}", file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
