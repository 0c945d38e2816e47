"""Gwet's AC1: chance-corrected agreement that stays meaningful where a category is rare."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .agreement import _counts
from .distributions import t_quantile
from .estimate import FEW, Estimate, check_level


def gwet_ac1(
    ratings: ArrayLike, *, level: float = 0.95, name: str = "AC1", **options: Any
) -> Estimate:
    """Gwet's AC1 of two readers or more.

    Parameters
    ----------
    ratings : (cases, categories) ints
        How many readers put each case into each category. Cases may have different numbers of
        readers; those with one only count for the categories' shares.
    level : float, default 0.95
    name : str
    **options
        Further fields of `Estimate`.

    Returns
    -------
    Estimate
        With Gwet's variance and Student's t of cases - 1 degrees of freedom; cases are the sample,
        readers are fixed. Without interval where that variance is 0: all agree on every case;
        marked where fewer than 10 cases are disagreed on.

    Raises
    ------
    InputError
        Something else than counts; fewer than two categories; no case with two readers.
    ImportError
        Without SciPy.

    References
    ----------
    .. [1] Gwet, Br J Math Stat Psychol 61:29 (2008).

    Examples
    --------
    Two readers, four cases, two categories; they disagree on the last:

    >>> round(gwet_ac1([[2, 0], [2, 0], [0, 2], [1, 1]]).estimate, 3)
    0.529
    """
    check_level(level)
    counts = _counts(ratings, "ratings")
    counts = counts[counts.sum(1) > 0]
    readers = counts.sum(1)
    n, q = counts.shape
    several = readers > 1
    if q < 2 or not several.any():
        raise InputError(
            f"{n} cases in {q} categories; expected two categories, and a case with two ratings"
        )
    options = {"n": int(n), **options}
    share = counts / readers[:, None]
    used = share.mean(0)
    m = np.where(several, readers, 2)
    agreed = np.where(several, (counts * (counts - 1)).sum(1) / (m * (m - 1)), 0.0)
    observed = float(agreed.sum() / several.sum())
    chance = float((used * (1 - used)).sum() / (q - 1))
    value = (observed - chance) / (1 - chance)
    if n < 2:
        reason = "one case has no variance"
        nan = math.nan
        return Estimate(name, value, nan, nan, level, "none", **{**options, "reason": reason})
    own = n / several.sum() * np.where(several, agreed - chance, 0.0) / (1 - chance)
    expected = (share * (1 - used)).sum(1) / (q - 1)
    own = own - 2 * (1 - value) * (expected - chance) / (1 - chance)
    variance = float(((own - value) ** 2).sum()) / (n * (n - 1))
    if variance < 1e-15:
        if value >= 1 - 1e-12:
            reason = "all agree on every case: the variance is 0"
        else:
            reason = "every case shows the same agreement: the variance is 0"
        nan = math.nan
        return Estimate(name, value, nan, nan, level, "none", **{**options, "reason": reason})
    half = t_quantile(level, n - 1) * math.sqrt(variance)
    low, high = max(-1.0, value - half), min(1.0, value + half)
    # With few disagreements the lower limit is too high: coverage is 90 % at 40 cases and .8.
    scarce = int((several & (agreed < 1)).sum())
    few = f"fewer than {FEW} {options.get('unit', 'patients')} disagreed on" if scarce < FEW else ""
    return Estimate(name, value, low, high, level, "Gwet", **{**options, "reason": few})
