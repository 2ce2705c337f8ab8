"""The report: `python analysis/report.py [DIR ...] [--out report] [--simulated]`, from any directory.

The edge of the package: reads arguments, has the newest study exported if no folder is given, and writes
`report.html`, `results.json`, every figure as `.png`, `.svg` and `.pdf`, every table as `.csv`. What they say is in
`sections`, `alerts` and `quoted`. Heavy imports wait until the arguments are known to be good.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

PROJECT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    # A script's own folder comes first on the path, where our modules would answer for others of that name.
    sys.path[0] = str(PROJECT)
    # Before numpy is loaded. Sums of several threads end in other digits than those of one, and threads that wait for a
    # busy core burn the time of the processor: three times as much for 10,000 answers.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"

if TYPE_CHECKING:
    from analysis.plan import Plan
    from analysis.results import Results
    from analysis.section import Figure, Section

FORMATS = ("png", "svg", "pdf")
LIVE_FORMATS = ("svg",)
PNG_DPI = 300
PNG_EFFORT = 3  # of 9: a little larger, in a third of the time
AS_DECLARED, NO_RULE = "declared", "none"  # what --exclude takes beside the names of rules
PICTURES = "pictures"  # a folder of that name in an export is looked into for pictures

Saying = Callable[[str], None]


class ReportError(RuntimeError):
    """The report could not be made: what was expected, what came, what to do."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="report.py",
        description="Percent judged real against presentation time: a report on the answers of a study.",
        epilog="Without DIR the only open study, or the newest, is exported first. A study whose pictures stay until "
        "the answer gets the report of `python -m analysis.designs untimed`: error rates instead of curves. "
        "Existing files of an earlier report are replaced, other files in the folder stay. Ends with 1 where data or "
        "choices are refused, with 74 where the files could not be written.",
    )
    add = parser.add_argument
    add(
        "dirs",
        nargs="*",
        type=Path,
        metavar="DIR",
        help="what export_responses wrote, or a CSV file; several are read as one",
    )
    add("--out", type=Path, default=Path("report"), help="folder for the report (default: report)")
    add("--simulated", action="store_true", help="count simulated people too (they are labelled as such)")
    choices = parser.add_argument_group("choices to make before looking at the answers")
    choices.add_argument(
        "--exclude", action="append", default=[], metavar="RULE[=LIMIT]",
        help="leave out by a rule: fast, slow, mistimed, unproven, focus, catch, one-answer, lost, few; several with "
        "commas. Takes the place of the rules that the study declared before its data, which apply otherwise: say "
        "declared for them too, none for no rule at all",
    )  # fmt: skip
    choices.add_argument(
        "--contrast", action="append", default=[], metavar="HIGHER:LOWER",
        help="compare these two sources over times (default: the paper's order, or every pair)",
    )  # fmt: skip
    choices.add_argument(
        "--margin",
        type=float,
        default=10.0,
        metavar="POINTS",
        help="of equivalence to the paper's levels (10)",
    )
    choices.add_argument(
        "--bars", default="two-way", metavar="KIND",
        help="of figure 1: two-way (for new people and images), people, people-bootstrap, two-way-bootstrap, wilson, "
        "jeffreys, clopper-pearson, sd, sem",
    )  # fmt: skip
    choices.add_argument("--seed", type=int, default=1, help="of everything that uses chance (1)")
    looks = parser.add_argument_group("what is made")
    looks.add_argument(
        "--pictures", type=Path, metavar="DIR", help="image sets (zips) or PNG files, for strips of pictures"
    )
    looks.add_argument("--paper-style", action="store_true", help="draw figure 1 also as the paper did")
    looks.add_argument(
        "--live",
        action="store_true",
        help="figure 1 and the contrasts alone, as SVG: fast, for a page that waits",
    )
    looks.add_argument(
        "--steps",
        action="store_true",
        help="say each step on a line of standard error, for a program that waits",
    )
    return parser


