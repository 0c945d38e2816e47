"""Proportions with confidence intervals."""

from __future__ import annotations

import math
import operator
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from ..errors import InputError
from .distributions import beta_quantile, normal_quantile
from .estimate import Estimate, check_level, undefined

Method: TypeAlias = Literal[
    "default", "wilson", "modified-wilson", "clopper-pearson", "agresti-coull", "jeffreys"
]
NEAR = 3  # at most so many cases from an end, the default's limit towards it is exact
METHODS = (
    "default", "wilson", "modified-wilson", "clopper-pearson", "agresti-coull", "jeffreys",
)  # fmt: skip


def proportion(
    k: int,
    n: int,
    *,
    level: float = 0.95,
    method: Method = "default",
    name: str = "proportion",
    unit: str = "patients",
    **details: Any,
) -> Estimate:
    """Estimate a proportion.

    Parameters
    ----------
    k, n : int
        k of n; whole numbers with 0 <= k <= n. n = 0 gives an estimate that is not defined.
    level : float, default 0.95
        Coverage of the interval.
    method : str
        ``"wilson"`` [1]_, ``"modified-wilson"`` [3]_, ``"clopper-pearson"`` (exact),
        ``"agresti-coull"`` [2]_ or ``"jeffreys"`` [3]_. Wilson's covers 95 % on average, but for
        some true shares very near 0 or 1 as little as 84 %. The default is therefore Wilson's with
        the exact limit toward an end that k is within 3 of, and exact where k is 0 or n: of 10 or
        more it covers 91.4 % or more whatever the true share, the modified one as much, the exact
        one 95 %.
    name, unit : str
        As in `Estimate`.
    **details
        What else to record.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        Counts that are not integers or not 0 <= k <= n; another method; a level outside (0, 1).
    ImportError
        Clopper-Pearson or Jeffreys without SciPy.

    References
    ----------
    .. [1] Wilson, J Am Stat Assoc 22:209 (1927); Newcombe, Stat Med 17:857 (1998), method 3.
    .. [2] Agresti and Coull, Am Stat 52:119 (1998).
    .. [3] Brown, Cai and DasGupta, Stat Sci 16:101 (2001): equal tails, 0 and 1 at the ends.

    Examples
    --------
    >>> proportion(150, 157).sentence()
    '96 % (150 of 157) [95 % CI: 91 %, 98 %]'
    >>> proportion(12, 12).method, proportion(11, 12).method
    ('Clopper-Pearson', 'Wilson, exact near the end')
    """
    k, n = check_count(k, "k"), check_count(n, "n")
    if k > n:
        raise InputError(f"{k} of {n}: expected k to be at most n")
    check_level(level)
    if method not in METHODS:
        raise InputError(f"method is {method!r}; expected one of {', '.join(METHODS)}")
    options: dict[str, Any] = {"n": n, "k": k, "unit": unit, "style": "percent", "details": details}
    if n == 0:
        return undefined(name, f"no {unit} to count", level, **options)
    chosen = _default(k, n) if method == "default" else method
    low, high = _interval(k, n, level, chosen)
    return Estimate(name, k / n, low, high, level, _NAMES[chosen], **options)


_NAMES = {
    "wilson": "Wilson",
    "modified-wilson": "Wilson, modified",
    "end": "Clopper-Pearson",
    "near": "Wilson, exact near the end",
    "clopper-pearson": "Clopper-Pearson",
    "agresti-coull": "Agresti-Coull",
    "jeffreys": "Jeffreys",
}


def proportion_difference(
    k1: int,
    n1: int,
    k2: int,
    n2: int,
    *,
    level: float = 0.95,
    name: str = "difference",
    unit: str = "patients",
) -> Estimate:
    """Estimate k1 / n1 - k2 / n2 of two independent groups.

    Parameters
    ----------
    k1, n1, k2, n2 : int
        Whole numbers, 0 <= k <= n.
    level : float, default 0.95
    name, unit : str
        As in `Estimate`.

    Returns
    -------
    Estimate
        Newcombe's interval from two Wilson intervals [1]_; `n` is the smaller group's size.

    Raises
    ------
    InputError
        As `proportion`.

    References
    ----------
    .. [1] Newcombe, Stat Med 17:873 (1998), method 10.

    Examples
    --------
    >>> proportion_difference(38, 40, 112, 117).sentence()
    '-1 point [95 % CI: -12 points, 6 points]'
    """
    first = proportion(k1, n1, level=level, method="wilson", unit=unit)
    second = proportion(k2, n2, level=level, method="wilson", unit=unit)
    options: dict[str, Any] = {"n": min(n1, n2), "unit": unit, "style": "points"}
    if not (first.defined and second.defined):
        return undefined(name, f"a group without {unit}", level, **options)
    low, high = combine(first, second, sign=-1)
    difference = first.estimate - second.estimate
    return Estimate(name, difference, low, high, level, "Newcombe", **options)


