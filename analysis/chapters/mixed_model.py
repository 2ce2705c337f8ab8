"""The mixed model beside the headline: how far people and images differ, and levels that it gives.

Knows what is said of it. The model is in `mixed`, its levels are in `mixed_levels`.
"""

from __future__ import annotations

import pandas as pd

from analysis import mixed_levels
from analysis.columns import listed
from analysis.intervals import NEW
from analysis.quoted import rounded
from analysis.results import Results
from analysis.section import Number, Section, Table
from analysis.wording import NBSP, count, counted, label

ELSEWHERE = (
    "For comparison, medians over 41 generators in the public answers of Stein et al. (2023, NeurIPS 36, without a time limit), "
    "computed for this software: 0.55 between people, 1.10 between generated and 0.96 between real images."
)
MEANING = {
    "person": "between people, in how readily they say real",
    "person by source": "between people, from source to source",
    "image": "between images of a source",
}


def mixed_model(results: Results) -> Section | None:
    """Standard deviations of people and images, and means over times that the model gives beside the headline's."""
    people, images = len(results.codes.people), len(results.codes.images)
    if min(people, images) < 2:
        return None
    study = mixed_levels.fitted_study(results.codes, seed=results.plan.seed)
    probit = mixed_levels.fitted_study(results.codes, "probit", seed=results.plan.seed)
    spread, means = mixed_levels.standard_deviations(study.model), mixed_levels.means(study)
    text = [spread_sentence(spread), agreement_sentence(results, means)]
    if study.is_part:
        text.append(
            f"It was fitted to {counted(study.n_people, 'person', 'people')} drawn at random of {count(people)}, "
            "since its cost grows with their square."
        )
    caption = (
        f"Percent judged real, averaged over presentation times: the two-way interval of this report, and the mixed model with "
        f"logit and probit link (population averages with 95{NBSP}% intervals for {NEW}; {mixed_levels.METHOD}). The model's "
        "are right only if its effects are normal and add up."
    )
    both = results.means.merge(means, on="source", suffixes=("", "_logit")).merge(
        mixed_levels.means(probit), on="source", suffixes=("", "_probit")
    )
    rows = [
        [
            label(row.source),
            *(f"{100 * value:.1f}" if place == 0 else value for kind in ("", "_logit", "_probit") for place, value in enumerate(
                (getattr(row, f"p{kind}"), f"{100 * getattr(row, f'low{kind}'):.1f}–{100 * getattr(row, f'high{kind}'):.1f}")
            )),
        ]
        for row in both.itertuples()
    ]  # fmt: skip
    head = ["source", "two-way %", "interval", "logit %", "interval", "probit %", "interval"]
    columns = [
        "source",
        *(f"{name}{kind}" for kind in ("", "_logit", "_probit") for name in ("p", "low", "high")),
    ]
    shown = Table(caption, head, rows, name="mixed_model", frame=both[columns])
    return Section("How far people and images differ", text, shown, numbers=numbers(spread, means))


def spread_sentence(spread: pd.DataFrame) -> str:
    said = listed(
        f"{row.sd:.2f}{ends(row.low, row.high)} {MEANING[row.effect]}" for row in spread.itertuples()
    )
    return f"In a mixed model the log odds of judging a picture real differ with a standard deviation of {said}. {ELSEWHERE}"


def ends(low: float, high: float) -> str:
    return f" ({low:.2f} to {high:.2f})" if low == low else " (at the end of its range)"


def agreement_sentence(results: Results, means: pd.DataFrame) -> str:
    both = results.means.merge(means, on="source", suffixes=("", "_model"))
    apart = (both["p"] - both["p_model"]).abs().max()
    length = ((both["high_model"] - both["low_model"]) / (both["high"] - both["low"])).mean()
    return (
        f"Its levels differ from the headline's by {100 * apart:.1f} points at most; its intervals are {length:.2f} times as long "
        "in the mean."
    )


def numbers(spread: pd.DataFrame, means: pd.DataFrame) -> list[Number]:
    return [
        *(
            Number(
                f"spread: {row.effect}", rounded(row.sd), "standard deviation (logit)", MEANING[row.effect], mixed_levels.METHOD,
                rounded(row.low), rounded(row.high),
            )
            for row in spread.itertuples()
        ),
        *(
            Number(
                f"mixed model: {row.source}, mean over times", rounded(row.p), "proportion",
                f"share of pictures judged real, averaged over the presentation times, for {NEW}", mixed_levels.METHOD,
                rounded(row.low), rounded(row.high),
            )
            for row in means.itertuples()
        ),
    ]  # fmt: skip
