"""Whether a subgroup does better or worse once the other factors are heeded.

Logistic regression of "the answer is right" on all factors at once, with Firth's penalty: it has an
answer where a subgroup is all right, which plain logistic regression has not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .diagnostic import binary
from .distributions import chi2_p, chi2_quantile
from .estimate import Comparison, Estimate, check_level, undefined

Float = NDArray[np.float64]
_METHOD = "Firth's logistic regression, penalised likelihood ratio"
_PER_PARAMETER = 5  # answers of the rarer kind that a parameter needs


@dataclass(frozen=True)
class AdjustedFactor:
    """One factor among others.

    Parameters
    ----------
    factor : str
    reference : str
        The level that the others are compared with: the most frequent one.
    odds_ratios : dict of str to Estimate
        By level: odds of a right answer over those in the reference, other factors held.
    test : Comparison
        Of the factor as a whole; `effect` is the odds ratio furthest from 1.

    Examples
    --------
    >>> right = [1] * 18 + [0] * 6 + [1] * 9 + [0] * 9
    >>> site, sex = ["A"] * 24 + ["B"] * 18, ["F", "M", "M"] * 14
    >>> site_effect, _ = adjusted_factors(right, {"site": site, "sex": sex})
    >>> site_effect.reference, list(site_effect.odds_ratios), round(site_effect.test.p, 2)
    ('A', ['B'], 0.11)
    """

    factor: str
    reference: str
    odds_ratios: Mapping[str, Estimate]
    test: Comparison


def adjusted_factors(
    right: ArrayLike,
    factors: Mapping[str, ArrayLike],
    *,
    level: float = 0.95,
    unit: str = "patients",
) -> list[AdjustedFactor]:
    """Test every factor adjusted for the others.

    Parameters
    ----------
    right : (n,) bool, or 0 and 1
        Whether the answer is right.
    factors : mapping of str to (n,) array
        Words, such as ``{"site": ["A", "B", ...]}``; or numbers, whose odds ratio is that of one
        unit more. A case without a value (None, NaN, empty) in any factor is ignored.
    level : float, default 0.95
    unit : str

    Returns
    -------
    list of AdjustedFactor
        One per factor. Intervals and p-values from the profile of the penalised likelihood [1]_
        [2]_. Not defined where fewer than 5 answers of the rarer kind come on a parameter: such a
        model would only look adjusted.

    Raises
    ------
    InputError
        Lengths that differ; no factor; a level outside (0, 1).

    References
    ----------
    .. [1] Firth, Biometrika 80:27 (1993).
    .. [2] Heinze and Schemper, Stat Med 21:2409 (2002).

    Examples
    --------
    >>> right = [1] * 18 + [0] * 6 + [1] * 9 + [0] * 9
    >>> site, sex = ["A"] * 24 + ["B"] * 18, ["F", "M", "M"] * 14
    >>> found, _ = adjusted_factors(right, {"site": site, "sex": sex})
    >>> found.odds_ratios["B"].sentence()
    '0.36 [95 % CI: 0.10, 1.24]'
    """
    check_level(level)
    y = binary(right, "right")
    columns = {name: np.asarray(values, object) for name, values in factors.items()}
    if not columns or any(c.shape != y.shape for c in columns.values()):
        raise InputError(f"{len(columns)} factors for {y.size} cases; expected one value a case")
    known = np.array(
        [all(not _missing(c[i]) for c in columns.values()) for i in range(y.size)], bool
    )
    y = y[known].astype(np.float64)
    parts = {name: _columns(c[known]) for name, c in columns.items()}
    varying = {name: part for name, part in parts.items() if part[1]}
    options: dict[str, Any] = {"n": int(y.size), "unit": unit}
    options["details"] = {"left_out": int((~known).sum()), "adjusted_for": tuple(varying)}
    x = np.column_stack([np.ones(y.size), *(c for _, p, _ in varying.values() for c in p)])
    rare = int(min(y.sum(), y.size - y.sum()))
    reason = ""
    if rare < _PER_PARAMETER * (x.shape[1] - 1):
        reason = (
            f"{rare} answers of the rarer kind are too few for {x.shape[1] - 1} parameters; it "
            f"takes {_PER_PARAMETER} each"
        )
    fit = None if reason else _fit(x, y)
    if fit is None and not reason:
        reason = "the regression does not converge"
    found, first = [], 1
    for name, (reference, part, labels) in parts.items():
        own = range(first, first + len(part))
        first += len(part)
        found.append(_factor(name, reference, labels, own, x, y, fit, reason, level, options))
    return found


def _missing(value: Any) -> bool:
    return value is None or value == "" or value != value


def _columns(values: NDArray[np.object_]) -> tuple[str, list[Float], list[str]]:
    """Reference level, design columns and their names."""
    if all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        numbers = values.astype(np.float64)
        return "", ([numbers] if np.ptp(numbers) > 0 else []) if numbers.size else [], ["per unit"]
    words = np.array([str(v) for v in values])
    names, counts = np.unique(words, return_counts=True)
    if names.size < 2:
        return str(names[0]) if names.size else "", [], []
    reference = str(names[counts.argmax()])
    others = [str(name) for name in names if name != reference]
    return reference, [(words == name).astype(np.float64) for name in others], others


def _factor(
    name: str,
    reference: str,
    labels: Sequence[str],
    own: range,
    x: Float,
    y: Float,
    fit: tuple[Float, float] | None,
    reason: str,
    level: float,
    options: dict[str, Any],
) -> AdjustedFactor:
    nan = math.nan
    if not len(own):
        reason = "the same in all cases"
    if reason or fit is None:
        effect = undefined(f"odds ratio, {name}", reason, level, **options)
        test = Comparison(name, nan, nan, nan, "none", effect, reason)
        return AdjustedFactor(name, reference, dict.fromkeys(labels, effect), test)
    beta, top = fit
    ratios = {}
    for label, j in zip(labels, own, strict=True):
        ends = (_profile(x, y, j, beta, top, level, side) for side in (-1, 1))
        low, high = (math.exp(end) for end in ends)
        said = f"odds ratio, {name} {label}" + (f" against {reference}" if reference else "")
        ratios[label] = Estimate(
            said, math.exp(beta[j]), low, high, level, "profile, Firth", **options
        )
    rest = np.delete(x, list(own), axis=1)
    # The penalty stays that of the whole model: the others are held at 0, not left out.
    null = _fit(x, y, held=np.array(own))
    furthest = max(ratios.values(), key=lambda e: abs(math.log(e.estimate)))
    if null is None:
        why = "the regression without this factor does not converge"
        return AdjustedFactor(
            name, reference, ratios, Comparison(name, nan, nan, nan, "none", furthest, why)
        )
    statistic, df = max(2 * (top - null[1]), 0.0), x.shape[1] - rest.shape[1]
    test = Comparison(name, statistic, df, chi2_p(statistic, df), _METHOD, furthest)
    return AdjustedFactor(name, reference, ratios, test)


def _likelihood(x: Float, y: Float, beta: Float) -> tuple[float, Float, Float]:
    """Penalised log-likelihood, its modified score and the information."""
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


def _fit(
    x: Float, y: Float, *, held: NDArray[np.intp] | None = None, start: Float | None = None
) -> tuple[Float, float] | None:
    """Coefficients and penalised log-likelihood, some coefficients held; None if none is found."""
    beta = np.zeros(x.shape[1]) if start is None else start
    free = np.ones(x.shape[1], bool)
    if held is not None:
        free[held] = False
    value, score, information = _likelihood(x, y, beta)
    if math.isinf(value):
        return None
    for _ in range(200):
        step = np.zeros_like(beta)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], score[free])
        largest = float(np.abs(step).max())
        if largest < 1e-9:
            return beta, value
        step *= min(1.0, 5 / largest)
        for _ in range(30):
            trial = _likelihood(x, y, beta + step)
            if trial[0] >= value - 1e-12:
                break
            step /= 2
        beta, (value, score, information) = beta + step, trial
    return None


def _profile(x: Float, y: Float, j: int, beta: Float, top: float, level: float, side: int) -> float:
    """Where the profile of coefficient j has fallen by half of chi-squared's quantile."""
    last, limit = beta, top - chi2_quantile(level, 1) / 2

    def excess(value: float) -> float:
        """How far the profile lies above the limit; below where it is not found."""
        nonlocal last
        start = last.copy()
        start[j] = value
        fit = _fit(x, y, held=np.array([j]), start=start)
        if fit is None:
            return -math.inf
        last = fit[0]
        return fit[1] - limit

    near, far, width = float(beta[j]), float(beta[j]) + side, 1.0
    above, below = top - limit, excess(far)
    while below > 0:
        near, above, width = far, below, 2 * width
        far = near + side * width
        if abs(far) > 60:
            return side * math.inf
        below = excess(far)
    for _ in range(100):
        if abs(far - near) < 1e-8:
            break
        # A secant step, kept off the ends; halves where there is no value to draw it with.
        share = above / (above - below) if math.isfinite(below) else 0.5
        at = near + min(max(share, 0.05), 0.95) * (far - near)
        value = excess(at)
        if abs(value) < 1e-10:
            return at
        if value > 0:
            near, above = at, value
        else:
            far, below = at, value
    return (near + far) / 2
