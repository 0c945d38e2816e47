"""Map each interval and test that a report prints to its row of the benchmark.

A report names the method of every interval and test. `find` says what in the benchmark simulates
it; a test of the report's catalogue holds that there is always something.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Method of an interval, of which figures (how their names begin; "" for all others), and the rows.
INTERVALS: tuple[tuple[str, str, str], ...] = (
    ("Wilson", "O:E", "O:E (Wilson)"),
    ("Clopper-Pearson", "O:E", "O:E (Wilson)"),
    ("Wilson", "lesion-wise", "lesion-wise sensitivity (Wilson over patients)"),
    ("Wilson over patients", "", "lesion-wise sensitivity (Wilson over patients)"),
    ("Clopper-Pearson over patients", "", "lesion-wise sensitivity (Wilson over patients)"),
    ("Wilson", "", "sensitivity (Wilson, exact near the ends)"),
    ("Wilson, exact near the end", "", "sensitivity (Wilson, exact near the ends)"),
    ("Wilson, exact near the end", "O:E", "O:E (Wilson)"),
    ("Clopper-Pearson", "", "sensitivity (Wilson, exact near the ends)"),  # at 0 and n
    ("Korn-Graubard", "", "share of scans (Korn-Graubard)"),
    ("Clopper-Pearson of patients", "", "share of scans (Korn-Graubard)"),
    ("DeLong, logit", "", "AUC (DeLong, logit)"),
    ("Newcombe, method 5", "", "AUC (DeLong, logit)"),  # at 0 and 1
    ("DeLong, logit, or Newcombe, method 5, whichever is wider", "", "AUC (DeLong, logit)"),
    ("DeLong, unpaired", "", "difference of AUCs, unpaired"),
    ("square-and-add", "AUC", "difference of AUCs, unpaired"),
    ("square-and-add", "difference in AUC", "difference of AUCs, unpaired"),
    ("DeLong, paired", "", "difference of AUCs, paired"),
    ("bootstrap, percentile, McClish's scale", "", "partial AUC (bootstrap)"),
    ("bootstrap, Zhou and Qin", "", "sensitivity at specificity 0.8 (Zhou and Qin)"),
    ("exact, conditional", "", "diagnostic odds ratio (exact)"),
    ("logarithm", "positive likelihood ratio", "2 x 2: lr_positive"),
    ("logarithm", "negative likelihood ratio", "2 x 2: lr_negative"),
    ("Newcombe", "", "difference of proportions (Fisher, Newcombe)"),
    ("Tango", "", "paired proportions (McNemar exact, Tango)"),
    ("square-and-add, correlated", "positive predictive value", "paired ppv"),
    ("square-and-add, correlated", "negative predictive value", "paired npv"),
    ("square-and-add, correlated", "net benefit", "net benefit"),
    ("Obuchowski-Rockette, one model against random readers", "",
     "model against five readers as a group"),
    ("Obuchowski-Rockette, Hillis", "", "two modalities, four readers, accuracy (MRMC)"),
    ("score, over chance", "", "Cohen's kappa (score)"),
    ("Clopper-Pearson, over chance", "", "Cohen's kappa (score)"),  # at perfect agreement
    ("Gwet", "AC1", "AC1"),
    ("Gwet", "", "Fleiss' kappa (Gwet)"),
    ("profile, Firth", "ratio of odds ratios", "adjusted interaction (Firth, profile)"),
    ("profile, Firth", "", "adjusted odds ratio (Firth, profile)"),
    ("Wald", "calibration slope", "calibration slope (Wald)"),
    ("Wald", "calibration intercept", "calibration intercept (Wald)"),
    ("bootstrap-t", "Brier score", "Brier score (bootstrap-t)"),
    ("Student's t", "Brier score", "Brier score (bootstrap-t)"),  # of fewer than 10
    ("bootstrap-t", "95th percentile", "mean HD95 (bootstrap-t)"),
    ("bootstrap-t", "mean surface distance", "mean HD95 (bootstrap-t)"),
    ("bootstrap-t", "", "mean Dice (bootstrap-t)"),
    ("Student's t", "bias", "bias (Student)"),
    ("Student's t", "mean", "table 1: mean age (Student's t)"),
    ("Student's t", "", "mean Dice (bootstrap-t)"),
    ("Welch's t", "", "table 1: age, years (Welch's analysis of variance)"),
    ("binomial, of ranks", "", "median HD95, missed counted as largest"),
    ("square-and-add, Zou", "", "limit of agreement (Zou)"),
    ("F, McGraw and Wong", "", "ICC(2, 1), these two raters"),
)  # fmt: skip

# The same of tests.
TESTS: tuple[tuple[str, str, str], ...] = (
    ("Fisher", "", "difference of proportions (Fisher, Newcombe)"),
    ("Fisher-Freeman-Halton", "female", "table 1: female (Fisher-Freeman-Halton)"),
    ("Fisher-Freeman-Halton", "", "four groups, three categories (Freeman and Halton)"),
    ("chi-squared", "female", "table 1: female (chi-squared)"),
    ("chi-squared", "AUC", "three subgroups, AUCs (chi-squared)"),
    ("chi-squared", "", "three subgroups, proportions (chi-squared or exact)"),
    ("Welch's analysis of variance", "", "table 1: age, years (Welch's analysis of variance)"),
    ("Kruskal-Wallis", "", "four groups, numbers (Kruskal-Wallis)"),
    ("McNemar, exact", "", "paired proportions (McNemar exact, Tango)"),
    ("Cochran's Q", "", "three readers (Cochran, Tango)"),
    ("weighted generalised score", "positive predictive value", "paired ppv"),
    ("weighted generalised score", "negative predictive value", "paired npv"),
    ("Obuchowski-Rockette, one model against random readers", "",
     "model against five readers as a group"),
    ("Obuchowski-Rockette, Hillis", "", "two modalities, four readers, accuracy (MRMC)"),
    # An equivalence test's p-value is the larger of two such: it rejects no more often.
    ("equivalence", "", "non-inferiority at the margin, one-sided 5 %"),
    ("non-inferiority", "", "non-inferiority at the margin, one-sided 5 %"),
    ("DeLong, unpaired", "", "difference of AUCs, unpaired"),
    ("square-and-add", "", "difference of AUCs, unpaired"),
    ("DeLong, paired", "", "difference of AUCs, paired"),
    ("Firth's logistic regression, penalised likelihood ratio", "interaction as a whole",
     "adjusted interaction (Firth, profile)"),
    ("Firth's logistic regression, penalised likelihood ratio", "",
     "adjusted odds ratio (Firth, profile)"),
    ("simulated outcomes", "", "ICI against chance"),
)  # fmt: skip

# What figures draw beside the tables' numbers.
DRAWN = ("ROC band at 1 - specificity 0.2 (Zhou and Qin)", "calibration curve's band (bootstrap)")


def find(row: Mapping[str, Any]) -> list[str]:
    """Names of the benchmark's rows for one row of a report's table.

    Parameters
    ----------
    row : mapping
        With figure, method and test, as far as the table has them.

    Returns
    -------
    list of str
        One for the interval, one for the test; none for a row that prints neither.

    Raises
    ------
    KeyError
        Nothing stands for it.
    """
    figure = str(row.get("figure") or "")
    found = []
    for column, value, known in (("method", "low", INTERVALS), ("test", "p", TESTS)):
        # What follows the method's name says how often, of how many, or that it is too small.
        name = str(row.get(column) or "").partition("; ")[0]
        name = name.partition(", Bonferroni")[0]
        printed = row.get(value, math.nan)
        if name in ("", "none") or printed == "" or math.isnan(printed):
            continue
        fits = [
            bench
            for method, begins, bench in known
            if (name == method or name.startswith(f"{method}, ")) and figure.startswith(begins)
        ]
        exact = [b for m, begins, b in known if name == m and figure.startswith(begins)]
        if not fits:
            raise KeyError(f"{column} {name!r} of {figure!r}")
        found.append((exact or fits)[0])
    return found
