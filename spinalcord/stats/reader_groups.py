"""Compare a model, or two modalities, with readers as a random sample of readers.

Obuchowski and Rockette's analysis of variance for any per-reader figure: the AUC where readers gave
scores; accuracy, sensitivity or specificity where they gave answers. Conclusions generalise to
similar readers and cases, whereas comparisons with single readers are about those readers only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from .diagnostic import binary
from .distributions import t_p, t_quantile
from .estimate import Comparison, Estimate, check_level
from .mrmc import Mrmc, analyse_readings, mean_covariances
from .roc import delong_covariance

ReaderFigure: TypeAlias = Literal["auc", "accuracy", "sensitivity", "specificity"]
Float: TypeAlias = NDArray[np.float64]
_FIGURES = ("auc", "accuracy", "sensitivity", "specificity")
_METHOD = "Obuchowski-Rockette, one model against random readers"
_LEAST = 5  # relevant cases; with fewer the test rejects far too often
_ENOUGH = 40  # with fewer it rejects up to 9 % (one-sided 12 %), and the result is marked


@dataclass(frozen=True)
class ModelAgainstReaders:
    """A model beside readers who stand for all readers.

    Parameters
    ----------
    figure : str
    model : float
        The model's own.
    readers : tuple of float
        Each reader's.
    comparison : Comparison
        The model less the mean reader; `df` is that of the t distribution.
    components : dict of str to float
        MS(R), and the means of the differences' variances (Var) and covariances (Cov2).

    Examples
    --------
    >>> truth = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> model = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1]
    >>> readers = [[1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1], [1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1]]
    >>> found = compare_with_readers(truth, model, readers, figure="accuracy")
    >>> round(found.model, 3), [round(x, 3) for x in found.readers]
    (0.833, [0.75, 0.667])
    """

    figure: str
    model: float
    readers: tuple[float, ...]
    comparison: Comparison
    components: dict[str, float]


def compare_with_readers(
    truth: ArrayLike,
    model: ArrayLike,
    readers: ArrayLike,
    *,
    figure: ReaderFigure = "auc",
    level: float = 0.95,
    unit: str = "patients",
) -> ModelAgainstReaders:
    """Compare a model with readers as a random group.

    Parameters
    ----------
    truth : (n,) bool, or 0 and 1
    model : (n,) float
        Scores for ``"auc"``, else answers, 0 and 1.
    readers : (readers, n) float
        The same of every reader, at least two.
    figure : {"auc", "accuracy", "sensitivity", "specificity"}
    level : float, default 0.95
    unit : str

    Returns
    -------
    ModelAgainstReaders
        The difference of each reader from the model is the figure that is analysed, with one
        modality [1]_ and Hillis' degrees of freedom [2]_. Without p-value and interval where
        neither readers nor cases vary, or fewer than 5 cases of a class count; marked where it is
        fewer than 40.

    Raises
    ------
    InputError
        Shapes that differ; fewer than two readers; another figure; as `auc`; a class that the
        figure needs is empty; a level outside (0, 1).
    ImportError
        Without SciPy.

    References
    ----------
    .. [1] Obuchowski and Rockette, Commun Stat Simul Comput 24:285 (1995); Chakraborty, Observer
       Performance Methods for Diagnostic Imaging (2017), ch. 22, on one standalone model.
    .. [2] Hillis, Stat Med 26:596 (2007).

    Examples
    --------
    >>> truth = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    >>> model = [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1]
    >>> readers = [[1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1], [1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1]]
    >>> found = compare_with_readers(truth, model, readers, figure="accuracy")
    >>> round(found.comparison.effect.estimate, 3)
    0.125
    """
    check_level(level)
    scores, r = np.asarray(readers, np.float64), np.shape(readers)
    if len(r) != 2 or r[0] < 2 or np.shape(model) != (r[1],):
        raise InputError(
            f"readers have shape {r}, the model {np.shape(model)}; expected (readers, cases), two "
            "readers or more, and (cases,)"
        )
    every = np.vstack([np.asarray(model, np.float64)[None], scores])
    values, covariance, n = _figures(truth, every, figure)
    gaps = values[0] - values[1:]
    c = covariance[0, 0] - covariance[0, 1:][:, None] - covariance[0, 1:][None] + covariance[1:, 1:]
    count = r[0]
    variance = float(np.diag(c).mean())
    shared = float((c.sum() - np.trace(c)) / (count * (count - 1)))
    spread = float(gaps.var(ddof=1))
    options: dict[str, Any] = {"n": n, "unit": unit, "details": {"readers": count}}
    options["style"] = "plain" if figure == "auc" else "points"
    name = f"{'AUC' if figure == 'auc' else figure}, model less mean reader"
    components = {"MS(R)": spread, "Var": variance, "Cov2": shared}
    size = _size(truth, figure)
    test = _t_test(name, gaps, spread, shared, size, level, options)
    return ModelAgainstReaders(
        figure, float(values[0]), tuple(float(v) for v in values[1:]), test, components
    )


def compare_modalities_by(
    figure: ReaderFigure,
    truth: ArrayLike,
    answers: ArrayLike,
    *,
    modalities: Sequence[str] | None = None,
    level: float = 0.95,
    unit: str = "patients",
) -> Mrmc:
    """Compare modalities by sensitivity, specificity or accuracy of several readers.

    Parameters
    ----------
    figure : {"auc", "accuracy", "sensitivity", "specificity"}
    truth : (n,) bool, or 0 and 1
    answers : (modalities, readers, n) 0 and 1; scores for ``"auc"``
        Every reader judged every case with every modality; at least two of each.
    modalities, level, unit
        As in `compare_modalities`, which is the same for the AUC.

    Returns
    -------
    Mrmc

    Raises
    ------
    InputError
        As `compare_modalities`; another figure; answers other than 0 and 1.
    ImportError
        Without SciPy.

    References
    ----------
    .. [1] Obuchowski and Rockette, Commun Stat Simul Comput 24:285 (1995), for any figure; Chen
       et al., J Med Imaging 5:031410 (2018), for binary answers.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = np.repeat([1, 0], 30)
    >>> answers = rng.random((2, 3, 60)) < np.where(truth, 0.8, 0.1)
    >>> study = compare_modalities_by("sensitivity", truth, answers, modalities=("T2", "T2 + T1c"))
    >>> study.comparison.effect.name
    'sensitivity, T2 less T2 + T1c'
    """
    check_level(level)
    s = np.asarray(answers, np.float64)
    if s.ndim != 3 or s.shape[0] < 2 or s.shape[1] < 2:
        raise InputError(
            f"answers have shape {s.shape}; expected (modalities, readers, cases), two or more of "
            "the first two"
        )
    t, r, n = s.shape
    names = tuple(str(i + 1) for i in range(t)) if modalities is None else tuple(modalities)
    if len(names) != t:
        raise InputError(f"{len(names)} names for {t} modalities")
    values, covariance, counted = _figures(truth, s.reshape(t * r, n), figure)
    covariances = mean_covariances(covariance.reshape(t, r, t, r))
    options: dict[str, Any] = {"n": counted, "unit": unit}
    if figure != "auc":
        options["style"] = "points"
    found = analyse_readings(values.reshape(t, r), covariances, names, level=level, options=options)
    if figure == "auc":
        return found
    return replace(
        found,
        differences=tuple(_renamed(e, figure) for e in found.differences),
        comparison=replace(found.comparison, effect=_renamed(found.comparison.effect, figure)),
    )


def _renamed(estimate: Estimate, figure: str) -> Estimate:
    return replace(estimate, name=estimate.name.replace("AUC", figure, 1))


def _figures(truth: ArrayLike, answers: Float, figure: str) -> tuple[Float, Float, int]:
    """Return every row's figure, their covariance over cases, and the number of relevant cases."""
    if figure not in _FIGURES:
        raise InputError(f"figure is {figure!r}; expected one of {', '.join(_FIGURES)}")
    labels = binary(truth, "truth")
    if answers.shape[1] != labels.size:
        raise InputError(f"{labels.size} labels and answers of {answers.shape[1]} cases")
    if figure == "auc":
        return (*delong_covariance(labels, answers), int(labels.size))
    if not np.isin(answers, (0, 1)).all():
        raise InputError(f"answers contain something other than 0 and 1, which {figure} needs")
    own = {"accuracy": np.ones_like(labels), "sensitivity": labels, "specificity": ~labels}[figure]
    right = (answers[:, own] == labels[own]).astype(np.float64)
    n = right.shape[1]
    if not n:
        raise InputError(f"no case of the class that {figure} is about")
    apart = right - right.mean(1, keepdims=True)
    return right.mean(1), apart @ apart.T / (n * max(n - 1, 1)), n


