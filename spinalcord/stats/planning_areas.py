"""Sample sizes for the area under an ROC curve, or for a difference of two areas."""

from __future__ import annotations

import math
from statistics import NormalDist

from ..errors import InputError
from .distributions import normal_quantile
from .planning import SampleSize, check_power, reached_power

_NORMAL = NormalDist()


def auc_variance(area: float, ratio: float) -> float:
    """Variance of an AUC times the number of positive cases (Obuchowski).

    Parameters
    ----------
    area : float
        Between 0.5 and 1.
    ratio : float
        Negative cases per positive one.

    References
    ----------
    .. [1] Obuchowski, McClish, Stat Med 16:1529 (1997); ratings on five categories or more.

    Examples
    --------
    >>> round(auc_variance(0.8, 1.0), 4)
    0.1195
    """
    a = _NORMAL.inv_cdf(area) * 1.414
    return 0.0099 * math.exp(-a * a / 2) * ((5 * a * a + 8) + (a * a + 8) / ratio)


def patients_for_auc(
    area: float, *, power: float = 0.8, ratio: float = 1.0, alpha: float = 0.05
) -> SampleSize:
    """Patients to show that an AUC is above 0.5.

    Parameters
    ----------
    area : float
        Supposed, above 0.5 and below 1.
    power : float, default 0.8
    ratio : float, default 1
        Negative cases per positive one.
    alpha : float, default 0.05
        Two-sided.

    Returns
    -------
    SampleSize

    Raises
    ------
    InputError
        Values out of range.

    References
    ----------
    .. [1] Obuchowski, Lieber and Wians, Clin Chem 50:1118 (2004).

    Examples
    --------
    >>> patients_for_auc(0.8, power=0.9).parts
    {'positive': 17, 'negative': 17}
    """
    check_power(power, alpha)
    if not (0.5 < area < 1 and ratio > 0):
        raise InputError(f"an AUC of {area}, ratio {ratio}; expected 0.5 < AUC < 1, ratio above 0")
    za, zb = normal_quantile(1 - alpha), _NORMAL.inv_cdf(power)
    null, own = 0.0792 * (1 + 1 / ratio), auc_variance(area, ratio)
    positive = math.ceil((za * math.sqrt(null) + zb * math.sqrt(own)) ** 2 / (area - 0.5) ** 2)
    negative = math.ceil(positive * ratio)
    reached = reached_power(area - 0.5, positive, za, null, own)
    return _test(f"an AUC of {round(area, 3):g} against 0.5", positive, negative, reached, alpha)


def patients_for_auc_difference(
    first: float,
    second: float,
    *,
    correlation: float = 0.5,
    power: float = 0.8,
    ratio: float = 1.0,
    alpha: float = 0.05,
) -> SampleSize:
    """Patients to show that two AUCs of the same patients differ.

    Parameters
    ----------
    first, second : float
        Supposed; different, between 0.5 and 1.
    correlation : float, default 0.5
        Correlation of the two areas, 0 to below 1; 0 for different patients in both groups, `n`
        each.
    power, ratio, alpha
        As in `patients_for_auc`.

    Returns
    -------
    SampleSize

    Raises
    ------
    InputError
        Values out of range.

    References
    ----------
    .. [1] Obuchowski and McClish, Stat Med 16:1529 (1997); Hanley and McNeil, Radiology 148:839
       (1983), on the correlation.

    Examples
    --------
    >>> patients_for_auc_difference(0.9, 0.8).n
    154
    """
    check_power(power, alpha)
    areas = (first, second)
    if not (all(0.5 < a < 1 for a in areas) and first != second and 0 <= correlation < 1):
        raise InputError(
            f"AUCs of {first} and {second}, correlation {correlation}; expected different ones "
            "between 0.5 and 1, and 0 to below 1"
        )
    if ratio <= 0:
        raise InputError(f"ratio is {ratio}; expected a number above 0")
    za, zb = normal_quantile(1 - alpha), _NORMAL.inv_cdf(power)
    v1, v2 = (auc_variance(a, ratio) for a in areas)
    middle = auc_variance((first + second) / 2, ratio)
    null = 2 * middle * (1 - correlation)
    own = v1 + v2 - 2 * correlation * math.sqrt(v1 * v2)
    gap = abs(first - second)
    positive = math.ceil((za * math.sqrt(null) + zb * math.sqrt(own)) ** 2 / gap**2)
    negative = math.ceil(positive * ratio)
    reached = reached_power(gap, positive, za, null, own)
    what = f"AUCs of {first:g} and {second:g}, correlation {correlation:g}"
    return _test(what, positive, negative, reached, alpha)


def _test(what: str, positive: int, negative: int, power: float, alpha: float) -> SampleSize:
    parts = {"positive": positive, "negative": negative}
    return SampleSize(
        what, positive + negative, parts, power, math.nan, 1 - alpha, "Obuchowski and McClish"
    )
