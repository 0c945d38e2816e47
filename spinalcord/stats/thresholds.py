"""Decision thresholds with a record of the cases on which they were chosen.

A threshold appears better than it is on the cases on which it was chosen. `evaluate` warns of that
and estimates the optimism.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, SpinalcordWarning
from .diagnostic import TwoByTwo, binary
from .estimate import decimal
from .resampling import check_drawing
from .roc import roc_curve


@dataclass(frozen=True)
class Threshold:
    """A threshold: positive where the score is at least `value`.

    Parameters
    ----------
    value : float
    rule : str
        How it was chosen, such as ``"youden"``.
    split : str
        On which cases, such as ``"validation"``.
    n : int, optional
        On how many.
    at_least : float, optional
        The bound that `rule` holds, for ``"sensitivity"`` and ``"specificity"``.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> threshold = choose_threshold(truth, scores, split="validation")
    >>> threshold.value, threshold.rule, threshold.split
    (6.0, 'youden', 'validation')
    """

    value: float
    rule: str
    split: str
    n: int | None = None
    at_least: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """What a threshold achieves.

    Parameters
    ----------
    table : TwoByTwo
    threshold : Threshold
    split : str
        The cases that it was evaluated on.
    optimism : float
        By how much the accuracy is too high because the threshold was chosen on the same cases; 0
        where it was not.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> threshold = choose_threshold(truth, scores, split="validation")
    >>> found = evaluate(threshold, truth, scores, split="test")
    >>> found.split, found.optimism, found.table.summary()["accuracy"].sentence()
    ('test', 0.0, '83 % (40 of 48) [95 % CI: 70 %, 91 %]')
    """

    table: TwoByTwo
    threshold: Threshold
    split: str
    optimism: float


def choose_threshold(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    split: str,
    rule: Literal["youden", "accuracy", "sensitivity", "specificity"] = "youden",
    at_least: float | None = None,
) -> Threshold:
    """Choose a threshold.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
    split : str
        What these cases are, such as ``"validation"``; travels with the threshold.
    rule : str
        ``"youden"``: largest sensitivity + specificity. ``"accuracy"``: most cases right.
        ``"sensitivity"`` or ``"specificity"``: the other one as large as can be while this one is
        `at_least`. Of equally good thresholds the highest.
    at_least : float, optional
        For the last two rules, in (0, 1].

    Returns
    -------
    Threshold
        At a score of one of the cases, or infinity.

    Raises
    ------
    InputError
        As `roc_curve`; another rule; `at_least` missing, out of range or with another rule.

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> choose_threshold(truth, scores, split="validation").value
    6.0
    """
    bounded = rule in ("sensitivity", "specificity")
    if not bounded and rule not in ("youden", "accuracy"):
        raise InputError(f"rule is {rule!r}; expected youden, accuracy, sensitivity or specificity")
    if bounded != (at_least is not None) or (at_least is not None and not 0 < at_least <= 1):
        raise InputError(f"rule {rule} with at_least {at_least}; expected a share for a bound only")
    value = _choose(np.asarray(truth), np.asarray(scores, np.float64), rule, at_least)
    return Threshold(value, rule, split, int(np.size(truth)), at_least)


def evaluate(
    threshold: Threshold | float,
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    split: str,
    positive: str = "positive",
    replicates: int = 200,
    seed: int = 0,
) -> Evaluation:
    """Count what a threshold gets right.

    Parameters
    ----------
    threshold : Threshold or float
        A bare number is taken as fixed beforehand.
    truth : (n,) bool, or 0 and 1
    scores : (n,) float
    split : str
        What these cases are. If the threshold was chosen on them, a `SpinalcordWarning` says so,
        and the optimism is estimated.
    positive : str
    replicates, seed : int
        Number of replicates and seed of the bootstrap that estimates the optimism [1]_: the
        threshold is chosen anew in each sample; the optimism is the mean of its accuracy there less
        that on the cases themselves. In simulated cohorts of the letter's size that is about three
        quarters of the true one.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        Lengths that differ; NaN; labels other than 0 and 1; settings out of range.

    References
    ----------
    .. [1] Harrell, Lee and Mark, Stat Med 15:361 (1996).

    Examples
    --------
    >>> truth = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1] * 4
    >>> scores = [1, 2, 3, 4, 5, 7, 4, 6, 7, 8, 9, 9] * 4
    >>> threshold = choose_threshold(truth, scores, split="validation")
    >>> evaluate(threshold, truth, scores, split="test").table.n_correct
    40
    """
    if not isinstance(threshold, Threshold):
        threshold = Threshold(float(threshold), "given", "none")
    labels, s = binary(truth, "truth"), np.asarray(scores, np.float64)
    if s.shape != labels.shape or np.isnan(s).any():
        raise InputError(f"{labels.size} labels and scores of shape {s.shape}, or NaN among them")
    table = TwoByTwo.from_labels(labels, s >= threshold.value, positive=positive)
    optimism = 0.0
    if threshold.split == split and threshold.rule != "given":
        check_drawing(replicates, seed)
        optimism = _optimism(threshold, labels, s, replicates, seed)
        warnings.warn(
            f"the threshold was chosen ({threshold.rule}) on the {split} cases that it is "
            f"evaluated on: the accuracy is about {decimal(100 * optimism, 1)} points too high",
            SpinalcordWarning,
            stacklevel=2,
        )
    return Evaluation(table, threshold, split, optimism)


def youden_optimism(
    area: float, n_positive: int, n_negative: int, *, cohorts: int = 500, seed: int = 0
) -> float:
    """Simulate by how much accuracy flatters at Youden's threshold of the evaluated cases.

    Parameters
    ----------
    area : float
        True AUC, above 0 and below 1: scores are normal with one standard deviation.
    n_positive, n_negative : int
        Cases of each cohort, at least 1.
    cohorts : int, default 500
    seed : int, default 0

    Returns
    -------
    float
        Mean, over the cohorts, of the accuracy on the cohort less that of the same threshold on
        endless new cases with as many positives among them.

    Raises
    ------
    InputError
        Values out of range.

    Examples
    --------
    >>> round(youden_optimism(0.9, 45, 34, cohorts=200), 2)
    0.04
    """
    check_drawing(cohorts, seed)
    if not 0 < area < 1 or min(n_positive, n_negative) < 1:
        raise InputError(
            f"an AUC of {area}, {n_positive} and {n_negative} cases; expected 0 < AUC < 1, and at "
            "least one case of each class"
        )
    normal = NormalDist()
    shift = math.sqrt(2) * normal.inv_cdf(area)
    n = n_positive + n_negative
    labels = np.arange(n) < n_positive
    rng = np.random.default_rng(seed)
    gaps = []
    for s in rng.normal(size=(cohorts, n)) + shift * labels:
        cut = _choose(labels, s, "youden", None)
        here = float(((s >= cut) == labels).mean())
        missed, right = (normal.cdf(cut - shift), normal.cdf(cut)) if cut < math.inf else (1.0, 1.0)
        gaps.append(here - (n_positive * (1 - missed) + n_negative * right) / n)
    return float(np.mean(gaps))


def _choose(
    truth: NDArray[np.generic], scores: NDArray[np.float64], rule: str, at_least: float | None
) -> float:
    curve = roc_curve(truth, scores)
    worth: NDArray[np.float64]
    sensitivity, specificity = curve.sensitivity, 1 - curve.false_positive_rate
    if rule == "youden":
        worth = sensitivity + specificity
    elif rule == "accuracy":
        worth = sensitivity * curve.n_positive + specificity * curve.n_negative
    else:
        bounded, other = sensitivity, specificity
        if rule == "specificity":
            bounded, other = specificity, sensitivity
        worth = np.where(bounded >= (at_least or 0) - 1e-12, other, -1.0)
    if curve.threshold[1] == math.inf:
        worth[0] = -math.inf  # a case with an infinite score is positive at any threshold
    # Equal sums of shares may differ by rounding.
    return float(curve.threshold[np.flatnonzero(worth >= worth.max() - 1e-12)[0]])


def _optimism(
    threshold: Threshold,
    labels: NDArray[np.bool_],
    s: NDArray[np.float64],
    replicates: int,
    seed: int,
) -> float:
    rng = np.random.default_rng(seed)
    classes = [np.flatnonzero(labels == c) for c in (False, True)]
    gaps = []
    for _ in range(replicates):
        drawn = np.concatenate([rng.choice(c, c.size) for c in classes])
        value = _choose(labels[drawn], s[drawn], threshold.rule, threshold.at_least)
        right = (s >= value) == labels
        gaps.append(right[drawn].mean() - right.mean())
    return float(np.mean(gaps))
