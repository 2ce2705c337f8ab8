"""A panel's own list of submissions beside ours: who they say has finished, and who has.

Pure but for one look at our rows; nothing is stored, for the panel's list changes from day to day.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from studyapp.csv_tables import Table, TableError, written
from studyapp.models import PanelIdentity, Sitting, SittingOutcome, Study
from studyapp.panels import ANY, PANELS, Claim, Panel

NOT_LISTED, NOT_HERE = "not on their list", "never came here"
# What each pair asks for. Theirs, ours (done or not) -> the verdict; pairs without a line agree.
VERDICTS: dict[tuple[Claim, bool], str] = {
    (Claim.FINISHED, False): "they say finished, here not: look before you pay",
    (Claim.PAID, False): "paid there, but not finished here",
    (Claim.REJECTED, True): "finished here, rejected there: say why, or pay",
    (Claim.GONE, True): "finished here, counted as gone there: pay by hand",
    (Claim.UNDER_WAY, True): "finished here, still under way there: the code has not come back yet",
}
AGREE = "agrees"
MISSING = "finished here, not on their list: came by another way, or with another's link"
UNKNOWN_WORD = "a status that we do not know"
OTHER_CODE = "another completion code than ours"
TWICE = "more than once on their list"


@dataclass(frozen=True)
class Line:
    """One person of a panel: what they say, what we have, and what follows from both."""

    external_id: str
    theirs: str
    ours: str
    code: str
    verdict: str


def reconciled(study: Study, panel: str, table: Table) -> list[Line]:
    """A line for everybody on either list, those that disagree first. Raises TableError for a list of another kind."""
    kind = PANELS.get(panel, ANY)
    ids = table.column((*kind.id_columns, *ANY.id_columns))
    words = table.column((*kind.status_columns, "status"))
    if ids is None or words is None:
        raise TableError(
            f"expected columns with the id ({', '.join(kind.id_columns)}) and the status "
            f"({', '.join(kind.status_columns)}) of each submission, got {', '.join(table.header)[:200]}"
        )
    codes = table.column(kind.code_columns)
    rows = [row for row in table.rows if len(row) > max(ids, words) and row[ids]]
    n_times = Counter(row[ids] for row in rows)
    ours = {
        identity.external_id: identity.participant.sitting
        for identity in PanelIdentity.objects.filter(study=study, panel=panel).select_related(
            "participant__sitting"
        )
    }
    lines = []
    for row in rows:
        sitting = ours.get(row[ids])
        code = row[codes] if codes is not None and len(row) > codes else ""
        verdict = TWICE if n_times[row[ids]] > 1 else _verdict(kind, row[words], code, sitting)
        lines.append(Line(row[ids], row[words], _said(sitting), code, verdict))
    lines += [
        Line(external_id, NOT_LISTED, _said(sitting), "", MISSING if _is_done(sitting) else AGREE)
        for external_id, sitting in ours.items()
        if external_id not in n_times
    ]
    return sorted(lines, key=lambda line: (line.verdict == AGREE, line.verdict, line.external_id))


def _verdict(kind: Panel, word: str, code: str, sitting: Sitting | None) -> str:
    claim = kind.claims.get(word.strip().lower())
    if claim is None:
        return UNKNOWN_WORD
    if pair := VERDICTS.get((claim, _is_done(sitting))):
        return pair
    is_ours = sitting is None or not code or code == sitting.completion_code
    return AGREE if is_ours else OTHER_CODE


def _is_done(sitting: Sitting | None) -> bool:
    """Whether a sitting came to an end that a panel counts as finished."""
    return sitting is not None and sitting.outcome in (SittingOutcome.COMPLETE, SittingOutcome.FAILED_CHECK)


def _said(sitting: Sitting | None) -> str:
    return NOT_HERE if sitting is None else (sitting.outcome or sitting.status)


def verdict_counts(lines: list[Line]) -> Mapping[str, int]:
    """How many people got each verdict."""
    return Counter(line.verdict for line in lines)


def lines_csv(lines: list[Line]) -> bytes:
    rows = ((line.external_id, line.theirs, line.ours, line.code, line.verdict) for line in lines)
    return written(("external_id", "panel_says", "here", "their_code", "verdict"), rows)
