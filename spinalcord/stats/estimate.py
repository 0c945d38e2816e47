"""Results of `spinalcord.stats`: a number with its interval and how it was obtained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from ..errors import InputError

FEW = 10  # sentences about fewer cases say so
P_LIMITS = (0.001, 0.01, 0.05, 0.1)  # a printed p-value is never rounded across one of these
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval.

    Parameters
    ----------
    name : str
        Such as ``"sensitivity"``.
    estimate, low, high : float
        NaN where not defined; `reason` then says why.
    level : float
        Coverage of the interval, such as 0.95.
    method : str
        How the interval was computed.
    n : int, optional
        Number of units behind the estimate.
    k : int, optional
        The count in the numerator of a proportion.
    unit : str
        What was counted.
    style : {"percent", "points", "plain"}
        How `sentence` prints it: a proportion, a difference of proportions, or a plain number.
    reason : str
        Why the estimate or its interval is not defined. Beside an interval it says why the sample
        is too small for it; see `reliable`. Empty otherwise.
    details : mapping
        What else the number depends on, such as the seed or the positive class.
    smallest : int, optional
        Size of the smallest class or group that the estimate depends on, where that is not `n`.

    Examples
    --------
    >>> Estimate("AUC", 0.9, 0.62, 0.98, 0.95, "DeLong, logit", n=40, smallest=4).sentence()
    '0.90 [95 % CI: 0.62, 0.98]; fewer than 10 patients in the smallest class'
    """

    name: str
    estimate: float
    low: float
    high: float
    level: float
    method: str
    n: int | None = None
    k: int | None = None
    unit: str = "patients"
    style: Literal["percent", "points", "plain"] = "plain"
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    smallest: int | None = None

    @property
    def defined(self) -> bool:
        """Whether there is a number at all."""
        return not math.isnan(self.estimate)

    @property
    def bounded(self) -> bool:
        """Whether there is an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    @property
    def few(self) -> bool:
        """Whether the estimate rests on fewer than 10 units, or on such a class or group."""
        return any(count is not None and count < FEW for count in (self.n, self.smallest))

    @property
    def reliable(self) -> bool:
        """Whether the interval covers as often as its level says.

        False where there is none, where `reason` marks the sample as too small for it, and where
        `few` holds.
        """
        return self.bounded and not self.reason and not self.few

    def sentence(self, *, digits: int | None = None) -> str:
        """Describe the estimate in one sentence.

        Parameters
        ----------
        digits : int, optional
            Decimal places; none for percentages and two for other numbers if not given.

        Returns
        -------
        str
            Such as ``"96 % (150 of 157) [95 % CI: 91 %, 98 %]"``.
        """
        counts = "" if self.k is None or self.n is None else f" ({self.k} of {self.n})"
        if not self.defined:
            return f"not defined{counts}: {self.reason}"
        text = f"{self._text(self.estimate, digits)}{counts}"
        if not self.bounded:
            text += f" [no interval: {self.reason}]"
        else:
            ends = f"{self._text(self.low, digits)}, {self._text(self.high, digits)}"
            text += f" [{percent_text(self.level)} % CI: {ends}]"
            if self.reason:
                text += f"; too small to say: {self.reason}"
        missing = int(self.details.get("undefined", 0))
        if missing and self.n is not None:
            text += f"; not defined in {missing} of {self.n + missing} {self.unit}"
        few = few_text(self.n, self.smallest, self.unit)
        return f"{text}; {few}" if few and few not in text else text

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with None for what is not defined."""
        return {
            "name": self.name,
            "estimate": _plain(self.estimate),
            "low": _plain(self.low),
            "high": _plain(self.high),
            "level": self.level,
            "method": self.method,
            "k": self.k,
            "n": self.n,
            "unit": self.unit,
            "reason": self.reason,
            **({} if self.smallest is None else {"smallest": self.smallest}),
            **self.details,
            "sentence": self.sentence(),
        }

    def _text(self, value: float, digits: int | None) -> str:
        if self.style == "percent":
            return f"{decimal(100 * value, digits or 0)} %"
        if self.style == "points":
            number = _not_zero(100 * value, digits or 0)
            return f"{number} point{'' if number.lstrip('-') == '1' else 's'}"
        return _not_zero(value, 2 if digits is None else digits)