def combine(first: Estimate, second: Estimate, *, sign: int) -> tuple[float, float]:
    """Limits of first + sign * second for two independent estimates (square and add).

    Parameters
    ----------
    first, second : Estimate
        With intervals.
    sign : {1, -1}

    Returns
    -------
    low, high : float

    References
    ----------
    .. [1] Zou and Donner, Stat Med 27:1693 (2008).
    """
    toward_low, toward_high = (second.low, second.high) if sign > 0 else (second.high, second.low)
    total = first.estimate + sign * second.estimate
    below = math.hypot(first.estimate - first.low, second.estimate - toward_low)
    above = math.hypot(first.high - first.estimate, toward_high - second.estimate)
    return total - below, total + above


def wilson_interval(p: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's limits of a proportion p of n."""
    return wilson_limits(p, n, normal_quantile(level))


def wilson_limits(p: float, n: float, z: float) -> tuple[float, float]:
    """As `wilson_interval`, by the quantile: 1.96 for a level of 0.95."""
    z2 = z**2
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # Exactly 0 and 1 at the ends, where rounding would leave 1e-17.
    return (0.0 if p == 0 else centre - half), (1.0 if p == 1 else centre + half)


def check_count(value: object, name: str) -> int:
    """Return a count as int.

    Raises
    ------
    InputError
        Unless it is a whole number of at least 0.
    """
    try:
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        count = -1
    if count < 0 or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; expected a whole number of at least 0")
    return count


def _default(k: int, n: int) -> str:
    """Choose the default method: Wilson's limits, with the exact limit towards a near end.

    Wilson's limit is too narrow there: it excludes plausible shares closer to the end.
    """
    if k in (0, n) or max(k, n - k) <= NEAR:
        return "end"
    return "near" if min(k, n - k) <= NEAR else "wilson"


def _interval(k: int, n: int, level: float, method: str) -> tuple[float, float]:
    tail = (1 - level) / 2
    if method == "wilson":
        return wilson_interval(k / n, n, level)
    if method == "modified-wilson":
        return _modified(k, n, level)
    if method in ("end", "near"):
        low, high = wilson_interval(k / n, n, level) if method == "near" else (0.0, 1.0)
        low = _exact_low(k, n, tail) if method == "end" or k <= NEAR else low
        return low, 1 - _exact_low(n - k, n, tail) if method == "end" or n - k <= NEAR else high
    if method == "agresti-coull":
        z2 = normal_quantile(level) ** 2
        centre = (k + z2 / 2) / (n + z2)
        half = math.sqrt(z2 * centre * (1 - centre) / (n + z2))
        return max(0.0, centre - half), min(1.0, centre + half)
    extra = 0.5 if method == "jeffreys" else 0.0
    low_shape = (k + extra, n - k + (extra or 1))
    high_shape = (k + (extra or 1), n - k + extra)
    low = 0.0 if k == 0 else beta_quantile(tail, *low_shape)
    high = 1.0 if k == n else beta_quantile(1 - tail, *high_shape)
    return low, high


def _modified(k: int, n: int, level: float) -> tuple[float, float]:
    """Return Wilson's limits, one from the Poisson distribution where k is near 0 or n (Brown)."""
    if k in (0, n):
        return _interval(k, n, level, "end")
    low, high = wilson_interval(k / n, n, level)
    near = 2 if n <= 50 else 3
    if k <= near:
        low = min(low, _poisson_mean(k, level) / n)
    if n - k <= near:
        high = max(high, 1 - _poisson_mean(n - k, level) / n)
    return low, high


def _exact_low(k: int, n: int, tail: float) -> float:
    """Return Clopper-Pearson's lower limit without SciPy, for k = n or a small k."""
    if k in (0, n):
        return float(k == n) and tail ** (1 / n)
    low, high = 0.0, k / n
    for _ in range(60):
        p = (low + high) / 2
        below = sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k))
        low, high = (low, p) if 1 - below > tail else (p, high)
    return (low + high) / 2


def _poisson_mean(k: int, tail: float) -> float:
    """Return the mean of the Poisson variable that lies below k with probability `tail`."""
    low, high = 0.0, float(k)
    for _ in range(60):
        mean = (low + high) / 2
        below = math.exp(-mean) * sum(mean**i / math.factorial(i) for i in range(k))
        low, high = (mean, high) if below > tail else (low, mean)
    return mean


def combine_correlated(
    first: Estimate, second: Estimate, correlation: float
) -> tuple[float, float]:
    """Limits of first less second for two correlated estimates (square and add).

    Parameters
    ----------
    first, second : Estimate
        With intervals.
    correlation : float
        Correlation of the two estimates, -1 to 1.

    Returns
    -------
    low, high : float

    References
    ----------
    .. [1] Zou and Donner, Stat Med 27:1693 (2008).
    """
    a, b = first, second
    difference = a.estimate - b.estimate

    def distance(x: float, y: float) -> float:
        return math.sqrt(max(x * x + y * y - 2 * correlation * x * y, 0.0))

    below = distance(a.estimate - a.low, b.high - b.estimate)
    above = distance(a.high - a.estimate, b.estimate - b.low)
    return difference - below, difference + above


def scaled(estimate: Estimate, factor: float) -> Estimate:
    """Return an estimate and its limits times a factor above 0."""
    e = estimate
    return replace(
        e, estimate=factor * e.estimate, low=factor * e.low, high=factor * e.high, style="plain"
    )
