"""The ROC curve, the area under it, and intervals of the area."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import _core
from ..errors import InputError
from .diagnostic import binary
from .distributions import normal_quantile, root_between
from .estimate import FEW, Estimate, check_level, undefined
from .resampling import Sample, bca_limits, percentile_limits, resample_auc

AucMethod: TypeAlias = Literal["delong", "bootstrap", "bca", "letter"]
Float: TypeAlias = NDArray[np.float64]
ONE_CASE = "one class has a single case, whose score cannot vary"


@dataclass(frozen=True)
class RocCurve:
    """Points of an ROC curve, from (0, 0) to (1, 1).

    Parameters
    ----------
    threshold : (m,) float64
        A case is called positive where its score is at least this; falls from infinity, which
        stands for a threshold above every score, infinite ones included.
    sensitivity, false_positive_rate : (m,) float64
    n_positive, n_negative : int

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.threshold.tolist()
    [inf, 0.8, 0.4, 0.35, 0.1]
    >>> curve.false_positive_rate.tolist()
    [0.0, 0.0, 0.5, 0.5, 1.0]
    """

    threshold: Float
    sensitivity: Float
    false_positive_rate: Float
    n_positive: int
    n_negative: int


def roc_curve(truth: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Trace the ROC curve, one point per distinct score.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
        Higher scores indicate the positive class.

    Returns
    -------
    RocCurve

    Raises
    ------
    InputError
        As `auc`.

    Examples
    --------
    >>> curve = roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    >>> curve.sensitivity.tolist()
    [0.0, 0.5, 0.5, 1.0, 1.0]
    """
    positive, s = _cases(truth, scores)
    order = np.argsort(-s, kind="stable")
    last = ends_of_ties(s[order])
    hits = np.append(0, np.cumsum(positive[order])[last])
    alarms = np.append(0, np.cumsum(~positive[order])[last])
    return RocCurve(
        np.append(np.inf, s[order][last]),
        hits / hits[-1],
        alarms / alarms[-1],
        int(hits[-1]),
        int(alarms[-1]),
    )


def auc(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    method: AucMethod = "delong",
    level: float = 0.95,
    groups: ArrayLike | None = None,
    replicates: int | None = None,
    seed: int = 0,
    threads: int | None = None,
    name: str = "AUC",
    positive: str = "positive",
    unit: str = "patients",
) -> Estimate:
    """Estimate the area under the ROC curve.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
        Higher scores indicate the positive class; infinity is allowed, NaN is not.
    method : str
        ``"delong"``: DeLong's variance [1]_ on the logit scale; at 0 or 1, where it vanishes,
        Newcombe's method 5 [2]_. ``"bootstrap"``: percentiles. ``"bca"``: bias-corrected and
        accelerated [3]_. ``"letter"``: the scheme in the letter's public code, kept for comparison:
        1000 replicates, of which the median is the estimate and the 26th and 976th the limits.
    level : float, default 0.95
        ``"letter"`` knows no other.
    groups : (n,) array, optional
        Which patient each case belongs to: patients are then drawn with all their cases. Bootstrap
        methods only.
    replicates : int, optional
        Bootstrap replicates; 2000 if not given. Drawn within the classes; with `groups` whose
        patients have cases of both classes, from all patients.
    seed : int, default 0
    threads : int, optional
        Those that the process may use if not given. The result does not depend on it.
    name, positive, unit : str
        Recorded with the result.

    Returns
    -------
    Estimate
        Not defined where a class is empty.

    Raises
    ------
    InputError
        Lengths that differ; NaN; labels other than 0 and 1; another method or level; groups with
        a method that cannot heed them; fewer than 100 replicates; a seed outside 0 to 2**64 - 1.

    References
    ----------
    .. [1] DeLong, DeLong and Clarke-Pearson, Biometrics 44:837 (1988).
    .. [2] Newcombe, Stat Med 25:559 (2006).
    .. [3] Efron, J Am Stat Assoc 82:171 (1987).

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> auc(truth, scores).sentence()
    '0.89 [95 % CI: 0.77, 0.95]'
    """
    check_level(level)
    labels, s = _cases(truth, scores, both=False)
    smaller = min(int(labels.sum()), int((~labels).sum()))
    options: dict[str, Any] = {"n": labels.size, "unit": unit, "details": {"positive": positive}}
    options["smallest"] = smaller
    if method not in ("delong", "bootstrap", "bca", "letter"):
        raise InputError(f"method is {method!r}; expected delong, bootstrap, bca or letter")
    if method in ("delong", "letter") and groups is not None:
        raise InputError(f"method {method!r} takes cases as independent; with groups use bootstrap")
    if method == "letter" and (level != 0.95 or replicates not in (None, 1000)):
        raise InputError("method 'letter' has a level of 0.95 and 1000 replicates")
    if replicates is None:
        replicates = 1000 if method == "letter" else 2000
    if labels.all() or not labels.any():
        return undefined(name, "one class is empty", level, **options)
    if smaller == 1 and method != "letter":
        options["reason"] = ONE_CASE
    if method == "delong":
        (area,), covariance = delong_covariance(labels, s[None])
        found = AreaError.of(labels, float(area), float(covariance[0, 0]))
        low, high, how = found.limits(level)
        return Estimate(name, found.area, low, high, level, how, **options)
    sample = Sample.of(labels, s[None], groups)
    drawn = resample_auc(sample, replicates=replicates, seed=seed, threads=threads)[:, 0]
    options["details"] |= {"seed": seed, "replicates": replicates, "drawn": sample.drawn}
    value = auc_value(labels, s)
    if method == "letter":
        ranked = np.sort(drawn)
        ends = float(ranked[25]), float(ranked[975])
        return Estimate(name, float(np.median(drawn)), *ends, level, "letter", **options)
    if method == "bca":
        low, high = bca_limits(sample, drawn, value, level)
        return Estimate(name, value, low, high, level, "bootstrap, BCa", **options)
    low, high = percentile_limits(drawn, level)
    return Estimate(name, value, low, high, level, "bootstrap, percentile", **options)


