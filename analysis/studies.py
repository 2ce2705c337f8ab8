"""Several studies read as one: the same question asked again, of other people or of other pictures.

Knows what must not mix: the same study twice, a picture with two sources, answers with and without a time limit.
People of different studies are different people, whatever they are called; a picture of the same name is the same
picture.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.agreement import BELONGS_TO, spreadsheet_row
from analysis.responses import ResponsesError, read, responses_file

IDS = ("participant", "sitting")  # named anew, with their study, where several are read


def read_studies(paths: list[Path]) -> pd.DataFrame:
    """All rows of one export or several (folders or files), as `responses.read` returns them.

    With several, participants and sittings are called `study/name`. Raises ResponsesError for a bad row, for a
    study version that comes twice, and for an image whose source differs between studies.
    """
    if len(paths) == 1:
        return read(paths[0])
    parts: list[pd.DataFrame] = []
    files: dict[tuple[str, str], Path] = {}
    for path in paths:
        rows, file = read(path), responses_file(Path(path))
        key = (str(rows["study"].iat[0]), str(rows["study_version"].iat[0]))
        if key in files:
            raise ResponsesError(
                f"{file}: expected another study than that of {files[key]}, found {key[0]} in the same version; "
                "give each study once"
            )
        files[key] = file
        parts.append(rows.assign(**{name: with_study(rows[name], key[0], key[1]) for name in IDS}))
    refuse_mixed_times(parts, list(files.values()))
    refuse_two_sources(parts, list(files.values()))
    refuse_trials_twice(parts, list(files.values()))
    return joined(parts)


def studies_of(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Name and version of each study that has rows, in the order read."""
    first = rows[~rows.duplicated(["study", "study_version"]).to_numpy(bool)]
    return [(str(row.study), str(row.study_version)) for row in first.itertuples()]


def with_study(names: pd.Series, study: str, version: str) -> pd.Series:
    """Names with their study in front, as categories; versions of one study stay apart."""
    return names.cat.rename_categories(lambda name: f"{study}:{version[:8]}/{name}")


def joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows one after the other; columns of categories stay that."""
    from pandas.api.types import union_categoricals

    table = {}
    for name in parts[0]:
        columns = [part[name] for part in parts]
        if isinstance(columns[0].dtype, pd.CategoricalDtype):
            table[name] = pd.Series(union_categoricals(columns))
        else:
            table[name] = pd.concat(columns, ignore_index=True)
    return pd.DataFrame(table)


def refuse_mixed_times(parts: list[pd.DataFrame], files: list[Path]) -> None:
    timed = [bool(rows["exposure_ms"].notna().iat[0]) for rows in parts]
    if len(set(timed)) > 1:
        raise ResponsesError(
            f"expected studies that all have exposures, or none of them, found them in {files[timed.index(True)]} and "
            f"not in {files[timed.index(False)]}: percentages with and without a time limit share no figure; make a "
            "report of each"
        )


def refuse_two_sources(parts: list[pd.DataFrame], files: list[Path]) -> None:
    owned, owner = BELONGS_TO[0]
    known: dict[str, tuple[str, Path]] = {}
    for rows, file in zip(parts, files, strict=True):
        first = rows[~rows[owned].duplicated().to_numpy(bool)]
        for row, name, source in zip(first.index, first[owned], first[owner], strict=True):
            before, where = known.setdefault(name, (source, file))
            if before != source:
                raise ResponsesError(
                    f"{file}, row {spreadsheet_row(int(row))}, column {owner}: expected {before} as for {owned} {name} "
                    f"in {where}, found {source!r}; these studies cannot be read as one"
                )


def refuse_trials_twice(parts: list[pd.DataFrame], files: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for rows, file in zip(parts, files, strict=True):
        again = rows["trial"].isin(list(seen)).to_numpy(bool)
        if again.any():
            row = int(again.argmax())
            trial = rows["trial"].iat[row]
            raise ResponsesError(
                f"{file}, row {spreadsheet_row(row)}, column trial: expected each trial once, found {trial!r} in "
                f"{seen[trial]} too; give each export once"
            )
        seen.update(dict.fromkeys(rows["trial"], file))
