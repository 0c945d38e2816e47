"""Compare two tests of the same patients: sensitivity, specificity and predictive values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .comparison import discordant, mcnemar
from .diagnostic import binary
from .distributions import chi2_p
from .estimate import Comparison, Estimate, check_level, undefined
from .proportions import combine_correlated, proportion

_SCORE = "weighted generalised score"


def compare_tests(
    truth: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    level: float = 0.95,
    between: str = "first less second",
    unit: str = "patients",
) -> dict[str, Comparison]:
    """Compare two tests that the same patients had.

    Parameters
    ----------
    truth, first, second : (n,) bool, or 0 and 1
        The reference, and the answers of both tests.
    level : float, default 0.95
    between : str
        Said after the figure's name.
    unit : str

    Returns
    -------
    dict of str to Comparison
        sensitivity and specificity by McNemar's exact test with Tango's interval, of the patients
        of one class; ppv and npv by the weighted generalised score test [1]_, with an interval of
        the difference by square-and-add from Wilson's limits, the correlation of both heeded
        [2]_. Test and interval of a predictive value can disagree where p is close to 1 - level.

    Raises
    ------
    InputError
        Lengths that differ; anything but 0 and 1; a level outside (0, 1).

    References
    ----------
    .. [1] Kosinski, Stat Med 32:964 (2013).
    .. [2] Zou and Donner, Stat Med 27:1693 (2008).

    Examples
    --------
    >>> truth = [1, 1, 1, 1, 0, 0, 0, 0]
    >>> found = compare_tests(truth, [1, 1, 1, 0, 0, 0, 1, 0], [1, 1, 0, 0, 0, 1, 1, 0])
    >>> list(found)
    ['sensitivity', 'specificity', 'ppv', 'npv']
    >>> found["ppv"].effect.estimate
    0.25
    """
    check_level(level)
    t, a, b = binary(truth, "truth"), binary(first, "first"), binary(second, "second")
    if not t.size == a.size == b.size:
        raise InputError(f"{t.size} true labels, {a.size} and {b.size} answers; expected as many")
    options: dict[str, Any] = {"level": level, "unit": unit}
    found = {}
    for name, own, right in (("sensitivity", t, True), ("specificity", ~t, False)):
        counts = discordant(a[own] == right, b[own] == right)
        found[name] = mcnemar(*counts, name=f"{name}, {between}", **options)
    for name, positive in (("ppv", True), ("npv", False)):
        calls = (a == positive, b == positive)
        found[name] = _predictive(t == positive, *calls, name=f"{name}, {between}", **options)
    return found


def _predictive(
    right: NDArray[np.bool_],
    a: NDArray[np.bool_],
    b: NDArray[np.bool_],
    *,
    name: str,
    level: float,
    unit: str,
) -> Comparison:
    """Compare the share of `right` among the calls of `a` with that among the calls of `b`."""
    n1, n2, k1, k2 = (int(x.sum()) for x in (a, b, a & right, b & right))
    options: dict[str, Any] = {"n": min(n1, n2), "unit": unit, "style": "points"}
    nan = math.nan
    if not (n1 and n2):
        effect = undefined(name, "one test never gives this answer", level, **options)
        return Comparison(name, nan, nan, nan, "none", effect, effect.reason)
    one, two = (proportion(k, n, level=level, method="wilson") for k, n in ((k1, n1), (k2, n2)))
    both = right[a & b]
    # Patients with both calls contribute to the covariance of the two shares.
    shared = float(((both - one.estimate) * (both - two.estimate)).sum()) / (n1 * n2)
    spread = math.sqrt(
        one.estimate * (1 - one.estimate) / n1 * two.estimate * (1 - two.estimate) / n2
    )
    correlation = min(1.0, max(-1.0, shared / spread)) if spread > 0 else 0.0
    low, high = combine_correlated(one, two, correlation)
    value = one.estimate - two.estimate
    effect = Estimate(name, value, low, high, level, "square-and-add, correlated", **options)
    pooled = (k1 + k2) / (n1 + n2)
    common = float(((both - pooled) ** 2).sum()) / (n1 + n2)
    variance = (pooled * (1 - pooled) - 2 * common) * (1 / n1 + 1 / n2)
    if variance < 1e-15:
        if value == 0:
            return Comparison(name, 0.0, 1.0, 1.0, _SCORE, effect)
        reason = "the score has no variance"
        return Comparison(name, nan, nan, nan, "none", effect, reason)
    statistic = value**2 / variance
    return Comparison(name, statistic, 1.0, chi2_p(statistic, 1), _SCORE, effect)
