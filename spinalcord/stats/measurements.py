"""Repeated measurements of the same objects: intraclass correlation and Bland-Altman."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from .._moved import RenamedKeys
from ..errors import InputError
from .distributions import f_quantile, t_quantile
from .estimate import FEW, Estimate, check_level, undefined

IccKind: TypeAlias = Literal["agreement", "consistency", "one-way"]
_KINDS = ("agreement", "consistency", "one-way")


@dataclass(frozen=True)
class BlandAltman:
    """Differences of two measurements of the same things.

    Parameters
    ----------
    bias : Estimate
        Mean of first less second, Student's interval.
    lower, upper : Estimate
        Limits of agreement, bias -/+ 1.96 standard deviations, with their intervals.

    Examples
    --------
    >>> found = bland_altman([10.0, 12, 14, 9], [9.5, 12.5, 13, 9])
    >>> [round(x.estimate, 2) for x in (found.lower, found.bias, found.upper)]
    [-1.02, 0.25, 1.52]
    """

    bias: Estimate
    lower: Estimate
    upper: Estimate


def icc(
    values: ArrayLike,
    *,
    kind: IccKind = "agreement",
    mean_of_raters: bool = False,
    fixed_raters: bool = False,
    level: float = 0.95,
    unit: str = "patients",
) -> Estimate:
    """Intraclass correlation of measurements that several raters made of the same things.

    Parameters
    ----------
    values : (n, raters) float
        Without gaps; at least two of each.
    kind : {"agreement", "consistency", "one-way"}
        ICC(2, 1), which counts the bias between raters as disagreement; ICC(3, 1), which does not;
        ICC(1, 1), where every subject has its own raters [1]_.
    mean_of_raters : bool, default False
        Reliability of the raters' mean, ICC(., k), rather than of one rater.
    fixed_raters : bool, default False
        Whether ICC(2, .) is of these raters only, such as a model and the reference, and not of
        others like them.
    level : float, default 0.95
    unit : str

    Returns
    -------
    Estimate
        With the F interval of McGraw and Wong [2]_. Not defined where nothing varies. The interval
        of ICC(2, .) is marked where fewer than 10 raters are to stand for others: of two it covers
        70 to 97 % then, of five 88 to 96 %.

    Raises
    ------
    InputError
        Another shape; NaN or infinity; another kind; a level outside (0, 1).
    ImportError
        Without SciPy.

    References
    ----------
    .. [1] Shrout and Fleiss, Psychol Bull 86:420 (1979).
    .. [2] McGraw and Wong, Psychol Methods 1:30 (1996).

    Examples
    --------
    Shrout and Fleiss' example, six targets and four judges:

    >>> judges = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9]]
    >>> judges.append([6, 2, 4, 7])
    >>> round(icc(judges).estimate, 2), round(icc(judges, kind="consistency").estimate, 2)
    (0.29, 0.71)
    """
    check_level(level)
    x = np.asarray(values, np.float64)
    if x.ndim != 2 or min(x.shape) < 2 or not np.isfinite(x).all() or kind not in _KINDS:
        raise InputError(
            f"values have shape {x.shape}, kind {kind!r}; expected finite ones of two things and "
            f"two raters at least, and one of {', '.join(_KINDS)}"
        )
    n, k = x.shape
    rows = k * float(((x.mean(1) - x.mean()) ** 2).sum()) / (n - 1)
    within = float(((x - x.mean(1, keepdims=True)) ** 2).sum())
    columns = n * float(((x.mean(0) - x.mean()) ** 2).sum())
    error = max(within - columns, 0.0) / ((n - 1) * (k - 1))
    label = {"agreement": "2", "consistency": "3", "one-way": "1"}[kind]
    name = f"ICC({label}, {'k' if mean_of_raters else '1'})"
    options: dict[str, Any] = {"n": n, "unit": unit, "details": {"raters": k}}
    if kind == "one-way":
        noise, df = within / (n * (k - 1)), float(n * (k - 1))
    else:
        noise, df = error, float((n - 1) * (k - 1))
    if rows + noise + columns < 1e-300:
        return undefined(name, "nothing varies", level, **options)
    if kind == "agreement":
        value, low, high = _agreement(rows, columns / (k - 1), error, n, k, level)
    else:
        value = (rows - noise) / (rows + (k - 1) * noise)
        low, high = (_share(rows, noise, n, k, df, level, side) for side in (1, -1))
    if mean_of_raters:
        value, low, high = (_stepped_up(v, k) for v in (value, low, high))
    if math.isnan(low) or low == high:
        reason = "the measurements agree exactly"
        nan = math.nan
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    few = kind == "agreement" and not fixed_raters and k < FEW
    reason = f"{k} raters are too few to stand for others like them" if few else ""
    return Estimate(name, value, low, high, level, "F, McGraw and Wong", reason=reason, **options)


def bland_altman(
    first: ArrayLike,
    second: ArrayLike,
    *,
    relative: bool = False,
    level: float = 0.95,
    unit: str = "patients",
) -> BlandAltman:
    """Compare two measurements of the same things by their differences.

    Parameters
    ----------
    first, second : (n,) float
        Pairs; pairs with NaN are ignored.
    relative : bool, default False
        Differences in percent of the pair's mean.
    level : float, default 0.95
        Confidence level of the intervals; the limits of agreement themselves always hold 95 % of
        the differences.
    unit : str

    Returns
    -------
    BlandAltman
        Intervals of the limits by square-and-add of Student's t and chi-squared [2]_, which small
        samples need. ``details["excluded"]`` counts pairs with NaN. Without intervals for fewer
        than three pairs.

    Raises
    ------
    InputError
        Shapes that differ; infinity; a level outside (0, 1).
    ImportError
        Without SciPy.

    References
    ----------
    .. [1] Bland and Altman, Lancet 327:307 (1986).
    .. [2] Zou, Stat Methods Med Res 22:630 (2013).

    Examples
    --------
    >>> found = bland_altman([10.0, 12, 14, 9], [9.5, 12.5, 13, 9])
    >>> round(found.bias.estimate, 3), round(found.upper.estimate, 3)
    (0.25, 1.515)
    """
    check_level(level)
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim != 1 or a.shape != b.shape or np.isinf(a).any() or np.isinf(b).any():
        raise InputError(f"measurements of shape {a.shape} and {b.shape}; expected finite pairs")
    kept = ~(np.isnan(a) | np.isnan(b))
    a, b = a[kept], b[kept]
    gap = a - b
    if relative:
        middle = (a + b) / 2
        gap = np.divide(100 * gap, middle, out=np.zeros_like(gap), where=middle != 0)
    n = int(gap.size)
    details = RenamedKeys({"excluded": int((~kept).sum())}, left_out="excluded")
    options: dict[str, Any] = {"n": n, "unit": unit, "details": details}
    names = ("bias", "lower limit of agreement", "upper limit of agreement")
    if n < 3:
        reason = f"{n} pairs; it takes 3"
        return BlandAltman(*(undefined(name, reason, level, **options) for name in names))
    bias, sd = float(gap.mean()), float(gap.std(ddof=1))
    if sd == 0:
        nan, reason = math.nan, "all differences are the same"
        same = (Estimate(x, bias, nan, nan, level, "none", reason=reason, **options) for x in names)
        return BlandAltman(*same)
    half = t_quantile(level, n - 1) * sd / math.sqrt(n)
    z = 1.959963984540054
    tail = (1 - level) / 2
    small, large = (sd * math.sqrt((n - 1) / _chi2_quantile(q, n - 1)) for q in (1 - tail, tail))
    inner = math.hypot(half, z * (sd - small))
    outer = math.hypot(half, z * (large - sd))
    how = "square-and-add, Zou"
    top, bottom = bias + z * sd, bias - z * sd
    return BlandAltman(
        Estimate(names[0], bias, bias - half, bias + half, level, "Student's t", **options),
        Estimate(names[1], bottom, bottom - outer, bottom + inner, level, how, **options),
        Estimate(names[2], top, top - inner, top + outer, level, how, **options),
    )


def _share(rows: float, noise: float, n: int, k: int, df: float, level: float, side: int) -> float:
    """Return a limit of (F - 1) / (F + k - 1): the lower one for side 1."""
    if noise == 0:
        return math.nan
    p = 0.5 + level / 2
    f = rows / noise
    f = f / f_quantile(p, n - 1, df) if side > 0 else f * f_quantile(p, df, n - 1)
    return (f - 1) / (f + k - 1)


def _agreement(
    rows: float, columns: float, error: float, n: int, k: int, level: float
) -> tuple[float, float, float]:
    """Return ICC(2, 1) with limits by Satterthwaite's degrees of freedom."""
    value = (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)
    a = k * value / (n * (1 - value)) if value < 1 else math.inf
    b = 1 + k * value * (n - 1) / (n * (1 - value)) if value < 1 else math.inf
    if math.isinf(a) or a * columns + b * error <= 0:
        return value, math.nan, math.nan
    v = (a * columns + b * error) ** 2 / (
        (a * columns) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1))
    )
    p = 0.5 + level / 2
    up, down = f_quantile(p, n - 1, v), f_quantile(p, v, n - 1)
    noise = k * columns + (k * n - k - n) * error
    low = n * (rows - up * error) / (up * noise + n * rows)
    high = n * (down * rows - error) / (noise + n * down * rows)
    return value, low, high


def _stepped_up(value: float, k: int) -> float:
    """Return the reliability of the mean of k raters (Spearman-Brown)."""
    return k * value / (1 + (k - 1) * value)


def _chi2_quantile(p: float, df: int) -> float:
    # Chi-squared over its degrees of freedom is F with infinite denominator degrees of freedom.
    return df * f_quantile(p, df, math.inf)
