"""Agreement between readers beyond chance: Cohen's and Fleiss' kappa."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .distributions import normal_quantile
from .estimate import FEW, Estimate, check_level, undefined
from .proportions import proportion, wilson_interval

KappaMethod: TypeAlias = Literal["normal", "score"]


def cohen_kappa(
    table: ArrayLike,
    *,
    weights: Literal["none", "linear", "quadratic"] = "none",
    method: KappaMethod = "normal",
    level: float = 0.95,
    name: str = "kappa",
    **options: Any,
) -> Estimate:
    """Estimate Cohen's kappa of two readers.

    Parameters
    ----------
    table : (categories, categories) array of int
        Cell (i, j): cases that the first reader put into category i and the second into j.
    weights : {"none", "linear", "quadratic"}
        How disagreement between ordered categories is graded.
    method : {"normal", "score"}
        Interval. ``"normal"``: kappa plus and minus a multiple of its large-sample standard error
        [1]_, as R and statsmodels print it. ``"score"``: Wilson's limits of the observed
        disagreement, with as many cases as give it that standard error, over the disagreement
        expected by chance; it covers in small samples and near 1, where the first does not.
    level : float, default 0.95
    name : str
    **options
        Further fields of `Estimate`, such as `unit`.

    Returns
    -------
    Estimate
        Not defined where chance alone would always agree. Perfect agreement has the exact
        interval of the agreement (Clopper and Pearson), divided by the disagreement expected by
        chance. `reason` marks the interval where fewer than 10 cases lie outside the most frequent
        category, and the normal one where fewer than 10 cases disagree, or agree.

    Raises
    ------
    InputError
        If the table is not square or contains anything but counts, or the weights or the method are
        unknown.

    References
    ----------
    .. [1] Fleiss, Cohen and Everitt, Psychol Bull 72:323 (1969), their formula 13.

    Examples
    --------
    >>> cohen_kappa([[40, 10], [15, 35]]).sentence()
    '0.50 [95 % CI: 0.33, 0.67]'
    >>> cohen_kappa([[12, 0], [0, 11]]).sentence()
    '1.00 [95 % CI: 0.70, 1.00]'
    """
    check_level(level)
    counts = _counts(table, "table")
    if counts.shape[0] != counts.shape[1] or counts.shape[0] < 2:
        raise InputError(
            f"the table has shape {counts.shape}; expected a square one, 2 x 2 or more"
        )
    w = _weights(counts.shape[0], weights)
    n = int(counts.sum())
    options = {"n": n, **options}
    if method not in ("normal", "score"):
        raise InputError(f"method is {method!r}; expected normal or score")
    if n == 0:
        return undefined(name, "no cases", level, **options)
    p = counts / n
    rows, columns = p.sum(1), p.sum(0)
    observed, chance = float((w * p).sum()), float(rows @ w @ columns)
    if math.isclose(chance, 1):
        return undefined(name, "both readers use one category only", level, **options)
    kappa = (observed - chance) / (1 - chance)
    margins = (w @ columns)[:, None] + (w.T @ rows)[None, :]
    inner = float((p * (w - margins * (1 - kappa)) ** 2).sum())
    variance = (inner - (kappa - chance * (1 - kappa)) ** 2) / (n * (1 - chance) ** 2)
    apart = n - int(np.trace(counts))
    outside = n - math.ceil(float((rows + columns).max()) * n / 2 - 1e-9)
    found = _Kappa(
        kappa, variance, 1 - observed, 1 - chance, n, apart, min(apart, n - apart), outside
    )
    return found.estimate(name, level, "Fleiss, Cohen and Everitt", method, options)


def fleiss_kappa(
    ratings: ArrayLike, *, level: float = 0.95, name: str = "Fleiss' kappa", **options: Any
) -> Estimate:
    """Estimate Fleiss' kappa of any number of readers.

    Parameters
    ----------
    ratings : (cases, categories) array of int
        How many readers put each case into each category; every case has the same number of
        readers, at least two.
    level : float, default 0.95
    name : str
    **options
        Further fields of `Estimate`.

    Returns
    -------
    Estimate
        With the large-sample interval that does not suppose kappa to be 0 [2]_; cases are the
        sample, readers are fixed. Perfect agreement and marks as in `cohen_kappa`.

    Raises
    ------
    InputError
        If the ratings are not counts, or their numbers differ between cases or are below two.

    References
    ----------
    .. [1] Fleiss, Psychol Bull 76:378 (1971).
    .. [2] Gwet, Psychometrika 86:1098 (2021).

    Examples
    --------
    >>> ratings = [[3, 0], [2, 1], [0, 3], [3, 0], [1, 2]] * 8
    >>> fleiss_kappa(ratings).sentence()
    '0.44 [95 % CI: 0.24, 0.65]'
    """
    check_level(level)
    counts = _counts(ratings, "ratings")
    per_case = counts.sum(1)
    readers = int(per_case[0]) if per_case.size else 0
    if (per_case != readers).any() or readers < 2:
        raise InputError("each case needs the same number of ratings, at least 2")
    n = len(counts)
    options = {"n": n, **options}
    share = counts / readers
    agreed = ((counts**2).sum(1) - readers) / (readers * (readers - 1))
    used = share.mean(0)
    observed, chance = float(agreed.mean()), float((used**2).sum())
    if math.isclose(chance, 1):
        return undefined(name, "all readers use one category only", level, **options)
    kappa = (observed - chance) / (1 - chance)
    own = (agreed - chance) / (1 - chance)
    shift = 2 * (1 - kappa) * (share @ used - chance) / (1 - chance)
    spread = float(((own - shift - kappa) ** 2).sum())
    variance = spread / (n * (n - 1)) if n > 1 else math.nan
    apart = int((agreed < 1).sum())
    outside = n - math.ceil(float(used.max()) * n - 1e-9)
    found = _Kappa(kappa, variance, 1 - observed, 1 - chance, n, apart, apart, outside)
    return found.estimate(name, level, "Gwet", "normal", options)


@dataclass(frozen=True)
class _Kappa:
    """Kappa and the quantities from which its interval is computed."""

    value: float
    variance: float
    disagreement: float
    expected: float  # disagreement expected by chance
    n: int
    differing: int  # cases on which the readers disagree
    scarce: int  # cases of the rarer outcome: agreement or disagreement
    outside: int  # cases outside the most frequent category

    def estimate(
        self, name: str, level: float, normal: str, method: str, options: dict[str, Any]
    ) -> Estimate:
        nan = math.nan
        if self.differing == 0:
            return self._perfect(name, level, options)
        if math.isnan(self.variance):
            reason = "one case has no variance"
            return Estimate(
                name, self.value, nan, nan, level, "none", **{**options, "reason": reason}
            )
        low, high, how = self._normal(level, normal) if method == "normal" else self._score(level)
        low, high = min(low, self.value), max(high, self.value)  # rounding at the ends
        if high - low < 1e-12:
            options = {**options, "reason": "these counts leave kappa no variance"}
            return Estimate(name, self.value, nan, nan, level, "none", **options)
        reason = self._few_outside(options)
        if method == "normal" and self.scarce < FEW and not reason:
            reason = f"fewer than {FEW} {options.get('unit', 'patients')} agreed or disagreed on"
        options = {**options, "reason": reason} if reason else options
        return Estimate(name, self.value, low, high, level, how, **options)

    def _few_outside(self, options: dict[str, Any]) -> str:
        unit = options.get("unit", "patients")
        few = self.outside < FEW
        return f"fewer than {FEW} {unit} outside the most frequent category" if few else ""

    def _normal(self, level: float, how: str) -> tuple[float, float, str]:
        half = normal_quantile(level) * math.sqrt(max(self.variance, 0.0))  # rounding: -1e-17
        return max(-1.0, self.value - half), min(1.0, self.value + half), how

    def _score(self, level: float) -> tuple[float, float, str]:
        share, spread = self.disagreement, self.variance * self.expected**2
        varies = 0 < share < 1 and spread > 1e-15
        n = share * (1 - share) / spread if varies else self.n
        least, most = wilson_interval(share, n, level)
        low, high = 1 - most / self.expected, 1 - least / self.expected
        return max(-1.0, low), min(1.0, high), "score, over chance"

    def _perfect(self, name: str, level: float, options: dict[str, Any]) -> Estimate:
        most = proportion(0, self.n, level=level).high
        low, how = max(-1.0, 1 - most / self.expected), "Clopper-Pearson, over chance"
        reason = self._few_outside(options)
        options = {**options, "reason": reason} if reason else options
        return Estimate(name, self.value, low, 1.0, level, how, **options)


def _weights(n: int, kind: str) -> NDArray[np.float64]:
    if kind not in ("none", "linear", "quadratic"):
        raise InputError(f"weights are {kind!r}; expected none, linear or quadratic")
    if kind == "none":
        return np.eye(n)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (n - 1)
    return np.asarray(1 - (apart if kind == "linear" else apart**2), np.float64)


def _counts(values: ArrayLike, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 2 or array.size == 0 or not np.isfinite(array).all():
        raise InputError(f"{name} has shape {array.shape}; expected two axes of counts")
    whole = array.astype(np.int64)
    if (whole != array).any() or (whole < 0).any():
        raise InputError(f"{name} contains something other than whole numbers of at least 0")
    return whole
