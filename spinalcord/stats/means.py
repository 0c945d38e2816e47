"""Means and medians of anything measured once per patient, such as Dice scores."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .distributions import t_quantile
from .estimate import FEW, Estimate, check_level, percent_text, undefined
from .proportions import proportion, wilson_limits
from .resampling import check_drawing, percentile_limits, resample_ratio, studentized_limits

MeanMethod: TypeAlias = Literal["percentile", "bootstrap-t"]
PooledMethod: TypeAlias = Literal["score", "percentile"]
ENOUGH = 30  # values from which the interval of a mean carries no caveat


def mean(
    values: ArrayLike,
    *,
    method: MeanMethod = "percentile",
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    bounds: tuple[float, float] = (-math.inf, math.inf),
    name: str = "mean",
    unit: str = "patients",
) -> Estimate:
    """Estimate a mean, with a bootstrap interval.

    Parameters
    ----------
    values : (n,) array of float
        One per patient. NaN stands for what is not defined: such values are counted, not averaged.
    method : {"percentile", "bootstrap-t"}
        ``"percentile"``: percentiles of the resampled means, which are too narrow for fewer than
        30 values. ``"bootstrap-t"``: the resampled means are divided by their own standard errors
        [1]_; covers from 5 values on. Student's t with fewer, or where nearly all are the same.
    level : float, default 0.95
    replicates, seed : int
        Number of replicates and seed of the bootstrap.
    bounds : (float, float)
        Smallest and largest possible value, such as (0, 1) for a Dice score; limits are cut there.
    name, unit : str
        As in `Estimate`.

    Returns
    -------
    Estimate
        `n` counts the values that are defined, ``details["undefined"]`` the others. Without
        interval for one value, or where all are the same. `reason` marks an interval from fewer
        than 30 values: a rare low value may be missing from the sample.

    Raises
    ------
    InputError
        If the values have another number of axes, are infinite or out of bounds, or a setting is
        out of range.
    ImportError
        If Student's t is needed without SciPy.

    References
    ----------
    .. [1] Efron and Tibshirani, An Introduction to the Bootstrap (1993), 12.5.

    Examples
    --------
    >>> dice = [0.81, 0.74, 0.9, 0.66, 0.85, 0.79, 0.88, 0.7] * 5
    >>> mean(dice, method="bootstrap-t", bounds=(0, 1), name="Dice score").sentence()
    '0.79 [95 % CI: 0.76, 0.82]'
    >>> mean([0.8, 0.8, 0.8]).sentence()
    '0.80 [no interval: all 3 values are the same]; fewer than 10 patients'
    """
    x = np.asarray(values, np.float64)
    check_level(level)
    if method not in ("percentile", "bootstrap-t"):
        raise InputError(f"method is {method!r}; expected percentile or bootstrap-t")
    if x.ndim != 1 or np.isinf(x).any():
        raise InputError(
            f"values have shape {x.shape}; expected one finite number per case, or NaN"
        )
    kept = x[~np.isnan(x)]
    if kept.size and not (bounds[0] <= kept.min() and kept.max() <= bounds[1]):
        raise InputError(
            f"values from {kept.min()} to {kept.max()}; expected {bounds[0]} to {bounds[1]}"
        )
    details: dict[str, Any] = {"undefined": int(x.size - kept.size)}
    options: dict[str, Any] = {"n": int(kept.size), "unit": unit, "details": details}
    check_drawing(replicates, seed)
    if kept.size == 0:
        return undefined(name, f"no {unit} with a value", level, **options)
    details |= {"seed": seed, "replicates": replicates}
    value = float(kept.mean())
    if is_constant(kept):
        value = float(kept[0])
        reason = f"all {kept.size} values are the same" if kept.size > 1 else _ONE_VALUE
        return Estimate(name, value, math.nan, math.nan, level, "none", reason=reason, **options)
    settings: dict[str, Any] = {"level": level, "replicates": replicates, "seed": seed}
    how, (low, high) = _METHOD, _limits(kept, method, **settings)
    if method == "bootstrap-t":
        how = "bootstrap-t"
        if math.isnan(low):
            how, (low, high) = "Student's t", student_limits(kept, level)
    low, high = max(low, bounds[0]), min(high, bounds[1])
    if kept.size < ENOUGH:
        options["reason"] = f"fewer than {FEW if kept.size < FEW else ENOUGH} {unit}"
    return Estimate(name, value, low, high, level, how, **options)


def median(
    values: ArrayLike, *, level: float = 0.95, name: str = "median", unit: str = "patients"
) -> Estimate:
    """Estimate a median, with an exact interval that supposes no distribution.

    Parameters
    ----------
    values : (n,) array of float
        One per patient. Infinity is allowed and stands for what is larger than any number, such as
        the distance to a lesion that was missed; NaN is counted, not used.
    level : float, default 0.95
    name, unit : str
        As in `Estimate`.

    Returns
    -------
    Estimate
        The limits are two of the values, chosen by the binomial distribution [1]_; it covers at
        least as often as its level says. Without interval where even the smallest and the largest
        value do not, as with five values at a level of 0.95.

    Raises
    ------
    InputError
        If the values have another number of axes, or the level is out of range.

    References
    ----------
    .. [1] Conover, Practical Nonparametric Statistics (1999), 3.2.

    Examples
    --------
    >>> median([3.1, 2.2, 4.8, float("inf"), 2.9, 5.5, 3.7, 2.4], name="HD95, mm").sentence()
    '3.40 [95 % CI: 2.20, infinity]; fewer than 10 patients'
    """
    x = np.asarray(values, np.float64)
    check_level(level)
    if x.ndim != 1:
        raise InputError(f"values have shape {x.shape}; expected one number per case, or NaN")
    kept = np.sort(x[~np.isnan(x)])
    n = kept.size
    options: dict[str, Any] = {"n": n, "unit": unit}
    options["details"] = {"undefined": int(x.size - n)}
    if n == 0:
        return undefined(name, f"no {unit} with a value", level, **options)
    # inf and inf average to inf, as do a number and inf.
    value = float(kept[(n - 1) // 2] / 2 + kept[n // 2] / 2)
    rank = _median_rank(n, level)
    if rank == 0:
        reason = f"the {unit} ({n}) are too few for a level of {percent_text(level)} %"
        return Estimate(name, value, math.nan, math.nan, level, "none", reason=reason, **options)
    low, high = float(kept[rank - 1]), float(kept[n - rank])
    if low == high and math.isfinite(low):  # an infinite median: more than half are missed
        reason = f"{n - 2 * (rank - 1)} or more of {n} values are the same"
        return Estimate(name, value, math.nan, math.nan, level, "none", reason=reason, **options)
    return Estimate(name, value, low, high, level, "binomial, of ranks", **options)


def _median_rank(n: int, level: float) -> int:
    """Return the largest r whose r-th values from both ends enclose the median; 0 if none."""
    # In integers: the r-th smallest exceeds the median if fewer than r lie below it.
    total, ways, r = 0, 1, 0
    while r <= n // 2:
        total += ways
        if 2 * total / 2**n > 1 - level:
            break
        ways = ways * (n - r) // (r + 1)
        r += 1
    return min(r, (n + 1) // 2)


def _limits(
    x: NDArray[np.float64], method: str, *, level: float, replicates: int, seed: int
) -> tuple[float, float]:
    """Return the bootstrap limits; NaN where the data do not suffice for the bootstrap-t."""
    if method == "percentile":
        drawn = resample_ratio(x, np.ones_like(x), replicates=replicates, seed=seed)
        return percentile_limits(drawn, level)
    found = None
    if x.size >= 5:
        found = studentized_limits(x, level=level, replicates=replicates, seed=seed)
    return (math.nan, math.nan) if found is None else found


def student_limits(x: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Student's interval of a mean.

    Parameters
    ----------
    x : (n,) float64
        At least two values.
    level : float

    Returns
    -------
    low, high : float

    Raises
    ------
    ImportError
        Without SciPy.
    """
    half = t_quantile(level, x.size - 1) * float(x.std(ddof=1)) / math.sqrt(x.size)
    return float(x.mean()) - half, float(x.mean()) + half


