"""Estimates with intervals, tests with effects, and audits of published figures.

>>> from spinalcord import stats
>>> stats.proportion(150, 157, name="accuracy").sentence()
'96 % (150 of 157) [95 % CI: 91 %, 98 %]'

The patient is the statistical unit. Undefined results are NaN with a reason, never a sentinel, and
every p-value comes with its effect and interval.
"""

from __future__ import annotations

from .adjusted import AdjustedFactor, adjusted_factors
from .agreement import cohen_kappa, fleiss_kappa
from .auc_comparison import compare_all, compare_aucs, compare_aucs_unpaired
from .audit import Finding, auc_bounds, interval_methods, possible_counts, width_ratio
from .bands import RocBand, roc_band
from .benefit import net_benefit
from .calibration import Bin, DecisionCurve, brier, calibration_line, decision_curve, reliability
from .cascade import Branch, Confusion, chain_bounds
from .clustered import clustered_proportion, clustered_summary
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
from .group_tests import (
    exact_table_p,
    kruskal_wallis,
    location_shift,
    standardised_difference,
)
from .gwet import gwet_ac1
from .interactions import adjusted_interactions
from .margins import equivalence, noninferiority
from .means import mean, median, pooled
from .measurements import BlandAltman, bland_altman, icc
from .mrmc import Mrmc, compare_modalities
from .multiplicity import benjamini_hochberg
from .odds import diagnostic_odds_ratio
from .paired import compare_tests
from .partial_roc import partial_auc, sensitivity_at
from .planning import (
    SampleSize,
    kappa_power,
    mcnemar_power,
    patients_for_kappa,
    patients_for_paired,
    patients_for_proportion,
)
from .planning_areas import auc_variance, patients_for_auc, patients_for_auc_difference
from .proportions import proportion, proportion_difference
from .published import Letter, LetterTask, letter
from .reader_groups import ModelAgainstReaders, compare_modalities_by, compare_with_readers
from .roc import RocCurve, auc, delong_covariance, delong_se, hanley_mcneil_se, roc_curve
from .segmentation_metrics import (
    LesionCounts,
    SegmentationScore,
    count_lesions,
    lesion_detection,
    score_segmentation,
)
from .smooth_calibration import (
    CalibrationCurve,
    calibration_curve,
    calibration_index,
    observed_to_expected,
)
from .subgroups import Subgroups, by_subgroup
from .thresholds import Evaluation, Threshold, choose_threshold, evaluate, youden_optimism

__all__ = [
    "AdjustedFactor",
    "Bin",
    "BlandAltman",
    "Branch",
    "CalibrationCurve",
    "Comparison",
    "Confusion",
    "DecisionCurve",
    "Estimate",
    "Evaluation",
    "Finding",
    "LesionCounts",
    "Letter",
    "LetterTask",
    "ModelAgainstReaders",
    "Mrmc",
    "PBounds",
    "RocBand",
    "RocCurve",
    "SampleSize",
    "SegmentationScore",
    "Subgroups",
    "Threshold",
    "TwoByTwo",
    "adjusted_factors",
    "adjusted_interactions",
    "auc",
    "auc_bounds",
    "auc_variance",
    "benjamini_hochberg",
    "bland_altman",
    "brier",
    "by_subgroup",
    "calibration_curve",
    "calibration_index",
    "calibration_line",
    "chain_bounds",
    "choose_threshold",
    "clustered_proportion",
    "clustered_summary",
    "cochran_q",
    "cohen_kappa",
    "compare_all",
    "compare_aucs",
    "compare_aucs_unpaired",
    "compare_modalities",
    "compare_modalities_by",
    "compare_tests",
    "compare_with_readers",
    "count_lesions",
    "decision_curve",
    "delong_covariance",
    "delong_se",
    "diagnostic_odds_ratio",
    "discordant",
    "equivalence",
    "evaluate",
    "exact_table_p",
    "fleiss_kappa",
    "gwet_ac1",
    "hanley_mcneil_se",
    "holm",
    "icc",
    "interval_methods",
    "kappa_power",
    "kruskal_wallis",
    "lesion_detection",
    "letter",
    "location_shift",
    "mcnemar",
    "mcnemar_bounds",
    "mcnemar_power",
    "mean",
    "median",
    "net_benefit",
    "noninferiority",
    "observed_to_expected",
    "paired_difference",
    "partial_auc",
    "patients_for_auc",
    "patients_for_auc_difference",
    "patients_for_kappa",
    "patients_for_paired",
    "patients_for_proportion",
    "pooled",
    "possible_counts",
    "proportion",
    "proportion_difference",
    "reliability",
    "roc_band",
    "roc_curve",
    "score_segmentation",
    "sensitivity_at",
    "standardised_difference",
    "width_ratio",
    "youden_optimism",
]
