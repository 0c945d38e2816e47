"""Tests of table 1: rank tests, exact r x c tables and standardised differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .distributions import chi2_p, normal_quantile
from .estimate import Comparison, Estimate, adjusted, check_level, undefined
from .means import is_constant

Float = NDArray[np.float64]
_LARGEST = 10_000  # pairs; beyond, the rank-sum distribution is approximated by a normal one
_STEPS = 200_000  # partial tables that a column may add; beyond, tables are drawn at random
_PAIRS = 2_000_000  # at most so many differences are sorted
_MANY = 400  # cases beyond which tables are drawn instead of enumerated
DRAWN = 10_000


def kruskal_wallis(
    groups: Mapping[str, ArrayLike], *, level: float = 0.95, unit: str = "patients"
) -> Comparison:
    """Test whether groups differ in location, by ranks.

    Parameters
    ----------
    groups : mapping of str to (n,) float
        Two groups or more, without NaN; empty ones are ignored.
    level : float, default 0.95
    unit : str

    Returns
    -------
    Comparison
        Chi-squared approximation, ties heeded. `effect` is the shift between the two groups
        whose medians are furthest apart, as `location_shift`, its interval adjusted for the choice
        among several (Bonferroni). Not defined where fewer than two
        groups have values, or all values are the same.

    Raises
    ------
    InputError
        NaN or infinity; a level outside (0, 1).

    References
    ----------
    .. [1] Kruskal and Wallis, J Am Stat Assoc 47:583 (1952).

    Examples
    --------
    >>> test = kruskal_wallis({"a": [1, 2, 3, 4, 5], "b": [3, 5, 6, 7, 9], "c": [8, 9, 10, 11, 12]})
    >>> test.effect.method, round(test.p, 4)
    ('Hodges-Lehmann, exact, Bonferroni for 3 differences', 0.0054)
    """
    check_level(level)
    parts = {name: np.asarray(x, np.float64).ravel() for name, x in groups.items()}
    if not all(np.isfinite(x).all() for x in parts.values()):
        raise InputError("values contain NaN or infinity; expected finite numbers")
    parts = {name: x for name, x in parts.items() if x.size}
    name, nan = "Kruskal-Wallis", math.nan
    if len(parts) < 2:
        effect = undefined("shift", "fewer than two groups have values", level, unit=unit)
        return Comparison(name, nan, nan, nan, name, effect, effect.reason)
    pairs = list(combinations(parts, 2))
    middle = {name: float(np.median(x)) for name, x in parts.items()}
    i, j = max(pairs, key=lambda pair: abs(middle[pair[0]] - middle[pair[1]]))
    if middle[i] < middle[j]:
        i, j = j, i
    effect = location_shift(
        parts[i], parts[j], level=1 - (1 - level) / len(pairs), name=f"shift, {i} less {j}",
        unit=unit,
    )  # fmt: skip
    effect = adjusted(effect, level, len(pairs))
    every = np.concatenate(list(parts.values()))
    ranks, tie = mean_ranks(every)
    n, start, total = every.size, 0, 0.0
    for x in parts.values():
        total += float(ranks[start : start + x.size].sum()) ** 2 / x.size
        start += x.size
    correction = 1 - tie / (n**3 - n)
    if correction <= 1e-12:
        reason = "all values are the same"
        return Comparison(name, nan, nan, nan, name, effect, reason)
    statistic = (12 / (n * (n + 1)) * total - 3 * (n + 1)) / correction
    df = len(parts) - 1
    return Comparison(name, statistic, df, chi2_p(statistic, df), name, effect)


def location_shift(
    first: ArrayLike,
    second: ArrayLike,
    *,
    level: float = 0.95,
    name: str = "shift",
    unit: str = "patients",
) -> Estimate:
    """Estimate by how much the first group's values lie above the second's (Hodges, Lehmann).

    Parameters
    ----------
    first, second : (n,) float
        At least one value each.
    level : float, default 0.95
    name, unit : str

    Returns
    -------
    Estimate
        Median of all pairwise differences; Moses' limits from the exact distribution of the rank
        sum, with ties conservative. Without interval where the groups are too small for `level`.

    Raises
    ------
    InputError
        An empty group; NaN or infinity.

    References
    ----------
    .. [1] Hodges and Lehmann, Ann Math Stat 34:598 (1963).

    Examples
    --------
    >>> location_shift([5.0, 6, 7, 8, 9], [1.0, 2, 3, 4, 5.5]).sentence()
    '4.00 [95 % CI: 1.00, 7.00]; fewer than 10 patients'
    """
    check_level(level)
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if not (a.size and b.size) or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError(f"groups of {a.size} and {b.size} values; expected finite ones in both")
    rank = _rank(a.size, b.size, (1 - level) / 2)
    options: dict[str, Any] = {"n": min(a.size, b.size), "unit": unit}
    every = a.size * b.size
    if every > _PAIRS:  # approximate each group by a thousand quantiles
        a, b = (np.quantile(x, (np.arange(1000) + 0.5) / 1000) for x in (a, b))
        rank = max(1, round(rank * a.size * b.size / every)) if rank else 0
    gaps = np.sort(_gaps(a, b))
    value, nan = float(np.median(gaps)), math.nan
    if rank < 1:
        reason = f"groups of {a.size} and {b.size} are too small for this level"
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    low, high = float(gaps[rank - 1]), float(gaps[-rank])
    if low == high:
        reason = "ties leave the interval without width"
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    return Estimate(name, value, low, high, level, "Hodges-Lehmann, exact", **options)


def exact_table_p(table: ArrayLike, *, seed: int = 0) -> tuple[float, str]:
    """Fisher's exact test of a table of any size (Freeman and Halton).

    Parameters
    ----------
    table : (rows, columns) ints
        Counts; empty rows and columns are ignored.
    seed : int
        Seed of the tables that are drawn where there are too many to go through.

    Returns
    -------
    p : float
        Probability, given the margins, of tables no likelier than this one; NaN with fewer than
        two rows or columns.
    method : str
        ``"Fisher-Freeman-Halton"``, and of how many drawn tables where they were drawn.

    Raises
    ------
    InputError
        Another number of axes; anything but counts.

    References
    ----------
    .. [1] Freeman and Halton, Biometrika 38:141 (1951).

    Examples
    --------
    >>> p, method = exact_table_p([[3, 0, 1], [0, 4, 1]])
    >>> round(p, 4), method
    (0.0238, 'Fisher-Freeman-Halton')
    """
    x = np.asarray(table)
    if x.ndim != 2 or x.size == 0 or (x != np.floor(x)).any() or (x < 0).any():
        raise InputError(f"the table has shape {x.shape}; expected two axes of counts")
    x = x.astype(np.int64)
    x = x[x.sum(1) > 0][:, x.sum(0) > 0]
    name = "Fisher-Freeman-Halton"
    if min(x.shape) < 2:
        return math.nan, name
    x = _ordered(x)
    p = _enumerated(x) if x.sum() <= _MANY else None
    if p is not None:
        return p, name
    return _drawn_p(x, seed), f"{name}, {DRAWN} tables drawn"


def _ordered(x: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sort rows and columns, so that their order cannot change the result."""
    x = x[np.argsort(x.sum(1), kind="stable")][:, np.argsort(x.sum(0), kind="stable")]
    turn = (x.shape[0], *x.sum(1)) > (x.shape[1], *x.sum(0))
    return x.T if turn else x


