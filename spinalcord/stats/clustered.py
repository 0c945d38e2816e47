"""Proportions of clustered data: several scans, lesions or levels per patient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .diagnostic import binary
from .distributions import beta_quantile, t_quantile
from .estimate import Estimate, check_level, undefined
from .proportions import proportion


def clustered_proportion(
    right: ArrayLike,
    groups: ArrayLike,
    *,
    level: float = 0.95,
    name: str = "proportion",
    what: str = "scans",
    unit: str = "patients",
) -> Estimate:
    """Estimate a share of cases of which a patient may have several.

    Parameters
    ----------
    right : (n,) bool, or 0 and 1
    groups : (n,) array
        The patient of each case.
    level : float, default 0.95
    name : str
    what, unit : str
        What is counted, and what is independent.

    Returns
    -------
    Estimate
        k of n cases. The interval is Korn and Graubard's [1]_: the exact one of a sample as large
        as the variance between patients makes it worth, widened for the number of patients. Where
        that variance is 0 (all or none right, or the same share in every patient), a patient
        counts as one case. ``details`` has the number of patients, the effective number of cases
        and the design effect.

    Raises
    ------
    InputError
        Lengths that differ; anything but 0 and 1; a level outside (0, 1).
    ImportError
        Without SciPy.

    References
    ----------
    .. [1] Korn and Graubard, Surv Methodol 24:193 (1998).

    Examples
    --------
    >>> e = clustered_proportion([1, 1, 1, 0, 1, 0, 1], ["a", "a", "b", "b", "c", "c", "d"])
    >>> e.k, e.n, e.details["patients"]
    (5, 7, 4)
    """
    check_level(level)
    x, names = binary(right, "right"), np.asarray(groups)
    if names.shape != x.shape:
        raise InputError(f"groups of shape {names.shape} for {x.size} cases")
    options: dict[str, Any] = {"n": int(x.size), "k": int(x.sum()), "unit": what}
    options["style"] = "percent"
    if not x.size:
        return undefined(name, f"no {what} to count", level, **options)
    index = np.unique(names, return_inverse=True)[1]
    m = int(index.max()) + 1
    value = float(x.mean())
    variance = _between(x, index, value)
    details: dict[str, Any] = {unit: m}
    if m == 1:
        reason = f"one of {unit} does not vary"
        nan = math.nan
        return Estimate(
            name, value, nan, nan, level, "none", reason=reason, details=details, **options
        )
    simple = value * (1 - value) / x.size
    if variance < 1e-15:
        effective, how = float(m), "Clopper-Pearson of patients"
    else:
        effective = value * (1 - value) / variance
        details["design_effect"] = variance / simple
        # Few patients: the variance itself is uncertain.
        effective *= (t_quantile(level, x.size - 1) / t_quantile(level, m - 1)) ** 2
        how = "Korn-Graubard"
    details["effective_n"] = effective
    low, high = _exact(value, effective, level)
    return Estimate(name, value, low, high, level, how, details=details, **options)


def clustered_summary(
    truth: ArrayLike,
    predicted: ArrayLike,
    groups: ArrayLike,
    *,
    level: float = 0.95,
    what: str = "scans",
    unit: str = "patients",
) -> dict[str, Estimate]:
    """Accuracy, sensitivity, specificity and predictive values of scans, several a patient.

    Parameters
    ----------
    truth, predicted : (n,) bool, or 0 and 1
    groups : (n,) array
        The patient of each scan.
    level, what, unit
        As in `clustered_proportion`.

    Returns
    -------
    dict of str to Estimate
        accuracy, sensitivity, specificity, ppv, npv, each as `clustered_proportion`.

    Raises
    ------
    InputError
        As `clustered_proportion`.
    ImportError
        Without SciPy.

    Examples
    --------
    >>> truth, answer = [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 1]
    >>> found = clustered_summary(truth, answer, ["a", "a", "b", "c", "c", "d"])
    >>> found["sensitivity"].k, found["sensitivity"].n
    (2, 3)
    """
    t, p = binary(truth, "truth"), binary(predicted, "predicted")
    names = np.asarray(groups)
    if not t.shape == p.shape == names.shape:
        raise InputError(f"{t.size} true labels, {p.size} predicted ones, {names.size} groups")
    every = np.ones_like(t)
    parts = {
        "accuracy": (every, t == p),
        "sensitivity": (t, p),
        "specificity": (~t, ~p),
        "ppv": (p, t),
        "npv": (~p, ~t),
    }
    options: dict[str, Any] = {"level": level, "what": what, "unit": unit}
    return {
        name: clustered_proportion(right[own], names[own], name=name, **options)
        for name, (own, right) in parts.items()
    }


def _between(x: NDArray[np.bool_], index: NDArray[np.intp], value: float) -> float:
    """Return the variance of the share from per-patient deviations (ratio estimator)."""
    sums = np.bincount(index, weights=x - value)
    m = sums.size
    return float(m / max(m - 1, 1) * (sums**2).sum()) / x.size**2


def _exact(value: float, n: float, level: float) -> tuple[float, float]:
    tail, k = (1 - level) / 2, value * n
    if value in (0.0, 1.0):
        end = proportion(round(k), round(n), level=level, method="clopper-pearson")
        return end.low, end.high
    return beta_quantile(tail, k, n - k + 1), beta_quantile(1 - tail, k + 1, n - k)
