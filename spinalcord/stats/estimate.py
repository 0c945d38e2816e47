"""What every function of `spinalcord.stats` returns: a number with its interval and its origin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from ..errors import InputError

FEW = 10  # below this many, a sentence says so
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
        Why the estimate or its interval is not defined; empty where both are.
    details : mapping
        What else the number depends on, such as the seed or the positive class.
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

    @property
    def defined(self) -> bool:
        """Whether there is a number at all."""
        return not math.isnan(self.estimate)

    def sentence(self, *, digits: int | None = None) -> str:
        """Print the estimate in the letter's manner.

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
        if math.isnan(self.low) or math.isnan(self.high):
            text += f" [no interval: {self.reason}]"
        else:
            ends = f"{self._text(self.low, digits)}, {self._text(self.high, digits)}"
            text += f" [{decimal(100 * self.level, 0)} % CI: {ends}]"
        if self.n is not None and self.n < FEW:
            text += f"; fewer than {FEW} {self.unit}"
        return text

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
            **self.details,
            "sentence": self.sentence(),
        }

    def _text(self, value: float, digits: int | None) -> str:
        if self.style == "percent":
            return f"{decimal(100 * value, digits or 0)} %"
        if self.style == "points":
            number = decimal(100 * value, digits or 0)
            return f"{number} point{'' if number.lstrip('-') == '1' else 's'}"
        return decimal(value, 2 if digits is None else digits)


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
        Two-sided; NaN where not defined.
    method : str
        The test.
    effect : Estimate
        The difference or ratio, with its interval.
    reason : str
        Why `p` is not defined; empty where it is.
    """

    name: str
    statistic: float
    df: float
    p: float
    method: str
    effect: Estimate
    reason: str = ""

    def sentence(self) -> str:
        """Print the effect with its interval, then the p-value and the test."""
        text = f"{self.effect.name} {self.effect.sentence()}"
        if math.isnan(self.p):
            return f"{text}; no p-value: {self.reason}"
        return f"{text}; {p_text(self.p)} ({self.method})"

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
    """Print a p-value: three places, or as below .001."""
    if p < 0.001:
        return "p < .001"
    return "p = " + ("1.0" if p > 0.9995 else f"{p:.3f}".lstrip("0"))


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
