"""Audit published figures: whether they are possible, and how they were computed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import InputError
from .distributions import normal_quantile
from .estimate import decimal
from .proportions import METHODS, check_count, proportion
from .roc import hanley_mcneil_se


@dataclass(frozen=True)
class Finding:
    """One thing that an audit shows.

    Parameters
    ----------
    topic : str
        In a word or two.
    text : str
        In a sentence.
    figures : dict
        The numbers behind it, plain values.

    Examples
    --------
    >>> finding = Finding("four classes", "Two of three answers are right.", {"right": 2, "n": 3})
    >>> finding.topic, finding.figures["n"]
    ('four classes', 3)
    """

    topic: str
    text: str
    figures: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"topic": self.topic, "text": self.text, "figures": self.figures}


def possible_counts(percent: float, n: int, *, digits: int = 0) -> list[int]:
    """Find the k for which k of n prints as a percentage (GRIM).

    Parameters
    ----------
    percent : float
        As printed.
    n : int
        At least 1.
    digits : int, default 0
        Decimal places printed.

    Returns
    -------
    list of int
        Empty where no whole number of n gives the percentage. A half may have been rounded
        either way.

    Raises
    ------
    InputError
        n below 1; a percentage outside 0 to 100.

    References
    ----------
    .. [1] Brown and Heathers, Soc Psychol Personal Sci 8:363 (2017).

    Examples
    --------
    >>> possible_counts(96, 157)
    [150, 151]
    """
    if check_count(n, "n") < 1 or not 0 <= percent <= 100:
        raise InputError(f"{percent} % of {n}; expected 0 to 100 % of at least 1")
    half = 0.5 / 10**digits + 1e-9
    return [k for k in range(n + 1) if abs(100 * k / n - percent) <= half]


def interval_methods(k: int, n: int, low: float, high: float, *, digits: int = 2) -> list[str]:
    """Find which methods print an interval of k of n.

    Parameters
    ----------
    k, n : int
    low, high : float
        As printed, as fractions of 1.
    digits : int, default 2
        Decimal places printed, of fractions.

    Returns
    -------
    list of str
        Names of those that `proportion` knows, and Wald's, which it does not offer.

    Raises
    ------
    InputError
        As `proportion`.
    ImportError
        Without SciPy.

    Examples
    --------
    >>> interval_methods(150, 157, 0.91, 0.98)
    ['wilson', 'clopper-pearson', 'agresti-coull', 'jeffreys']
    """
    printed = decimal(low, digits), decimal(high, digits)
    found = []
    for method in METHODS:  # the modified Wilson interval differs only near 0 and 1
        e = proportion(k, n, method=method)  # type: ignore[arg-type]
        if (
            method not in ("default", "modified-wilson")
            and (decimal(e.low, digits), decimal(e.high, digits)) == printed
        ):
            found.append(method)
    half = normal_quantile(0.95) * math.sqrt(k / n * (1 - k / n) / n) if n else math.nan
    wald = decimal(max(0.0, k / n - half), digits), decimal(min(1.0, k / n + half), digits)
    return [*found, "wald"] if wald == printed else found


def auc_bounds(
    sensitivity: float, specificity: float, *, concave: bool = False
) -> tuple[float, float]:
    """Bound the area under an ROC curve of which one point is known.

    Parameters
    ----------
    sensitivity, specificity : float
        In [0, 1].
    concave : bool, default False
        Whether the curve may be supposed to be concave.

    Returns
    -------
    low, high : float
        Areas of the lowest and highest curve through (0, 0), the point and (1, 1).

    Raises
    ------
    InputError
        Values outside [0, 1]; a concave curve through a point below the diagonal.

    Examples
    --------
    >>> [round(bound, 2) for bound in auc_bounds(0.9, 0.8)]
    [0.72, 0.98]
    """
    if not (0 <= sensitivity <= 1 and 0 <= specificity <= 1):
        raise InputError(
            f"sensitivity {sensitivity} and specificity {specificity}; expected numbers from 0 to 1"
        )
    if not concave:
        return sensitivity * specificity, 1 - (1 - sensitivity) * (1 - specificity)
    x, y = 1 - specificity, sensitivity
    if y < x:
        raise InputError(f"the point ({x:g}, {y:g}) is below the diagonal: no concave curve")
    if x in (0, 1) or y in (0, 1):
        return (sensitivity + specificity) / 2, 1 - (1 - sensitivity) * (1 - specificity)
    return (sensitivity + specificity) / 2, _concave_most(x, y)


def _concave_most(x: float, y: float) -> float:
    """Return the largest area under a concave curve through (x, y).

    A concave curve lies below a line through each of its points.
    """
    # The triangle above a line of slope m has the area (1 - y + m x)(x + (1 - y) / m) / 2, which
    # is smallest at m = (1 - y) / x; the line must be at least 0 at x = 0 and reach 1 at x = 1.
    slope = min(max((1 - y) / x, (1 - y) / (1 - x)), y / x)
    return 1 - (1 - y + slope * x) * (x + (1 - y) / slope) / 2


def width_ratio(area: float, low: float, high: float, n_positive: int, n_negative: int) -> float:
    """Width of a printed 95 % interval of an AUC, over Hanley and McNeil's.

    Parameters
    ----------
    area, low, high : float
        As printed.
    n_positive, n_negative : int

    Returns
    -------
    float
        NaN where the area is 0 or 1.

    Raises
    ------
    InputError
        As `hanley_mcneil_se`.

    Examples
    --------
    >>> round(width_ratio(0.9, 0.79, 0.97, 45, 34), 2)
    1.32
    """
    error = hanley_mcneil_se(area, n_positive, n_negative)
    return (high - low) / (2 * normal_quantile(0.95) * error) if error else math.nan
