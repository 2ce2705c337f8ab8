"""What must hold of the database after the crash loop: every acknowledged answer is there, once, as it was sent."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.crashes.people import Diary
from tests.crashes.site import ANSWERS, CONFLICTS, Site

COMPARED = ("answer", "reaction_ms", "planned_frames")


@dataclass(frozen=True)
class Audit:
    """Counted in trials. `altered`: another value or another receipt than was sent or given; `strange`: never sent."""

    acknowledged: int
    stored: int
    lost: int
    doubled: int
    altered: int
    strange: int
    conflicts: int
    replays: int
    kills: int
    cuts: int
    connections: int

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.altered or self.strange or self.conflicts)


def audited(site: Site, diary: Diary, cuts: Counter[str]) -> Audit:
    rows = site.rows(ANSWERS)
    n_rows = Counter(token for token, *_ in rows)
    conflicts = site.rows(CONFLICTS)[0][0]
    return Audit(
        acknowledged=len(diary.acknowledged),
        stored=len(rows),
        lost=len(diary.acknowledged.keys() - n_rows.keys()),
        doubled=sum(n > 1 for n in n_rows.values()),
        altered=sum(_is_altered(row, diary) for row in rows),
        strange=len(n_rows.keys() - diary.sent.keys()),
        conflicts=conflicts + diary.n_refused,
        replays=diary.n_replays,
        kills=site.n_kills,
        cuts=cuts.total() - cuts[""],
        connections=cuts.total(),
    )


def _is_altered(row: tuple[Any, ...], diary: Diary) -> bool:
    token, *values, receipt = row
    sent = diary.sent.get(token)
    if sent is None:
        return False
    given = diary.receipts.get(token, {receipt})
    return values != [sent[name] for name in COMPARED] or receipt not in given or len(given) > 1
