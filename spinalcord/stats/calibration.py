"""Calibration of predicted probabilities, and the net benefit of acting on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .diagnostic import binary
from .distributions import normal_quantile
from .estimate import Estimate, check_level, undefined
from .means import MeanMethod, mean
from .proportions import proportion

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """Cases with similar probabilities.

    Parameters
    ----------
    low, high : float
        Smallest and largest probability among them.
    predicted : float
        Their mean probability.
    observed : Estimate
        The share that is positive.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> p = [0.1, 0.2, 0.2, 0.3, 0.4, 0.7, 0.3, 0.6, 0.7, 0.8, 0.9, 0.9] * 4
    >>> first, _ = reliability(truth, p, bins=2)
    >>> first.low, first.high, round(first.predicted, 3), round(first.observed.estimate, 3)
    (0.1, 0.4, 0.25, 0.167)
    """

    low: float
    high: float
    predicted: float
    observed: Estimate


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit per case, by threshold probability.

    Parameters
    ----------
    threshold : (m,) float64
    model, treat_all : (m,) float64
        Net benefit of acting where the probability is at least the threshold, and of acting always.
        That of never acting is 0.
    n : int

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> p = [0.1, 0.2, 0.2, 0.3, 0.4, 0.7, 0.3, 0.6, 0.7, 0.8, 0.9, 0.9] * 4
    >>> curve = decision_curve(truth, p, [0.2, 0.5])
    >>> curve.threshold.tolist(), curve.treat_all.round(3).tolist(), curve.n
    ([0.2, 0.5], [0.375, 0.0], 48)
    """

    threshold: Float
    model: Float
    treat_all: Float
    n: int


def brier(
    truth: ArrayLike,
    probability: ArrayLike,
    *,
    method: MeanMethod = "percentile",
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    unit: str = "patients",
) -> Estimate:
    """Brier score: mean squared difference between probability and outcome; 0 is best.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
        Probability of the positive class, in [0, 1].
    method, level, replicates, seed, unit
        As in `mean`.

    Returns
    -------
    Estimate

    Raises
    ------
    InputError
        Lengths that differ; probabilities outside [0, 1] or NaN; settings out of range.

    References
    ----------
    .. [1] Brier, Mon Weather Rev 78:1 (1950), for one class.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> p = [0.1, 0.2, 0.2, 0.3, 0.4, 0.7, 0.3, 0.6, 0.7, 0.8, 0.9, 0.9] * 4
    >>> brier(truth, p, method="bootstrap-t").sentence()
    '0.14 [95 % CI: 0.09, 0.20]'
    """
    labels, p = _cases(truth, probability)
    return mean(
        (p - labels) ** 2,
        method=method,
        bounds=(0.0, 1.0),
        level=level,
        replicates=replicates,
        seed=seed,
        name="Brier score",
        unit=unit,
    )


def reliability(
    truth: ArrayLike,
    probability: ArrayLike,
    *,
    bins: int = 10,
    by: Literal["quantile", "width"] = "quantile",
    level: float = 0.95,
    unit: str = "patients",
) -> list[Bin]:
    """Compare probabilities with what happened, in bins.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
    bins : int, default 10
    by : {"quantile", "width"}
        Equally many cases in each, equal probabilities together; or bins of equal width.
    level : float, default 0.95
    unit : str

    Returns
    -------
    list of Bin
        Without empty ones, by rising probability.

    Raises
    ------
    InputError
        As `brier`; fewer than one bin; another way of binning.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> p = [0.1, 0.2, 0.2, 0.3, 0.4, 0.7, 0.3, 0.6, 0.7, 0.8, 0.9, 0.9] * 4
    >>> [bin.observed.sentence() for bin in reliability(truth, p, bins=2)]
    ['17 % (4 of 24) [95 % CI: 7 %, 36 %]', '83 % (20 of 24) [95 % CI: 64 %, 93 %]']
    """
    labels, p = _cases(truth, probability)
    check_level(level)
    if bins < 1 or by not in ("quantile", "width"):
        raise InputError(f"{bins} bins by {by!r}; expected at least 1, by quantile or width")
    if by == "width":
        index = np.minimum((p * bins).astype(int), bins - 1)
    else:
        inner = np.quantile(p, np.arange(1, bins) / bins) if p.size else np.empty(0)
        index = np.searchsorted(inner, p, side="left")
    found = []
    for i in np.unique(index):
        own, k = p[index == i], int(labels[index == i].sum())
        observed = proportion(k, own.size, level=level, name="observed", unit=unit)
        found.append(Bin(float(own.min()), float(own.max()), float(own.mean()), observed))
    return found


