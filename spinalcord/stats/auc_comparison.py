"""Differences between areas under ROC curves: paired, unpaired, and of several models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .diagnostic import binary
from .distributions import chi2_p, normal_p, normal_quantile
from .estimate import FEW, Comparison, Estimate, adjusted, check_level
from .roc import ONE_CASE, AreaError, delong_covariance

DifferenceMethod: TypeAlias = Literal["default", "delong", "square-and-add"]
_METHODS = ("default", "delong", "square-and-add")
JOINT = 20  # cases per class that the chi-squared test of several areas needs to hold its level


def compare_aucs(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    method: DifferenceMethod = "default",
    level: float = 0.95,
    name: str = "difference in AUC",
    unit: str = "patients",
) -> Comparison:
    """Compare the AUCs of two models on the same cases.

    Parameters
    ----------
    truth : (n,) array of bool, or of 0 and 1
    scores : (2, n) array of float
        Scores of the two models. The effect is the first AUC minus the second.
    method : {"default", "delong", "square-and-add"}
        ``"delong"``: DeLong's z test and interval [1]_. ``"square-and-add"``: the interval is
        assembled from those of both areas and their correlation [2]_, and the p-value is one minus
        the largest level at which it excludes 0. The default is DeLong's where the smaller class
        has m >= 10 cases and both areas lie within 1/m and 1 - 1/m; square-and-add elsewhere,
        where the normal approximation fails.
    level : float, default 0.95
    name, unit : str
        As in `Estimate`.

    Returns
    -------
    Comparison
        Test and interval are always of one method. No p-value where neither area varies or a class
        has a single case. Limits are cut at -1 and 1.

    Raises
    ------
    InputError
        If arguments are refused by `auc`, a class is empty, or the number of models is not 2.

    References
    ----------
    .. [1] DeLong, DeLong and Clarke-Pearson, Biometrics 44:837 (1988).
    .. [2] Zou and Donner, Stat Med 27:1693 (2008).

    Examples
    --------
    >>> truth = [0] * 12 + [1] * 12
    >>> first = [*range(12), *range(6, 18)]
    >>> second = [*range(12), *range(3, 15)]
    >>> compare_aucs(truth, [first, second]).sentence()
    'difference in AUC 0.16 [95 % CI: 0.07, 0.25]; p < .001 (DeLong, paired)'
    """
    check_level(level)
    areas, covariance = delong_covariance(truth, scores)
    if len(areas) != 2:
        raise InputError(f"scores of {len(areas)} models; expected 2 (compare_all takes more)")
    pair = _pair_of(truth, areas, covariance, 0, 1, unit)
    return pair.compare(name, level, _checked(method))


def compare_aucs_unpaired(
    first: tuple[ArrayLike, ArrayLike],
    second: tuple[ArrayLike, ArrayLike],
    *,
    method: DifferenceMethod = "default",
    level: float = 0.95,
    name: str = "difference in AUC",
    unit: str = "patients",
) -> Comparison:
    """Compare AUCs from two independent groups of cases.

    Parameters
    ----------
    first, second : (truth, scores)
        As for `auc`, each (n,). The effect is the first AUC minus the second.
    method : {"default", "delong", "square-and-add"}
        As in `compare_aucs`; the rule of the default must hold in both groups for DeLong's test.
    level : float, default 0.95
    name, unit : str
        As in `Estimate`.

    Returns
    -------
    Comparison
        Test and interval are always of one method. No p-value where a class has a single case.
        Limits are cut at -1 and 1.

    Raises
    ------
    InputError
        If arguments are refused by `auc`, or a class is empty.

    Notes
    -----
    DeLong's variance is 0 for an area of 1 and far too small near it: with two cases in each class
    of both groups its z test rejects a true hypothesis in up to 64 % of samples at a level of 5 %.
    Square-and-add stays below 6 % (``benchmarks/bench_coverage.py``).

    Examples
    --------
    >>> children = [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]
    >>> adults = [0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.6, 0.3, 0.7, 0.9]
    >>> result = compare_aucs_unpaired(children, adults)
    >>> result.method, round(result.p, 2)
    ('square-and-add', 0.46)
    """
    check_level(level)
    found = []
    for truth, s in (first, second):
        (area,), covariance = delong_covariance(truth, np.asarray(s, np.float64)[None])
        found.append(AreaError.of(binary(truth, "truth"), float(area), float(covariance[0, 0])))
    n = np.size(first[0]) + np.size(second[0])
    pair = _Pair(found[0], found[1], 0.0, False, {"n": n, "unit": unit})
    return pair.compare(name, level, _checked(method))


def compare_all(
    truth: ArrayLike, scores: ArrayLike, *, unit: str = "patients", level: float = 0.95
) -> Comparison:
    """Test whether several models on the same cases have equal AUCs (DeLong, chi-squared).

    Parameters
    ----------
    truth : (n,) array of bool, or of 0 and 1
    scores : (models, n) array of float
        Scores of at least two models.
    unit : str
    level : float, default 0.95
        Confidence level of the effect's interval.

    Returns
    -------
    Comparison
        `effect` is the largest difference between two models. Because it is chosen among several,
        its interval is adjusted for their number (Bonferroni). `reason` marks the p-value where a
        class has fewer than 20 cases.

    Raises
    ------
    InputError
        If arguments are refused by `auc`, a class is empty, or there are fewer than two models.

    Examples
    --------
    >>> truth = [0, 1] * 20
    >>> scores = [[i % 7 + 3 * (i % 2) for i in range(40)], [i % 5 + i % 2 for i in range(40)]]
    >>> round(compare_all(truth, scores).p, 3)
    0.104
    """
    check_level(level)
    areas, covariance = delong_covariance(truth, scores)
    if len(areas) < 2:
        raise InputError("scores of 1 model; expected at least 2")
    largest = _largest(truth, areas, covariance, level, unit)
    contrast = np.eye(len(areas))[:-1] - np.eye(len(areas))[1:]
    differences, spread = contrast @ areas, contrast @ covariance @ contrast.T
    rank = int(np.linalg.matrix_rank(spread, tol=1e-12))
    if rank == 0:
        same = not differences.any()
        reason = "" if same else "the areas do not vary"
        p, statistic = (1.0, 0.0) if same else (math.nan, math.nan)
        return Comparison("equal AUCs", statistic, 0, p, "DeLong", largest, reason)
    statistic = float(differences @ np.linalg.pinv(spread, rcond=1e-10) @ differences)
    p = chi2_p(statistic, rank)
    labels = binary(truth, "truth")
    few = min(int(labels.sum()), int((~labels).sum())) < JOINT
    reason = f"fewer than {JOINT} cases in a class" if few else ""
    return Comparison("equal AUCs", statistic, rank, p, "DeLong, chi-squared", largest, reason)


@dataclass(frozen=True)
class _Pair:
    """Two areas to compare, with their covariance."""

    first: AreaError
    second: AreaError
    covariance: float
    paired: bool
    options: dict[str, Any]

    @property
    def difference(self) -> float:
        return self.first.area - self.second.area

    @property
    def error(self) -> float:
        """Standard error by DeLong; 0 where only rounding is left of it."""
        variance = self.first.variance + self.second.variance - 2 * self.covariance
        return math.sqrt(variance) if variance > 1e-24 else 0.0

    @property
    def smallest(self) -> int:
        return min(self.first.smaller, self.second.smaller)

    @property
    def is_normal(self) -> bool:
        """Whether a difference of such areas is close to normal.

        An area near 1 rests on the few cases that stand on the wrong side.
        """
        return all(
            one.smaller >= FEW and min(one.area, 1 - one.area) * one.smaller >= 1
            for one in (self.first, self.second)
        )

    def compare(self, name: str, level: float, method: str) -> Comparison:
        options = {**self.options, "smallest": self.smallest}
        if method == "delong" or (method == "default" and self.is_normal):
            how = "DeLong, paired" if self.paired else "DeLong, unpaired"
            return self._normal(name, level, how, options)
        return self._square_and_add(name, level, options)

    def _normal(self, name: str, level: float, how: str, options: dict[str, Any]) -> Comparison:
        d, nan = self.difference, math.nan
        if self.error == 0:
            return self._constant(name, level, how, options)
        half = normal_quantile(level) * self.error
        # The normal interval may exceed the possible range of a difference, -1 to 1.
        effect = Estimate(name, d, max(d - half, -1.0), min(d + half, 1.0), level, how, **options)
        z = d / self.error
        return Comparison(name, z, nan, normal_p(z), how, effect)

    def _constant(self, name: str, level: float, how: str, options: dict[str, Any]) -> Comparison:
        """Compare two areas whose difference has no variance."""
        nan, same = math.nan, self.difference == 0
        reason = "both rank all cases alike" if same else "neither area varies"
        effect = Estimate(name, self.difference, nan, nan, level, how, reason=reason, **options)
        if same:
            return Comparison(name, 0.0, nan, 1.0, how, effect)
        return Comparison(name, nan, nan, nan, how, effect, reason)

    def _square_and_add(self, name: str, level: float, options: dict[str, Any]) -> Comparison:
        how, nan = "square-and-add", math.nan
        varies = self.first.varies or self.second.varies
        alike = self.paired and self.error == 0 and (varies or self.difference != 0)
        if alike:
            return self._constant(name, level, how, options)
        low, high = self._limits(normal_quantile(level))
        reason = ONE_CASE if self.smallest == 1 else ""
        effect = Estimate(name, self.difference, low, high, level, how, reason=reason, **options)
        if reason:
            return Comparison(name, nan, nan, nan, how, effect, reason)
        z = self._touching()
        return Comparison(name, z, nan, normal_p(z), how, effect)

    def _limits(self, z: float) -> tuple[float, float]:
        """Combine the limits of both areas and their correlation into limits of the difference."""
        (l1, u1, _), (l2, u2, _) = self.first.limits_at(z), self.second.limits_at(z)
        scale = math.sqrt(self.first.variance * self.second.variance)
        both = self.first.varies and self.second.varies
        r = max(-1.0, min(1.0, self.covariance / scale)) if both else 0.0
        a1, a2 = self.first.area, self.second.area
        below = _hypotenuse(a1 - l1, u2 - a2, r)
        above = _hypotenuse(u1 - a1, a2 - l2, r)
        return max(-1.0, self.difference - below), min(1.0, self.difference + above)

    def _touching(self) -> float:
        """Return the normal quantile at which the interval touches 0: its test's statistic."""
        if self.difference == 0:
            return 0.0
        inner, outer = 0.0, 38.0  # beyond, a p-value is 0 in double precision
        for _ in range(50):
            middle = (inner + outer) / 2
            low, high = self._limits(middle)
            if low > 0 or high < 0:
                inner = middle
            else:
                outer = middle
        return math.copysign(inner, self.difference)


