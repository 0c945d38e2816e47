"""Estimates with intervals, tests with effects, and audits of published figures.

>>> from spinalcord import stats
>>> stats.proportion(150, 157, name="accuracy").sentence()
'96 % (150 of 157) [95 % CI: 91 %, 98 %]'

The patient is the statistical unit. What is not defined is NaN with a reason, never a sentinel; no
p-value comes without its effect and interval.
"""

from __future__ import annotations

from .agreement import cohen_kappa, fleiss_kappa
from .auc_comparison import compare_all, compare_aucs, compare_aucs_unpaired
from .audit import Finding, auc_bounds, interval_methods, possible_counts, width_ratio
from .bands import RocBand, roc_band
from .calibration import Bin, DecisionCurve, brier, calibration_line, decision_curve, reliability
from .cascade import Branch, Confusion, chain_bounds
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
from .means import mean, pooled
from .mrmc import Mrmc, compare_modalities
from .proportions import proportion, proportion_difference
from .published import Letter, LetterTask, letter
from .roc import RocCurve, auc, delong_covariance, delong_se, hanley_mcneil_se, roc_curve
from .segmentation_metrics import (
    LesionCounts,
    SegmentationScore,
    count_lesions,
    lesion_detection,
    score_segmentation,
)
from .subgroups import Subgroups, by_subgroup
from .thresholds import Evaluation, Threshold, choose_threshold, evaluate, youden_optimism

__all__ = [
    "Bin",
    "Branch",
    "Comparison",
    "Confusion",
    "DecisionCurve",
    "Estimate",
    "Evaluation",
    "Finding",
    "LesionCounts",
    "Letter",
    "LetterTask",
    "Mrmc",
    "PBounds",
    "RocBand",
    "RocCurve",
    "SegmentationScore",
    "Subgroups",
    "Threshold",
    "TwoByTwo",
    "auc",
    "auc_bounds",
    "brier",
    "by_subgroup",
    "calibration_line",
    "chain_bounds",
    "choose_threshold",
    "cochran_q",
    "cohen_kappa",
    "compare_all",
    "compare_aucs",
    "compare_aucs_unpaired",
    "compare_modalities",
    "count_lesions",
    "decision_curve",
    "delong_covariance",
    "delong_se",
    "discordant",
    "evaluate",
    "fleiss_kappa",
    "hanley_mcneil_se",
    "holm",
    "interval_methods",
    "lesion_detection",
    "letter",
    "mcnemar",
    "mcnemar_bounds",
    "mean",
    "paired_difference",
    "pooled",
    "possible_counts",
    "proportion",
    "proportion_difference",
    "reliability",
    "roc_band",
    "roc_curve",
    "score_segmentation",
    "width_ratio",
    "youden_optimism",
]
