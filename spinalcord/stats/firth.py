"""Logistic regression with Firth's penalty, which stays finite where a plain fit diverges.

The penalty is half the log determinant of the information matrix. Intervals and tests are those of
the penalised profile likelihood.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .distributions import chi2_quantile

Float = NDArray[np.float64]


def _likelihood(x: Float, y: Float, beta: Float) -> tuple[float, Float, Float]:
    """Return the penalised log-likelihood, its modified score and the information matrix."""
    eta = np.clip(x @ beta, -30, 30)
    mu = 1 / (1 + np.exp(-eta))
    weight = mu * (1 - mu)
    information = (x * weight[:, None]).T @ x
    sign, log_determinant = np.linalg.slogdet(information)
    if sign <= 0:
        return -math.inf, np.zeros(beta.size), information
    plain = float((y * eta - np.logaddexp(0, eta)).sum())
    inverse = np.linalg.inv(information)
    leverage = weight * ((x @ inverse) * x).sum(1)
    score = x.T @ (y - mu + leverage * (0.5 - mu))
    return plain + log_determinant / 2, score, information


def fit(
    x: Float,
    y: Float,
    *,
    fixed: NDArray[np.intp] | None = None,
    start: Float | None = None,
    tolerance: float = 1e-9,
) -> tuple[Float, float] | None:
    """Maximise the penalised likelihood.

    Parameters
    ----------
    x : (n, p) float64
        Design, with a column of ones.
    y : (n,) float64
        0 and 1.
    fixed : (m,) intp, optional
        Coefficients that stay as in `start`.
    start : (p,) float64, optional
        Zeros if not given.
    tolerance : float
        Tolerance of a step; what is left of the likelihood is of its square's order.

    Returns
    -------
    coefficients : (p,) float64
    value : float
        Penalised log-likelihood; the penalty is that of the whole design, fixed columns included.
        None in place of both where no maximum is found.
    """
    beta = np.zeros(x.shape[1]) if start is None else start
    free = np.ones(x.shape[1], bool)
    if fixed is not None:
        free[fixed] = False
    value, score, information = _likelihood(x, y, beta)
    if math.isinf(value):
        return None
    for _ in range(200):
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        largest = float(np.abs(step).max())
        if largest < tolerance:
            return beta, value
        step *= min(1.0, 5 / largest)
        for _ in range(30):
            trial = _likelihood(x, y, beta + step)
            if trial[0] >= value - 1e-12:
                break
            step /= 2
        beta, (value, score, information) = beta + step, trial
    return None


def profile_limit(
    x: Float, y: Float, j: int, beta: Float, top: float, level: float, side: int
) -> float:
    """Find where the profile of a coefficient has fallen by half of chi-squared's quantile.

    Parameters
    ----------
    x, y : as in `fit`
    j : int
        Which coefficient.
    beta : (p,) float64
    top : float
        Where the likelihood is highest, and how high; from `fit`.
    level : float
        Confidence level of the interval.
    side : {-1, 1}
        The lower or the upper limit.

    Returns
    -------
    float
        Infinite where the profile does not fall so far.
    """
    last, limit = beta, top - chi2_quantile(level, 1) / 2

    def excess(value: float) -> float:
        """How far the profile lies above the limit; below where it is not found."""
        nonlocal last
        start = last.copy()
        start[j] = value
        found = fit(x, y, fixed=np.array([j]), start=start, tolerance=1e-6)
        if found is None:
            return -math.inf
        last = found[0]
        return found[1] - limit

    near, far, width = float(beta[j]), float(beta[j]) + side, 1.0
    above, below = top - limit, excess(far)
    while below > 0:
        near, above, width = far, below, 2 * width
        far = near + side * width
        if abs(far) > 60:
            return side * math.inf
        below = excess(far)
    for _ in range(100):
        if abs(far - near) < 1e-7:
            break
        # A secant step, kept away from the ends; bisection where an end has no value.
        share = above / (above - below) if math.isfinite(below) else 0.5
        at = near + min(max(share, 0.05), 0.95) * (far - near)
        value = excess(at)
        if abs(value) < 1e-8:
            return at
        if value > 0:
            near, above = at, value
        else:
            far, below = at, value
    return (near + far) / 2
