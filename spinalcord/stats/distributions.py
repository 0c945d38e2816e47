"""Distribution functions, from SciPy where an implementation would take many lines."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

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
    # Integers until the last division: exact for any n.
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


def beta_quantile(p: float, a: float, b: float) -> float:
    """Quantile of the beta distribution."""
    return float(_scipy("special").betaincinv(a, b, p))


def t_quantile(level: float, df: float) -> float:
    """Half the width of a two-sided interval of Student's t; normal where df is infinite.

    Whole degrees of freedom need no SciPy: with t = sqrt(df) tan(a), the probability between
    -t and t is a finite sum of powers of cos(a).
    """
    if math.isinf(df):
        return normal_quantile(level)
    if df != int(df):
        return float(_scipy("special").stdtrit(df, 0.5 + level / 2))
    if df > 10_000:  # the next term of the expansion is of order 1e-8
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
    """Import a module of SciPy; a MissingExtraError says what to install."""
    return require(f"scipy.{module}", "stats", "this interval or test")


def t_p(x: float, df: float) -> float:
    """Two-sided p-value of Student's t; of the normal distribution where df is infinite."""
    if math.isinf(df):
        return normal_p(x)
    return float(2 * _scipy("special").stdtr(df, -abs(x)))


def f_quantile(p: float, df1: float, df2: float) -> float:
    """Quantile of the F distribution; of chi-squared over df1 where df2 is infinite."""
    if math.isinf(df2):
        return float(_scipy("special").chdtri(df1, 1 - p)) / df1
    return float(_scipy("special").fdtri(df1, df2, p))


def chi2_quantile(p: float, df: int) -> float:
    """Quantile of chi-squared with one degree of freedom, or with more by SciPy."""
    if df == 1:
        return normal_quantile(p) ** 2
    return float(_scipy("special").chdtri(df, 1 - p))


def root_between(excess: Callable[[float], float], outside: float, inside: float) -> float:
    """Find a limit of an interval by false position (Illinois).

    Parameters
    ----------
    excess : function of a float
        Positive outside the interval, negative within; it may be 0 at `inside` itself.
    outside, inside : float

    Returns
    -------
    float
        Where `excess` is 0.

    Examples
    --------
    >>> round(root_between(lambda x: x * x - 2, 3.0, 0.0), 6)
    1.414214
    """
    inside += 1e-9 * (outside - inside)  # an area of 0 or 1 has no excess variance
    far, near, at, side = excess(outside), excess(inside), math.nan, 0
    if not far > 0 > near:
        return inside
    for _ in range(60):
        last, at = at, (far * inside - near * outside) / (far - near)
        value = excess(at)
        if value == 0 or abs(at - last) < 1e-14:
            break
        if value > 0:
            outside, far = at, value
            near /= 2 if side > 0 else 1
        else:
            inside, near = at, value
            far /= 2 if side < 0 else 1
        side = 1 if value > 0 else -1
    return at
