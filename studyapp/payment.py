"""Who is to be paid what, by a study's rule: an amount for each outcome, and a bonus for right answers."""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django.db.models import Count, Q

from studyapp.csv_tables import written
from studyapp.models import PanelIdentity, SittingOutcome, Study, Trial
from studyapp.protocols.trial import REAL
from studyapp.recruiting import RecruitingError, recruiting_of
from studyapp.sittings import TESTED

# Amounts by outcome; for nobody who did not consent is there a sitting, so nothing is paid.
PAID_OUTCOMES = (SittingOutcome.COMPLETE, SittingOutcome.FAILED_CHECK, SittingOutcome.SCREENED_OUT)
RULES = (*PAID_OUTCOMES, "bonus_for_right", "bonus_at_most")
MOST = Decimal(10_000)
CENT = Decimal("0.01")
HEADER = ("panel", "external_id", "outcome", "completion_code", "base", "bonus", "total")


def checked_payment(rule: dict[str, Any]) -> dict[str, str]:
    """The rule with amounts as text, without the empty ones. Raises RecruitingError."""
    told = {}
    for name, amount in rule.items():
        if name not in RULES:
            raise RecruitingError(f"expected payment rules among {', '.join(RULES)}, got {name[:40]!r}")
        if amount in (None, ""):
            continue
        try:
            value = Decimal(str(amount))
        except InvalidOperation:
            raise RecruitingError(
                f"{name}: expected an amount such as 2.50, got {str(amount)[:40]!r}"
            ) from None
        if not (value.is_finite() and 0 <= value <= MOST):
            raise RecruitingError(f"{name}: expected an amount of 0 to {MOST}, got {str(amount)[:40]!r}")
        told[name] = str(value)
    return told


def payments(study: Study) -> Iterator[tuple[Any, ...]]:
    """A row of HEADER for everybody who came through a panel or a link, by panel and id; pilots are not paid here."""
    rule = {name: Decimal(amount) for name, amount in recruiting_of(study).payment.items()}
    right = _right_answers(study) if rule.get("bonus_for_right") else {}
    people = (
        PanelIdentity.objects.filter(study=study, participant__sitting__is_pilot=False)
        .order_by("panel", "external_id")
        .values_list(
            "panel",
            "external_id",
            "participant__sitting",
            "participant__sitting__outcome",
            "participant__sitting__status",
            "participant__sitting__completion_code",
        )
    )
    for panel, external_id, sitting, outcome, status, code in people:
        base = rule.get(outcome, Decimal(0))
        bonus = Decimal(0)
        if outcome == SittingOutcome.COMPLETE:
            bonus = right.get(sitting, 0) * rule.get("bonus_for_right", Decimal(0))
            bonus = min(bonus, rule.get("bonus_at_most", bonus))
        base, bonus = (amount.quantize(CENT, ROUND_HALF_UP) for amount in (base, bonus))
        yield panel, external_id, outcome or status, code, base, bonus, base + bonus


def _right_answers(study: Study) -> dict[int, int]:
    """Sitting -> right answers in the test, counted by the database in one go."""
    is_real = Q(shown__stimulus__source__name=REAL)
    is_right = (is_real & Q(response__answer="real")) | (~is_real & Q(response__answer="generated"))
    return dict(
        Trial.objects.filter(
            sitting__study=study, status=Trial.Status.ANSWERED, kind__in=TESTED, shown__position=0
        )
        .order_by()
        .values_list("sitting")
        .annotate(n=Count("pk", filter=is_right))
    )


def payment_csv(study: Study) -> bytes:
    return written(HEADER, payments(study))
