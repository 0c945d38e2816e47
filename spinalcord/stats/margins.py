"""Tests of non-inferiority and equivalence with a margin.

The margin must be chosen on clinical grounds before the data are seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from ..errors import InputError
from .estimate import Comparison, Estimate, decimal

_SMALLEST = 1e-12


def noninferiority(
    interval: Callable[[float], Estimate], margin: float, *, alpha: float = 0.025
) -> Comparison:
    """Test whether a difference lies above -margin.

    Parameters
    ----------
    interval : function of a level
        Returns the difference, new less old where more is better, with its interval of that
        level, such as ``lambda level: paired_difference(b, c, n, level=level)``.
    margin : float
        Above 0: how much worse still counts as not inferior.
    alpha : float, default 0.025
        One-sided; the interval shown has the level 1 - 2 alpha.

    Returns
    -------
    Comparison
        `p` is one-sided: half of 1 less the largest level whose interval lies above -margin, so
        that test and interval agree always. ``effect.details`` has the margin, and whether
        non-inferiority is shown.

    Raises
    ------
    InputError
        A margin that is not above 0; an alpha outside (0, 0.5).

    References
    ----------
    .. [1] Piaggio et al., JAMA 308:2594 (2012): CONSORT for non-inferiority and equivalence.

    Examples
    --------
    >>> from spinalcord.stats import paired_difference
    >>> test = noninferiority(lambda level: paired_difference(3, 5, 100, level=level), 0.10)
    >>> test.effect.details["shown"]
    True
    """
    shown, what = _check(interval, margin, alpha)
    p = _one_sided(interval, -margin, 1)
    method = f"non-inferiority, margin {what}, one-sided"
    return _result("non-inferiority", shown, p, method, margin, alpha)


def equivalence(
    interval: Callable[[float], Estimate], margin: float, *, alpha: float = 0.05
) -> Comparison:
    """Test whether a difference lies between -margin and margin (two one-sided tests).

    Parameters
    ----------
    interval, margin
        As in `noninferiority`.
    alpha : float, default 0.05
        Significance level of each of the two tests; the interval shown has the level 1 - 2 alpha.

    Returns
    -------
    Comparison
        `p` is the larger of the two one-sided p-values.

    Raises
    ------
    InputError
        As `noninferiority`.

    References
    ----------
    .. [1] Schuirmann, J Pharmacokinet Biopharm 15:657 (1987).

    Examples
    --------
    >>> from spinalcord.stats import proportion_difference
    >>> test = equivalence(lambda level: proportion_difference(80, 100, 81, 100, level=level), 0.12)
    >>> test.effect.details["shown"]
    True
    """
    shown, what = _check(interval, margin, alpha)
    below = _one_sided(interval, -margin, 1)
    above = _one_sided(interval, margin, -1)
    p = math.nan if math.isnan(below) or math.isnan(above) else max(below, above)
    method = f"equivalence, margin {what}, two one-sided"
    return _result("equivalence", shown, p, method, margin, alpha)


def _check(
    interval: Callable[[float], Estimate], margin: float, alpha: float
) -> tuple[Estimate, str]:
    if not (margin > 0 and math.isfinite(margin)):
        raise InputError(f"the margin is {margin}; expected a number above 0")
    if not 0 < alpha < 0.5:
        raise InputError(f"alpha is {alpha}; expected a number between 0 and 0.5")
    shown = interval(1 - 2 * alpha)
    if shown.style == "points":
        number = decimal(100 * margin, 0 if math.isclose(100 * margin % 1, 0) else 1)
        return shown, f"{number} point{'' if number == '1' else 's'}"
    return shown, decimal(margin, 2)


def _one_sided(interval: Callable[[float], Estimate], bound: float, side: int) -> float:
    """Return the smallest alpha at which the interval of level 1 - 2 alpha lies beyond `bound`.

    `side` is 1 for above, -1 for below. An estimate on the wrong side has a p-value above .5:
    1 minus the p-value of the opposite hypothesis.
    """
    middle = interval(0.5)
    if not middle.defined or math.isnan(middle.low) or math.isnan(interval(0.95).low):
        return math.nan
    right = side * (middle.estimate - bound) > 0

    def clear(alpha: float) -> bool:
        e = interval(1 - 2 * alpha)
        near = e.low if side * (1 if right else -1) > 0 else e.high
        return (side if right else -side) * (near - bound) > 0

    low, high = _SMALLEST, 0.5 - 1e-9
    if clear(low):
        return low if right else 1 - low
    for _ in range(40):  # bisects 27 powers of e to 11 digits
        alpha = math.sqrt(low * high)
        if clear(alpha):
            high = alpha
        else:
            low = alpha
    return high if right else 1 - high


def _result(
    name: str, shown: Estimate, p: float, method: str, margin: float, alpha: float
) -> Comparison:
    details = {**shown.details, "margin": margin, "alpha": alpha, "shown": bool(p <= alpha)}
    effect = replace(shown, details=details)
    missing = "the difference has no interval" if math.isnan(p) else ""
    reason = effect.reason or missing  # a caveat of the interval holds for the test too
    return Comparison(name, math.nan, math.nan, p, method, effect, reason)
