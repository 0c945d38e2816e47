"""The few distribution functions needed; SciPy, where they take more than a few lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..extras import require


def normal_quantile(level: float) -> float:
    """Half the width of a two-sided interval of a standard normal variable, 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + level / 2)


def normal_p(z: float) -> float:
    """Two-sided p-value of a standard normal statistic."""
    return math.erfc(abs(z) / math.sqrt(2))


def chi2_p(x: float, df: int) -> float:
    """Upper tail of chi-squared with a whole number of degrees of freedom.

    Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1), from Q(1/2, x) = erfc(sqrt x) or
    Q(1, x) = e^-x; all terms are positive, so nothing cancels.
    """
    half = x / 2
    if half <= 0:
        return 1.0
    a, tail = (1.0, math.exp(-half)) if df % 2 == 0 else (0.5, math.erfc(math.sqrt(half)))
    while a < df / 2:
        tail += math.exp(a * math.log(half) - half - math.lgamma(a + 1))
        a += 1
    return min(tail, 1.0)


def sign_test_p(b: int, c: int, *, mid: bool = False) -> float:
    """Two-sided binomial p-value of b against c where either is as likely.

    Parameters
    ----------
    b, c : int
        Counts of the two outcomes.
    mid : bool
        Count the observed outcome half (mid-p).
    """
    n, k = b + c, min(b, c)
    # Whole numbers until the end: exact for any n.
    total, ways = 0, 1
    for i in range(k + 1):
        total += ways
        ways = ways * (n - i) // (i + 1)
    tail = 2 * total
    if mid:
        tail -= math.comb(n, k)
    return float(min(1.0, tail / 2**n))


def fisher_p(a: int, b: int, c: int, d: int) -> float:
    """Two-sided p-value of Fisher's exact test of [[a, b], [c, d]].

    Sums the tables that are no likelier than the one observed, in whole numbers.
    """
    row, column, n = a + b, a + c, a + b + c + d
    least, most = max(0, row + column - n), min(row, column)
    ways = [math.comb(column, least) * math.comb(n - column, row - least)]
    for i in range(least, most):
        ways.append(ways[-1] * (column - i) * (row - i) // ((i + 1) * (n - column - row + i + 1)))
    seen = ways[a - least]
    return float(sum(way for way in ways if way <= seen) / math.comb(n, row))


def exact_p(k: Sequence[int], n: Sequence[int], *, most: int = 2_000_000) -> float | None:
    """P-value of the Fisher-Freeman-Halton test that shares k of n are equal in all groups.

    Sums the tables with the same margins that are no likelier than the one observed.

    Parameters
    ----------
    k, n : sequences of int
        Of each group.
    most : int
        Tables to look at.

    Returns
    -------
    float or None
        None where there are more tables than that.
    """
    total = sum(k)
    if total > sum(n) - total:  # the rarer outcome has fewer tables
        k = [size - count for count, size in zip(k, n, strict=True)]
        total = sum(k)
    logs = [_log_ways(size) for size in n]
    # Tables as (what is left to place, log of the ways), group by group.
    left, ways = np.array([total]), np.array([0.0])
    for i, own in enumerate(logs):
        room = sum(n[i + 1 :])
        counts = np.arange(len(own))
        if left.size * counts.size > most:
            return None
        after = left[:, None] - counts
        here = ways[:, None] + own
        fits = (after >= 0) & (after <= room)
        left, ways = after[fits], here[fits]
    seen = sum(own[count] for own, count in zip(logs, k, strict=True))
    chances = np.exp(ways - ways.max())
    return float(chances[ways <= seen + 1e-9].sum() / chances.sum())


def _log_ways(n: int) -> NDArray[np.float64]:
    """Logarithms of n over 0, 1 ... n."""
    return np.array(
        [math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) for i in range(n + 1)]
    )


def beta_quantile(p: float, a: float, b: float) -> float:
    """Quantile of the beta distribution."""
    return float(_scipy("special").betaincinv(a, b, p))


def t_quantile(level: float, df: float) -> float:
    """Half the width of a two-sided interval of Student's t.

    Whole degrees of freedom need no SciPy: with t = sqrt(df) tan(a), the probability between
    -t and t is a finite sum of powers of cos(a).
    """
    if df != int(df):
        return float(_scipy("special").stdtrit(df, 0.5 + level / 2))
    if df > 10_000:  # the next term of the expansion is 1e-8
        z = normal_quantile(level)
        return z + z * (z * z + 1) / (4 * df)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _between(middle, int(df)) < level else (low, middle)
    return math.sqrt(df) * math.tan((low + high) / 2)


def _between(angle: float, df: int) -> float:
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = df % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for i in range(1 + odd, df, 2):
        total += term
        term *= square * i / (i + 1)
    return (angle + sine * total) * 2 / math.pi if odd else sine * total


def f_p(x: float, df1: float, df2: float) -> float:
    """Upper tail of the F distribution."""
    return float(_scipy("special").fdtrc(df1, df2, x))


def _scipy(module: str) -> Any:
    """Import a part of SciPy; a MissingExtraError says what to install."""
    return require(f"scipy.{module}", "stats", "this interval or test")
