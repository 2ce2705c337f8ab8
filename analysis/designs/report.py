"""The files of a report on another design: the page, its figure, its tables, the numbers.

Knows rows that have been read and chosen, whether from a table of anybody's or from an export; how they are read is in
`reading`, what each design measures in the module of its name.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from types import ModuleType

import numpy as np
import pandas as pd

from analysis.alerts import declared_rules_left_aside, rows_left_out, simulated_people
from analysis.chapters.method import flow_table, rules_and_their_time
from analysis.csv_tables import exclusions_csv
from analysis.intervals import CONFIDENCE
from analysis.page import page
from analysis.provenance import Provenance
from analysis.quoted import records, rules_of
from analysis.report import FORMATS, drawn, quiet
from analysis.responses import Selection
from analysis.section import Section


def design_files(
    design: ModuleType,
    rows: pd.DataFrame,
    provenance: Provenance,
    *,
    where: str,
    title: str,
    seed: int,
    selection: Selection | None = None,
    formats: tuple[str, ...] = FORMATS,
    say: Callable[[str], None] = quiet,
) -> dict[str, bytes]:
    """All files of the report by name; `selection` says what was left out of an export.

    Raises ResponsesError for rows that the design cannot use.
    """
    kind = design.__name__.rpartition(".")[2]
    told = design.told(rows, np.random.default_rng(seed), where)
    sections, alerts, more = list(told.sections), [], {}
    if selection is not None:
        said = " ".join(rules_and_their_time(selection))
        sections.append(Section("What was left out", [said], flow_table(selection)))
        alerts = [
            sentence
            for check in (simulated_people, declared_rules_left_aside, rows_left_out)
            for sentence in check(selection)
        ]
        more["exclusions.csv"] = exclusions_csv(selection).encode()
    is_simulated = selection is not None and selection.n_simulated > 0
    pictures = {
        each.figure.name: drawn(each.figure, formats, say, is_simulated=is_simulated)
        for each in sections
        if each.figure
    }
    html = page(
        title=f"{title}: {kind}",
        about=f"{len(rows):,} answers of {rows['participant'].nunique():,} people.",
        alerts=alerts,
        sections=sections,
        pictures={name: made["svg"] for name, made in pictures.items()},
    )
    document = {
        "format": 1,
        "design": kind,
        "confidence": CONFIDENCE,
        "seed": seed,
        **({} if selection is None else {"plan": rules_of(selection)}),
        "provenance": asdict(provenance),
        "alerts": alerts,
        "tables": {
            name: {"estimand": told.meaning[name][0], "method": told.meaning[name][1], "rows": records(table)}
            for name, table in told.tables.items()
        },
    }
    numbers = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return {
        "report.html": html.encode(),
        **{f"{name}.{form}": made[form] for name, made in pictures.items() for form in formats},
        **{f"{name}.csv": csv(table).encode() for name, table in told.tables.items()},
        **more,
        "results.json": f"{numbers}\n".encode(),
    }


def csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%.9g"))
