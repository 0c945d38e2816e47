"""The 2 x 2 table of a test against the truth, and its accuracy measures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .agreement import cohen_kappa
from .distributions import normal_quantile
from .estimate import Estimate, check_level, undefined
from .proportions import Method, check_count, combine, proportion, wilson_interval

_PARTS: Method = "modified-wilson"  # of sums; near 1 the sum of the plain limits covers only 89 %


@dataclass(frozen=True)
class TwoByTwo:
    """Counts of a test against the truth.

    Parameters
    ----------
    tp, fn, tn, fp : int
        True positives, false negatives, true negatives, false positives.
    positive : str
        What the positive class is; recorded with every figure.
    unit : str
        What was counted: patients, never slices of one patient.

    Raises
    ------
    InputError
        Counts that are not integers of at least 0.

    Examples
    --------
    >>> table = TwoByTwo(tp=18, fn=2, tn=27, fp=3, positive="tumor")
    >>> table.summary()["sensitivity"].sentence()
    '90 % (18 of 20) [95 % CI: 70 %, 99 %]'
    """

    tp: int
    fn: int
    tn: int
    fp: int
    positive: str = "positive"
    unit: str = "patients"

    def __post_init__(self) -> None:
        for name in ("tp", "fn", "tn", "fp"):
            object.__setattr__(self, name, check_count(getattr(self, name), name))

    @classmethod
    def from_labels(
        cls,
        truth: ArrayLike,
        predicted: ArrayLike,
        *,
        positive: str = "positive",
        unit: str = "patients",
    ) -> TwoByTwo:
        """Count one label per unit.

        Parameters
        ----------
        truth, predicted : (n,) bool, or 0 and 1
        positive, unit : str
            As in the class.

        Raises
        ------
        InputError
            Lengths that differ; anything but 0 and 1.
        """
        t, p = binary(truth, "truth"), binary(predicted, "predicted")
        if t.shape != p.shape:
            raise InputError(f"{t.size} true labels and {p.size} predicted ones")
        tp, fn, tn, fp = (int(c.sum()) for c in (t & p, t & ~p, ~t & ~p, ~t & p))
        return cls(tp, fn, tn, fp, positive, unit)

    @property
    def n(self) -> int:
        """All that were counted."""
        return self.tp + self.fn + self.tn + self.fp

    @property
    def n_positive(self) -> int:
        """Those that truly are positive."""
        return self.tp + self.fn

    @property
    def n_negative(self) -> int:
        """Those that truly are negative."""
        return self.tn + self.fp

    @property
    def n_correct(self) -> int:
        """Those that the test got right."""
        return self.tp + self.tn

    def summary(self, *, level: float = 0.95, method: Method = "default") -> dict[str, Estimate]:
        """Compute every figure.

        Parameters
        ----------
        level : float, default 0.95
        method : str
            Interval of the proportions, as in `proportion`.

        Returns
        -------
        dict of str to Estimate
            accuracy, sensitivity, specificity, ppv, npv, precision, recall, balanced_accuracy, f1,
            mcc, kappa, youden, lr_positive, lr_negative, in this order.

        Raises
        ------
        InputError
            As `proportion`.

        Notes
        -----
        Intervals: those of `proportion`; balanced accuracy and Youden's index by square-and-add
        from Wilson's modified limits [1]_; F1 by Wilson's limits of tp / (tp + fp + fn), of which
        it is a monotone function; MCC by the delta method [2]_ on Fisher's z; likelihood ratios by
        the logarithm [3]_.

        References
        ----------
        .. [1] Newcombe, Stat Med 17:873 (1998).
        .. [2] Bishop, Fienberg and Holland, Discrete Multivariate Analysis (1975), 11.3.
        .. [3] Simel, Samsa and Matchar, J Clin Epidemiol 44:763 (1991).
        """
        check_level(level)
        tp, fn, tn, fp = self.tp, self.fn, self.tn, self.fp
        proportions = {
            "accuracy": (tp + tn, self.n),
            "sensitivity": (tp, tp + fn),
            "specificity": (tn, tn + fp),
            "ppv": (tp, tp + fp),
            "npv": (tn, tn + fn),
            "precision": (tp, tp + fp),
            "recall": (tp, tp + fn),
        }
        out = {
            name: proportion(
                k, n, level=level, method=method, name=name, unit=self.unit, positive=self.positive
            )
            for name, (k, n) in proportions.items()
        }
        others: dict[str, Callable[[float], Estimate]] = {
            "balanced_accuracy": self._balanced_accuracy,
            "f1": self._f1,
            "mcc": self._mcc,
            "kappa": self._kappa,
            "youden": self._youden,
            "lr_positive": self._lr_positive,
            "lr_negative": self._lr_negative,
        }
        return out | {name: compute(level) for name, compute in others.items()}

    def predictive_values(
        self, prevalence: float, *, level: float = 0.95
    ) -> tuple[Estimate, Estimate]:
        """Positive and negative predictive value at another prevalence.

        Parameters
        ----------
        prevalence : float
            Between 0 and 1, taken as known.
        level : float, default 0.95

        Returns
        -------
        ppv, npv : Estimate
            By Bayes' rule, with intervals on the logit scale [1]_; no interval where sensitivity or
            specificity is 0 or 1.

        Raises
        ------
        InputError
            A prevalence or level outside (0, 1).

        References
        ----------
        .. [1] Mercaldo, Lau and Zhou, Stat Med 26:2170 (2007).
        """
        check_level(level)
        if not 0 < prevalence < 1:
            raise InputError(f"the prevalence is {prevalence}; expected a number between 0 and 1")
        odds = prevalence / (1 - prevalence)
        tp, fn, tn, fp = self.tp, self.fn, self.tn, self.fp
        n1, n0 = tp + fn, tn + fp
        ppv = self._at("ppv", tp, n1, fp, n0, odds, level, prevalence)
        npv = self._at("npv", tn, n0, fn, n1, 1 / odds, level, prevalence)
        return ppv, npv

    def _at(
        self,
        name: str,
        right: int,
        n_right: int,
        wrong: int,
        n_wrong: int,
        odds: float,
        level: float,
        prevalence: float,
    ) -> Estimate:
        """Return the odds of being right: odds * (right / n_right) / (wrong / n_wrong)."""
        options = self._options("percent", prevalence=prevalence)
        if n_right == 0 or n_wrong == 0:
            return undefined(name, "one class is empty", level, **options)
        if right == 0 and wrong == 0:
            return undefined(name, f"no {self.unit} with this answer", level, **options)
        up, down = odds * right * n_wrong, float(wrong * n_right)
        value = up / (up + down)
        if right in (0, n_right) or wrong in (0, n_wrong):
            reason = "sensitivity or specificity is 0 or 1"
            return Estimate(
                name, value, math.nan, math.nan, level, "none", reason=reason, **options
            )
        variance = 1 / right - 1 / n_right + 1 / wrong - 1 / n_wrong
        half = normal_quantile(level) * math.sqrt(variance)
        logit = math.log(up / down)
        low, high = (1 / (1 + math.exp(-x)) for x in (logit - half, logit + half))
        return Estimate(name, value, low, high, level, "logit", **options)

    def _sum(self, level: float) -> tuple[float, float, float] | None:
        """Return sensitivity + specificity with limits; None where a class is empty."""
        if self.n_positive == 0 or self.n_negative == 0:
            return None
        sensitivity = proportion(self.tp, self.n_positive, level=level, method=_PARTS)
        specificity = proportion(self.tn, self.n_negative, level=level, method=_PARTS)
        low, high = combine(sensitivity, specificity, sign=1)
        return sensitivity.estimate + specificity.estimate, low, high

    def _balanced_accuracy(self, level: float) -> Estimate:
        total = self._sum(level)
        options = self._options("percent")
        if total is None:
            return undefined("balanced_accuracy", "one class is empty", level, **options)
        value, low, high = (x / 2 for x in total)
        return Estimate("balanced_accuracy", value, low, high, level, "square-and-add", **options)

    def _youden(self, level: float) -> Estimate:
        total = self._sum(level)
        options = self._options("plain")
        if total is None:
            return undefined("youden", "one class is empty", level, **options)
        value, low, high = (x - 1 for x in total)
        return Estimate("youden", value, low, high, level, "square-and-add", **options)

    def _f1(self, level: float) -> Estimate:
        n = self.tp + self.fp + self.fn
        options = self._options("plain")
        if n == 0:
            reason = f"no {self.unit} are positive or called so"
            return undefined("f1", reason, level, **options)
        share = self.tp / n
        limits = wilson_interval(share, n, level)
        value, low, high = (2 * x / (1 + x) for x in (share, *limits))
        return Estimate("f1", value, low, high, level, "Wilson", **options)

    def _mcc(self, level: float) -> Estimate:
        n, options = self.n, self._options("plain")
        rows = (self.tp + self.fn, self.tn + self.fp)
        columns = (self.tp + self.fp, self.tn + self.fn)
        product = math.prod(rows) * math.prod(columns)
        if product == 0:
            return undefined("mcc", "a row or column of the table is empty", level, **options)
        root = math.sqrt(product)
        mcc = (self.tp * self.tn - self.fp * self.fn) / root
        if abs(mcc) >= 1:
            reason = "at 1 or -1 the delta method has no width"
            return Estimate("mcc", mcc, math.nan, math.nan, level, "none", reason=reason, **options)
        row, column = rows[0] - rows[1], columns[0] - columns[1]
        squares = row**2 / math.prod(rows) + column**2 / math.prod(columns)
        cross = row * column / root
        variance = 1 - mcc**2 + mcc * (1 + mcc**2 / 2) * cross - 0.75 * mcc**2 * squares
        half = normal_quantile(level) * math.sqrt(max(variance, 0.0) / n) / (1 - mcc**2)
        low, high = (math.tanh(math.atanh(mcc) + x) for x in (-half, half))
        return Estimate("mcc", mcc, low, high, level, "delta method, Fisher's z", **options)

    def _kappa(self, level: float) -> Estimate:
        table = [[self.tp, self.fn], [self.fp, self.tn]]
        return cohen_kappa(
            table, method="score", level=level, name="kappa", **self._options("plain")
        )

    def _lr_positive(self, level: float) -> Estimate:
        return self._ratio("lr_positive", self.tp, self.fp, level)

    def _lr_negative(self, level: float) -> Estimate:
        return self._ratio("lr_negative", self.fn, self.tn, level)

    def _ratio(self, name: str, k1: int, k0: int, level: float) -> Estimate:
        """Return (k1 / positives) / (k0 / negatives)."""
        options = self._options("plain")
        n1, n0 = self.n_positive, self.n_negative
        if n1 == 0 or n0 == 0:
            return undefined(name, "one class is empty", level, **options)
        if k0 == 0:
            return undefined(name, "its denominator is 0", level, **options)
        ratio = k1 * n0 / (n1 * k0)
        if k1 == 0:
            reason = "its numerator is 0"
            return Estimate(name, 0.0, math.nan, math.nan, level, "none", reason=reason, **options)
        half = normal_quantile(level) * math.sqrt(1 / k1 - 1 / n1 + 1 / k0 - 1 / n0)
        low, high = ratio * math.exp(-half), ratio * math.exp(half)
        return Estimate(name, ratio, low, high, level, "logarithm", **options)

    def _options(self, style: str, **details: Any) -> dict[str, Any]:
        details = {"positive": self.positive, **details}
        return {
            "n": self.n,
            "smallest": min(self.n_positive, self.n_negative),
            "unit": self.unit,
            "style": style,
            "details": details,
        }


def binary(values: ArrayLike, name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return labels as bool.

    Parameters
    ----------
    values : (n,) bool, or 0 and 1
    name : str
        For the message.

    Raises
    ------
    InputError
        Another number of axes; anything but 0 and 1.
    """
    array = np.asarray(values)
    if array.ndim != 1 or not np.isin(array, (0, 1)).all():
        raise InputError(f"{name} contains something other than one label, 0 or 1, per case")
    return array.astype(np.bool_)