def standardised_difference(first: ArrayLike, second: ArrayLike) -> float:
    """Difference of two groups in units of their spread.

    Parameters
    ----------
    first, second : (n,) float, or (n,) words
        Numbers: difference of the means over the root of the mean variance. Words, of any number
        of categories: Mahalanobis' distance of the shares. NaN and empty words are ignored.

    Returns
    -------
    float
        NaN where a group has no value; infinity where groups without spread differ. Above 0.1 is
        often taken as unbalanced. No test: it does not depend on the number of patients.

    References
    ----------
    .. [1] Austin, Stat Med 28:3083 (2009); Yang and Dalton, SAS Global Forum 335 (2012).

    Examples
    --------
    >>> round(standardised_difference([1.0, 2, 3], [2.0, 3, 4]), 3)
    -1.0
    >>> round(standardised_difference(["F", "F", "M", "M"], ["F", "M", "M", "M"]), 3)
    0.535
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.dtype.kind in "fiub" and b.dtype.kind in "fiub":
        x, y = (v[~np.isnan(v)] for v in (a.astype(np.float64), b.astype(np.float64)))
        if not (x.size and y.size):
            return math.nan
        if min(x.size, y.size) < 2:
            return math.nan
        spread = sum(0.0 if is_constant(v) else float(v.var(ddof=1)) for v in (x, y))
        gap = float(x.mean() - y.mean())
        # Differences due to rounding count as none.
        return _ratio(0.0 if math.isclose(x.mean(), y.mean(), rel_tol=1e-12) else gap, spread / 2)
    words = [np.array([str(v) for v in values if v not in ("", None)]) for values in (a, b)]
    if not all(part.size for part in words):
        return math.nan
    names = sorted({*words[0], *words[1]})[:-1]
    if not names:
        return 0.0
    p, q = (np.array([(part == name).mean() for name in names]) for part in words)
    if len(names) == 1:
        spread = float(p[0] * (1 - p[0]) + q[0] * (1 - q[0])) / 2
        return _ratio(float(p[0] - q[0]), spread)
    covariance = sum((np.diag(s) - np.outer(s, s)) for s in (p, q)) / 2
    gap = p - q
    squared = float(gap @ np.linalg.pinv(covariance, rcond=1e-10) @ gap)
    outside = gap - covariance @ (np.linalg.pinv(covariance, rcond=1e-10) @ gap)
    return math.inf if np.abs(outside).max() > 1e-8 else math.sqrt(max(squared, 0.0))


def _ratio(gap: float, variance: float) -> float:
    if variance > 0:
        return gap / math.sqrt(variance)
    return 0.0 if gap == 0 else math.copysign(math.inf, gap)


def _gaps(a: Float, b: Float) -> Float:
    return np.subtract.outer(a, b).ravel()


def mean_ranks(values: Float) -> tuple[Float, float]:
    """Return mean ranks, from 1, and the sum of t^3 - t over ties of t values."""
    _, index, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[index], float((count**3 - count).sum())


def _rank(m: int, n: int, tail: float) -> int:
    """Return the largest r with P(rank sum < r) <= `tail`; Moses' limit is the r-th gap."""
    if m * n > _LARGEST:
        z = normal_quantile(1 - 2 * tail)
        return int(m * n / 2 - z * math.sqrt(m * n * (m + n + 1) / 12))
    # Number of arrangements by statistic: coefficients of prod (1 - q^(n+i)) / (1 - q^i).
    ways = np.zeros(m * n + 1)
    ways[0] = 1.0
    for i in range(1, m + 1):
        step = n + i
        ways[step:] -= ways[:-step].copy() if step <= m * n else 0.0
        for start in range(i):
            ways[start::i] = np.cumsum(ways[start::i])
    below = np.cumsum(ways) / math.comb(m + n, m)
    return int(np.searchsorted(below, tail, side="right"))