def is_constant(x: NDArray[np.float64]) -> bool:
    """Whether all values are the same, or differ by nothing but rounding.

    The mean of equal decimals need not be that decimal: their computed variance is 1e-30, not 0.

    Parameters
    ----------
    x : (n,) float64

    Returns
    -------
    bool
        True for no values, and for one.
    """
    if x.size < 2:
        return True
    return float(np.ptp(x)) <= 1e-12 * float(np.abs(x).max())


def pooled(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    method: PooledMethod = "score",
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
    numerator, denominator : (n,) array of int
        Counts per patient: so many of so many.
    method : {"score", "percentile"}
        ``"score"``: Wilson's interval with the effective number of things, which follows from how
        much patients differ [1]_, and Student's quantile for their number. ``"percentile"``:
        bootstrap of patients with all they have; too narrow for few patients and near 0 and 1.
    level : float, default 0.95
    replicates, seed : int
        Number of replicates and seed of the bootstrap.
    name : str
    what : str
        What is counted; recorded as the estimate's unit.
    unit : str
        What varies independently.

    Returns
    -------
    Estimate
        `k` of `n` counted things; ``details["patients"]`` (or another unit) tells of how many.
        Where k is 0 or n the interval is the exact one (Clopper and Pearson) for as many patients
        as have such things, all of a patient's things taken to share their fate. Without interval
        for one patient, or where all have the same share.

    Raises
    ------
    InputError
        If shapes differ, counts are not 0 <= numerator <= denominator, or a setting is out of
        range.

    References
    ----------
    .. [1] Rao and Scott, Biometrics 48:577 (1992).

    Examples
    --------
    >>> found, lesions = [3, 1, 0, 2, 5, 1] * 4, [4, 1, 2, 2, 6, 1] * 4
    >>> pooled(found, lesions, name="lesion-wise sensitivity", what="lesions").sentence()
    '75 % (48 of 64) [95 % CI: 62 %, 84 %]'
    """
    k, n = np.asarray(numerator), np.asarray(denominator)
    check_level(level)
    check_drawing(replicates, seed)
    if method not in ("score", "percentile"):
        raise InputError(f"method is {method!r}; expected score or percentile")
    if k.ndim != 1 or k.shape != n.shape or (k < 0).any() or (k > n).any():
        raise InputError(f"counts of shape {k.shape} and {n.shape}; expected k of n per case")
    total, patients = int(n.sum()), int((n > 0).sum())
    details: dict[str, Any] = {unit: int(k.size)}
    options: dict[str, Any] = {"k": int(k.sum()), "n": total, "unit": what, "style": "percent"}
    options["details"] = details
    if total == 0:
        return undefined(name, f"no {what} to count", level, **options)
    value = options["k"] / total
    if k.size == 1:
        nan = math.nan
        reason = f"one of {unit} does not vary"
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    if patients < FEW:
        options["reason"] = f"fewer than {FEW} {unit} with {what}"
    if (k * total == n * options["k"]).all():
        return _alike(name, value, patients, level, unit, options)
    if method == "score":
        low, high = _effective_wilson(k[n > 0], n[n > 0], level)
        return Estimate(name, value, low, high, level, f"Wilson over {unit}", **options)
    details |= {"seed": seed, "replicates": replicates}
    drawn = resample_ratio(k, n, replicates=replicates, seed=seed)
    return Estimate(name, value, *percentile_limits(drawn, level), level, _METHOD, **options)


def _effective_wilson(k: NDArray[Any], n: NDArray[Any], level: float) -> tuple[float, float]:
    """Return Wilson's interval at the effective sample size that matches the clustered variance."""
    patients, total, share = n.size, int(n.sum()), float(k.sum() / n.sum())
    apart = (k - share * n).astype(np.float64)
    variance = patients / (patients - 1) * float((apart**2).sum()) / total**2
    # The effective sample size never exceeds the number of items.
    effective = min(share * (1 - share) / variance, float(total))
    return wilson_limits(share, effective, t_quantile(level, patients - 1))


def _alike(
    name: str, value: float, patients: int, level: float, unit: str, options: dict[str, Any]
) -> Estimate:
    """Estimate a proportion that is the same in all patients, where a bootstrap has no variance."""
    if 0 < value < 1:
        nan, reason = math.nan, f"the same share in all {unit}"
        options = {**options, "reason": reason}
        return Estimate(name, value, nan, nan, level, "none", **options)
    ends = proportion(patients if value == 1 else 0, patients, level=level)
    method = f"{ends.method} over {unit}"
    return Estimate(name, value, ends.low, ends.high, level, method, **options)


_METHOD = "bootstrap, percentile"
_ONE_VALUE = "one value does not vary"