def delong_covariance(truth: ArrayLike, scores: ArrayLike) -> tuple[Float, Float]:
    """AUCs of several models on the same cases, and DeLong's covariance of them.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (models, n) float

    Returns
    -------
    areas : (models,) float64
    covariance : (models, models) float64
        One case of a class has no variance, and is taken to have none.

    Raises
    ------
    InputError
        As `auc`; an empty class; another number of axes.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> areas, covariance = delong_covariance(truth, [scores, scores[::-1]])
    >>> [float(round(x, 3)) for x in areas]
    [0.889, 0.111]
    """
    s = np.asarray(scores, np.float64)
    if s.ndim != 2:
        raise InputError(f"scores have {s.ndim} axes; expected (models, cases)")
    labels, _ = _cases(truth, s[0] if len(s) else s.ravel())
    v = _placements(labels, s)
    covariance = np.zeros((len(s), len(s)))
    for group in (v[:, labels], v[:, ~labels]):
        m = group.shape[1]
        apart = group - group.mean(1, keepdims=True)
        covariance += apart @ apart.T / (m * max(m - 1, 1))
    return v[:, labels].mean(1), covariance


def delong_se(truth: ArrayLike, scores: ArrayLike) -> float:
    """DeLong's standard error of an AUC; 0 where the area does not vary, as at 0 and 1.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float

    Raises
    ------
    InputError
        As `auc`; an empty class.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> round(delong_se(truth, scores), 4)
    0.0441
    """
    covariance = delong_covariance(truth, np.asarray(scores, np.float64)[None])[1]
    return math.sqrt(max(float(covariance[0, 0]), 0.0))


def hanley_mcneil_se(area: float, n_positive: int, n_negative: int) -> float:
    """Standard error of an AUC from nothing but its value and the numbers of cases.

    Parameters
    ----------
    area : float
        0 to 1.
    n_positive, n_negative : int
        At least 1 each.

    Raises
    ------
    InputError
        Values out of range.

    References
    ----------
    .. [1] Hanley and McNeil, Radiology 143:29 (1982).

    Examples
    --------
    >>> round(hanley_mcneil_se(0.893, 51, 58), 4)
    0.0325
    """
    if not 0 <= area <= 1 or min(n_positive, n_negative) < 1:
        raise InputError(
            f"an AUC of {area} from {n_positive} and {n_negative} cases; expected 0 to 1, and at "
            "least one case of each class"
        )
    return math.sqrt(_hanley_mcneil(area, n_positive - 1, n_negative - 1, n_positive * n_negative))


def _hanley_mcneil(area: float, m: float, n: float, pairs: float) -> float:
    """Return Hanley and McNeil's variance; m and n are the numbers of cases minus one."""
    a = area * (1 - area)
    return a * (1 + m * (1 - area) / (2 - area) + n * area / (1 + area)) / pairs