def _enumerated(x: NDArray[np.int64]) -> float | None:
    """Return the exact p-value in integer arithmetic; None if there are too many tables.

    Tables are filled column by column. A state is the multiset of what remains of the rows; it maps
    each number of ways that led there to the number of partial tables that have it.
    """
    rows, columns = tuple(int(v) for v in x.sum(1)), [int(v) for v in x.sum(0)]
    seen = math.prod(_ways([int(v) for v in column]) for column in x.T)
    states: dict[tuple[int, ...], dict[int, int]] = {rows: {1: 1}}
    for j, size in enumerate(columns):
        after: dict[tuple[int, ...], dict[int, int]] = {}
        later = sum(columns[j + 1 :])
        steps = 0
        for left, known in states.items():
            for column in _fillings(left, size, later):
                ways = _ways(column)
                rest = tuple(sorted(a - b for a, b in zip(left, column, strict=True)))
                target = after.setdefault(rest, {})
                steps += len(known)
                if steps > _STEPS:
                    return None
                for product, count in known.items():
                    target[product * ways] = target.get(product * ways, 0) + count
        states = after
    found = states[(0,) * len(rows)]
    total = sum(product * count for product, count in found.items())
    rare = sum(product * count for product, count in found.items() if product <= seen)
    return rare / total


def _fillings(left: Sequence[int], size: int, later: int) -> Any:
    """List the ways to distribute `size` over rows with `left` places that leave `later`."""
    if len(left) == 1:
        if size <= left[0]:
            yield (size,)
        return
    rest = sum(left[1:])
    for first in range(max(0, size - rest), min(left[0], size) + 1):
        for others in _fillings(left[1:], size - first, later):
            yield (first, *others)


def _ways(column: Sequence[int]) -> int:
    total, ways = 0, 1
    for value in column:
        total += value
        ways *= math.comb(total, value)
    return ways


def _drawn_p(x: NDArray[np.int64], seed: int) -> float:
    """Return the share of random tables with these margins that are no likelier than this one."""
    rng = np.random.default_rng(seed)
    log_factorial = np.array([math.lgamma(v + 1) for v in range(int(x.sum()) + 1)])
    left = np.repeat(x.sum(0)[None], DRAWN, axis=0)
    total = np.zeros(DRAWN)
    for size in x.sum(1)[:-1]:
        need, rest = np.full(DRAWN, size), left.sum(1)
        for column in left.T:  # draw cell by cell along the row, for all tables at once
            rest -= column
            cell = rng.hypergeometric(column, rest, need)
            total += log_factorial[cell]
            column -= cell
            need -= cell
    total += log_factorial[left].sum(1)
    rare = int((total >= float(log_factorial[x].sum()) - 1e-7).sum())
    return (1 + rare) / (DRAWN + 1)
