"""Net benefit of a model at a threshold, with its interval."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from ..errors import InputError
from .calibration import _cases
from .estimate import Estimate, check_level, undefined
from .proportions import combine_correlated, proportion, scaled


def net_benefit(
    truth: ArrayLike,
    probability: ArrayLike,
    threshold: float,
    *,
    level: float = 0.95,
    unit: str = "patients",
) -> Estimate:
    """Net benefit per case of acting where the probability is at least a threshold.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
    threshold : float
        Between 0 and 1: the probability at which harm and benefit of acting weigh the same.
    level : float, default 0.95
    unit : str

    Returns
    -------
    Estimate
        True positives per case less threshold / (1 - threshold) false positives per case [1]_. The
        interval is by square-and-add from Wilson's limits of both shares, whose covariance is that
        of a multinomial [2]_.

    Raises
    ------
    InputError
        As `brier`; a threshold or level outside (0, 1).

    References
    ----------
    .. [1] Vickers and Elkin, Med Decis Making 26:565 (2006).
    .. [2] Zou and Donner, Stat Med 27:1693 (2008).

    Examples
    --------
    >>> net_benefit([1, 1, 0, 0], [0.9, 0.6, 0.7, 0.1], 0.5).estimate
    0.25
    """
    labels, p = _cases(truth, probability)
    check_level(level)
    if not 0 < threshold < 1:
        raise InputError(f"the threshold is {threshold}; expected a number between 0 and 1")
    n, called = int(labels.size), p >= threshold
    name = f"net benefit at {threshold:g}"
    details = {"threshold": threshold}
    options: dict[str, Any] = {"n": n, "unit": unit, "details": details}
    if not n:
        return undefined(name, f"no {unit} to count", level, **options)
    options["smallest"] = min(int(labels.sum()), n - int(labels.sum()))
    weight = threshold / (1 - threshold)
    hits, alarms = int((labels & called).sum()), int((~labels & called).sum())
    first = proportion(hits, n, level=level)
    second = scaled(proportion(alarms, n, level=level), weight)
    a, b = hits / n, alarms / n
    spread = math.sqrt(a * (1 - a) * b * (1 - b))
    correlation = -a * b / spread if spread > 0 else 0.0
    low, high = combine_correlated(first, second, correlation)
    value = first.estimate - second.estimate
    return Estimate(name, value, low, high, level, "square-and-add, correlated", **options)