@dataclass(frozen=True)
class Comparison:
    """A test with the effect that it is about.

    Parameters
    ----------
    name : str
        What is compared.
    statistic : float
        NaN for exact tests, which have none.
    df : float
        Degrees of freedom; NaN where the statistic has none.
    p : float
        Two-sided, 0 to 1; NaN where not defined.
    method : str
        The test.
    effect : Estimate
        The difference or ratio, with its interval.
    reason : str
        Why `p` is not defined. Beside a p-value it says why the sample is too small for the test;
        see `reliable`. Empty otherwise.

    Examples
    --------
    >>> effect = Estimate("difference", 0.1, 0.02, 0.18, 0.95, "Tango", n=80, style="points")
    >>> Comparison("readers", 4.9, 1, 0.027, "McNemar, chi-squared", effect).sentence()
    'difference 10 points [95 % CI: 2 points, 18 points]; p = .027 (McNemar, chi-squared)'
    """

    name: str
    statistic: float
    df: float
    p: float
    method: str
    effect: Estimate
    reason: str = ""

    @property
    def reliable(self) -> bool:
        """Whether the test rejects a true hypothesis as rarely as its level says."""
        return not math.isnan(self.p) and not self.reason

    def sentence(self) -> str:
        """Describe the effect with its interval, then the p-value and the test."""
        text = f"{self.effect.name} {self.effect.sentence()}"
        if math.isnan(self.p):
            return f"{text}; no p-value: {self.reason}"
        mark = f"; too small to say: {self.reason}" if self.reason else ""
        return f"{text}; {p_text(self.p)} ({self.method}{mark})"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with None for what is not defined."""
        return {
            "name": self.name,
            "statistic": _plain(self.statistic),
            "df": _plain(self.df),
            "p": _plain(self.p),
            "method": self.method,
            "reason": self.reason,
            "effect": self.effect.to_dict(),
            "sentence": self.sentence(),
        }


def decimal(value: float, digits: int) -> str:
    """Print a number, halves rounded away from zero as in print (Python rounds them to even).

    Parameters
    ----------
    value : float
        A difference of 1e-9 of the last place counts as a half.
    digits : int
        Decimal places, 0 or more.

    Returns
    -------
    str
        Never ``"-0"``.
    """
    if not math.isfinite(value):
        return "infinity" if value > 0 else "-infinity" if value < 0 else "not defined"
    scaled = math.floor(abs(value) * 10**digits + 0.5 + 1e-9)
    sign = "-" if value < 0 and scaled else ""
    return f"{sign}{scaled / 10**digits:.{digits}f}"


def p_text(p: float) -> str:
    """Print a p-value with three places, or more where rounding would cross .01, .05 or .1.

    Parameters
    ----------
    p : float
        0 to 1, or NaN.

    Returns
    -------
    str

    Examples
    --------
    >>> p_text(0.2434), p_text(0.0499), p_text(0.0002), p_text(0.9999)
    ('p = .243', 'p = .0499', 'p < .001', 'p > .999')
    """
    if math.isnan(p):
        return "p not defined"
    if p < P_LIMITS[0]:
        return "p < .001"
    if 0.9995 <= p < 1:
        return "p > .999"
    if p == 1:
        return "p = 1.0"
    for digits in range(3, 9):
        shown = decimal(p, digits)
        if all(_side(float(shown), limit) == _side(p, limit) for limit in P_LIMITS[1:]):
            return "p = " + shown.lstrip("0")
    nearest = min(P_LIMITS, key=lambda limit: abs(limit - p))
    return f"p {'<' if p < nearest else '>'} {decimal(nearest, 3).lstrip('0')}"


def percent_text(share: float) -> str:
    """Print a share such as a confidence level in percent, with the places that it needs.

    Parameters
    ----------
    share : float
        Between 0 and 1.

    Returns
    -------
    str
        Without the sign; never 0 or 100.

    Examples
    --------
    >>> percent_text(0.95), percent_text(0.975), percent_text(0.99999)
    ('95', '97.5', '99.999')
    """
    for digits in range(2, 15):
        number = f"{100 * share:.{digits}f}".rstrip("0").rstrip(".")
        if number not in ("0", "100"):
            return number
    return repr(100 * share)


def few_text(n: int | None, smallest: int | None, unit: str) -> str:
    """Say that an estimate rests on few units; empty where it does not.

    Parameters
    ----------
    n, smallest, unit
        As in `Estimate`.

    Returns
    -------
    str
        Such as ``"fewer than 10 patients"``.
    """
    if n is not None and n < FEW:
        return f"fewer than {FEW} {unit}"
    if smallest is not None and smallest < FEW:
        return f"fewer than {FEW} {unit} in the smallest class"
    return ""


def _side(value: float, limit: float) -> int:
    """Return -1, 0 or 1: below, at or above, with a tolerance of 1e-12 for rounding."""
    return 0 if math.isclose(value, limit, rel_tol=1e-12) else 1 if value > limit else -1


def _not_zero(value: float, digits: int) -> str:
    """Format a number, with up to three more decimals where it would be rounded to 0."""
    shown = decimal(value, digits)
    for more in range(1, 4):
        if value == 0 or not math.isfinite(value) or float(shown) != 0:
            return shown
        shown = decimal(value, digits + more)
    return shown if float(shown) != 0 else decimal(value, digits)


def adjusted(effect: Estimate, level: float, number: int) -> Estimate:
    """Label an interval whose level was raised because its difference is one of several.

    Parameters
    ----------
    effect : Estimate
        Computed at the level ``1 - (1 - level) / number``.
    level : float
        At which all differences together lie in their intervals.
    number : int
        How many differences there are.

    Returns
    -------
    Estimate
    """
    if number == 1:
        return effect
    how = f"{effect.method}, Bonferroni for {number} differences"
    return replace(effect, level=level, method=how)


def undefined(name: str, reason: str, level: float, **options: Any) -> Estimate:
    """Return an estimate that says why there is none.

    Parameters
    ----------
    name, reason : str
        What is missing, and why.
    level : float
        As asked for.
    **options
        Further fields of `Estimate`.
    """
    nan = math.nan
    return Estimate(
        name, nan, nan, nan, level, options.pop("method", "none"), reason=reason, **options
    )


def check_level(level: float) -> float:
    """Return a confidence level.

    Raises
    ------
    InputError
        Unless it lies between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"the confidence level is {level}; expected a number between 0 and 1")
    return float(level)


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else decimal(value, 0)
