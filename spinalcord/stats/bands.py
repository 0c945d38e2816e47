"""Confidence bands of the ROC curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .diagnostic import binary
from .distributions import normal_quantile
from .estimate import check_level
from .resampling import check_drawing
from .roc import ends_of_ties, roc_curve

Float = NDArray[np.float64]
ENOUGH = 50  # cases per class; with fewer, coverage falls to 85 % at rates near 0


@dataclass(frozen=True)
class RocBand:
    """Sensitivity by false-positive rate, with a pointwise interval.

    Parameters
    ----------
    false_positive_rate, sensitivity, low, high : (m,) float64
    level : float
    n_positive, n_negative : int
    seed, replicates : int
    reason : str
        Why the band is approximate; empty where it is not.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> band = roc_band(truth, scores, points=3)
    >>> band.false_positive_rate.tolist()
    [0.0, 0.5, 1.0]
    >>> bool((band.low <= band.sensitivity).all())
    True
    """

    false_positive_rate: Float
    sensitivity: Float
    low: Float
    high: Float
    level: float
    n_positive: int
    n_negative: int
    seed: int
    replicates: int
    reason: str = ""


def roc_band(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    points: int = 101,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> RocBand:
    """Bootstrap the sensitivity at evenly spaced false-positive rates.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
        Higher scores indicate the positive class.
    points : int, default 101
        From 0 to 1; at least 2.
    level : float, default 0.95
        Pointwise: a whole curve lies in the band less often.
    replicates, seed : int
        Cases are drawn within the classes.

    Returns
    -------
    RocBand
        Sensitivities are interpolated along each curve; where it rises vertically, the upper end.
        The limits are Zhou and Qin's second bootstrap interval at every point [1]_, as those of
        `sensitivity_at`.

    Raises
    ------
    InputError
        As `roc_curve`; fewer than 2 points; fewer than 100 replicates; a seed outside
        0 to 2**64 - 1; a level outside (0, 1).

    References
    ----------
    .. [1] Zhou and Qin, Stat Med 24:465 (2005), their BTII.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> band = roc_band(truth, scores, points=3)
    >>> [float(round(x, 2)) for x in band.sensitivity]
    [0.5, 1.0, 1.0]
    """
    check_level(level)
    check_drawing(replicates, seed)
    if points < 2:
        raise InputError(f"{points} points; expected at least 2")
    curve = roc_curve(truth, scores)
    labels, s = binary(truth, "truth"), np.asarray(scores, np.float64)
    grid = np.linspace(0, 1, points)
    # Cases in order of decreasing score; `last` marks the end of each group of ties.
    order = np.argsort(-s, kind="stable")
    last = ends_of_ties(s[order])
    ordered = labels[order]
    rng = np.random.default_rng(seed)
    drawn = np.empty((replicates, points))
    for row in drawn:
        counts = np.empty(s.size, np.int64)
        for own in (ordered, ~ordered):
            n = int(own.sum())
            counts[own] = np.bincount(rng.integers(0, n, n), minlength=n)
        hits = np.cumsum(counts * ordered)[last]
        alarms = np.cumsum(counts * ~ordered)[last]
        row[:] = _sensitivity(grid, alarms / alarms[-1], hits / hits[-1])
    seen = _sensitivity(grid, curve.false_positive_rate[1:], curve.sensitivity[1:])
    n = curve.n_positive
    low, high = _limits(drawn, seen, n, normal_quantile(level))
    # At a rate of 1 every case is called positive: the sensitivity is exactly 1.
    low[-1] = high[-1] = 1.0
    smaller = min(n, curve.n_negative)
    reason = f"approximate: fewer than {ENOUGH} cases in a class" if smaller < ENOUGH else ""
    ends = n, curve.n_negative
    return RocBand(grid, seen, low, high, level, *ends, seed, replicates, reason)


def _limits(drawn: Float, seen: Float, n: int, z: float) -> tuple[Float, Float]:
    """Return Zhou and Qin's second bootstrap interval at every point, from drawn sensitivities.

    Agresti and Coull's shift keeps the variance positive where every sample finds all positives
    or none; percentile limits would have no width there, and are too narrow elsewhere.
    """
    size = n + z * z
    shifted = (n * drawn + z * z / 2) / size
    centre = shifted.mean(axis=0)
    variance = np.maximum(shifted.var(axis=0, ddof=1), centre * (1 - centre) / size)
    half = z * np.sqrt(variance)
    return (
        np.maximum(0.0, np.minimum(centre - half, seen)),
        np.minimum(1.0, np.maximum(centre + half, seen)),
    )


def _sensitivity(grid: Float, rates: Float, sensitivity: Float) -> Float:
    """Interpolate the curve at `grid`; of several points at one rate the highest counts."""
    x, y = np.append(0.0, rates), np.append(0.0, sensitivity)
    top = np.append(np.diff(x) != 0, True)
    return np.asarray(np.interp(grid, x[top], y[top]), np.float64)
