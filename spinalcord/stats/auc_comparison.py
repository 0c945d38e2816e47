"""Differences between areas under ROC curves: paired, unpaired, and of several models."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .distributions import chi2_p, normal_p, normal_quantile
from .estimate import Comparison, Estimate, check_level
from .roc import delong_covariance


def compare_aucs(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    level: float = 0.95,
    name: str = "difference in AUC",
    unit: str = "patients",
) -> Comparison:
    """Compare the AUCs of two models on the same cases (DeLong, paired).

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (2, n) float
        First minus second is the effect.
    level : float, default 0.95
    name, unit : str

    Returns
    -------
    Comparison
        Identical curves have Z = 0 and p = 1. Limits beyond -1 and 1 are cut off there.

    Raises
    ------
    InputError
        As `auc`; an empty class; another number of models.
    """
    check_level(level)
    areas, covariance = delong_covariance(truth, scores)
    if len(areas) != 2:
        raise InputError(f"scores of {len(areas)} models; expected 2 (compare_all takes more)")
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    options = {"n": np.size(truth), "unit": unit}
    difference = float(areas[0] - areas[1])
    return _z_test(name, difference, float(variance), level, "DeLong, paired", options)


def compare_aucs_unpaired(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    level: float = 0.95,
    name: str = "difference in AUC",
    unit: str = "patients",
) -> Comparison:
    """Compare AUCs from two independent groups of cases (DeLong, unpaired).

    Parameters
    ----------
    first, second : (truth, scores)
        As for `auc`. First minus second is the effect.
    level : float, default 0.95
    name, unit : str

    Returns
    -------
    Comparison
        Limits beyond -1 and 1 are cut off there.

    Raises
    ------
    InputError
        As `auc`; an empty class.
    """
    check_level(level)
    (area1, v1), (area2, v2) = (
        delong_covariance(truth, np.asarray(s, np.float64)[None]) for truth, s in (first, second)
    )
    options = {"n": np.size(first[0]) + np.size(second[0]), "unit": unit}
    difference, variance = float(area1[0] - area2[0]), float(v1[0, 0] + v2[0, 0])
    return _z_test(name, difference, variance, level, "DeLong, unpaired", options)


def compare_all(
    truth: ArrayLike, scores: ArrayLike, *, unit: str = "patients", level: float = 0.95
) -> Comparison:
    """Test whether several models on the same cases have equal AUCs (DeLong, chi-squared).

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (models, n) float
        At least two models.
    unit : str
    level : float, default 0.95
        Of the effect's interval.

    Returns
    -------
    Comparison
        `effect` is the largest difference between two models, with its unadjusted interval.

    Raises
    ------
    InputError
        As `auc`; an empty class; fewer than two models.
    """
    check_level(level)
    areas, covariance = delong_covariance(truth, scores)
    if len(areas) < 2:
        raise InputError("scores of 1 model; expected at least 2")
    i, j = int(areas.argmax()), int(areas.argmin())
    options = {"n": np.size(truth), "unit": unit}
    variance = float(covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
    largest = _z_test(
        "largest difference in AUC",
        float(areas[i] - areas[j]),
        variance if i != j else 0.0,
        level,
        "DeLong, paired",
        options,
    ).effect
    contrast = np.eye(len(areas))[:-1] - np.eye(len(areas))[1:]
    differences, spread = contrast @ areas, contrast @ covariance @ contrast.T
    rank = int(np.linalg.matrix_rank(spread, tol=1e-12))
    if rank == 0:
        same = not differences.any()
        reason = "" if same else "the areas do not vary"
        p, statistic = (1.0, 0.0) if same else (math.nan, math.nan)
        return Comparison("equal AUCs", statistic, 0, p, "DeLong", largest, reason)
    statistic = float(differences @ np.linalg.pinv(spread, rcond=1e-10) @ differences)
    p = chi2_p(statistic, rank)
    return Comparison("equal AUCs", statistic, rank, p, "DeLong, chi-squared", largest)


def _z_test(
    name: str,
    difference: float,
    variance: float,
    level: float,
    method: str,
    options: dict[str, Any],
) -> Comparison:
    error = math.sqrt(max(variance, 0.0))
    if error < 1e-12:  # rounding: equal placements cancel to 1e-17
        if difference == 0:
            effect = Estimate(name, 0.0, 0.0, 0.0, level, method, **options)
            return Comparison(name, 0.0, math.nan, 1.0, method, effect)
        reason = "neither area varies"
        effect = Estimate(
            name, difference, math.nan, math.nan, level, method, reason=reason, **options
        )
        return Comparison(name, math.nan, math.nan, math.nan, method, effect, reason)
    half = normal_quantile(level) * error
    # The normal interval may run beyond what two areas can differ by.
    low, high = max(difference - half, -1.0), min(difference + half, 1.0)
    effect = Estimate(name, difference, low, high, level, method, **options)
    z = difference / error
    return Comparison(name, z, math.nan, normal_p(z), method, effect)
