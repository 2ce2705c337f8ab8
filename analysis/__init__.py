"""What people answered, and what follows from it: from `responses.csv` to numbers that hold for new people.

    from analysis import cells, count_tables, covariance, read, select

    rows = select(read("export/")).rows     # checked, and only the trials that count
    tables = count_tables(rows)             # everything below follows from these counts
    table = cells(tables)                   # one row for each source and exposure, with 95 % intervals

A tutorial with everything else is in `docs/analysis.md`. Names are loaded when they are first used, so that
importing the package costs nothing. Knows neither Django nor torch: it meets the other parts in files.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.bars import Study, all_bars
    from analysis.binomial import clopper_pearson, jeffreys, wilson
    from analysis.contrasts import at_each_time, distance_to_real, holm, over_times
    from analysis.counts import Codes, CountTables, coded, count_tables
    from analysis.detection import own_sensitivity, sensitivity, yes_no
    from analysis.equivalence import beside_published
    from analysis.images import image_scores
    from analysis.intervals import Covariance, cells, contrast, covariance, differences, source_means
    from analysis.mixed_levels import fitted_study
    from analysis.multiverse import all_universes
    from analysis.observers import Observers, simulate
    from analysis.people import drift, leave_one_out, people_table, split_half
    from analysis.plan import Plan
    from analysis.planning import measures, stopping
    from analysis.reactions import conditional_accuracy, reaction_quantiles
    from analysis.responses import ResponsesError, Selection, read, select
    from analysis.results import Results, analyse
    from analysis.rules import declared
    from analysis.studies import read_studies

__all__ = [
    "Codes",
    "CountTables",
    "Covariance",
    "Observers",
    "Plan",
    "ResponsesError",
    "Results",
    "Selection",
    "Study",
    "all_bars",
    "all_universes",
    "analyse",
    "at_each_time",
    "beside_published",
    "cells",
    "clopper_pearson",
    "coded",
    "conditional_accuracy",
    "contrast",
    "count_tables",
    "covariance",
    "declared",
    "differences",
    "distance_to_real",
    "drift",
    "fitted_study",
    "holm",
    "image_scores",
    "jeffreys",
    "leave_one_out",
    "measures",
    "over_times",
    "own_sensitivity",
    "people_table",
    "reaction_quantiles",
    "read",
    "read_studies",
    "select",
    "sensitivity",
    "simulate",
    "source_means",
    "split_half",
    "stopping",
    "wilson",
    "yes_no",
]

# Where each public name is at home.
HOME = {
    "Codes": "counts",
    "CountTables": "counts",
    "Covariance": "intervals",
    "Observers": "observers",
    "Plan": "plan",
    "ResponsesError": "responses",
    "Results": "results",
    "Selection": "responses",
    "Study": "bars",
    "all_bars": "bars",
    "all_universes": "multiverse",
    "analyse": "results",
    "at_each_time": "contrasts",
    "beside_published": "equivalence",
    "cells": "intervals",
    "clopper_pearson": "binomial",
    "coded": "counts",
    "conditional_accuracy": "reactions",
    "contrast": "intervals",
    "count_tables": "counts",
    "covariance": "intervals",
    "declared": "rules",
    "differences": "intervals",
    "distance_to_real": "contrasts",
    "drift": "people",
    "fitted_study": "mixed_levels",
    "holm": "contrasts",
    "image_scores": "images",
    "jeffreys": "binomial",
    "leave_one_out": "people",
    "measures": "planning",
    "over_times": "contrasts",
    "own_sensitivity": "detection",
    "people_table": "people",
    "reaction_quantiles": "reactions",
    "read": "responses",
    "read_studies": "studies",
    "select": "responses",
    "sensitivity": "detection",
    "simulate": "observers",
    "source_means": "intervals",
    "split_half": "people",
    "stopping": "planning",
    "wilson": "binomial",
    "yes_no": "detection",
}


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(f"analysis.{HOME[name]}"), name)
