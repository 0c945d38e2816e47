"""Estimates with intervals, tests with effects, and audits of published figures.

>>> from spinalcord import stats
>>> stats.proportion(150, 157, name="accuracy").sentence()
'96 % (150 of 157) [95 % CI: 91 %, 98 %]'

The patient is the statistical unit. What is not defined is NaN with a reason, never a sentinel; no
p-value comes without its effect and interval.
"""

from __future__ import annotations

from .agreement import cohen_kappa, fleiss_kappa
from .audit import Finding, auc_bounds, interval_methods, possible_counts, width_ratio
from .cascade import Branch, chain_bounds
from .comparison import (
    PBounds,
    cochran_q,
    discordant,
    holm,
    mcnemar,
    mcnemar_bounds,
    paired_difference,
)
from .diagnostic import TwoByTwo
from .estimate import Comparison, Estimate
from .letter import Letter, LetterTask, letter
from .proportions import proportion, proportion_difference
from .roc import (
    RocCurve,
    auc,
    compare_all,
    compare_aucs,
    compare_aucs_unpaired,
    hanley_mcneil_se,
    roc_curve,
)

__all__ = [
    "Branch",
    "Comparison",
    "Estimate",
    "Finding",
    "Letter",
    "LetterTask",
    "PBounds",
    "RocCurve",
    "TwoByTwo",
    "auc",
    "auc_bounds",
    "chain_bounds",
    "cochran_q",
    "cohen_kappa",
    "compare_all",
    "compare_aucs",
    "compare_aucs_unpaired",
    "discordant",
    "fleiss_kappa",
    "hanley_mcneil_se",
    "holm",
    "interval_methods",
    "letter",
    "mcnemar",
    "mcnemar_bounds",
    "paired_difference",
    "possible_counts",
    "proportion",
    "proportion_difference",
    "roc_curve",
    "width_ratio",
]