def planned(options: argparse.Namespace) -> Plan:
    """The choices of the command line. Raises ReportError for one that cannot be made."""
    from analysis.plan import Plan
    from analysis.rules import declared

    named = [rule for text in options.exclude for rule in text.split(",")]
    if NO_RULE in named and len(named) > 1:
        raise ReportError(f"--exclude: expected {NO_RULE} alone or rules, got {','.join(named)!r}")
    pairs = []
    for text in options.contrast:
        higher, _, lower = text.partition(":")
        if not higher or not lower or higher == lower:
            raise ReportError(f"--contrast: expected two sources with a colon between them, got {text!r}")
        pairs.append((higher, lower))
    try:
        return Plan(
            seed=options.seed,
            margin=options.margin / 100,
            pairs=tuple(pairs),
            as_declared=not named or AS_DECLARED in named,
            exclude=tuple(declared(rule) for rule in named if rule not in (AS_DECLARED, NO_RULE)),
            simulated=options.simulated,
            bars=options.bars,
        )
    except ValueError as error:
        raise ReportError(str(error)) from None


@contextmanager
def newest_export(simulated: bool, say: Saying) -> Iterator[Path]:
    """A folder with a fresh export of the newest open study, gone afterwards. Raises ReportError."""
    with tempfile.TemporaryDirectory(prefix="tachisto-export-") as folder:
        command = [sys.executable, str(PROJECT / "manage.py"), "export_responses", "--out", folder]
        command += ["--simulated"] * simulated
        say("exporting the newest study")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ReportError(f"the newest study could not be exported: {last_sentence(done.stderr)}")
        yield Path(folder)


