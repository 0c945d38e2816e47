"""Agreement between readers beyond chance: Cohen's and Fleiss' kappa."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .distributions import normal_quantile
from .estimate import Estimate, check_level, undefined


def cohen_kappa(
    table: ArrayLike,
    *,
    weights: Literal["none", "linear", "quadratic"] = "none",
    level: float = 0.95,
    name: str = "kappa",
    **options: Any,
) -> Estimate:
    """Cohen's kappa of two readers.

    Parameters
    ----------
    table : (categories, categories) ints
        Cell (i, j): cases that the first reader put into category i and the second into j.
    weights : {"none", "linear", "quadratic"}
        How disagreement between ordered categories is graded.
    level : float, default 0.95
    name : str
    **options
        Further fields of `Estimate`, such as `unit`.

    Returns
    -------
    Estimate
        Not defined where chance alone would agree always; the interval from the large-sample
        standard error [1]_.

    Raises
    ------
    InputError
        A table that is not square, or holds something else than counts; other weights.

    References
    ----------
    .. [1] Fleiss, Cohen and Everitt, Psychol Bull 72:323 (1969), their formula 13.
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
    return _normal(name, kappa, variance, level, "Fleiss, Cohen and Everitt", options)


def fleiss_kappa(
    ratings: ArrayLike, *, level: float = 0.95, name: str = "Fleiss' kappa", **options: Any
) -> Estimate:
    """Fleiss' kappa of any number of readers.

    Parameters
    ----------
    ratings : (cases, categories) ints
        How many readers put each case into each category; every case has equally many readers,
        at least two.
    level : float, default 0.95
    name : str
    **options
        Further fields of `Estimate`.

    Returns
    -------
    Estimate
        With the large-sample interval that does not suppose kappa to be 0 [2]_; cases are the
        sample, readers are fixed.

    Raises
    ------
    InputError
        Something else than counts; numbers of readers that differ or are below two.

    References
    ----------
    .. [1] Fleiss, Psychol Bull 76:378 (1971).
    .. [2] Gwet, Psychometrika 86:1098 (2021).
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
    return _normal(name, kappa, variance, level, "Gwet", options)


def _normal(
    name: str, value: float, variance: float, level: float, method: str, options: dict[str, Any]
) -> Estimate:
    if math.isnan(variance):
        reason = "one case has no variance"
        return Estimate(
            name, value, math.nan, math.nan, level, "none", **{**options, "reason": reason}
        )
    half = normal_quantile(level) * math.sqrt(max(variance, 0.0))  # rounding: -1e-17
    return Estimate(
        name, value, max(-1.0, value - half), min(1.0, value + half), level, method, **options
    )


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
        raise InputError(f"{name} holds something else than whole numbers of at least 0")
    return whole
