"""Sample size and power of studies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ..errors import InputError
from ..wording import counted
from .distributions import normal_quantile, sign_test_p
from .estimate import check_level
from .proportions import wilson_interval

_NORMAL = NormalDist()
_MOST = 10_000_000


@dataclass(frozen=True)
class SampleSize:
    """What a study needs.

    Parameters
    ----------
    purpose : str
        What is estimated or tested, with the figures supposed.
    n : int
        In all.
    parts : dict of str to int
        How many of which kind.
    power : float
        That `n` reaches; NaN where the aim is precision.
    half_width : float
        Expected half width of the interval; NaN where the aim is a test.
    level : float
        Confidence level of the interval; 1 - alpha for a test.
    method : str

    Examples
    --------
    >>> from spinalcord.stats import patients_for_auc
    >>> size = patients_for_auc(0.8, power=0.9)
    >>> size.n, size.parts, round(size.power, 2)
    (34, {'positive': 17, 'negative': 17}, 0.91)
    """

    purpose: str
    n: int
    parts: dict[str, int]
    power: float
    half_width: float
    level: float
    method: str

    def sentence(self) -> str:
        """Say it in one sentence."""
        parts = ", ".join(f"{n} {what}" for what, n in self.parts.items())
        patients = counted(self.n, "patient") + (f" ({parts})" if len(self.parts) > 1 else "")
        if math.isnan(self.power):
            return (
                f"{self.purpose}: {patients} for an interval of +/- {self.half_width:.3f} at level "
                f"{self.level:g} ({self.method})"
            )
        return f"{self.purpose}: {patients} for a power of {100 * self.power:.0f} % ({self.method})"


def patients_for_proportion(
    expected: float, half_width: float, *, share: float = 1.0, level: float = 0.95
) -> SampleSize:
    """Patients for a sensitivity, specificity or accuracy with a given precision.

    Parameters
    ----------
    expected : float
        The proportion supposed, 0 to 1.
    half_width : float
        That Wilson's interval may have, between 0 and 0.5.
    share : float, default 1
        Share of the patients who count, such as the prevalence for a sensitivity.
    level : float, default 0.95

    Returns
    -------
    SampleSize

    Raises
    ------
    InputError
        Values out of range; more than ten million patients.

    References
    ----------
    .. [1] Newcombe, Stat Med 17:857 (1998), method 3; Buderer, Acad Emerg Med 3:895 (1996).

    Examples
    --------
    >>> patients_for_proportion(0.9, 0.05, share=0.5).parts
    {'who count': 141, 'others': 141}
    """
    check_level(level)
    if not (0 <= expected <= 1 and 0 < half_width < 0.5 and 0 < share <= 1):
        raise InputError(
            f"a proportion of {expected} +/- {half_width}, of a share {share}; expected 0 to 1, "
            "between 0 and 0.5, and above 0 to 1"
        )

    def wide(n: int) -> float:
        low, high = wilson_interval(expected, n, level)
        return (high - low) / 2

    need = _smallest(lambda n: wide(n) <= half_width)
    n = math.ceil(need / share - 1e-9)
    parts = {"who count": need} | ({"others": n - need} if share < 1 else {})
    purpose = f"a proportion of {round(expected, 3):g}"
    return SampleSize(purpose, n, parts, math.nan, wide(need), level, "Wilson")


def mcnemar_power(only_first: float, only_second: float, n: int, *, alpha: float = 0.05) -> float:
    """Power of McNemar's exact test, such as of two sensitivities of the same n patients.

    Parameters
    ----------
    only_first, only_second : float
        Shares of the patients whom only the one test, and only the other, gets right.
    n : int
        At least 1.
    alpha : float, default 0.05

    Returns
    -------
    float

    Raises
    ------
    InputError
        Values out of range.

    Examples
    --------
    >>> round(mcnemar_power(0.2, 0.05, 100), 3)
    0.837
    """
    _shares(only_first, only_second)
    check_power(0.5, alpha)
    if n < 1:
        raise InputError(f"{n} patients; expected at least 1")
    both = only_first + only_second
    if both == 0:
        return 0.0
    total = 0.0
    for m in range(1, n + 1):
        critical = next((k for k in range(m // 2, -1, -1) if sign_test_p(k, m - k) <= alpha), -1)
        if critical < 0:
            continue
        p = only_first / both
        tail = _binomial(m, p, range(critical + 1)) + _binomial(m, p, range(m - critical, m + 1))
        total += _binomial(n, both, range(m, m + 1)) * tail
    return min(total, 1.0)


def patients_for_paired(
    only_first: float,
    only_second: float,
    *,
    share: float = 1.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> SampleSize:
    """Patients to show that two sensitivities (or accuracies) of the same patients differ.

    Parameters
    ----------
    only_first, only_second : float
        As in `mcnemar_power`; different.
    share : float, default 1
        Share of the patients who count, such as the prevalence for a sensitivity.
    power, alpha : float
        As in `patients_for_auc`.

    Returns
    -------
    SampleSize
        By Connor's formula; `mcnemar_power` says what McNemar's exact test makes of it.

    Raises
    ------
    InputError
        Values out of range.

    References
    ----------
    .. [1] Connor, Biometrics 43:207 (1987).

    Examples
    --------
    >>> patients_for_paired(0.2, 0.05).n
    85
    """
    check_power(power, alpha)
    _shares(only_first, only_second)
    if only_first == only_second or not 0 < share <= 1:
        raise InputError(
            f"shares of {only_first} and {only_second}, of a share {share}; expected different "
            "ones, and above 0 to 1"
        )
    za, zb = normal_quantile(1 - alpha), _NORMAL.inv_cdf(power)
    both, gap = only_first + only_second, abs(only_first - only_second)
    spread = math.sqrt(both - gap * gap)
    need = math.ceil((za * math.sqrt(both) + zb * spread) ** 2 / gap**2)
    reached = reached_power(gap, need, za, both, spread**2)
    n = math.ceil(need / share - 1e-9)
    parts = {"who count": need} | ({"others": n - need} if share < 1 else {})
    shares = f"{round(only_first, 3):g} and {round(only_second, 3):g}"
    purpose = f"shares of {shares} that one test alone gets right"
    return SampleSize(purpose, n, parts, reached, math.nan, 1 - alpha, "Connor")


def patients_for_kappa(
    kappa: float, positive: float, half_width: float, *, level: float = 0.95
) -> SampleSize:
    """Patients for Cohen's kappa of two readers and two categories with a given precision.

    Parameters
    ----------
    kappa : float
        Supposed, 0 to below 1.
    positive : float
        Share that both readers call positive on average, between 0 and 1.
    half_width : float
        Above 0.
    level : float, default 0.95

    Returns
    -------
    SampleSize

    Raises
    ------
    InputError
        Values out of range.

    References
    ----------
    .. [1] Fleiss, Cohen and Everitt, Psychol Bull 72:323 (1969), for the variance.

    Examples
    --------
    >>> patients_for_kappa(0.8, 0.5, 0.1).n
    139
    """
    check_level(level)
    _kappa_values(kappa, positive)
    if half_width <= 0:
        raise InputError(f"the half width is {half_width}; expected a number above 0")
    z, variance = normal_quantile(level), _kappa_variance(kappa, positive)
    n = math.ceil(z * z * variance / half_width**2)
    purpose = f"a kappa of {round(kappa, 3):g}, {round(positive, 3):g} positive"
    wide = z * math.sqrt(variance / n)
    return SampleSize(
        purpose, n, {"read by both": n}, math.nan, wide, level, "Fleiss, Cohen and Everitt"
    )


def kappa_power(
    kappa: float, null: float, positive: float, n: int, *, alpha: float = 0.05
) -> float:
    """Power to show that kappa differs from a value (goodness of fit).

    Parameters
    ----------
    kappa, null : float
        True and refuted; 0 to below 1.
    positive : float
        As in `patients_for_kappa`.
    n : int
        Cases that two readers read.
    alpha : float, default 0.05

    Returns
    -------
    float

    Raises
    ------
    InputError
        Values out of range.

    References
    ----------
    .. [1] Donner and Eliasziw, Stat Med 11:1511 (1992).

    Examples
    --------
    >>> round(kappa_power(0.8, 0.5, 0.5, 60), 2)
    0.77
    """
    check_power(0.5, alpha)
    _kappa_values(kappa, positive)
    _kappa_values(null, positive)
    if n < 1:
        raise InputError(f"{n} cases; expected at least 1")
    true, false = _cells(kappa, positive), _cells(null, positive)
    shift = math.sqrt(n * sum((a - b) ** 2 / b for a, b in zip(true, false, strict=True)))
    za = normal_quantile(1 - alpha)
    # Noncentral chi-squared with one degree of freedom.
    return _NORMAL.cdf(shift - za) + _NORMAL.cdf(-shift - za)


def _cells(kappa: float, p: float) -> tuple[float, float, float]:
    """Return the shares: both positive, discordant, both negative."""
    q = 1 - p
    return p * p + p * q * kappa, 2 * p * q * (1 - kappa), q * q + p * q * kappa


def _kappa_variance(kappa: float, p: float) -> float:
    """Return n times the large-sample variance; both readers call the share p positive."""
    both, apart, none = _cells(kappa, p)
    table = np.array([[both, apart / 2], [apart / 2, none]])
    margin = np.array([p, 1 - p])
    chance = float((margin**2).sum())
    sums = margin[:, None] + margin[None, :]
    inner = float((table * (np.eye(2) - sums * (1 - kappa)) ** 2).sum())
    return (inner - (kappa - chance * (1 - kappa)) ** 2) / (1 - chance) ** 2


def _kappa_values(kappa: float, positive: float) -> None:
    if not (0 <= kappa < 1 and 0 < positive < 1):
        raise InputError(
            f"a kappa of {kappa}, {positive} positive; expected 0 to below 1, and between 0 and 1"
        )


def _shares(first: float, second: float) -> None:
    if min(first, second) < 0 or first + second > 1:
        raise InputError(
            f"shares of {first} and {second}; expected at least 0, and at most 1 in all"
        )


def check_power(power: float, alpha: float) -> None:
    """Check the settings of a test.

    Raises
    ------
    InputError
        A power or alpha outside (0, 1).
    """
    if not (0 < power < 1 and 0 < alpha < 1):
        raise InputError(f"power {power}, alpha {alpha}; expected numbers between 0 and 1")


def _binomial(n: int, p: float, at: range) -> float:
    return sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in at)


def _smallest(enough: Callable[[int], bool]) -> int:
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST:
            raise InputError(f"more than {_MOST} patients would be needed")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def reached_power(gap: float, n: int, za: float, null: float, own: float) -> float:
    """Power of a normal test whose variances times n are `null` and `own`."""
    return _NORMAL.cdf((gap * math.sqrt(n) - za * math.sqrt(null)) / math.sqrt(own))
