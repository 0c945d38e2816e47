"""Means over patients: of Dice scores, of squared errors, of anything measured once per patient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .estimate import Estimate, check_level, undefined
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
        interval for one value.

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
    if kept.size == 1:
        nan = math.nan
        return Estimate(
            name, value, nan, nan, level, "none", reason="one value does not vary", **options
        )
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
    return Estimate(name, value, *percentile_limits(drawn, level), level, _METHOD, **options)


_METHOD = "bootstrap, percentile"