def _size(truth: ArrayLike, figure: str) -> int:
    """Return the number of cases behind the figure; for an AUC those of the smaller class."""
    labels = np.asarray(truth, bool)
    sizes = {
        "auc": min(int(labels.sum()), int((~labels).sum())),
        "accuracy": int(labels.size),
        "sensitivity": int(labels.sum()),
        "specificity": int((~labels).sum()),
    }
    return sizes[figure]


def _t_test(
    name: str,
    gaps: Float,
    spread: float,
    shared: float,
    size: int,
    level: float,
    options: dict[str, Any],
) -> Comparison:
    count, value, nan = gaps.size, float(gaps.mean()), math.nan
    error = spread + max(count * shared, 0.0)
    reason = f"fewer than {_LEAST} cases that count are too few to say" if size < _LEAST else ""
    if not reason and error < 1e-15:
        reason = "neither readers nor cases vary"
    if reason:
        effect = Estimate(name, value, nan, nan, level, "none", reason=reason, **options)
        return Comparison(name, nan, nan, nan, "none", effect, reason)
    # Without variance between readers only that of the cases is left, and the degrees of freedom
    # go to infinity.
    df = (count - 1) * (error / spread) ** 2 if spread > 1e-15 else math.inf
    half = t_quantile(level, df) * math.sqrt(error / count)
    statistic = value / math.sqrt(error / count)
    low, high = max(value - half, -1.0), min(value + half, 1.0)
    # Two readers leave one degree of freedom: mark intervals too wide to be informative.
    few = f"{count} readers are too few to stand for all readers" if count < 3 else ""
    small = f"fewer than {_ENOUGH} cases that count" if size < _ENOUGH else ""
    effect = Estimate(name, value, low, high, level, _METHOD, reason=few or small, **options)
    return Comparison(name, statistic, df, t_p(statistic, df), _METHOD, effect, small)
