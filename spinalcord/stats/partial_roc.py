"""Partial areas under the ROC curve, and sensitivity at a fixed specificity."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .distributions import normal_quantile
from .estimate import FEW, Estimate, check_level, undefined
from .resampling import check_drawing, percentile_limits
from .roc import RocCurve, roc_curve

Float = NDArray[np.float64]
MOST = 300  # distinct scores in a bootstrap sample


def partial_auc(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    low: float = 0.9,
    high: float = 1.0,
    over: Literal["specificity", "sensitivity"] = "specificity",
    standardised: bool = True,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    unit: str = "patients",
) -> Estimate:
    """Estimate the area under a part of the ROC curve.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
        Higher scores indicate the positive class.
    low, high : float, default 0.9 and 1
        The range of specificity, or of sensitivity.
    over : {"specificity", "sensitivity"}
    standardised : bool, default True
        On McClish's scale [1]_, 0.5 where the curve runs on the diagonal and 1 at best; else the
        area itself.
    level, replicates, seed
        Percentile bootstrap of patients within the classes.
    unit : str

    Returns
    -------
    Estimate
        Without interval where the range holds fewer than one case of the class that it is about,
        or no replicate differs: the bootstrap would give no width. Marked as too small where it
        holds fewer than ten: there the interval covers too rarely.

    Raises
    ------
    InputError
        As `roc_curve`; a range that is not 0 <= low < high <= 1; settings out of range.

    References
    ----------
    .. [1] McClish, Med Decis Making 9:190 (1989).

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    >>> scores = [1, 2, 3, 4, 6, 5, 7, 8, 9, 10]
    >>> round(partial_auc(truth, scores, low=0.8, standardised=False).estimate, 3)
    0.16
    """
    check_level(level)
    check_drawing(replicates, seed)
    if not 0 <= low < high <= 1 or over not in ("specificity", "sensitivity"):
        raise InputError(
            f"{over} from {low} to {high}; expected specificity or sensitivity, and "
            "0 <= low < high <= 1"
        )
    curve, s = roc_curve(truth, scores), np.asarray(scores, np.float64)
    labels = np.asarray(truth).astype(bool)

    def area(c: RocCurve) -> float:
        return _partial(c, low, high, over, standardised)

    value = area(curve)
    details = {"low": low, "high": high, "over": over, "seed": seed, "replicates": replicates}
    name = f"partial AUC, {over} {low:g} to {high:g}"
    options: dict[str, Any] = {"n": int(labels.size), "unit": unit, "details": details}
    options["smallest"] = min(curve.n_positive, curve.n_negative)
    of = curve.n_negative if over == "specificity" else curve.n_positive
    nan = math.nan
    if of * (high - low) < 1:
        reason = f"the cases of a class ({of}) are too few for this range of {over}"
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    drawn = _bootstrap(labels, s, area, replicates, seed)
    if np.ptp(drawn) < 1e-12:
        reason = "no replicate of the bootstrap differs"
        return Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
    how = "bootstrap, percentile" + (", McClish's scale" if standardised else "")
    ends = percentile_limits(drawn, level)
    few = of * (high - low) < FEW
    reason = f"fewer than {FEW} cases in this range of {over} can be expected" if few else ""
    return Estimate(name, value, *ends, level, how, reason=reason, **options)


def sensitivity_at(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    specificity: float = 0.9,
    level: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
    unit: str = "patients",
) -> Estimate:
    """Estimate the sensitivity at the threshold that has a given specificity.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
    specificity : float, default 0.9
        Between 0 and 1. Between two points of the curve the sensitivity is interpolated. For the
        specificity at a fixed sensitivity give the other class and negated scores.
    level, replicates, seed
        Zhou and Qin's second bootstrap interval [1]_: as the threshold is estimated as well, no
        binomial interval holds.
    unit : str

    Returns
    -------
    Estimate
        Without interval where there are too few negative cases to see that specificity.

    Raises
    ------
    InputError
        As `roc_curve`; a specificity outside (0, 1); settings out of range.

    References
    ----------
    .. [1] Zhou and Qin, Stat Med 24:465 (2005), their BTII.

    Examples
    --------
    >>> truth, scores = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1], [1, 2, 3, 4, 6, 5, 7, 8, 9, 10]
    >>> sensitivity_at(truth, scores, specificity=0.8).estimate
    1.0
    """
    check_level(level)
    check_drawing(replicates, seed)
    if not 0 < specificity < 1:
        raise InputError(f"the specificity is {specificity}; expected a number between 0 and 1")
    curve, s = roc_curve(truth, scores), np.asarray(scores, np.float64)
    labels = np.asarray(truth).astype(bool)
    z, n = normal_quantile(level), curve.n_positive
    value = _sensitivity(curve, specificity)
    details = {"specificity": specificity, "seed": seed, "replicates": replicates}
    name = f"sensitivity at specificity {specificity:g}"
    options: dict[str, Any] = {
        "n": int(labels.size), "unit": unit, "style": "percent", "details": details,
        "smallest": min(curve.n_positive, curve.n_negative),
    }  # fmt: skip
    if curve.n_negative * (1 - specificity) < 1 - 1e-9:
        told = "case is" if curve.n_negative == 1 else "cases are"
        reason = f"{curve.n_negative} negative {told} too few to see a specificity this high"
        return undefined(name, reason, level, **options)
    # Agresti and Coull's shift keeps the variance positive where every replicate has sensitivity 1.
    shift, size = z * z / 2, n + z * z

    def shifted(c: RocCurve) -> float:
        return (n * _sensitivity(c, specificity) + shift) / size

    drawn = _bootstrap(labels, s, shifted, replicates, seed)
    centre = float(drawn.mean())
    within = centre * (1 - centre) / size
    half = z * math.sqrt(max(float(drawn.var(ddof=1)), within))
    low, high = max(0.0, min(centre - half, value)), min(1.0, max(centre + half, value))
    return Estimate(name, value, low, high, level, "bootstrap, Zhou and Qin", **options)


def _partial(curve: RocCurve, low: float, high: float, over: str, standardised: bool) -> float:
    if over == "specificity":
        x, y = curve.false_positive_rate, curve.sensitivity
        a, b = 1 - high, 1 - low
    else:
        # The same area with exchanged axes: specificity over sensitivity.
        x, y = curve.sensitivity, 1 - curve.false_positive_rate
        a, b = low, high
    area = _integral(x, y, b) - _integral(x, y, a)
    if not standardised:
        return area
    least = (b * b - a * a) / 2 if over == "specificity" else (b - a) - (b * b - a * a) / 2
    return (1 + (area - least) / (b - a - least)) / 2


def _integral(x: Float, y: Float, end: float) -> float:
    """Return the area under the polygon from 0 to `end`; x must not decrease."""
    inside = x <= end
    xs, ys = x[inside], y[inside]
    after = int(inside.sum())
    if after < x.size and end > xs[-1]:
        share = (end - xs[-1]) / (x[after] - xs[-1])
        xs, ys = np.append(xs, end), np.append(ys, ys[-1] + share * (y[after] - ys[-1]))
    return float((np.diff(xs) * (ys[1:] + ys[:-1]) / 2).sum())


def _sensitivity(curve: RocCurve, specificity: float) -> float:
    """Return the highest sensitivity at a false positive rate, interpolated linearly."""
    x, y, at = curve.false_positive_rate, curve.sensitivity, 1 - specificity
    after = int((x <= at + 1e-12).sum())
    best = float(y[after - 1])
    if after == x.size or x[after - 1] >= at - 1e-12:
        return best
    share = (at - x[after - 1]) / (x[after] - x[after - 1])
    return best + float(share * (y[after] - y[after - 1]))


def _bootstrap(
    labels: NDArray[np.bool_], s: Float, figure: Any, replicates: int, seed: int
) -> Float:
    """Resample cases within classes; a sample is the count of cases by score."""
    rng = np.random.default_rng(seed)
    values, place = np.unique(-s, return_inverse=True)
    if values.size > MOST:  # neighbouring scores are pooled; the estimate itself uses all
        place = place * MOST // values.size
        values = values[:MOST]  # thresholds are not used here
    rates = []
    for own in (labels, ~labels):
        n = int(own.sum())
        share = np.bincount(place[own], minlength=values.size) / n
        at = rng.multinomial(n, share, replicates)
        rates.append(np.hstack([np.zeros((replicates, 1)), np.cumsum(at, 1) / n]))
    threshold = np.append(np.inf, -values)
    sizes = int(labels.sum()), int((~labels).sum())
    return np.array(
        [figure(RocCurve(threshold, y, x, *sizes)) for y, x in zip(*rates, strict=True)]
    )
