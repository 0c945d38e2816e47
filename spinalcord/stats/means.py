"""Means over patients: of Dice scores, of squared errors, of anything measured once per patient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .estimate import Estimate, check_level, undefined
from .proportions import proportion
from .resampling import percentile_limits, resample_ratio


def mean(
    values: ArrayLike,
    *,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    name: str = "mean",
    unit: str = "patients",
) -> Estimate:
    """Estimate a mean, with a bootstrap interval.

    Parameters
    ----------
    values : (n,) float
        One per patient. NaN stands for what is not defined: such values are counted, not averaged.
    level : float, default 0.95
    replicates, seed : int
        Of the bootstrap, whose percentiles are the limits.
    name, unit : str

    Returns
    -------
    Estimate
        `n` counts the values that are defined, ``details["undefined"]`` the others. Without
        interval for one value, or where all are the same: the bootstrap would give no width.

    Raises
    ------
    InputError
        Another number of axes; infinity; settings out of range.
    """
    x = np.asarray(values, np.float64)
    check_level(level)
    if x.ndim != 1 or np.isinf(x).any():
        raise InputError(
            f"values have shape {x.shape}; expected one finite number per case, or NaN"
        )
    kept = x[~np.isnan(x)]
    details: dict[str, Any] = {"undefined": int(x.size - kept.size)}
    options: dict[str, Any] = {"n": int(kept.size), "unit": unit, "details": details}
    if kept.size == 0:
        return undefined(name, f"no {unit} with a value", level, **options)
    drawn = resample_ratio(kept, np.ones_like(kept), replicates=replicates, seed=seed)
    details |= {"seed": seed, "replicates": replicates}
    value = float(kept.mean())
    if (kept == kept[0]).all():
        reason = f"all {kept.size} values are the same" if kept.size > 1 else _ONE_VALUE
        return Estimate(name, value, math.nan, math.nan, level, "none", reason=reason, **options)
    return Estimate(name, value, *percentile_limits(drawn, level), level, _METHOD, **options)


def pooled(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    name: str = "proportion",
    what: str = "cases",
    unit: str = "patients",
) -> Estimate:
    """Estimate a proportion of things of which a patient may have several, such as lesions.

    Parameters
    ----------
    numerator, denominator : (n,) ints
        Counts per patient: so many of so many.
    level : float, default 0.95
    replicates, seed : int
        Of the bootstrap, which draws patients with all they have.
    name : str
    what : str
        What is counted; recorded as the estimate's unit.
    unit : str
        What is drawn.

    Returns
    -------
    Estimate
        `k` of `n` counted things; ``details["patients"]`` (or another unit) tells of how many.
        Where k is 0 or n the bootstrap would give no width: the interval is then the exact one
        (Clopper and Pearson) for as many patients as have such things, all of a patient's things
        taken to share their fate. Without interval for one patient, or where all have the same
        share.

    Raises
    ------
    InputError
        Shapes that differ; counts that are not 0 <= numerator <= denominator; settings out of
        range.
    """
    k, n = np.asarray(numerator), np.asarray(denominator)
    check_level(level)
    if k.ndim != 1 or k.shape != n.shape or (k < 0).any() or (k > n).any():
        raise InputError(f"counts of shape {k.shape} and {n.shape}; expected k of n per case")
    total = int(n.sum())
    details: dict[str, Any] = {unit: int(k.size)}
    options: dict[str, Any] = {"k": int(k.sum()), "n": total, "unit": what, "style": "percent"}
    options["details"] = details
    if total == 0:
        return undefined(name, f"no {what} to count", level, **options)
    drawn = resample_ratio(k, n, replicates=replicates, seed=seed)
    details |= {"seed": seed, "replicates": replicates}
    value = options["k"] / total
    if k.size == 1:
        nan = math.nan
        reason = f"one of {unit} does not vary"
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    if (k * total == n * options["k"]).all():
        return _alike(name, value, int((n > 0).sum()), level, unit, options)
    return Estimate(name, value, *percentile_limits(drawn, level), level, _METHOD, **options)


def _alike(
    name: str, value: float, patients: int, level: float, unit: str, options: dict[str, Any]
) -> Estimate:
    """Estimate a proportion that is the same in all patients: a bootstrap learns nothing there."""
    if 0 < value < 1:
        nan, reason = math.nan, f"the same share in all {unit}"
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    ends = proportion(patients if value == 1 else 0, patients, level=level)
    method = f"{ends.method} over {unit}"
    return Estimate(name, value, ends.low, ends.high, level, method, **options)


_METHOD = "bootstrap, percentile"
_ONE_VALUE = "one value does not vary"