def _hypotenuse(x: float, y: float, r: float) -> float:
    """Return sqrt(x^2 + y^2 - 2 r x y), guarded against rounding below 0."""
    return math.sqrt(max(x * x + y * y - 2 * r * x * y, 0.0))


def _pair_of(truth: ArrayLike, areas: Any, covariance: Any, i: int, j: int, unit: str) -> _Pair:
    labels = binary(truth, "truth")
    first, second = (AreaError.of(labels, float(areas[k]), float(covariance[k, k])) for k in (i, j))
    options = {"n": labels.size, "unit": unit}
    return _Pair(first, second, float(covariance[i, j]), True, options)


def _largest(truth: ArrayLike, areas: Any, covariance: Any, level: float, unit: str) -> Estimate:
    """Estimate the largest difference, at a level adjusted for the number of differences."""
    k = len(areas)
    i, j = int(areas.argmax()), int(areas.argmin())
    if i == j:
        i, j = 0, 1
    pairs = k * (k - 1) // 2
    pair = _pair_of(truth, areas, covariance, i, j, unit)
    name = "largest difference in AUC"
    return adjusted(pair.compare(name, 1 - (1 - level) / pairs, "default").effect, level, pairs)


def _checked(method: str) -> str:
    if method not in _METHODS:
        raise InputError(f"method is {method!r}; expected one of {', '.join(_METHODS)}")
    return method
