"""Compare answers about the same cases: a model with readers, or readers with each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .diagnostic import binary
from .distributions import chi2_p, normal_quantile, sign_test_p
from .estimate import Comparison, Estimate, adjusted, check_level, p_text, undefined
from .proportions import check_count

McnemarMethod: TypeAlias = Literal["exact", "mid-p", "chi2", "chi2-corrected"]
_METHODS = {
    "exact": "McNemar, exact",
    "mid-p": "McNemar, mid-p",
    "chi2": "McNemar, chi-squared",
    "chi2-corrected": "McNemar, chi-squared with continuity correction",
}


def discordant(first: ArrayLike, second: ArrayLike) -> tuple[int, int, int]:
    """Count where two readers differ in being right.

    Parameters
    ----------
    first, second : (n,) bool, or 0 and 1
        Whether each was right, case by case.

    Returns
    -------
    b, c, n : int
        Only the first right, only the second right, all cases.

    Raises
    ------
    InputError
        Lengths that differ; anything but 0 and 1.

    Examples
    --------
    >>> discordant([1, 1, 0, 0, 1], [1, 0, 1, 0, 0])
    (2, 1, 5)
    """
    a, b = binary(first, "first"), binary(second, "second")
    if a.shape != b.shape:
        raise InputError(f"{a.size} cases of the first reader and {b.size} of the second")
    return int((a & ~b).sum()), int((~a & b).sum()), a.size


def mcnemar(
    b: int,
    c: int,
    n: int,
    *,
    method: McnemarMethod = "exact",
    level: float = 0.95,
    name: str = "difference in accuracy",
    unit: str = "patients",
) -> Comparison:
    """Compare two proportions of the same cases.

    Parameters
    ----------
    b, c, n : int
        Only the first right, only the second right, all cases; `discordant` counts them.
    method : {"exact", "mid-p", "chi2", "chi2-corrected"}
        Method of the p-value.
    level : float, default 0.95
    name, unit : str

    Returns
    -------
    Comparison
        `effect` is (b - c) / n with Tango's interval. Without discordant cases p is 1.

    Raises
    ------
    InputError
        Counts that are not integers, or b + c > n; another method; a level outside (0, 1).

    References
    ----------
    .. [1] McNemar, Psychometrika 12:153 (1947).
    .. [2] Fagerland, Lydersen and Laake, BMC Med Res Methodol 13:91 (2013), on mid-p.

    Examples
    --------
    >>> mcnemar(12, 3, 79).sentence()
    'difference in accuracy 11 points [95 % CI: 2 points, 22 points]; p = .035 (McNemar, exact)'
    """
    effect = paired_difference(b, c, n, level=level, name=name, unit=unit)
    if method not in _METHODS:
        raise InputError(f"method is {method!r}; expected one of {', '.join(_METHODS)}")
    how, nan = _METHODS[method], math.nan
    if not effect.defined:
        return Comparison(name, nan, nan, nan, how, effect, effect.reason)
    statistic, p = _mcnemar(b, c, method)
    df = nan if math.isnan(statistic) else 1.0
    return Comparison(name, statistic, df, p, how, effect)


def paired_difference(
    b: int,
    c: int,
    n: int,
    *,
    level: float = 0.95,
    name: str = "difference in accuracy",
    unit: str = "patients",
) -> Estimate:
    """Estimate the difference of two proportions of the same cases, with Tango's interval.

    Parameters
    ----------
    b, c, n : int
        Only the first right, only the second right, all cases.
    level : float, default 0.95
    name, unit : str

    Returns
    -------
    Estimate
        Estimate of (b - c) / n; the score interval [1]_.

    Raises
    ------
    InputError
        Counts that are not integers, or b + c > n; a level outside (0, 1).

    References
    ----------
    .. [1] Tango, Stat Med 17:891 (1998).

    Examples
    --------
    >>> paired_difference(12, 3, 79).sentence()
    '11 points [95 % CI: 2 points, 22 points]'
    """
    b, c, n = check_count(b, "b"), check_count(c, "c"), check_count(n, "n")
    if b + c > n:
        raise InputError(f"{b} and {c} discordant cases of {n}; expected at most {n}")
    check_level(level)
    options: dict[str, Any] = {"n": n, "unit": unit, "style": "points", "details": {"b": b, "c": c}}
    if n == 0:
        return undefined(name, f"no {unit} to compare", level, **options)
    z, value = normal_quantile(level), (b - c) / n

    def outside(delta: float) -> bool:
        return abs(_tango_score(b, c, n, delta)) > z

    low = -1.0 if value == -1 else _edge(outside, -1.0, value)
    high = 1.0 if value == 1 else _edge(outside, 1.0, value)
    return Estimate(name, value, low, high, level, "Tango", **options)


def cochran_q(correct: ArrayLike, *, level: float = 0.95, unit: str = "patients") -> Comparison:
    """Test whether several readers of the same cases are right equally often.

    Parameters
    ----------
    correct : (cases, readers) bool, or 0 and 1
        Whether each reader was right; at least two readers.
    level : float, default 0.95
        Confidence level of the effect's interval.
    unit : str

    Returns
    -------
    Comparison
        `effect` is the largest difference between two readers. Because it is chosen among several,
        its interval is adjusted for their number (Bonferroni). Where every case was right or wrong
        for all readers, p is 1.

    Raises
    ------
    InputError
        Another shape; anything but 0 and 1; a level outside (0, 1).

    References
    ----------
    .. [1] Cochran, Biometrika 37:256 (1950).

    Examples
    --------
    >>> correct = [[1, 1, 0], [1, 1, 1], [1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 1]] * 5
    >>> round(cochran_q(correct).p, 4)
    0.0
    """
    x = np.asarray(correct)
    if x.ndim != 2 or x.shape[1] < 2 or not np.isin(x, (0, 1)).all():
        raise InputError(
            f"correct has shape {x.shape}; expected (cases, readers) of 0 and 1, "
            "two readers or more"
        )
    x = x.astype(np.int64)
    columns, rows, k = x.sum(0), x.sum(1), x.shape[1]
    best, worst = int(columns.argmax()), int(columns.argmin())
    if best == worst:
        best, worst = 0, 1
    pairs = k * (k - 1) // 2
    wanted = 1 - (1 - check_level(level)) / pairs
    effect = paired_difference(
        *discordant(x[:, best], x[:, worst]), level=wanted, name="largest difference", unit=unit
    )
    effect = adjusted(effect, level, pairs)
    spread = int((rows * (k - rows)).sum())
    gap = int(k * (columns**2).sum() - columns.sum() ** 2)
    q = (k - 1) * gap / spread if spread else 0.0
    return Comparison("readers", q, k - 1, chi2_p(q, k - 1), "Cochran's Q", effect)


@dataclass(frozen=True)
class PBounds:
    """The range of McNemar's p-value where only the margins are known.

    Parameters
    ----------
    low, high : float
        Smallest and largest p-value.
    low_counts, high_counts : (int, int)
        Cases that only the first, and that only the second got right, where p is so.
    n, correct_first, correct_second : int
        The margins.
    method : str

    Examples
    --------
    >>> bounds = mcnemar_bounds(79, 65, 57)
    >>> bounds.low_counts, bounds.high_counts
    ((8, 0), (22, 14))
    >>> bounds.low < 0.05 < bounds.high
    True
    """

    low: float
    high: float
    low_counts: tuple[int, int]
    high_counts: tuple[int, int]
    n: int
    correct_first: int
    correct_second: int
    method: str

    def sentence(self) -> str:
        """Say what can be known."""
        return (
            f"{self.correct_first} against {self.correct_second} of {self.n}: {p_text(self.low)} "
            f"if the errors overlap as much as they can, {p_text(self.high)} if as little "
            f"({self.method})"
        )


def mcnemar_bounds(
    n: int, correct_first: int, correct_second: int, *, method: McnemarMethod = "exact"
) -> PBounds:
    """Bound McNemar's p-value where nobody published which cases both got right.

    Parameters
    ----------
    n : int
        Cases, at least 1.
    correct_first, correct_second : int
        How many each got right.
    method : str
        As in `mcnemar`.

    Returns
    -------
    PBounds
        Over every overlap that the margins allow.

    Raises
    ------
    InputError
        Counts that are not integers, or exceed n; another method.

    Examples
    --------
    >>> bounds = mcnemar_bounds(79, 65, 57)
    >>> round(bounds.low, 4), round(bounds.high, 3)
    (0.0078, 0.243)
    """
    first, second = (
        check_count(correct_first, "correct_first"),
        check_count(correct_second, "correct_second"),
    )
    if check_count(n, "n") < max(first, second, 1):
        raise InputError(
            f"{first} and {second} correct of {n}; expected at most {n}, and n above 0"
        )
    if method not in _METHODS:
        raise InputError(f"method is {method!r}; expected one of {', '.join(_METHODS)}")
    # For a given difference, p grows with the number of discordant cases, so it is enough to try
    # the fewest and the most.
    shared = min(first, second), max(0, first + second - n)
    tables = [(first - both, second - both) for both in shared]
    low, high = ((_mcnemar(b, c, method)[1], (b, c)) for b, c in tables)
    return PBounds(low[0], high[0], low[1], high[1], n, first, second, _METHODS[method])


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p-values for their number (Holm, Scand J Stat 6:65, 1979).

    Parameters
    ----------
    p : sequence of float
        In [0, 1]; NaN stays NaN and is not counted.

    Returns
    -------
    list of float
        In the order given.

    Raises
    ------
    InputError
        Values outside [0, 1].

    Examples
    --------
    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    if any(value < 0 or value > 1 for value in p):
        raise InputError(f"p-values {list(p)}; expected numbers from 0 to 1")
    ranked = sorted((value, i) for i, value in enumerate(p) if not math.isnan(value))
    adjusted, largest = [math.nan] * len(p), 0.0
    for rank, (value, i) in enumerate(ranked):
        largest = max(largest, min(1.0, value * (len(ranked) - rank)))
        adjusted[i] = largest
    return adjusted


def _mcnemar(b: int, c: int, method: str) -> tuple[float, float]:
    """Return McNemar's statistic (NaN for the exact tests) and p-value."""
    if method in ("exact", "mid-p"):
        return math.nan, sign_test_p(b, c, mid=method == "mid-p")
    gap = abs(b - c) - (1 if method == "chi2-corrected" and b != c else 0)
    statistic = gap**2 / (b + c) if b + c else 0.0
    return statistic, chi2_p(statistic, 1)


def _tango_score(b: int, c: int, n: int, delta: float) -> float:
    """Return Tango's score statistic of the hypothesis that the difference is `delta`."""
    linear = (2 * n - b + c) * delta - b - c
    constant = -c * delta * (1 - delta)
    root = math.sqrt(max(linear**2 - 8 * n * constant, 0.0))
    q = (root - linear) / (4 * n)
    variance = n * (2 * q + delta * (1 - delta))
    gap = b - c - n * delta
    if variance <= 0:
        return 0.0 if gap == 0 else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def _edge(outside: Callable[[float], bool], far: float, near: float) -> float:
    """Bisect for the point where `outside` turns false, from `far` (true) to `near` (false)."""
    if not outside(far):
        return far
    for _ in range(100):
        middle = (far + near) / 2
        if outside(middle):
            far = middle
        else:
            near = middle
    return (far + near) / 2
