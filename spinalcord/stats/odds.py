"""The diagnostic odds ratio, with an interval that is valid for small tables."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .diagnostic import TwoByTwo
from .distributions import normal_quantile
from .estimate import Estimate, check_level, undefined


def diagnostic_odds_ratio(
    table: TwoByTwo, *, level: float = 0.95, method: Literal["exact", "log"] = "exact"
) -> Estimate:
    """Odds of a positive answer in the positive class over those in the negative class.

    Parameters
    ----------
    table : TwoByTwo
    level : float, default 0.95
    method : {"exact", "log"}
        Method of the interval: Cornfield's exact conditional one [1]_, which a table with an empty
        cell has too; or Woolf's, from the logarithm, as epiR prints it.

    Returns
    -------
    Estimate
        tp * tn / (fp * fn); infinite where there are no errors of one kind, with a lower limit.
        Not defined where a class, or one of the two answers, is empty.

    Raises
    ------
    InputError
        Another method; a level outside (0, 1).

    References
    ----------
    .. [1] Cornfield, Proc 3rd Berkeley Symp 4:135 (1956); Glas et al., J Clin Epidemiol 56:1129
       (2003).

    Examples
    --------
    >>> diagnostic_odds_ratio(TwoByTwo(tp=40, fn=10, tn=45, fp=5)).sentence(digits=1)
    '36.0 [95 % CI: 10.2, 140.0]'
    """
    check_level(level)
    if method not in ("exact", "log"):
        raise InputError(f"method is {method!r}; expected exact or log")
    tp, fn, tn, fp = table.tp, table.fn, table.tn, table.fp
    name = "diagnostic odds ratio"
    options: dict[str, Any] = {
        "n": table.n, "unit": table.unit, "details": {"positive": table.positive},
        "smallest": min(table.n_positive, table.n_negative),
    }  # fmt: skip
    if not (table.n_positive and table.n_negative):
        return undefined(name, "one class is empty", level, **options)
    if not (tp + fp and fn + tn):
        return undefined(name, "one answer was never given", level, **options)
    value = tp * tn / (fp * fn) if fp * fn else math.inf
    if method == "log":
        if not tp * fn * tn * fp:
            reason = "a cell of the table is empty"
            return Estimate(
                name, value, math.nan, math.nan, level, "none", reason=reason, **options
            )
        half = normal_quantile(level) * math.sqrt(1 / tp + 1 / fn + 1 / tn + 1 / fp)
        low, high = value * math.exp(-half), value * math.exp(half)
        return Estimate(name, value, low, high, level, "logarithm", **options)
    low, high = _exact(tp, fn, fp, tn, level)
    return Estimate(name, value, low, high, level, "exact, conditional", **options)


def _exact(a: int, b: int, c: int, d: int, level: float) -> tuple[float, float]:
    """Return the exact limits of the odds ratio of [[a, b], [c, d]] (hypergeometric)."""
    rows, column = (a + b, c + d), a + c
    least, most = max(0, column - rows[1]), min(rows[0], column)
    support = np.arange(least, most + 1)
    ways = np.array(
        [_log_ways(rows[0], x) + _log_ways(rows[1], column - x) for x in range(least, most + 1)]
    )
    tail = (1 - level) / 2

    def share(log_odds: float, keep: NDArray[np.bool_]) -> float:
        weight = ways + support * log_odds
        weight = np.exp(weight - weight.max())
        return float(weight[keep].sum() / weight.sum())

    low = 0.0 if a == least else _solve(lambda x: share(x, support >= a) - tail)
    high = math.inf if a == most else _solve(lambda x: tail - share(x, support <= a))
    return low, high


def _solve(rising: Any) -> float:
    """Return the odds ratio at which a function that increases with its logarithm is 0."""
    low, high = -60.0, 60.0
    for _ in range(70):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def _log_ways(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