def calibration_line(
    truth: ArrayLike, probability: ArrayLike, *, level: float = 0.95, unit: str = "patients"
) -> tuple[Estimate, Estimate]:
    """Slope and intercept of calibration.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
        In (0, 1): 0 and 1 have no logit.
    level : float, default 0.95
    unit : str

    Returns
    -------
    slope, intercept : Estimate
        The slope of the outcome's logit on the probability's: 1 is perfect, below 1 too extreme.
        The intercept with the slope fixed at 1 (calibration in the large): 0 is perfect, above 0
        too low. Wald intervals; not defined where a class is empty or the classes do not overlap.

    Raises
    ------
    InputError
        As `brier`; a level outside (0, 1).

    References
    ----------
    .. [1] Cox, Biometrika 45:562 (1958); Van Calster et al., BMC Med 17:230 (2019).

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> p = [0.1, 0.2, 0.2, 0.3, 0.4, 0.7, 0.3, 0.6, 0.7, 0.8, 0.9, 0.9] * 4
    >>> slope, intercept = calibration_line(truth, p)
    >>> slope.sentence()
    '1.52 [95 % CI: 0.74, 2.29]'
    """
    labels, p = _cases(truth, probability)
    check_level(level)
    options: dict[str, Any] = {"n": int(labels.size), "unit": unit}
    if labels.size:
        options["smallest"] = min(int(labels.sum()), int((~labels).sum()))
    names = ("calibration slope", "calibration intercept")
    reason = ""
    if labels.all() or not labels.any():
        reason = "one class is empty"
    elif ((p == 0) | (p == 1)).any():
        reason = "probabilities of 0 or 1 have no logit"
    if reason:
        slope, intercept = (undefined(name, reason, level, **options) for name in names)
        return slope, intercept
    logit = np.log(p / (1 - p))
    y, one, z = labels.astype(np.float64), np.ones_like(logit), normal_quantile(level)
    fits = (
        (names[0], _logistic(np.stack([logit, one], 1), y, np.zeros_like(logit))),
        (names[1], _logistic(one[:, None], y, logit)),
    )
    found = []
    for name, fit in fits:
        if fit is None:
            reason = "the classes do not overlap"
            found.append(undefined(name, reason, level, **options))
            continue
        value, error = fit
        found.append(
            Estimate(name, value, value - z * error, value + z * error, level, "Wald", **options)
        )
    return found[0], found[1]


def decision_curve(
    truth: ArrayLike, probability: ArrayLike, thresholds: Sequence[float] | None = None
) -> DecisionCurve:
    """Net benefit of acting on a probability.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
    thresholds : sequence of float, optional
        Threshold probabilities in (0, 1); 0.01 to 0.99 if not given.

    Returns
    -------
    DecisionCurve

    Raises
    ------
    InputError
        As `brier`; no cases; thresholds outside (0, 1).

    References
    ----------
    .. [1] Vickers and Elkin, Med Decis Making 26:565 (2006).

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> p = [0.1, 0.2, 0.2, 0.3, 0.4, 0.7, 0.3, 0.6, 0.7, 0.8, 0.9, 0.9] * 4
    >>> [float(round(x, 3)) for x in decision_curve(truth, p, [0.2, 0.5]).model]
    [0.396, 0.333]
    """
    labels, p = _cases(truth, probability)
    t = np.arange(1, 100) / 100 if thresholds is None else np.asarray(thresholds, np.float64)
    if not labels.size or t.ndim != 1 or not ((t > 0) & (t < 1)).all():
        raise InputError(f"{labels.size} cases, thresholds {t}; expected cases, and 0 < t < 1")
    n, odds = labels.size, t / (1 - t)
    pos, neg = np.sort(p[labels]), np.sort(p[~labels])
    hits = pos.size - np.searchsorted(pos, t, side="left")
    alarms = neg.size - np.searchsorted(neg, t, side="left")
    model = hits / n - odds * alarms / n
    return DecisionCurve(t, model, pos.size / n - odds * neg.size / n, n)


def _logistic(x: Float, y: Float, offset: Float) -> tuple[float, float] | None:
    """Return the first coefficient and its standard error (Newton); None if it diverges."""
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        mu = 1 / (1 + np.exp(-np.clip(x @ beta + offset, -700, 700)))
        weight = mu * (1 - mu)
        information = (x * weight[:, None]).T @ x
        if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, x.T @ (y - mu))
        beta = beta + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-10:
            return float(beta[0]), math.sqrt(np.linalg.inv(information)[0, 0])
    return None


def _cases(truth: ArrayLike, probability: ArrayLike) -> tuple[NDArray[np.bool_], Float]:
    labels, p = binary(truth, "truth"), np.asarray(probability, np.float64)
    if p.shape != labels.shape:
        raise InputError(f"{labels.size} labels and probabilities of shape {p.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError("probabilities outside 0 to 1, or NaN")
    return labels, p
