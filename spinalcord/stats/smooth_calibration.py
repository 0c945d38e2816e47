"""Calibration without bins: a smooth curve with its band, the ICI, and observed to expected.

The smoother is Cleveland's loess, degree 2 over three quarters of the cases, as R's ``loess``
computes it with ``surface = "direct"``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .calibration import _cases
from .estimate import Comparison, Estimate, check_level, undefined
from .proportions import proportion
from .resampling import check_drawing

Float = NDArray[np.float64]
SPAN = 0.75
EXACT = 400  # up to so many cases the curve is computed at every one
DISTINCT = 4  # distinct probabilities: those that a parabola needs, and one more
LEAST = 20  # cases; with fewer, the local parabola follows single cases
STABLE = 50  # cases; of 20, the 95 % band covers 90 % in simulation, of 73, 92 %


@dataclass(frozen=True)
class CalibrationCurve:
    """The share that is positive, as a smooth function of the probability.

    Parameters
    ----------
    probability, observed : (m,) float64
        Points of the curve.
    low, high : (m,) float64
        Pointwise band.
    level : float
    n, replicates, seed : int
    reason : str
        Why the band covers less than its level, with fewer than 50 cases; empty otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> p = rng.random(200)
    >>> curve = calibration_curve(rng.random(200) < p, p, replicates=100)
    >>> bool(np.all((curve.low <= curve.observed) & (curve.observed <= curve.high)))
    True
    >>> curve.n, curve.replicates, curve.level
    (200, 100, 0.95)
    """

    probability: Float
    observed: Float
    low: Float
    high: Float
    level: float
    n: int
    replicates: int
    seed: int
    reason: str = ""


def calibration_curve(
    truth: ArrayLike,
    probability: ArrayLike,
    *,
    points: int = 51,
    level: float = 0.95,
    replicates: int = 200,
    seed: int = 0,
) -> CalibrationCurve:
    """Smooth the outcome over the probability.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
        In [0, 1]; at least 20 cases, with four distinct values.
    points : int, default 51
        Number of points of the curve, from the smallest probability to the largest.
    level : float, default 0.95
    replicates, seed : int
        Number of replicates and seed of the bootstrap whose percentiles are the band.

    Returns
    -------
    CalibrationCurve

    Raises
    ------
    InputError
        As `brier`; too few cases or distinct probabilities; fewer than two points.

    References
    ----------
    .. [1] Austin and Steyerberg, Stat Med 33:517 (2014).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> p = rng.random(200)
    >>> curve = calibration_curve(rng.random(200) < p, p, replicates=100)
    >>> curve.observed.shape
    (51,)
    """
    labels, p = _cases(truth, probability)
    check_level(level)
    check_drawing(replicates, seed)
    reason = _unfit(p)
    if reason or points < 2:
        raise InputError(f"no smooth curve of {points} points: {reason or 'expected at least 2'}")
    at = np.linspace(float(p.min()), float(p.max()), points)
    centre, cell = _cells(p)
    rng, drawn = np.random.default_rng(seed), np.full((replicates, points), math.nan)
    for i in range(replicates):
        own = rng.integers(0, p.size, p.size)
        count = np.bincount(cell[own], minlength=centre.size).astype(np.float64)
        hits = np.bincount(cell[own], weights=labels[own], minlength=centre.size)
        there = count > 0
        if there.sum() >= DISTINCT:
            share = hits[there] / count[there]
            drawn[i] = _smoother(centre[there], at, count[there]) @ share
    ends = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0).clip(0, 1)
    count = np.bincount(cell).astype(np.float64)
    share = np.bincount(cell, weights=labels) / count
    observed = (_smoother(centre, at, count) @ share).clip(0, 1)
    few = f"too narrow: fewer than {STABLE} cases" if p.size < STABLE else ""
    return CalibrationCurve(at, observed, ends[0], ends[1], level, p.size, replicates, seed, few)


def calibration_index(
    truth: ArrayLike,
    probability: ArrayLike,
    *,
    level: float = 0.95,
    replicates: int = 500,
    seed: int = 0,
    unit: str = "patients",
) -> Comparison:
    """Integrated calibration index (ICI): mean distance of the smooth curve from the diagonal.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
    level, replicates, seed
        Outcomes are drawn that often with the probabilities as they are.
    unit : str

    Returns
    -------
    Comparison
        `effect` is the index. It is above 0 by chance alone, the more the fewer the cases, so that
        a bootstrap interval would not hold 0 even where the probabilities are right: instead
        ``effect.details`` has the median and the `level` quantile of the index if they were, and
        `p` is the share of such draws that are at least as large.

    Raises
    ------
    InputError
        As `brier`; settings out of range.

    References
    ----------
    .. [1] Austin and Steyerberg, Stat Med 38:4051 (2019).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> p = rng.random(200)
    >>> test = calibration_index(rng.random(200) < p, p, replicates=100)
    >>> test.p > 0.05
    True
    """
    labels, p = _cases(truth, probability)
    check_level(level)
    check_drawing(replicates, seed)
    name, method, nan = "ICI", "simulated outcomes", math.nan
    options: dict[str, Any] = {"n": int(p.size), "unit": unit}
    reason = _unfit(p)
    if reason:
        effect = undefined(name, reason, level, **options)
        return Comparison(name, nan, nan, nan, method, effect, reason)
    # With many cases the curve is interpolated between grid points.
    at = p if p.size <= EXACT else np.quantile(p, np.linspace(0, 1, EXACT // 2))
    hat = _smoother(p, at)
    value = _distance(hat, labels.astype(np.float64), p, at)
    rng = np.random.default_rng(seed)
    drawn = np.array(
        [_distance(hat, (rng.random(p.size) < p).astype(float), p, at) for _ in range(replicates)]
    )
    by_chance = float(np.median(drawn)), float(np.quantile(drawn, level))
    options["details"] = {
        "by_chance": by_chance[0], "by_chance_high": by_chance[1], "seed": seed,
        "replicates": replicates,
    }  # fmt: skip
    reason = (
        f"the index is never below 0; if the probabilities were right it would be "
        f"{by_chance[0]:.2f} (below {by_chance[1]:.2f} in {100 * level:g} %)"
    )
    effect = Estimate(name, value, nan, nan, level, "loess", reason=reason, **options)
    # The observed data count as one draw, so the p-value is never 0.
    share = (1 + int((drawn >= value - 1e-12).sum())) / (replicates + 1)
    return Comparison(name, nan, nan, share, method, effect)


def observed_to_expected(
    truth: ArrayLike, probability: ArrayLike, *, level: float = 0.95, unit: str = "patients"
) -> Estimate:
    """Ratio of observed positives to the sum of the probabilities (O:E).

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    probability : (n,) float
    level : float, default 0.95
    unit : str

    Returns
    -------
    Estimate
        1 is perfect, above 1 the probabilities are too low. Limits of the observed share (Wilson,
        exact at 0 and n) over the mean probability, which is taken as known.

    Raises
    ------
    InputError
        As `brier`; a level outside (0, 1).

    References
    ----------
    .. [1] Debray et al., BMJ 356:i6460 (2017).

    Examples
    --------
    >>> observed_to_expected([1, 0, 1, 0], [0.5, 0.5, 0.25, 0.75]).estimate
    1.0
    """
    labels, p = _cases(truth, probability)
    share = proportion(int(labels.sum()), labels.size, level=level, unit=unit)
    options: dict[str, Any] = {"n": int(p.size), "unit": unit}
    if not p.size:
        return undefined("O:E", f"no {unit} to count", level, **options)
    expected = float(p.mean())
    if expected == 0:
        return undefined("O:E", "none is expected", level, **options)
    value, low, high = (x / expected for x in (share.estimate, share.low, share.high))
    return Estimate("O:E", value, low, high, level, share.method, **options)


def loess(x: Float, y: Float, at: Float) -> Float:
    """Local parabolas with tricube weights over the nearest three quarters of the cases."""
    return np.asarray(_smoother(x, at) @ y, np.float64)


def _distance(hat: Float, y: Float, p: Float, at: Float) -> float:
    curve = (hat @ y).clip(0, 1)
    read = curve if at is p else np.interp(p, at, curve)
    return float(np.abs(read - p).mean())


def _cells(p: Float) -> tuple[Float, NDArray[np.intp]]:
    """Return distinct probabilities and each case's index; many cases are pooled into 400 cells."""
    centre, cell = np.unique(p, return_inverse=True)
    if centre.size <= EXACT:
        return centre, cell
    cell = np.minimum(np.argsort(np.argsort(p, kind="stable")) * EXACT // p.size, EXACT - 1)
    return np.bincount(cell, weights=p) / np.bincount(cell), cell


def _smoother(x: Float, at: Float, count: Float | None = None) -> Float:
    """Return the smoother matrix: the curve is this times the outcomes at `x`, `count` of each."""
    count = np.ones_like(x) if count is None else count
    unique, place = np.unique(at, return_inverse=True)
    near = math.floor(SPAN * count.sum() + 1e-5)
    gap = x[None] - unique[:, None]
    order = np.argsort(np.abs(gap), axis=1)
    place_of_last = (np.cumsum(count[order], axis=1) < near).sum(1)
    reach = np.abs(gap)[np.arange(unique.size), order[np.arange(unique.size), place_of_last]]
    reach = reach[:, None]
    t = gap / np.where(reach > 0, reach, 1.0)
    weight = (1 - np.abs(t) ** 3).clip(0) ** 3 * count
    powers = np.stack([np.ones_like(t), t, t**2], 1)
    moments = np.einsum("mjn,mkn,mn->mjk", powers, powers, weight)
    # With too few distinct values nearby the fit is underdetermined: take the minimum norm one.
    inverse = np.linalg.pinv(moments, rcond=1e-12, hermitian=True)
    rows = np.einsum("mj,mjn,mn->mn", inverse[:, 0], powers, weight)
    return np.asarray(rows[place], np.float64)


def _unfit(p: Float) -> str:
    if p.size < LEAST:
        return f"the cases ({p.size}) are too few for a smooth curve; it takes {LEAST}"
    if np.unique(p).size < DISTINCT:
        return "fewer than four distinct probabilities"
    return ""