@dataclass(frozen=True)
class AreaError:
    """An AUC with what its interval is computed from.

    Parameters
    ----------
    area, variance : float
        Variance by DeLong.
    n_positive, n_negative : int
    """

    area: float
    variance: float
    n_positive: int
    n_negative: int

    @classmethod
    def of(cls, labels: NDArray[np.bool_], area: float, variance: float) -> AreaError:
        """Count the classes.

        Parameters
        ----------
        labels : (n,) bool
        area, variance : float
        """
        return cls(area, variance, int(labels.sum()), int((~labels).sum()))

    @property
    def smaller(self) -> int:
        """Size of the smaller class."""
        return min(self.n_positive, self.n_negative)

    @property
    def varies(self) -> bool:
        """Whether DeLong's variance says anything: rounding leaves 1e-33 where it is 0."""
        return self.variance > 1e-24 and 0 < self.area < 1

    def limits(self, level: float) -> tuple[float, float, str]:
        """Compute the interval of the area.

        Parameters
        ----------
        level : float

        Returns
        -------
        low, high : float
            DeLong's on the logit scale. Newcombe's method 5 where the area does not vary or a class
            has one case only; with fewer than 10 cases in a class the wider end of both: DeLong's
            variance is too small where a class of two or three stands against many.
        method : str
        """
        return self.limits_at(normal_quantile(level))

    def limits_at(self, z: float) -> tuple[float, float, str]:
        """As `limits`, by the standard normal quantile: 1.96 for a level of 0.95."""
        if not self.varies or self.smaller == 1:
            return *self._newcombe(z), "Newcombe, method 5"
        half = z * math.sqrt(self.variance) / (self.area * (1 - self.area))
        logit = math.log(self.area / (1 - self.area))
        low, high = _expit(logit - half), _expit(logit + half)
        if self.smaller >= FEW:
            return low, high, "DeLong, logit"
        outer = self._newcombe(z)
        if low <= outer[0] and high >= outer[1]:
            return low, high, "DeLong, logit"
        how = "DeLong, logit, or Newcombe, method 5, whichever is wider"
        return min(low, outer[0]), max(high, outer[1]), how

    def _newcombe(self, z: float) -> tuple[float, float]:
        n1, n0 = self.n_positive, self.n_negative
        mean = (n1 + n0) / 2 - 1

        def excess(theta: float) -> float:
            return (self.area - theta) ** 2 - z * z * _hanley_mcneil(theta, mean, mean, n1 * n0)

        low = 0.0 if self.area == 0 else root_between(excess, 0.0, self.area)
        high = 1.0 if self.area == 1 else root_between(excess, 1.0, self.area)
        return low, high


def ends_of_ties(ordered: Float) -> NDArray[np.int64]:
    """Return the last index of every run of equal scores.

    Parameters
    ----------
    ordered : (n,) float64
        Sorted; infinity is equal to itself, though the difference of two is not 0.

    Returns
    -------
    (m,) int64
    """
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def _expit(x: float) -> float:
    """Return the inverse logit without overflow."""
    away = math.exp(-abs(x))
    return 1 / (1 + away) if x >= 0 else away / (1 + away)


def auc_value(labels: NDArray[np.bool_], scores: Float) -> float:
    """Return the area under the ROC curve: the share of pairs that the scores put in order.

    Parameters
    ----------
    labels : (n,) bool
        True for the positive class; both classes occur.
    scores : (n,) float
        A tie of a positive and a negative case counts one half.

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> auc_value(np.array([True, False, True]), np.array([0.9, 0.4, 0.4]))
    0.75
    """
    return float(_placements(labels, scores[None])[0, labels].mean())


def _placements(labels: NDArray[np.bool_], scores: Float) -> Float:
    return _core.placements(np.ascontiguousarray(scores), labels.astype(np.uint8))


def _cases(
    truth: ArrayLike, scores: ArrayLike, *, both: bool = True
) -> tuple[NDArray[np.bool_], Float]:
    labels, s = binary(truth, "truth"), np.asarray(scores, np.float64)
    if s.shape != labels.shape:
        raise InputError(f"{labels.size} labels and scores of shape {s.shape}")
    if np.isnan(s).any():
        raise InputError(f"{int(np.isnan(s).sum())} of {s.size} scores are NaN")
    if both and (labels.all() or not labels.any()):
        raise InputError(f"{int(labels.sum())} of {labels.size} cases are positive; expected both")
    return labels, s
