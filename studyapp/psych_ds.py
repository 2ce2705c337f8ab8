"""An export as a Psych-DS folder: the tables under data/, and a JSON-LD file that says what every column means.

Source: the Psych-DS specification 1.0 (psych-ds.github.io): data files are named key-value_..._data.csv, all their
columns stand in `variableMeasured` of dataset_description.json.
"""

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from studyapp.export import ExportSummary, Heard, export_freeze, freeze_study, unheard
from studyapp.export_columns import CODEBOOK, TABLES, Column
from studyapp.export_files import KINDS
from studyapp.files import write_whole
from studyapp.models import ExportFreeze, Study


def export_psych_ds(
    study: Study,
    folder: Path,
    *,
    freeze: ExportFreeze | None = None,
    include_simulated: bool = False,
    pilot: bool = False,
    by: str = "",
    heard: Heard = unheard,
) -> ExportSummary:
    """Write a study's export into `folder` as Psych-DS. Raises ExportError as `export_study` does."""
    freeze = freeze or freeze_study(study, include_simulated=include_simulated, pilot=pilot, by=by)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".psych-ds-", dir=folder) as name:
        summary = export_freeze(freeze, Path(name), heard=heard)
        places = {path.name: folder / place_of(study, path.name) for path in summary.paths}
        for path in summary.paths:
            places[path.name].parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, places[path.name])
    written = [*places.values(), folder / "dataset_description.json", folder / "README.md"]
    with write_whole(written[-2]) as file:
        file.write(json.dumps(dataset_description(freeze), indent=2, ensure_ascii=False).encode() + b"\n")
    with write_whole(written[-1]) as file:
        file.write(readme(freeze).encode())
    rows = {places[name].name: n for name, n in summary.rows.items()}
    return ExportSummary(rows, written, summary.is_simulated, freeze, summary.n_erased_since)


def place_of(study: Study, name: str) -> str:
    """Where a file of an export stands in the folder: tables under data/, the rest beside them."""
    table = name.removesuffix(".csv")
    if table in TABLES:
        return f"data/study-{keyword_value(study.slug)}_description-{table}_data.csv"
    return f"documentation/{name}"


def keyword_value(text: str) -> str:
    """Letters and digits alone, as values in names of Psych-DS files have to be."""
    return re.sub(r"[^A-Za-z0-9]", "", text) or "study"


def dataset_description(freeze: ExportFreeze) -> dict[str, Any]:
    """What dataset_description.json says: schema.org's Dataset, the same for the same freeze."""
    told = freeze.description
    definition = told["definition"] or {}
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": definition.get("title") or told["study"],
        "description": definition.get("description") or f"Responses of the study {told['study']}.",
        "schemaVersion": "Psych-DS 1.0.0",
        "identifier": f"{told['study']} {told['version']}",
        "version": freeze.name,
        "dateCreated": freeze.created_utc.date().isoformat(),
        "creator": [{"@type": "Organization", "name": definition["organiser"]}]
        if definition.get("organiser")
        else [],
        "variableMeasured": variables(),
    }


def variables() -> list[dict[str, Any]]:
    """Every column of every table once, by its name; where tables share a name they share its meaning."""
    found: dict[str, Column] = {}
    for columns in TABLES.values():
        for column in columns:
            found.setdefault(column.name, column)
    return [
        {
            "@type": "PropertyValue",
            "name": column.name,
            "description": column.meaning,
            "valueReference": column.values,
            "measurementTechnique": KINDS[column.kind].type,
            **({"unitText": column.unit} if column.unit else {}),
        }
        for column in found.values()
    ]


def readme(freeze: ExportFreeze) -> str:
    told = freeze.description
    trials = told["counts"]["trials"]
    # Sorted, for a database gives keys back in an order of its own, and the same export has the same bytes.
    named = sorted((name, n) for name, n in trials.items() if name != "planned")
    parts = " + ".join(f"{n} {name.replace('_', ' ')}" for name, n in named)
    return (
        f"# Study {told['study']}\n\n"
        f"Version {told['version']}, exported as {freeze.name}.\n\n"
        f"Trials: {trials['planned']} planned = {parts}.\n\n"
        f"`documentation/codebook.csv` says what each column means ({', '.join(CODEBOOK)}); "
        "`documentation/study.json` has the frozen design and where every image set comes from.\n"
    )
