"""Which sittings the analysis leaves out: rules that a study declares before its data, each a share in percent.

Pure: shares in, broken rules out. The shares of a sitting are counted in `quality`. The report applies the same rules
to an export (`analysis/study_rules.py`). Neither imports the other: a rule is changed in both places, and
`tests/analysis/test_study_rules.py` holds their decisions together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class RuleError(ValueError):
    """Rules that cannot be; the message says what was expected and what came."""


@dataclass(frozen=True)
class Rule:
    """One way to be left out: `sentence` has a place for the percent; `is_check` says that whoever looks meets it.

    usual: a percent to begin with; is_least: broken below the percent instead of above it.
    """

    sentence: str
    usual: int
    is_least: bool = False
    is_check: bool = False

    def said(self, percent: float) -> str:
        return self.sentence.format(percent=f"{percent:g}")

    def is_broken(self, share: float, percent: float) -> bool:
        return 100 * share < percent if self.is_least else 100 * share > percent


RULES: dict[str, Rule] = {
    "answered": Rule("fewer than {percent} % of the planned test trials were answered", 80, is_least=True),
    "catch_missed": Rule("more than {percent} % of the catch trials were called real", 25, is_check=True),
    "too_fast": Rule(
        "more than {percent} % of the answers came less than 150 ms after the picture", 5, is_check=True
    ),
    "same_answer": Rule("more than {percent} % of the answers were the same", 95, is_check=True),
    "mistimed": Rule("more than {percent} % of the measured test trials were shown for a wrong time", 20),
    "lost_focus": Rule("more than {percent} % of the test trials were answered out of focus", 20),
}


def checked_rules(rules: Any) -> dict[str, float]:
    """The rules as they came, if every one is known and a percent. Raises RuleError."""
    if not isinstance(rules, dict):
        raise RuleError(f"expected rules by name with a percent each, got {str(rules)[:60]!r}")
    for name, percent in rules.items():
        if name not in RULES:
            raise RuleError(f"expected rules among {', '.join(RULES)}, got {str(name)[:60]!r}")
        is_number = isinstance(percent, int | float) and not isinstance(percent, bool)
        if not is_number or not 0 <= percent <= 100:
            raise RuleError(f"{name}: expected a percent of 0 to 100, got {str(percent)[:60]!r}")
    return rules


def broken_rules(rules: Mapping[str, float], shares: Mapping[str, float | None]) -> tuple[str, ...]:
    """The names of the rules that a sitting breaks, in the order of RULES; a share of None breaks nothing.

    `shares`: rule -> share of 0 to 1, None where there was nothing to count.
    """
    return tuple(
        name
        for name, rule in RULES.items()
        if name in rules and (share := shares[name]) is not None and rule.is_broken(share, rules[name])
    )


def sentences(rules: Mapping[str, float]) -> list[str]:
    """The declared rules in words, in the order of RULES."""
    return [RULES[name].said(rules[name]) for name in RULES if name in rules]