def last_sentence(stderr: str) -> str:
    """What a child process said last, without its marks for an error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    last = lines[-1] if lines else "the export gave no reason; run it by hand"
    return last.removeprefix("CommandError: ").removeprefix("error: ")


def own_image_sets() -> Path | None:
    """Where this installation keeps its image sets, if it has any."""
    folder = Path(os.environ.get("TACHISTO_DATA", PROJECT / "var")) / "image_sets"
    return folder if folder.is_dir() else None


def quiet(words: str) -> None:
    """Says nothing."""


def on_terminal(words: str) -> None:
    """One line on a terminal that the next one replaces."""
    print(f"\r\033[K{words} ..." if words else "\r\033[K", end="", file=sys.stderr, flush=True)


def on_lines(words: str) -> None:
    """A line for each step."""
    if words:
        print(f"step: {words}", file=sys.stderr, flush=True)


def report(
    *data: Path,
    plan: Plan | None = None,
    simulated: bool = False,
    pictures: Path | None = None,
    paper_style: bool = False,
    live: bool = False,
    formats: tuple[str, ...] | None = None,
    say: Saying = quiet,
) -> dict[str, bytes]:
    """All files of the report on export folders or CSV files, by name.

    Without exposures, where pictures stayed until the answer, it is that of `designs.untimed`: there is no curve.
    plan: the choices made beforehand; `simulated` is a short form for a plan that counts simulated people.
    formats: of figures, with svg among them; where nobody says, all, or svg alone for the live form. `say` is told
    what is being done. Raises ResponsesError or StudyRulesError where the data are not what an export holds.
    """
    from analysis.plan import Plan
    from analysis.provenance import provenance
    from analysis.responses import responses_file, select
    from analysis.results import analyse
    from analysis.studies import read_studies, studies_of
    from analysis.study_rules import study_rules

    plan = plan or Plan(simulated=simulated)
    files = [responses_file(each) for each in data]
    say("reading")
    rows = read_studies(list(data))
    where = ", ".join(map(str, files))
    selection = select(
        rows,
        simulated=plan.simulated,
        beforehand=study_rules(files, studies_of(rows)),
        as_declared=plan.as_declared,
        exclude=plan.exclude,
        where=where,
    )
    say("counting")
    formats = formats or (LIVE_FORMATS if live else FORMATS)
    if rows["exposure_ms"].isna().all():
        from analysis.designs import untimed
        from analysis.designs.report import design_files

        return design_files(
            untimed,
            selection.rows,
            provenance(*files),
            where=where,
            title=" and ".join(rows["study"].unique()),
            seed=plan.seed,
            selection=selection,
            formats=formats,
            say=say,
        )
    folders = tuple(file.parent for file in files)
    if pictures is None:
        pictures = next((folder / PICTURES for folder in folders if (folder / PICTURES).is_dir()), None)
    results = analyse(selection, provenance(*files), plan, folders=folders, pictures=pictures)
    return written(results, paper_style=paper_style, live=live, formats=formats, say=say)


def written(
    results: Results, *, paper_style: bool, live: bool, formats: tuple[str, ...], say: Saying
) -> dict[str, bytes]:
    """All files of a report on results, by name."""
    from analysis.alerts import alerts
    from analysis.chapters import answers
    from analysis.csv_tables import cells_csv, exclusions_csv, table_csv
    from analysis.page import page
    from analysis.quoted import as_json
    from analysis.sections import LIVE, SECTIONS, sections
    from analysis.wording import counted

    writers = LIVE if live else SECTIONS
    if paper_style:
        writers = (writers[0], answers.in_the_paper_s_manner, *writers[1:])
    told, said = sections(results, writers, say), alerts(results)
    pictures = {
        each.figure.name: drawn(each.figure, formats, say, is_simulated=results.is_simulated)
        for each in told
        if each.figure
    }
    about = (
        f"Study {results.study}, version {results.short_version}; "
        f"{counted(len(results.people), *results.who).rstrip(',')}, {counted(len(results.rows), 'answer')}."
    )
    html = page(
        title=f"{results.study}: how real do the pictures look?",
        about=about,
        alerts=said,
        sections=told,
        pictures={name: made["svg"] for name, made in pictures.items()},
    )
    numbers = json.dumps(as_json(results, said, told), indent=1, ensure_ascii=False, allow_nan=False)
    tables = [each.table for each in told if each.table and each.table.name]
    return {
        "report.html": html.encode(),
        **{f"{name}.{kind}": made[kind] for name, made in pictures.items() for kind in formats},
        "cells.csv": cells_csv(results.cells).encode(),
        **{f"{table.name}.csv": table_csv(table).encode() for table in tables},
        **({} if live else {"exclusions.csv": exclusions_csv(results.selection).encode()}),
        **methods_txt(told),
        "results.json": f"{numbers}\n".encode(),
    }


def methods_txt(told: list[Section]) -> dict[str, bytes]:
    """The methods paragraph as a file of its own, where it was written."""
    said = [each.text for each in told if each.title.startswith("Methods")]
    return {"methods.txt": "\n\n".join(said[0]).encode() + b"\n"} if said else {}


def drawn(
    figure: Figure, formats: tuple[str, ...] = FORMATS, say: Saying = quiet, *, is_simulated: bool = False
) -> dict[str, bytes]:
    """A figure in every format, the same bytes for the same data; of simulated people it says so."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    from analysis.style import METADATA, RC, SIMULATED, WARNING

    say(f"drawing {figure.name}")
    made: dict[str, Any] = {}
    with mpl.rc_context(RC):
        canvas = Canvas(figsize=figure.inches, layout="constrained")
        figure.draw(canvas.subplots(*figure.grid))
        if is_simulated and not figure.marks_simulated:
            canvas.suptitle(SIMULATED, x=0.01, ha="left", color=WARNING, weight="bold", size=10)
        canvas.draw_without_rendering()
        canvas.set_layout_engine("none")  # laid out once: every format would do it again
        for kind in formats:
            file = BytesIO()
            more: dict[str, Any] = {"pil_kwargs": {"compress_level": PNG_EFFORT}} if kind == "png" else {}
            canvas.savefig(file, format=kind, dpi=PNG_DPI, metadata=METADATA[kind], **more)
            made[kind] = file.getvalue()
    return made


def main(argv: list[str] | None = None) -> int:
    options = arguments().parse_args(argv)
    from analysis.contrasts import ContrastError
    from analysis.files import FilesError, replace_files
    from analysis.pictures import PicturesError
    from analysis.responses import ResponsesError
    from analysis.study_rules import StudyRulesError

    say = on_lines if options.steps else on_terminal if sys.stderr.isatty() else quiet
    try:
        plan = planned(options)
        looks = {"plan": plan, "paper_style": options.paper_style, "live": options.live, "say": say}
        if options.dirs:
            files = report(*options.dirs, pictures=options.pictures, **looks)
        else:
            with newest_export(options.simulated, say) as folder:
                files = report(folder, pictures=options.pictures or own_image_sets(), **looks)
        say("")
        made = replace_files(options.out, files)
    except (
        ResponsesError,
        StudyRulesError,
        ReportError,
        FilesError,
        PicturesError,
        ContrastError,
    ) as error:
        say("")
        print(f"report: {error}", file=sys.stderr)
        return error.exit_code if isinstance(error, FilesError) else 1
    for path in made:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
